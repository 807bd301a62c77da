//! Reads the stream in its order, from a position on, over any number of breaks; and makes sure
//! that who is read is who was read.
//!
//! After every connect, reconnect or new consumer, and before a message is given out: the stream
//! was created when it was, its end is not below our position, and the message at our position is
//! the one we read. Old messages are pulled in batches (bounded memory), new ones are pushed (back
//! within milliseconds). The reader does not decode, and keeps nothing but the last message.

mod task;

use std::sync::{
    Arc,
    atomic::{AtomicI64, AtomicU64, Ordering},
};

use model::{Position, StreamTime};
use tokio::{sync::mpsc, task::JoinHandle};

use crate::{BootTime, Bus, Mark, RawMessage};

/// Messages between the connection and who reads; beyond it the server is told to wait.
const QUEUE_MESSAGES_MAX: usize = 256;

/// Where to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadFrom {
    /// With the first message that is stored.
    Beginning,
    /// With the first message at or behind this position, whatever stands before it.
    Position(Position),
    /// Behind this message, if it is still the same.
    After(Mark),
}

/// What to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReaderOptions {
    /// Subjects with wildcards, one list never overlapping; empty: the whole stream.
    pub filters: Vec<String>,
    /// Where to begin.
    pub from: ReadFrom,
}

/// What the reader says.
#[derive(Debug)]
pub enum Read {
    /// The next message.
    Message(RawMessage),
    /// Everything up to the end that was there when the reader (re)connected has been given out.
    /// Said again after every break.
    CaughtUp,
    /// The stream is not the one that was read: state that was folded from it is void. Nothing
    /// more comes from this reader.
    Replaced,
}

/// Reads the stream; dropped, it stops.
#[derive(Debug)]
pub struct Reader {
    items: mpsc::Receiver<Item>,
    state: Arc<State>,
    last: Option<RawMessage>,
    start: Option<Mark>,
    read_up_to: Position,
    caught_up: Option<(u64, BootTime)>,
    task: JoinHandle<()>,
}

/// What goes from the task to the handle.
#[derive(Debug)]
enum Item {
    Message(RawMessage),
    CaughtUp { session: u64, end: Position },
    NothingUpTo(Position),
    Replaced,
}

/// What the task tells beside the items: it is ahead of them.
#[derive(Debug)]
struct State {
    /// Number of the session that reads now, 0 without one.
    session: AtomicU64,
    /// Creation time of the stream, nanoseconds.
    created: AtomicI64,
}

impl Bus {
    /// Starts to read.
    pub fn reader(&self, options: ReaderOptions) -> Reader {
        let (tx, items) = mpsc::channel(QUEUE_MESSAGES_MAX);
        let start = match options.from {
            ReadFrom::After(mark) => Some(mark),
            ReadFrom::Beginning | ReadFrom::Position(_) => None,
        };
        let state = Arc::new(State {
            session: AtomicU64::new(0),
            created: AtomicI64::new(start.map_or(0, |mark| mark.stream_created.as_nanos())),
        });
        let task = task::Task::new(self.clone(), options, tx, Arc::clone(&state));
        Reader {
            items,
            state,
            last: None,
            start,
            read_up_to: start.map_or(0, |mark| mark.position),
            caught_up: None,
            task: tokio::spawn(task.run()),
        }
    }
}

impl Reader {
    /// Waits for what comes next; never ends. Cancel-safe.
    pub async fn next(&mut self) -> Read {
        loop {
            match self.items.recv().await {
                Some(Item::Message(message)) => {
                    self.read_up_to = message.position;
                    self.last = Some(message.clone());
                    return Read::Message(message);
                }
                Some(Item::CaughtUp { session, end }) => {
                    self.read_up_to = self.read_up_to.max(end);
                    self.caught_up = Some((session, BootTime::now()));
                    return Read::CaughtUp;
                }
                Some(Item::NothingUpTo(position)) => {
                    self.read_up_to = self.read_up_to.max(position);
                }
                // The task ends only after it has said this.
                Some(Item::Replaced) | None => {
                    self.caught_up = None;
                    self.items.close();
                    return Read::Replaced;
                }
            }
        }
    }

    /// Returns the position of the last message that was given out, or where it began.
    pub fn position(&self) -> Position {
        let start = self.start.map_or(0, |mark| mark.position);
        self.last.as_ref().map_or(start, |message| message.position)
    }

    /// Returns the position up to which nothing is missing. With filters it runs ahead of the last
    /// message, at most half a second behind the end of the stream, while somebody waits in
    /// [`Reader::next`].
    pub fn read_up_to(&self) -> Position {
        self.read_up_to
    }

    /// Returns the mark of the last message that was given out; none before the first.
    pub fn mark(&self) -> Option<Mark> {
        match &self.last {
            Some(message) => Some(Mark {
                position: message.position,
                digest: message.digest(),
                stream_created: self.stream_created(),
            }),
            None => self.start,
        }
    }

    /// Returns when the stream was created; the epoch before it was first looked at.
    pub fn stream_created(&self) -> StreamTime {
        StreamTime::from_nanos(self.state.created.load(Ordering::Relaxed))
    }

    /// Returns whether the stream is being read over a working connection.
    pub fn is_live(&self) -> bool {
        self.state.session.load(Ordering::Relaxed) != 0
    }

    /// Returns whether it is live and has given out everything there was when it connected.
    pub fn is_caught_up(&self) -> bool {
        self.caught_up_since().is_some()
    }

    /// Returns since when it is live and caught up without a break; none if it is not.
    pub fn caught_up_since(&self) -> Option<BootTime> {
        let session = self.state.session.load(Ordering::Relaxed);
        self.caught_up.and_then(|(caught, since)| (caught == session).then_some(since))
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.task.abort();
    }
}
