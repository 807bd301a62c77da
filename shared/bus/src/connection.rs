//! The connection to NATS, in generations: one that broke is thrown away with everything that was
//! queued in it, and a new one is made. Nothing is ever sent later than it was decided.

use std::{
    sync::{Arc, Mutex, OnceLock, PoisonError, atomic::AtomicBool},
    time::Duration,
};

use async_nats::{Client, Subscriber, jetstream};
use futures_util::StreamExt as _;
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{sleep, timeout},
};
use tracing::{info, warn};

use crate::{
    ConnectError, ConnectOptions, PublishCounts, ServerClock, StreamSettings, api::ApiError,
    dial::dial, profile::Profile, publisher::PublishTally,
};

/// First pause between two attempts to connect; it doubles.
const RETRY_FIRST: Duration = Duration::from_millis(5);
/// Longest pause between two attempts: a server that is back is found within this.
const RETRY_MAX: Duration = Duration::from_millis(100);
/// An outage that goes on is logged again this often.
const LOG_AGAIN: Duration = Duration::from_mins(1);

/// Says that a publish was not allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    pub(crate) subject: String,
}

impl Violation {
    /// Reads nats-server's `Permissions Violation for Publish to "<subject>"`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("Permissions Violation for Publish to ")?;
        Some(Self { subject: rest.trim_matches('"').to_owned() })
    }
}

/// One generation of the connection.
#[derive(Clone, Debug)]
pub(crate) struct Live {
    pub(crate) client: Client,
    pub(crate) jetstream: jetstream::Context,
    pub(crate) number: u64,
    pub(crate) violations: watch::Receiver<Option<Violation>>,
    pub(crate) end: Arc<End>,
    /// The stream takes no atomic batches, as was found out over this connection.
    pub(crate) refuses_batches: Arc<AtomicBool>,
}

/// A subscription that nobody publishes to: it ends when the connection does.
#[derive(Debug)]
pub(crate) struct End(tokio::sync::Mutex<Subscriber>);

impl From<Subscriber> for End {
    fn from(subscriber: Subscriber) -> Self {
        Self(tokio::sync::Mutex::new(subscriber))
    }
}

impl Live {
    /// Waits until this connection is broken.
    async fn ended(&self) {
        let mut subscriber = self.end.0.lock().await;
        while subscriber.next().await.is_some() {}
    }
}

/// The way to NATS; copies share the connection. It lasts until the last copy is dropped.
#[derive(Clone, Debug)]
pub struct Bus {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    live: watch::Receiver<Option<Live>>,
    clock: ServerClock,
    stream_settings: Mutex<StreamSettings>,
    profile: OnceLock<Profile>,
    urls: String,
    tally: Arc<PublishTally>,
    supervisor: JoinHandle<()>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.supervisor.abort();
    }
}

impl Bus {
    /// Connects, and waits for a NATS that is not there yet; says so once.
    ///
    /// # Errors
    /// [`ConnectError`] for what waiting cannot cure: an old server, wrong credentials, TLS.
    pub async fn connect(options: ConnectOptions) -> Result<Self, ConnectError> {
        let mut pause = Pause::default();
        loop {
            match dial(&options, 0).await {
                Ok(live) => return Ok(Self::supervised(options, live)),
                Err(error) if error.retryable() => {
                    pause.note(|| warn!(error = %error, "NATS is not there yet, waiting for it"));
                }
                Err(error) => return Err(error),
            }
            pause.wait().await;
        }
    }

    /// Connects now or not at all; for the command line. Later breaks are mended all the same.
    ///
    /// # Errors
    /// [`ConnectError`] if no server lets us in within `limit`.
    pub async fn connect_once(
        options: ConnectOptions,
        limit: Duration,
    ) -> Result<Self, ConnectError> {
        match timeout(limit, dial(&options, 0)).await {
            Ok(live) => Ok(Self::supervised(options, live?)),
            Err(_) => Err(ConnectError::TimedOut { urls: options.shown_urls(), limit }),
        }
    }

    fn supervised(options: ConnectOptions, live: Live) -> Self {
        let urls = options.shown_urls();
        info!(server = %urls, version = %live.client.server_info().version, "connected to NATS");
        let (live_tx, live_rx) = watch::channel(Some(live.clone()));
        let supervisor = tokio::spawn(supervise(options, live, live_tx));
        let shared = Shared {
            live: live_rx,
            clock: ServerClock::default(),
            stream_settings: Mutex::default(),
            profile: OnceLock::new(),
            urls,
            tally: Arc::default(),
            supervisor,
        };
        Self { shared: Arc::new(shared) }
    }

    /// Returns whether there is a connection at this moment.
    pub fn is_connected(&self) -> bool {
        self.shared.live.borrow().is_some()
    }

    /// Returns how often the connection was made anew.
    pub fn reconnects(&self) -> u64 {
        self.shared.live.borrow().as_ref().map_or(0, |live| live.number)
    }

    /// Returns what became of the events that were published.
    pub fn publish_counts(&self) -> PublishCounts {
        self.shared.tally.counts()
    }

    pub(crate) fn tally(&self) -> Arc<PublishTally> {
        Arc::clone(&self.shared.tally)
    }

