//! The sessions of a reader: look at the stream, verify it, replay what is old, follow what is new.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use model::{Position, StreamTime};
use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval, sleep},
};
use tracing::{debug, info, warn};

use super::{Item, ReadFrom, ReaderOptions, State};
use crate::{
    ApiError, BootTime, Bus, Mark, RawMessage, StreamInfo,
    api::CODE_STREAM_NOT_FOUND,
    connection::Live,
    consumer::{Lost, Pulled, Push, Pushed, Wanted},
    verify::difference,
};

/// More messages behind our position than this are pulled, not pushed.
const REPLAY_MIN: u64 = 2_000;
/// A replay ends when no more messages than this are behind it; they are pushed.
const REPLAY_REST: u64 = 200;
/// Pause before a new consumer when the last one gave nothing; keeps a broken server from being
/// asked in a loop, and is below what a person notices.
const AGAIN_PAUSE: Duration = Duration::from_millis(20);
/// How often the server is asked for its time.
const ASK_TIME_EVERY: Duration = Duration::from_mins(1);
/// Sooner than this it is not asked again, however old messages seem.
const ASK_TIME_MIN: Duration = Duration::from_secs(1);

/// What the task knows of the last message.
enum Last {
    /// Nothing was read; the first position that is wanted.
    Nothing(Position),
    /// Read before this process.
    Mark(Mark),
    /// Read by this reader.
    Message(RawMessage),
}

impl Last {
    fn position(&self) -> Position {
        match self {
            Self::Nothing(from) => from.saturating_sub(1),
            Self::Mark(mark) => mark.position,
            Self::Message(message) => message.position,
        }
    }

    fn mark(&self, stream_created: StreamTime) -> Option<Mark> {
        match self {
            Self::Nothing(_) => None,
            Self::Mark(mark) => Some(*mark),
            Self::Message(message) => {
                Some(Mark { position: message.position, digest: message.digest(), stream_created })
            }
        }
    }
}

/// Why a session ended.
enum End {
    /// Nobody reads any more.
    Closed,
    /// Another stream.
    Replaced(&'static str),
    /// To be tried again.
    Again(String),
}

impl From<ApiError> for End {
    fn from(error: ApiError) -> Self {
        Self::Again(error.to_string())
    }
}

impl From<Lost> for End {
    fn from(lost: Lost) -> Self {
        match lost {
            Lost::Connection => Self::Again("the connection broke".to_owned()),
            Lost::Consumer(reason) => Self::Again(reason.to_owned()),
        }
    }
}

pub(super) struct Task {
    bus: Bus,
    filters: Vec<String>,
    last: Last,
    created: Option<StreamTime>,
    sessions: u64,
    given: u64,
    nothing_up_to: Position,
    tx: mpsc::Sender<Item>,
    state: Arc<State>,
}

impl Task {
    pub(super) fn new(
        bus: Bus,
        options: ReaderOptions,
        tx: mpsc::Sender<Item>,
        state: Arc<State>,
    ) -> Self {
        let last = match options.from {
            ReadFrom::Beginning => Last::Nothing(1),
            ReadFrom::Position(position) => Last::Nothing(position.max(1)),
            ReadFrom::After(mark) => Last::Mark(mark),
        };
        let created = match &last {
            Last::Mark(mark) => Some(mark.stream_created),
            Last::Nothing(_) | Last::Message(_) => None,
        };
        let filters = options.filters;
        Self { bus, filters, last, created, sessions: 0, given: 0, nothing_up_to: 0, tx, state }
    }

    pub(super) async fn run(mut self) {
        loop {
            let live = self.bus.live().await;
            let given = self.given;
            let end = self.session(&live).await;
            self.state.session.store(0, Ordering::Relaxed);
            match end {
                End::Closed => return,
                End::Replaced(reason) => {
                    warn!(
                        reason,
                        position = self.last.position(),
                        "the stream is not the one that was read"
                    );
                    // Nobody to tell is as good as told.
                    self.tx.send(Item::Replaced).await.ok();
                    return;
                }
                End::Again(reason) => debug!(reason, "reading the stream again"),
            }
            if given == self.given {
                tokio::select! {
                    () = sleep(AGAIN_PAUSE) => {}
                    () = self.bus.gone(live.number) => {}
                }
            }
        }
    }

    /// Reads until something breaks.
    async fn session(&mut self, live: &Live) -> End {
        match self.try_session(live).await {
            Ok(never) => match never {},
            Err(end) => end,
        }
    }

