//! Follows the stream with a state: starts from a snapshot, folds the rest, notices when the
//! stream is another one, and writes snapshots beside the loop.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bus::{
    BootTime, Bus, Mark, Read, ReadFrom, Reader, ReaderOptions, SnapshotError, SnapshotInfo,
    Snapshots,
};
use bytes::Bytes;
use model::{Position, Stored};
use serde::{Serialize, de::DeserializeOwned};
use tokio::task::JoinHandle;
use tracing::{debug, info, warn};

use crate::metrics;

/// A state that is folded from the stream. A clone must be cheap: it is made on the path of an
/// event, for a snapshot.
pub trait State: Default + Clone + Send + 'static + Serialize + DeserializeOwned {
    /// Version of how it is written into a snapshot.
    const FORMAT: u32;
    /// What applying an event says.
    type Notes;

    /// Applies the next event.
    fn apply(&mut self, stored: &Stored) -> Self::Notes;
}

/// Least log between two snapshots, in bytes: it is read again in about 25 ms. Under load a small
/// state would else be written dozens of times a second, and copied where it changes meanwhile.
const SNAPSHOT_LOG_BYTES_MIN: u64 = 8 * 1024 * 1024;
/// Log between two snapshots, in sizes of the state: so the snapshots cost a quarter of the log.
const SNAPSHOT_LOG_PER_STATE: u64 = 4;
/// Part of its size by which a state may have grown since the last snapshot; beyond it the memory that
/// the next one is written into must grow while it is written.
const GROWTH_PART: usize = 8;
/// How long a snapshot that is being written at the end is waited for.
const SNAPSHOT_WAIT: Duration = Duration::from_secs(2);
/// Pause before the snapshots are asked for again at start.
const AGAIN_PAUSE: Duration = Duration::from_millis(200);

/// Why the stream cannot be followed.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// The beginning of the stream is gone, and no snapshot stands for it.
    #[error(
        "the stream begins at {first} and no snapshot of format {format} stands for what was before; \
         run the version that wrote the snapshots, or start with an empty stream"
    )]
    BeginningGone {
        /// First position of the stream.
        first: Position,
        /// Format that this version reads.
        format: u32,
    },
}

/// What the follower says.
#[derive(Debug)]
pub enum Followed<N> {
    /// An event was applied.
    Applied {
        /// The event.
        stored: Box<Stored>,
        /// What applying it said.
        notes: N,
    },
    /// Everything up to the end that was there at the last connect was applied.
    CaughtUp,
    /// The stream is another one: the state was thrown away, whatever was derived from it is void.
    Restarted,
}

/// A state, the stream it is folded from, and its snapshots.
#[derive(Debug)]
pub struct Follower<S: State> {
    bus: Bus,
    component: &'static str,
    filters: Vec<String>,
    reader: Reader,
    state: S,
    log_bytes: u64,
    state_bytes: Arc<AtomicU64>,
    writing: Option<JoinHandle<()>>,
    loading: Option<JoinHandle<Loaded<S>>>,
}

impl<S: State> Follower<S> {
    /// Starts from the usable snapshot with the highest position. `filters` are subjects with
    /// wildcards; empty = the whole stream.
    ///
    /// # Errors
    /// [`FollowError`] if the beginning of the stream is gone and nothing stands for it.
    pub async fn start(
        bus: &Bus,
        component: &'static str,
        filters: &[&str],
    ) -> Result<Self, FollowError> {
        let filters: Vec<String> = filters.iter().map(|filter| (*filter).to_owned()).collect();
        let Start { state, mark, bytes } = load::<S>(bus, component).await?;
        Ok(Self {
            bus: bus.clone(),
            component,
            reader: open(bus, &filters, mark),
            filters,
            state,
            log_bytes: 0,
            state_bytes: Arc::new(AtomicU64::new(bytes)),
            writing: None,
            loading: None,
        })
    }

