//! The speaker against real servers: what is owed is said in the end, whatever stands in between.
#![cfg(test)]

use std::{
    thread,
    time::{Duration, Instant},
};

use bus::{Bus, ConnectOptions, Lease, Outgoing, StreamSettings, names, test_server::TestServer};
use fold::{Catalog, Owes as _, Waits};
use model::{Event, EventId, EventType, Payload, Position};
use serde_json::json;
use service::{Follower, Progress, Shutdown, Speaker};

/// Bound of every wait in these tests.
const LIMIT: Duration = Duration::from_secs(20);
/// Longer than who does not hold the lease waits before it speaks.
const PATIENCE: Duration = Duration::from_millis(400);
const ANSWER: &str = "sh.keptn.event.service.create.finished";

/// Runs `look` until it says yes, at most [`LIMIT`].
async fn until(what: &str, mut look: impl AsyncFnMut() -> bool) {
    let begin = Instant::now();
    while !look().await {
        assert!(begin.elapsed() < LIMIT, "no {what} in {LIMIT:?}");
        tokio::task::yield_now().await;
    }
}

/// A server, and a config-store that must wait before it speaks because the lease is ours.
struct Scene {
    server: TestServer,
    bus: Bus,
    progress: Progress,
    _lease: Lease,
}

impl Scene {
    async fn start() -> Self {
        let server = TestServer::start().await.unwrap();
        let bus = server.bus().await.unwrap();
        bus.ensure_stream(&StreamSettings::default()).await.unwrap();
        let lease = bus.lease(names::CONFIG_STORE, "somebody-else");
        until("lease", async || lease.holds()).await;
        let (sender, received) = std::sync::mpsc::channel();
        let url = server.url();
        // A runtime of its own, as in a process: if its loop does not yield, nothing in it runs.
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async move {
                let bus = Bus::connect(ConnectOptions::new(&url, "speaker")).await.unwrap();
                let filters = names::CATALOG_FILTERS;
                let follower = Follower::<Catalog>::start(&bus, names::CONFIG_STORE, &filters);
                let lease = bus.lease(names::CONFIG_STORE, "speaker");
                let progress = Progress::new(bus.clone());
                sender.send(progress.clone()).unwrap();
                let follower = follower.await.unwrap();
                let speaker = Speaker::new(bus, follower, (lease, Waits::default()), progress);
                speaker.run(Shutdown::listen(false)).await
            })
        });
        let progress = received.recv_timeout(LIMIT).unwrap();
        Self { server, bus, progress, _lease: lease }
    }

    async fn publish(&self, event: &Event) -> Position {
        let outgoing = Outgoing {
            subject: event.event_type.to_string(),
            event_json: event.to_json(),
            message_id: event.id.to_string(),
            expected_last_subject_sequence: None,
        };
        self.bus.publisher().publish(outgoing).await.unwrap().position
    }

    /// Sends a command, and returns once it was read; its answer is owed and not yet said.
    async fn command(&self) {
        until("start", async || self.progress.readiness().await.ready).await;
        let position = self.publish(&command()).await;
        until("read", async || self.progress.readiness().await.position >= position).await;
    }

    async fn expect_answer(&self) {
        until("answer", async || matches!(self.bus.last_on_subject(ANSWER).await, Ok(Some(_))))
            .await;
    }
}

fn command() -> Event {
    let kind = EventType::parse("sh.keptn.event.service.create.triggered").unwrap();
    let data = json!({"project": "nobody", "service": "carts"});
    let data = Payload::from_map(data.as_object().unwrap());
    Event::new(EventId::new("command-1").unwrap(), "test", kind, data)
}

#[tokio::test]
async fn what_fell_due_while_nats_was_away_is_said_when_it_is_back() {
    let mut scene = Scene::start().await;
    scene.command().await;
    scene.server.kill();
    let killed = Instant::now();
    until("patience", async || killed.elapsed() > PATIENCE).await;
    scene.server.restart().unwrap();
    scene.expect_answer().await;
}

#[tokio::test]
async fn an_answer_is_said_although_somebody_elses_event_holds_its_id() {
    let scene = Scene::start().await;
    scene.command().await;
    let asked = scene.bus.message_at(1).await.unwrap().unwrap().stored();
    let mut catalog = Catalog::default();
    catalog.apply(&asked);
    let id = catalog.owed_after(0).first().unwrap().id.event_id();
    let kind = EventType::parse("sh.keptn.event.update.started").unwrap();
    scene.publish(&Event::new(id, "forger", kind, Payload::empty())).await;
    scene.expect_answer().await;
}
