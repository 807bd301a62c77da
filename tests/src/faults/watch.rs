//! Follows the stream through every fault: which deliveries have ended, and who spoke when.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::project::{EXECUTOR, FIRST, LAST, SEQUENCE};
use crate::harness::nats_client::{Message, NatsClient};
use crate::harness::stack::{CONFIG_STORE, CONTROLLER, STUB_EXECUTOR};

/// Longest wait for one message before looking whether to stop.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Pause before connecting again.
const PAUSE: Duration = Duration::from_millis(10);

/// What was seen.
#[derive(Default)]
pub struct Seen {
    /// Last position.
    pub position: u64,
    /// Deliveries that have not ended.
    pub open: BTreeSet<String>,
    /// Deliveries that have.
    pub ended: usize,
    /// When the last of them did.
    pub last_end: Option<Instant>,
    /// How often each type of event was seen.
    counts: BTreeMap<String, usize>,
    /// Services that were started again: behind which position, and when.
    restarted: BTreeMap<&'static str, (u64, Instant)>,
    /// From a restart to the first event of that service.
    pub first_events: Vec<Duration>,
}

#[derive(Default)]
struct Shared {
    seen: Mutex<Seen>,
    changed: Condvar,
    stop: AtomicBool,
}

/// A reader of the whole stream. Dropped, it ends.
pub struct Watch {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Starts to read, from the first message, as soon as there is a stream.
    pub fn start(port: u16) -> Self {
        let shared = Arc::new(Shared::default());
        let own = Arc::clone(&shared);
        let thread = thread::spawn(move || own.follow(port));
        Self { shared, thread: Some(thread) }
    }

    /// Looks at what was seen.
    pub fn seen(&self) -> MutexGuard<'_, Seen> {
        self.shared.lock()
    }

    /// Notes that a delivery begins.
    pub fn begin(&self, context: &str) {
        self.seen().open.insert(context.to_owned());
    }

    /// Measures from now until the first event of a service that was just started again.
    pub fn measure(&self, service: &'static str) {
        let mut seen = self.seen();
        let position = seen.position;
        seen.restarted.insert(service, (position, Instant::now()));
    }

    /// Waits until `done`, at most for `limit`; returns whether it came to that.
    pub fn wait(&self, limit: Duration, done: impl Fn(&Seen) -> bool) -> bool {
        let waiting =
            self.shared.changed.wait_timeout_while(self.seen(), limit, |seen| !done(seen));
        !waiting.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }
}

impl Drop for Watch {
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

    fn follow(&self, port: u16) {
        while !self.stop.load(Ordering::Relaxed) {
            // Without a server or a stream there is nothing to read yet.
            if self.read_connection(port).is_err() {
                thread::park_timeout(PAUSE);
            }
        }
    }

    /// Reads until the connection breaks.
    fn read_connection(&self, port: u16) -> Result<(), String> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let client = NatsClient::connect(port).map_err(|error| error.to_string())?;
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let inbox = format!("_INBOX.watch.{}.{number}", std::process::id());
        let live = client.try_subscribe(&inbox).map_err(|error| error.to_string())?;
        let from = self.lock().position + 1;
        let consumer = json!({"stream_name": "keptn", "config": {
            "deliver_subject": inbox, "deliver_policy": "by_start_sequence", "opt_start_seq": from,
            "ack_policy": "none", "replay_policy": "instant",
        }});
        let created =
            client.request("$JS.API.CONSUMER.CREATE.keptn", consumer.to_string().as_bytes())?;
        if !created["error"].is_null() {
            return Err(created["error"].to_string());
        }
        while !self.stop.load(Ordering::Relaxed) {
            match live.recv_timeout(LOOK_EVERY) {
                Ok(message) => self.take(&message),
                Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {}
                Err(error) => return Err(error.to_string()),
            }
        }
        Ok(())
    }

    fn take(&self, message: &Message) {
        let Some(position) = message.reply.split('.').nth(5).and_then(|text| text.parse().ok())
        else {
            return;
        };
        let event: Value = serde_json::from_slice(&message.body).unwrap_or_default();
        let mut seen = self.lock();
        if position <= seen.position {
            return;
        }
        seen.position = position;
        *seen.counts.entry(event["type"].as_str().unwrap_or_default().to_owned()).or_default() += 1;
        seen.note_speaker(position, event["source"].as_str().unwrap_or_default());
        if is_end(&event) && seen.open.remove(event["shkeptncontext"].as_str().unwrap_or_default())
        {
            seen.ended += 1;
            seen.last_end = Some(Instant::now());
        }
        drop(seen);
        self.changed.notify_all();
    }
}

impl Seen {
    /// Returns how many events of a type were seen.
    pub fn count_of(&self, kind: &str) -> usize {
        self.counts.get(kind).copied().unwrap_or_default()
    }

    fn note_speaker(&mut self, position: u64, source: &str) {
        let service = match source {
            CONTROLLER => CONTROLLER,
            CONFIG_STORE => CONFIG_STORE,
            stub if stub.starts_with(EXECUTOR) => STUB_EXECUTOR,
            _ => return,
        };
        if self.restarted.get(service).is_some_and(|(after, _)| position > *after)
            && let Some((_, since)) = self.restarted.remove(service)
        {
            self.first_events.push(since.elapsed());
        }
    }
}

/// A delivery has ended when its last stage has, or an earlier one failed.
fn is_end(event: &Value) -> bool {
    let kind = event["type"].as_str().unwrap_or_default();
    let of = |stage: &str| kind == format!("sh.keptn.event.{stage}.{SEQUENCE}.finished");
    of(LAST) || of(FIRST) && event["data"]["result"] == "fail"
}
