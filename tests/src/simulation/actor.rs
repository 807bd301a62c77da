//! Processes that read the stream: those that speak, and the one that only reads. What they decide
//! is decided by `fold`, `service::outbox` and `service::voice`; only the loop around it is here.

use std::time::Duration;

use fold::{Owes, Waits};
use model::{DerivedId, Position, Stored, StreamTime};
use service::{
    attention::{Attention, Question},
    outbox::{Letter, Outbox, Reply},
    voice,
};
use status_view::View;

use super::{
    Prologue,
    breaks::Break,
    faults::Fault,
    keeper::{Fold, Keeper, Start},
    link::Link,
    stream::Message,
    time::{MILLI, Moment, SECOND, moment_of},
};

/// How often a deadline that has passed is looked at.
const DEADLINE_LOOK: Moment = 100 * MILLI;
/// How long a full stream is left alone, at first and at most.
const ROOM_PAUSES: (Moment, Moment) = (100 * MILLI, 5 * SECOND);
/// A loop that runs turns at least this often.
const TURN_EVERY: Moment = SECOND;
/// Events on their way at the same time.
const FLIGHTS_MAX: usize = 64;

/// Something that a process says.
#[derive(Clone, Debug)]
pub(super) struct Speech {
    /// Number of its flight.
    pub(super) flight: u64,
    /// What is sent.
    pub(super) message: Message,
    /// The event.
    pub(super) id: DerivedId,
    /// It must be fenced: sent only if nobody spoke behind this position.
    pub(super) fence: Option<Position>,
    /// The deadline that made it due, and how long the task waited.
    pub(super) deadline: Option<(StreamTime, Duration)>,
}

/// What became of what was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Landing {
    /// As the outbox knows it.
    Reply(Reply),
    /// The stream was full.
    Full,
}

/// A process.
pub(super) trait Actor {
    /// Returns how it stands to the server.
    fn link(&self) -> &Link;
    /// The same.
    fn link_mut(&mut self) -> &mut Link;
    /// Applies an event.
    fn read(&mut self, stored: &Stored, now: Moment);
    /// Says what is to be said now.
    fn speak(&mut self, now: Moment, switched_off: Option<Break>) -> Vec<Speech>;
    /// Hears what became of what it said.
    fn landed(&mut self, flight: u64, landing: Landing, now: Moment, off: Option<Break>);
    /// Its connection broke: nobody will answer to what is on its way.
    fn lose_flights(&mut self, now: Moment, off: Option<Break>);
    /// Returns the number of its question for the end of the stream, if it asks for that.
    fn asks_end(&mut self, now: Moment) -> Option<Question>;
    /// Hears where the stream ends, or that nobody answered.
    fn told_end(&mut self, question: Question, end: Option<Position>, now: Moment);
    /// It gets no processor from now on.
    fn stop(&mut self, now: Moment);
    /// Hears whether the stream has room, when it asks.
    fn hear_room(&mut self, has_room: bool, now: Moment);
    /// Returns when it has something to do without a message.
    fn wake_at(&mut self, now: Moment) -> Option<Moment>;
    /// Loses everything and starts again.
    fn start(&mut self, start: Start, now: Moment) -> Fault;
    /// Keeps a copy of its state.
    fn snapshot(&mut self);
    /// Tells whether it owes nothing and waits for nothing.
    fn is_settled(&self) -> bool;
    /// Tells whether its state is what folding the whole stream anew comes to.
    fn is_exact(&self, anew: &Prologue) -> bool;
}

/// What a fold that speaks can tell at the end.
pub(super) trait Settles {
    /// Tells whether nothing is open or owed.
    fn is_settled(&self) -> bool;
}

impl Settles for fold::World {
    fn is_settled(&self) -> bool {
        self.sequences.is_idle() && self.catalog.is_settled()
    }
}

impl Settles for fold::Catalog {
    fn is_settled(&self) -> bool {
        self.owed_after(0).is_empty()
    }
}

/// Whether the stream has room, as far as a process knows.
#[derive(Clone, Copy, Debug)]
enum Room {
    Free,
    Full { ask_at: Moment, pause: Moment },
}

/// A fold that speaks.
#[derive(Debug)]
pub(super) struct Speaker<S: Owes> {
    link: Link,
    keeper: Keeper<S>,
    outbox: Outbox<S::Due>,
    flights: Vec<(u64, DerivedId)>,
    last_flight: u64,
    room: Room,
    attention: Attention,
    last_turn: Moment,
}