    async fn try_session(&mut self, live: &Live) -> Result<std::convert::Infallible, End> {
        self.sessions += 1;
        let info = self.look(live).await?;
        if info.last.saturating_sub(self.last.position()) > REPLAY_MIN {
            self.replay(live).await?;
        }
        self.follow(live, info.last).await
    }

    /// Looks at the stream before anything is subscribed; creates it if it is missing and nothing
    /// was ever read from it.
    async fn look(&mut self, live: &Live) -> Result<StreamInfo, End> {
        match self.bus.stream_info_on(live).await {
            Ok(info) => Ok(info),
            Err(error) if error.code() == Some(CODE_STREAM_NOT_FOUND) => {
                if self.created.is_some() {
                    return Err(End::Replaced("it is missing"));
                }
                Ok(self.bus.ensure_stream_on(live).await?)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Says whether the stream is the one that was read. Called when the consumer stands and
    /// before it gives out anything.
    async fn verify(&mut self, live: &Live) -> Result<(), End> {
        let info = self.look(live).await?;
        if *self.created.get_or_insert(info.created) != info.created {
            return Err(End::Replaced("it was created at another time"));
        }
        self.state.created.store(info.created.as_nanos(), Ordering::Relaxed);
        let Some(mark) = self.last.mark(info.created) else { return Ok(()) };
        match difference(live, &info, &mark).await? {
            None => Ok(()),
            Some(reason) => Err(End::Replaced(reason)),
        }
    }

    /// Pulls what is old, with bounded memory.
    async fn replay(&mut self, live: &Live) -> Result<(), End> {
        let (mut pulled, pending) = Pulled::open(live, &self.wanted()).await?;
        self.verify(live).await?;
        if pending > REPLAY_REST {
            info!(from = self.last.position() + 1, messages = pending, "reading what is old");
            while let Some(message) = pulled.next().await? {
                let pending = message.pending;
                self.give(message).await?;
                if pending <= REPLAY_REST {
                    break;
                }
            }
        }
        pulled.close().await;
        Ok(())
    }

    /// Has new messages pushed, for as long as it goes well.
    async fn follow(
        &mut self,
        live: &Live,
        end: Position,
    ) -> Result<std::convert::Infallible, End> {
        let mut pushed = Pushed::open(live, &self.wanted()).await?;
        self.verify(live).await?;
        self.state.session.store(self.sessions, Ordering::Relaxed);
        let mut caught_up = false;
        if pushed.pending == 0 || self.last.position() >= end {
            caught_up = self.say_caught_up(end).await?;
        }
        let mut ask_time = interval(ASK_TIME_EVERY);
        ask_time.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ask_time.reset();
        loop {
            let message = tokio::select! {
                biased;
                push = pushed.next() => match push? {
                    Push::Message(message) => message,
                    Push::NothingUpTo(position) => {
                        if caught_up {
                            self.say_nothing_up_to(position).await?;
                        }
                        continue;
                    }
                },
                _ = ask_time.tick() => {
                    self.bus.stream_info_on(live).await?;
                    continue;
                }
            };
            if caught_up && self.bus.clock().heard(message.time, BootTime::now()) {
                ask_time.reset_after(ASK_TIME_MIN);
            }
            let reached = message.pending == 0 || message.position >= end;
            self.give(message).await?;
            if reached && !caught_up {
                caught_up = self.say_caught_up(end).await?;
            }
        }
    }

    fn wanted(&self) -> Wanted<'_> {
        Wanted { from: self.last.position() + 1, filters: &self.filters }
    }

    /// Gives out a message, unless it was given out before.
    async fn give(&mut self, message: RawMessage) -> Result<(), End> {
        if message.position <= self.last.position() {
            return Ok(());
        }
        self.given += 1;
        self.last = Last::Message(message.clone());
        self.tx.send(Item::Message(message)).await.map_err(|_| End::Closed)
    }

    /// Tells how far there is nothing, if the reader does not know it yet.
    async fn say_nothing_up_to(&mut self, position: Position) -> Result<(), End> {
        if position <= self.nothing_up_to.max(self.last.position()) {
            return Ok(());
        }
        self.nothing_up_to = position;
        self.tx.send(Item::NothingUpTo(position)).await.map_err(|_| End::Closed)
    }

    async fn say_caught_up(&self, end: Position) -> Result<bool, End> {
        let item = Item::CaughtUp { session: self.sessions, end };
        self.tx.send(item).await.map_err(|_| End::Closed)?;
        Ok(true)
    }
}
