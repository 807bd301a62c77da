//! The running service: a nats-server of the test's own, the view beside it, and a client.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use bus::{Bus, Outgoing, RequestError, StreamSettings, test_server::TestServer};
use model::Position;
use serde::{Serialize, de::DeserializeOwned};
use service::{Progress, Shutdown, Start};
use status_view::Config;
use tokio::task::JoinHandle;

use crate::stream::Stream;

/// How long an answer may take, the view's own two seconds included.
pub(crate) const LIMIT: Duration = Duration::from_secs(10);

/// A server, the view beside it, and a client.
pub(crate) struct Running {
    pub(crate) bus: Bus,
    /// Where it serves HTTP.
    pub(crate) address: SocketAddr,
    view: JoinHandle<()>,
    _server: TestServer,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.view.abort();
    }
}

impl Running {
    /// Starts a server and the view.
    pub(crate) async fn start() -> Self {
        Self::start_with(Config::default()).await
    }

    /// Starts a server and the view with settings of its own.
    pub(crate) async fn start_with(config: Config) -> Self {
        let server = TestServer::start().await.unwrap();
        let bus = server.bus().await.unwrap();
        let settings = StreamSettings { bytes_max: None, corrects_subjects: false, replicas: 1 };
        bus.ensure_stream(&settings).await.unwrap();
        let progress = Progress::new(bus.clone());
        let any = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
        let address = progress.serve_http(any, "status-view", &[]).await.unwrap();
        let start = Start {
            bus: server.bus().await.unwrap(),
            shutdown: Shutdown::listen(false),
            progress,
            config,
        };
        let view = tokio::spawn(async move { status_view::run(start).await.unwrap() });
        Self { bus, address, view, _server: server }
    }

    /// Publishes everything that a stream holds; positions are the same.
    pub(crate) async fn publish(&self, stream: &Stream) {
        self.publish_from(stream, 0).await;
    }

    /// Publishes what a stream holds behind so many events.
    pub(crate) async fn publish_from(&self, stream: &Stream, known: usize) {
        for stored in &stream.events[known..] {
            let event = stored.body.as_ref().unwrap();
            let position = self.say(&stored.subject, &event.to_json(), event.id.as_str()).await;
            assert_eq!(position, stored.position);
        }
    }

    pub(crate) async fn say(&self, subject: &str, event_json: &str, message_id: &str) -> Position {
        let outgoing = Outgoing {
            subject: subject.to_owned(),
            event_json: event_json.to_owned(),
            message_id: message_id.to_owned(),
            expected_last_subject_sequence: None,
        };
        self.bus.publisher().publish(outgoing).await.unwrap().position
    }

    pub(crate) async fn ask<A: DeserializeOwned>(
        &self,
        subject: &str,
        query: &(impl Serialize + Sync),
    ) -> Result<A, RequestError> {
        let deadline = tokio::time::Instant::now() + LIMIT;
        loop {
            match self.bus.request_json(subject, query, LIMIT).await {
                // The view has only just begun to listen.
                Err(RequestError::NoResponders { .. })
                    if tokio::time::Instant::now() < deadline =>
                {
                    tokio::task::yield_now().await;
                }
                answer => return answer,
            }
        }
    }
}
