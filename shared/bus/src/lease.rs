//! Who speaks at once. A lease saves double work and decides nothing: whoever does not hold it
//! says the same things a little later, and the stream stores them once.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use async_nats::jetstream::kv::{Config, CreateErrorKind, Store, UpdateErrorKind};
use tokio::{
    sync::mpsc,
    task::JoinHandle,
    time::{Instant, MissedTickBehavior, interval, timeout},
};
use tracing::{debug, info};

use crate::{BootTime, Bus, connection::Live, names::LEASE_BUCKET};

/// A lease that was not renewed is gone after this, by the server's clock.
pub(crate) const LEASE_AGE: Duration = Duration::from_secs(3);
/// How often it is renewed or asked for.
pub(crate) const LEASE_EVERY: Duration = Duration::from_secs(1);
/// We believe in a renewal for less than the server does: it counts from when we asked.
const BELIEVED: Duration = Duration::from_millis(2_500);
/// How long one attempt may take.
const ATTEMPT_WAIT: Duration = Duration::from_secs(1);

/// Not held.
const NEVER: i64 = i64::MIN;

/// Asks for a lease for as long as it lives. Dropped, it lets the lease run out.
#[derive(Debug)]
pub struct Lease {
    held: Held,
    release: mpsc::Sender<()>,
    task: JoinHandle<()>,
}

/// Tells whether a lease is held; copies tell the same.
#[derive(Clone, Debug)]
pub struct Held {
    until: Arc<AtomicI64>,
}

impl Held {
    fn never() -> Self {
        Self { until: Arc::new(AtomicI64::new(NEVER)) }
    }

    /// Returns whether it is held at this moment. Costs a look at the clock.
    pub fn holds(&self) -> bool {
        BootTime::now().as_nanos() < self.until.load(Ordering::Relaxed)
    }

    fn swap(&self, until: i64) -> i64 {
        self.until.swap(until, Ordering::Relaxed)
    }
}

impl Bus {
    /// Begins to ask for the lease `key` in the name of `instance`, which no other process has.
    pub fn lease(&self, key: &'static str, instance: &str) -> Lease {
        let held = Held::never();
        let (release, released) = mpsc::channel(1);
        let keeper = Keeper {
            bus: self.clone(),
            key,
            instance: instance.to_owned(),
            revision: None,
            held: held.clone(),
        };
        Lease { held, release, task: tokio::spawn(keeper.run(released)) }
    }
}

impl Lease {
    /// Returns whether it is held at this moment. Costs a look at the clock.
    pub fn holds(&self) -> bool {
        self.held.holds()
    }

    /// Returns what tells it, for who does not own the lease.
    pub fn held(&self) -> Held {
        self.held.clone()
    }

    /// Gives it back, so that the next one need not wait for it to run out.
    pub async fn release(mut self) {
        self.release.send(()).await.ok();
        timeout(ATTEMPT_WAIT, &mut self.task).await.ok();
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Keeper {
    bus: Bus,
    key: &'static str,
    instance: String,
    revision: Option<u64>,
    held: Held,
}

impl Keeper {
    async fn run(mut self, mut released: mpsc::Receiver<()>) {
        loop {
            let live = self.bus.live().await;
            tokio::select! {
                _ = released.recv() => return self.give_back(&live).await,
                () = self.keep(&live) => {}
            }
        }
    }

    /// Asks or renews until the connection is gone.
    async fn keep(&mut self, live: &Live) {
        let mut store = None;
        let mut tick = interval(LEASE_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = tick.tick() => {}
                () = self.bus.gone(live.number) => return,
            }
            let began = BootTime::now();
            let deadline = Instant::now() + ATTEMPT_WAIT;
            let attempt = async {
                if store.is_none() {
                    store = self.open(live).await;
                }
                match &store {
                    Some(store) => self.attempt(store).await,
                    None => None,
                }
            };
            if let Ok(Some(held)) = tokio::time::timeout_at(deadline, attempt).await {
                self.note(held, began);
            }
        }
    }

    async fn open(&self, live: &Live) -> Option<Store> {
        if let Ok(store) = live.jetstream.get_key_value(LEASE_BUCKET).await {
            return Some(store);
        }
        let config = Config {
            bucket: LEASE_BUCKET.to_owned(),
            description: "Who speaks at once; without effect on what is said".to_owned(),
            max_age: LEASE_AGE,
            history: 1,
            num_replicas: self.bus.stream_settings().replicas,
            ..Config::default()
        };
        match live.jetstream.create_key_value(config).await {
            Ok(store) => Some(store),
            Err(error) => {
                debug!(error = %error, "bucket of the lease not there yet");
                None
            }
        }
    }

    /// Returns whether it is held by now; none if that is not known.
    async fn attempt(&mut self, store: &Store) -> Option<bool> {
        let value = bytes::Bytes::from(self.instance.clone());
        let Some(revision) = self.revision else {
            return match store.create(self.key, value).await {
                Ok(revision) => {
                    self.revision = Some(revision);
                    Some(true)
                }
                Err(error) if error.kind() == CreateErrorKind::AlreadyExists => Some(false),
                Err(_) => None,
            };
        };
        match store.update(self.key, value, revision).await {
            Ok(revision) => {
                self.revision = Some(revision);
                Some(true)
            }
            Err(error) if error.kind() == UpdateErrorKind::WrongLastRevision => {
                self.revision = None;
                Some(false)
            }
            Err(_) => None,
        }
    }

    fn note(&self, held: bool, began: BootTime) {
        let until = if held { began.after(BELIEVED).as_nanos() } else { NEVER };
        let before = self.held.swap(until);
        if held && before < began.as_nanos() {
            info!(lease = self.key, "lease taken: speaking at once");
        } else if !held && before != NEVER {
            info!(lease = self.key, "lease lost: speaking later");
        }
    }

    async fn give_back(&mut self, live: &Live) {
        self.held.swap(NEVER);
        let (Some(revision), Some(store)) = (self.revision, self.open(live).await) else { return };
        if let Err(error) = store.delete_expect_revision(self.key, Some(revision)).await {
            debug!(error = %error, "lease not given back, it runs out");
        }
    }
}