    /// Returns the servers, without user and password.
    pub fn urls(&self) -> &str {
        &self.shared.urls
    }

    /// Returns the version of the connected server; none without a connection.
    pub fn server_version(&self) -> Option<String> {
        self.current().map(|live| live.client.server_info().version)
    }

    /// Returns the server's clock.
    pub fn clock(&self) -> &ServerClock {
        &self.shared.clock
    }

    /// Returns the server's time, at most as late as it really is.
    pub fn server_now(&self) -> model::StreamTime {
        self.shared.clock.now()
    }

    /// Waits until everything that was said so far has reached the server, at most `limit`.
    ///
    /// # Errors
    /// [`ApiError`] if there is no connection or the server does not answer in time.
    pub async fn flush(&self, limit: Duration) -> Result<(), ApiError> {
        let request = "flush";
        let live = self.live_now(request)?;
        match timeout(limit, live.client.flush()).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(ApiError::Disconnected { request: request.to_owned() }),
            Err(_) => Err(ApiError::TimedOut { request: request.to_owned(), limit }),
        }
    }

    /// Returns the current generation, if there is one.
    pub(crate) fn current(&self) -> Option<Live> {
        self.shared.live.borrow().clone()
    }

    /// Returns the current generation or says that there is none.
    pub(crate) fn live_now(&self, request: &str) -> Result<Live, ApiError> {
        self.current().ok_or_else(|| ApiError::Disconnected { request: request.to_owned() })
    }

    /// Waits for a generation.
    pub(crate) async fn live(&self) -> Live {
        let mut live = self.shared.live.clone();
        let found = live.wait_for(Option::is_some).await.ok().and_then(|live| live.clone());
        match found {
            Some(live) => live,
            // The supervisor ends only with the last copy of the bus, and we hold one.
            None => std::future::pending().await,
        }
    }

    /// Waits until generation `number` is over.
    pub(crate) async fn gone(&self, number: u64) {
        let mut live = self.shared.live.clone();
        let over = |live: &Option<Live>| live.as_ref().is_none_or(|live| live.number != number);
        if live.wait_for(over).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Tells how durable the server is; publishers that are made from then on say what piles up in a
    /// way that suits it. Told once: a second time changes nothing.
    pub fn set_profile(&self, profile: Profile) {
        self.shared.profile.get_or_init(|| profile);
    }

    /// Returns how durable the server is, as far as it was told.
    pub(crate) fn profile(&self) -> Profile {
        self.shared.profile.get().copied().unwrap_or_default()
    }

    /// Returns how the stream is to be created, should it be missing.
    pub(crate) fn stream_settings(&self) -> StreamSettings {
        self.shared.stream_settings.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Remembers how the stream is to be created.
    pub(crate) fn set_stream_settings(&self, settings: &StreamSettings) {
        *self.shared.stream_settings.lock().unwrap_or_else(PoisonError::into_inner) =
            settings.clone();
    }
}

/// Makes a new generation whenever one is over.
async fn supervise(options: ConnectOptions, first: Live, live_tx: watch::Sender<Option<Live>>) {
    let mut live = first;
    loop {
        live.ended().await;
        live_tx.send_replace(None);
        warn!(server = %options.shown_urls(), "connection to NATS lost, connecting again");
        live = dial_until_done(&options, live.number + 1).await;
        info!(server = %options.shown_urls(), "connected to NATS again");
        live_tx.send_replace(Some(live.clone()));
    }
}

async fn dial_until_done(options: &ConnectOptions, number: u64) -> Live {
    let mut pause = Pause::after_a_break();
    loop {
        match dial(options, number).await {
            Ok(live) => return live,
            Err(error) => pause.note(|| warn!(error = %error, "NATS is not back yet")),
        }
        pause.wait().await;
    }
}

/// Growing pauses, and a log line now and then.
#[derive(Default)]
struct Pause {
    next: Duration,
    waited: Duration,
    silent_until: Duration,
}

impl Pause {
    /// A server that is restarted is back within a second: nothing to be said before.
    fn after_a_break() -> Self {
        Self { silent_until: Duration::from_secs(1), ..Self::default() }
    }

    fn note(&mut self, log: impl FnOnce()) {
        if self.waited >= self.silent_until {
            log();
            self.silent_until = self.waited + LOG_AGAIN;
        }
    }

    async fn wait(&mut self) {
        self.next = (self.next * 2).clamp(RETRY_FIRST, RETRY_MAX);
        self.waited += self.next;
        sleep(self.next).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_stay_short() {
        let mut pause = Pause::default();
        for _ in 0..20 {
            pause.next = (pause.next * 2).clamp(RETRY_FIRST, RETRY_MAX);
        }
        assert_eq!(pause.next, RETRY_MAX);
    }

    #[test]
    fn a_violation_names_its_subject() {
        let text = r#"Permissions Violation for Publish to "sh.keptn.event.a.triggered""#;
        let violation = Violation::parse(text).unwrap();
        assert_eq!(violation.subject, "sh.keptn.event.a.triggered");
        assert_eq!(Violation::parse("Permissions Violation for Subscription to \"x\""), None);
    }
}