impl<S: Fold + Owes> Speaker<S> {
    /// Returns one that has read the first events.
    pub(super) fn new(link: Link, base: (Position, S)) -> Self {
        Self {
            link,
            keeper: Keeper::new(base),
            outbox: Outbox::default(),
            flights: Vec::new(),
            last_flight: 0,
            room: Room::Free,
            attention: Attention::default(),
            last_turn: 0,
        }
    }

    /// Its loop has turned each second until now, unless it was stopped.
    fn turn(&mut self, now: Moment) {
        if !std::mem::take(&mut self.link.was_stopped) {
            while self.last_turn + TURN_EVERY < now {
                self.last_turn += TURN_EVERY;
                self.attention.turn(self.link.boot(self.last_turn));
            }
        }
        self.last_turn = now;
        self.attention.turn(self.link.boot(now));
    }

    fn speech(
        &mut self,
        letter: &Letter<S::Due>,
        off: Option<Break>,
        now: Moment,
    ) -> Option<Speech> {
        let id = letter.owed.id;
        let Some(event) = self.keeper.state.event(&letter.owed, Waits::default()) else {
            self.outbox.returned(id, Reply::ReadOn, self.link.boot(now));
            return None;
        };
        let message_id = Some(letter.message_id.as_str()).filter(|_| off != Some(Break::MessageId));
        let own_wait = self.keeper.state.own_wait(&letter.owed);
        self.last_flight += 1;
        self.flights.push((self.last_flight, id));
        Some(Speech {
            flight: self.last_flight,
            message: Message::of(&event, message_id),
            id,
            fence: (letter.is_fenced && off != Some(Break::Fence)).then_some(self.link.read_up_to),
            deadline: (!own_wait.is_zero()).then_some((letter.owed.since, own_wait)),
        })
    }
}

impl<S: Fold + Owes + Settles> Actor for Speaker<S> {
    fn link(&self) -> &Link {
        &self.link
    }

    fn link_mut(&mut self) -> &mut Link {
        &mut self.link
    }

    fn read(&mut self, stored: &Stored, now: Moment) {
        self.keeper.apply(stored);
        self.link.read_up_to = stored.position;
        if !S::reads(&stored.subject) {
            return;
        }
        self.link.applied = stored.position;
        if let Ok(event) = &stored.body
            && let Some(id) = DerivedId::parse(event.id.as_str())
        {
            let (state, server_now) = (&self.keeper.state, self.link.server_now(now));
            self.outbox.seen(id, |owed| state.is_owed(owed, server_now));
        }
    }

    fn speak(&mut self, now: Moment, off: Option<Break>) -> Vec<Speech> {
        self.turn(now);
        let is_ready = self.link.caught_up_since.is_some() || off == Some(Break::CatchUp);
        let is_awake = self.attention.is_awake(self.link.read_up_to);
        let is_awake = is_awake || matches!(off, Some(Break::Attention | Break::Fence));
        if !self.link.is_connected || !is_ready || !is_awake {
            return Vec::new();
        }
        let mut standing = self.link.standing(now);
        if off == Some(Break::Grace) {
            standing.unbroken = Duration::MAX;
        }
        let state = &self.keeper.state;
        voice::take_owed(&mut self.outbox, state, &standing);
        if !matches!(self.room, Room::Free) {
            return Vec::new();
        }
        let free = FLIGHTS_MAX.saturating_sub(self.flights.len());
        let letters = voice::letters(&mut self.outbox, state, &standing, free);
        letters.iter().filter_map(|letter| self.speech(letter, off, now)).collect()
    }

    fn landed(&mut self, flight: u64, landing: Landing, now: Moment, off: Option<Break>) {
        let Some(at) = self.flights.iter().position(|(number, _)| *number == flight) else {
            return;
        };
        let (_, id) = self.flights.swap_remove(at);
        let reply = match landing {
            Landing::Reply(reply) => reply,
            Landing::Full => {
                if matches!(self.room, Room::Free) {
                    let (pause, _) = ROOM_PAUSES;
                    self.room = Room::Full { ask_at: now + pause, pause };
                }
                Reply::NotStored
            }
        };
        match (reply, off) {
            (Reply::Stored { .. }, Some(Break::TrustAck)) => self.outbox.seen(id, |_| false),
            (Reply::NotStored, Some(Break::Resend)) => {}
            (Reply::Stored { .. } | Reply::ReadOn | Reply::NotStored, _) => {
                self.outbox.returned(id, reply, self.link.boot(now));
            }
        }
    }