    /// Waits for what comes next. Cancel-safe; the state is as it says when it returns.
    ///
    /// # Errors
    /// [`FollowError`] if another stream took the place of ours, its beginning is gone and nothing
    /// stands for it.
    pub async fn next(&mut self) -> Result<Followed<S::Notes>, FollowError> {
        loop {
            if let Some(loading) = &mut self.loading {
                let loaded = loading.await;
                self.loading = None;
                match loaded {
                    Ok(start) => self.begin(start?),
                    Err(_) => self.load_again(),
                }
                return Ok(Followed::Restarted);
            }
            match self.reader.next().await {
                Read::Message(message) => {
                    self.log_bytes += message.size();
                    let stored = message.stored();
                    let notes = self.state.apply(&stored);
                    metrics::EVENTS_APPLIED.increment();
                    self.offer_snapshot();
                    return Ok(Followed::Applied { stored: Box::new(stored), notes });
                }
                Read::CaughtUp => return Ok(Followed::CaughtUp),
                Read::Replaced => self.load_again(),
            }
        }
    }

    /// Throws the state away and looks for a snapshot of the stream that is there now. A task does,
    /// so that whoever waits for us may do something else in between.
    fn load_again(&mut self) {
        self.state = S::default();
        let (bus, component) = (self.bus.clone(), self.component);
        self.loading = Some(tokio::spawn(async move { load::<S>(&bus, component).await }));
    }

    fn begin(&mut self, start: Start<S>) {
        self.state = start.state;
        self.log_bytes = 0;
        self.state_bytes.store(start.bytes, Ordering::Relaxed);
        self.reader = open(&self.bus, &self.filters, start.mark);
    }

    /// Returns the state behind the last applied event.
    pub fn state(&self) -> &S {
        &self.state
    }

    /// Returns the position of the last applied event.
    pub fn position(&self) -> Position {
        self.reader.position()
    }

    /// Returns the position up to which nothing is missing; with filters it may lie behind the
    /// last applied event.
    pub fn read_up_to(&self) -> Position {
        self.reader.read_up_to()
    }

    /// Returns whether it has applied everything there was when it connected.
    pub fn is_caught_up(&self) -> bool {
        self.reader.is_caught_up()
    }

    /// Returns since when that is so without a break.
    pub fn caught_up_since(&self) -> Option<BootTime> {
        self.reader.caught_up_since()
    }

    /// Waits for a snapshot that is being written, at most two seconds.
    pub async fn finish(mut self) {
        if let Some(writing) = self.writing.take()
            && tokio::time::timeout(SNAPSHOT_WAIT, writing).await.is_err()
        {
            debug!("a snapshot was not written in time; the stream has everything");
        }
    }

    /// Writes a snapshot beside the loop when the log since the last one outweighs the state.
    fn offer_snapshot(&mut self) {
        let state_bytes = self.state_bytes.load(Ordering::Relaxed);
        let due = SNAPSHOT_LOG_BYTES_MIN.max(state_bytes.saturating_mul(SNAPSHOT_LOG_PER_STATE));
        if self.log_bytes < due || !self.is_caught_up() {
            return;
        }
        if self.writing.as_ref().is_some_and(|writing| !writing.is_finished()) {
            return;
        }
        let Some(mark) = self.reader.mark() else { return };
        self.log_bytes = 0;
        let (bus, component, state) = (self.bus.clone(), self.component, self.state.clone());
        let size = Arc::clone(&self.state_bytes);
        self.writing = Some(tokio::spawn(async move {
            let likely = usize::try_from(state_bytes).unwrap_or_default();
            let likely = likely.saturating_add(likely / GROWTH_PART);
            match write(&bus, component, mark, (state, likely)).await {
                Ok(bytes) => {
                    size.store(bytes, Ordering::Relaxed);
                    metrics::SNAPSHOTS_WRITTEN.increment();
                    metrics::SNAPSHOT_BYTES.set(usize::try_from(bytes).unwrap_or(usize::MAX));
                    debug!(position = mark.position, bytes, "snapshot written");
                }
                Err(error) => {
                    metrics::SNAPSHOTS_FAILED.increment();
                    warn!(error = %error, "a snapshot was not written; the stream has everything");
                }
            }
        }));
    }
}

