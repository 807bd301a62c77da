//! Follows the stream: which deliveries have ended, and how long the controller took for each step.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::nats_client::{Message, NatsClient};
use crate::harness::stack::CONTROLLER;

/// Longest wait for one message before looking whether to stop.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// What was seen since it was taken last.
#[derive(Default)]
pub struct Seen {
    /// Events of all kinds.
    pub events: usize,
    /// Deliveries that have ended.
    pub ended: usize,
    /// From an event until the controller's next one for the same delivery, by the server's clock.
    pub gaps: Vec<Duration>,
}

#[derive(Default)]
struct Shared {
    seen: Mutex<Seen>,
    changed: Condvar,
    stop: AtomicBool,
}

/// A reader of what is stored from now on. Dropped, it ends.
pub struct Follower {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Follower {
    /// Starts to read; `last_type` is the type of the event that ends a delivery.
    pub fn start(port: u16, last_type: String) -> Self {
        let shared = Arc::new(Shared::default());
        let client = NatsClient::connect(port).expect("NATS accepts a connection");
        let inbox = format!("_INBOX.page-load.{}", std::process::id());
        let live = client.subscribe(&inbox);
        let consumer = json!({"stream_name": "keptn", "config": {
            "deliver_subject": inbox, "deliver_policy": "new",
            "ack_policy": "none", "replay_policy": "instant",
        }});
        let create =
            client.request("$JS.API.CONSUMER.CREATE.keptn", consumer.to_string().as_bytes());
        let created = create.expect("JetStream answers");
        assert!(created["error"].is_null(), "{created}");
        let own = Arc::clone(&shared);
        let thread = thread::spawn(move || {
            // Held, because the subscription ends with it.
            let _client = client;
            let mut last = BTreeMap::new();
            while !own.stop.load(Ordering::Relaxed) {
                if let Ok(message) = live.recv_timeout(LOOK_EVERY) {
                    own.take(&message, &mut last, &last_type);
                }
            }
        });
        Self { shared, thread: Some(thread) }
    }

    /// Returns what was seen since the last call.
    pub fn take(&self) -> Seen {
        std::mem::take(&mut *self.shared.lock())
    }

    /// Waits until `done`, at most for `limit`; fails beyond.
    #[track_caller]
    pub fn wait(&self, limit: Duration, what: &str, done: impl Fn(&Seen) -> bool) {
        let seen = self.shared.lock();
        let waited = self.shared.changed.wait_timeout_while(seen, limit, |seen| !done(seen));
        let (seen, ended) = waited.unwrap_or_else(PoisonError::into_inner);
        let ended_late = ended.timed_out();
        assert!(!ended_late, "{what}: not within {limit:?}, {} have ended", seen.ended);
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        // A thread that failed has said so already.
        drop(self.thread.take().map(JoinHandle::join));
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a message; `last` holds the time of the last event of every open delivery.
    fn take(&self, message: &Message, last: &mut BTreeMap<String, u64>, last_type: &str) {
        // $JS.ACK.<stream>.<consumer>.<deliveries>.<position>.<consumer position>.<nanos>.<left>
        let Some(stored) = message.reply.split('.').nth(7).and_then(|nanos| nanos.parse().ok())
        else {
            return;
        };
        let event: Value = serde_json::from_slice(&message.body).unwrap_or_default();
        let context = event["shkeptncontext"].as_str().unwrap_or_default();
        let mut seen = self.lock();
        seen.events += 1;
        let before = last.insert(context.to_owned(), stored);
        if event["source"] == CONTROLLER
            && let Some(before) = before
        {
            seen.gaps.push(Duration::from_nanos(stored.saturating_sub(before)));
        }
        if event["type"] == last_type {
            last.remove(context);
            seen.ended += 1;
        }
        drop(seen);
        self.changed.notify_all();
    }
}