    fn lose_flights(&mut self, now: Moment, off: Option<Break>) {
        for (flight, _) in self.flights.clone() {
            self.landed(flight, Landing::Reply(Reply::NotStored), now, off);
        }
    }

    fn asks_end(&mut self, now: Moment) -> Option<Question> {
        let boot = self.link.boot(now);
        self.link.caught_up_since.and_then(|_| self.attention.ask(boot))
    }

    fn told_end(&mut self, question: Question, end: Option<Position>, now: Moment) {
        let boot = self.link.boot(now);
        self.attention.told(question, end, boot);
    }

    fn stop(&mut self, now: Moment) {
        self.turn(now);
        (self.link.is_stopped, self.link.was_stopped) = (true, true);
    }

    fn hear_room(&mut self, has_room: bool, now: Moment) {
        let Room::Full { ask_at, pause } = self.room else { return };
        if ask_at > now {
            return;
        }
        let pause = (pause * 2).min(ROOM_PAUSES.1);
        self.room = if has_room { Room::Free } else { Room::Full { ask_at: now + pause, pause } };
    }

    fn wake_at(&mut self, now: Moment) -> Option<Moment> {
        if !self.link.is_connected || self.link.caught_up_since.is_none() {
            return None;
        }
        if !self.attention.is_awake(self.link.read_up_to) {
            return Some(now + TURN_EVERY);
        }
        let (outbox, room) = match self.room {
            Room::Free => (self.outbox.next_moment().map(|boot| self.link.moment(boot)), None),
            Room::Full { ask_at, .. } => (None, Some(ask_at)),
        };
        let deadline = self.keeper.state.next_deadline().map(|at| {
            let due = moment_of(at) - self.link.clock_error;
            if due <= now { now + DEADLINE_LOOK } else { due }
        });
        [outbox, room, deadline].into_iter().flatten().min()
    }

    fn start(&mut self, start: Start, now: Moment) -> Fault {
        let (position, fault) = self.keeper.start(start);
        (self.link.read_up_to, self.link.applied) = (position, position);
        self.link.was_stopped = false;
        (self.attention, self.last_turn) = (Attention::default(), now);
        self.outbox = Outbox::default();
        self.flights.clear();
        self.room = Room::Free;
        fault
    }

    fn snapshot(&mut self) {
        self.keeper.snapshot(self.link.read_up_to);
    }

    fn is_settled(&self) -> bool {
        self.keeper.state.is_settled() && self.outbox.is_empty()
    }

    fn is_exact(&self, anew: &Prologue) -> bool {
        self.keeper.state.is(anew)
    }
}

/// The status-view: it reads, and says nothing.
#[derive(Debug)]
pub(super) struct Reader {
    link: Link,
    keeper: Keeper<View>,
}

impl Reader {
    /// Returns one that has read the first events.
    pub(super) fn new(link: Link, base: (Position, View)) -> Self {
        Self { link, keeper: Keeper::new(base) }
    }
}

impl Actor for Reader {
    fn link(&self) -> &Link {
        &self.link
    }

    fn link_mut(&mut self) -> &mut Link {
        &mut self.link
    }

    fn read(&mut self, stored: &Stored, _now: Moment) {
        self.keeper.apply(stored);
        (self.link.read_up_to, self.link.applied) = (stored.position, stored.position);
    }

    fn speak(&mut self, _now: Moment, _off: Option<Break>) -> Vec<Speech> {
        Vec::new()
    }

    fn landed(&mut self, _flight: u64, _landing: Landing, _now: Moment, _off: Option<Break>) {}

    fn lose_flights(&mut self, _now: Moment, _off: Option<Break>) {}

    fn asks_end(&mut self, _now: Moment) -> Option<Question> {
        None
    }

    fn told_end(&mut self, _question: Question, _end: Option<Position>, _now: Moment) {}

    fn stop(&mut self, _now: Moment) {
        self.link.is_stopped = true;
    }

    fn hear_room(&mut self, _has_room: bool, _now: Moment) {}

    fn wake_at(&mut self, _now: Moment) -> Option<Moment> {
        None
    }

    fn start(&mut self, start: Start, _now: Moment) -> Fault {
        let (position, fault) = self.keeper.start(start);
        (self.link.read_up_to, self.link.applied) = (position, position);
        fault
    }

    fn snapshot(&mut self) {
        self.keeper.snapshot(self.link.read_up_to);
    }

    fn is_settled(&self) -> bool {
        self.keeper.state.world.is_settled()
    }

    fn is_exact(&self, anew: &Prologue) -> bool {
        self.keeper.state.is(anew)
    }
}