fn open(bus: &Bus, filters: &[String], mark: Option<Mark>) -> Reader {
    let from = mark.map_or(ReadFrom::Beginning, ReadFrom::After);
    bus.reader(ReaderOptions { filters: filters.to_vec(), from })
}

/// Writes a snapshot of about so many bytes; the state is written and dropped on another thread.
async fn write<S: State>(
    bus: &Bus,
    component: &str,
    mark: Mark,
    (state, likely): (S, usize),
) -> Result<u64, SnapshotFailure> {
    let written = move || postcard::to_extend(&state, Vec::with_capacity(likely));
    let written = tokio::task::spawn_blocking(written).await;
    let bytes = written.map_err(|_| SnapshotFailure::Stopped)??;
    let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let snapshots = bus.snapshots(component).await.map_err(SnapshotError::from)?;
    snapshots.put(S::FORMAT, &mark, Bytes::from(bytes)).await?;
    Ok(size)
}

/// Why a snapshot was not written.
#[derive(Debug, thiserror::Error)]
enum SnapshotFailure {
    #[error(transparent)]
    Store(#[from] SnapshotError),
    #[error("the state must have a written form: {0}")]
    Encode(#[from] postcard::Error),
    #[error("the process is ending")]
    Stopped,
}

/// What a fold starts with.
#[derive(Debug)]
struct Start<S> {
    state: S,
    mark: Option<Mark>,
    bytes: u64,
}

type Loaded<S> = Result<Start<S>, FollowError>;

/// Reads the usable snapshot with the highest position: of our format, of this stream, its message
/// unchanged, and with nothing missing behind it. Waits for NATS as long as it takes.
async fn load<S: State>(bus: &Bus, component: &str) -> Loaded<S> {
    loop {
        match try_load::<S>(bus, component).await {
            Ok(loaded) => return loaded,
            Err(error) => {
                debug!(error = %error, "snapshots could not be read yet");
                tokio::time::sleep(AGAIN_PAUSE).await;
            }
        }
    }
}

async fn try_load<S: State>(bus: &Bus, component: &str) -> Result<Loaded<S>, SnapshotError> {
    let stream = bus.stream_info_or_create().await?;
    let snapshots = bus.snapshots(component).await?;
    for info in snapshots.list().await? {
        if info.format != S::FORMAT {
            debug!(snapshot = info.name(), "a snapshot of another format is left alone");
            continue;
        }
        if let Some(reason) = bus.difference(&stream, &info.mark).await? {
            // It would stand in the way of those that are written from here on.
            info!(
                snapshot = info.name(),
                reason, "a snapshot of a stream that is no more is removed"
            );
            snapshots.remove(&info).await?;
            continue;
        }
        if let Some(state) = read::<S>(&snapshots, &info).await {
            info!(position = info.mark.position, bytes = info.bytes, "starts from a snapshot");
            return Ok(Ok(Start { state, mark: Some(info.mark), bytes: info.bytes }));
        }
    }
    if stream.is_trimmed() {
        return Ok(Err(FollowError::BeginningGone { first: stream.first, format: S::FORMAT }));
    }
    Ok(Ok(Start { state: S::default(), mark: None, bytes: 0 }))
}

/// Reads one snapshot; none if it is damaged.
async fn read<S: State>(snapshots: &Snapshots, info: &SnapshotInfo) -> Option<S> {
    let bytes = match snapshots.get(info).await {
        Ok(bytes) => bytes,
        Err(error) => {
            warn!(snapshot = info.name(), error = %error, "a snapshot is not readable");
            return None;
        }
    };
    match postcard::from_bytes(&bytes) {
        Ok(state) => Some(state),
        Err(error) => {
            warn!(snapshot = info.name(), error = %error, "a snapshot is not readable");
            None
        }
    }
}
