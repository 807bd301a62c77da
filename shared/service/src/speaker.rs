//! The walk of one event, for who folds the stream and speaks:
//! read → decode → apply → owe → publish → see it again.
//!
//! One task. Nothing is awaited between reading an event and applying it, and nothing is said
//! before the fold has caught up with the end of the stream.

mod lines;

use std::{pin::Pin, time::Duration};

use bus::{BootTime, Bus, Lease, Outgoing, PublishError, Publisher};
use fold::{Note, Owes, Waits};
use futures_util::{FutureExt as _, StreamExt, stream::FuturesUnordered};
use model::{DerivedId, Position};
use tracing::{debug, info, warn};

use self::lines::About;
use crate::{
    Progress, Shutdown,
    attention::{Attention, Question, STOPPED_FROM},
    follower::{FollowError, Followed, Follower, State},
    metrics,
    outbox::{Letter, Outbox, Reply},
    voice::{self, Standing},
};

/// Longest sleep: a machine that was suspended must look at the clock soon.
const SLEEP_MAX: Duration = Duration::from_secs(1);

/// Shortest sleep: whatever the loop believes is due, the reader and the connection run in between.
const TURN_MIN: Duration = Duration::from_millis(1);

/// Acknowledgements and events that are taken in one turn beside what woke it. Folding so many takes
/// about 400 µs, for which the first of them waits until its follow-up is said.
const AT_ONCE_MAX: usize = 64;

/// How often a deadline that has passed is looked at until its event is seen.
const DEADLINE_LOOK: Duration = Duration::from_millis(100);

/// How long a full stream is left alone before it is asked for room again, at first.
const ROOM_PAUSE_MIN: Duration = Duration::from_millis(100);
/// The same, at most.
const ROOM_PAUSE_MAX: Duration = Duration::from_secs(5);
/// Free bytes from which on a stream has room: whatever was refused fits.
const ROOM_BYTES_MIN: u64 = 1024 * 1024;
/// Of a small stream this part, or it would never have room again.
const ROOM_PART: u64 = 8;

/// How long what is on its way is waited for at the end.
const FLUSH_WAIT: Duration = Duration::from_secs(2);

/// Who speaks: a fold over the stream and the way to publish what it owes.
pub struct Speaker<S: State + Owes> {
    bus: Bus,
    follower: Follower<S>,
    publisher: Publisher,
    lease: Lease,
    waits: Waits,
    progress: Progress,
    outbox: Outbox<S::Due>,
    flights: FuturesUnordered<Flight>,
    room: Room,
    attention: Attention,
    look: Look<S>,
    hear: Hear<S>,
    /// It has caught up with this stream once: what is read from there on is new.
    is_live: bool,
}

/// Who hears what each new event came to, behind it.
type Hear<S> = Box<dyn FnMut(&S, &<S as State>::Notes) + Send>;

/// Who is shown the state, the position up to which nothing is missing, and whether the fold has
/// caught up; once a turn.
type Look<S> = Box<dyn FnMut(&S, Position, bool) + Send>;

type Flight = Pin<Box<dyn Future<Output = Landed> + Send>>;

/// What came back.
#[derive(Clone, Copy)]
enum Landed {
    Letter(DerivedId, Reply),
    Full(DerivedId),
    Room(bool),
    /// Where the stream ends, if somebody answered.
    End(Question, Option<Position>),
}

/// Whether the stream has room, as far as it is known.
enum Room {
    Free,
    /// Asked again at this moment, after this pause.
    Full {
        ask_at: BootTime,
        pause: Duration,
    },
    Asked {
        pause: Duration,
    },
}

impl<S> Speaker<S>
where
    S: State<Notes: AsRef<[Note]>> + Owes,
{
    /// Puts a speaker together.
    pub fn new(
        bus: Bus,
        follower: Follower<S>,
        (lease, waits): (Lease, Waits),
        progress: Progress,
    ) -> Self {
        Self {
            publisher: bus.publisher(),
            bus,
            follower,
            lease,
            waits,
            progress,
            outbox: Outbox::default(),
            flights: FuturesUnordered::new(),
            room: Room::Free,
            attention: Attention::default(),
            look: Box::new(|_, _, _| {}),
            hear: Box::new(|_, _| {}),
            is_live: false,
        }
    }

    /// Shows the state to somebody after every turn of the loop: the position up to which nothing
    /// is missing comes with it, and whether the fold has caught up. Must return at once.
    #[must_use]
    pub fn shown_to(mut self, look: impl FnMut(&S, Position, bool) + Send + 'static) -> Self {
        self.look = Box::new(look);
        self
    }

    /// Tells somebody what each event came to, with the state behind it. What was in the stream
    /// when the process began to read it is not told. Must return at once.
    #[must_use]
    pub fn heard_by(mut self, hear: impl FnMut(&S, &S::Notes) + Send + 'static) -> Self {
        self.hear = Box::new(hear);
        self
    }

    /// Folds and speaks until it is told to stop; then waits for what is on its way, and gives the
    /// lease back.
    ///
    /// # Errors
    /// [`FollowError`] when the stream cannot be folded from its beginning.
    pub async fn run(mut self, mut shutdown: Shutdown) -> Result<(), FollowError> {
        loop {
            let wake = self.wake_at();
            self.attention.turn(BootTime::now());
            tokio::select! {
                biased;
                () = shutdown.requested() => break,
                Some(landed) = self.flights.next(), if !self.flights.is_empty() => self.land(landed),
                followed = self.follower.next() => self.take(followed?),
                () = sleep_until(wake) => {}
            }
            self.take_what_is_there()?;
            let is_caught_up = self.follower.is_caught_up();
            if is_caught_up && self.is_awake() {
                self.speak();
            }
            metrics::OUTBOX.set(self.outbox.len());
            let read_up_to = self.follower.read_up_to();
            self.progress.turned(read_up_to, is_caught_up);
            (self.look)(self.follower.state(), read_up_to, is_caught_up);
        }
        self.finish().await;
        Ok(())
    }

    /// Takes what needs no waiting, so that a turn under load is not for one message alone.
    fn take_what_is_there(&mut self) -> Result<(), FollowError> {
        for _ in 0..AT_ONCE_MAX {
            let Some(Some(landed)) = self.flights.next().now_or_never() else { break };
            self.land(landed);
        }
        for _ in 0..AT_ONCE_MAX {
            let Some(followed) = self.follower.next().now_or_never() else { break };
            self.take(followed?);
        }
        Ok(())
    }

    fn take(&mut self, followed: Followed<S::Notes>) {
        match followed {
            Followed::Applied { stored, notes } => {
                if let Ok(event) = &stored.body
                    && let Some(id) = DerivedId::parse(event.id.as_str())
                {
                    let (state, now) = (self.follower.state(), self.bus.server_now());
                    self.outbox.seen(id, |owed| state.is_owed(owed, now));
                }
                if self.is_live {
                    (self.hear)(self.follower.state(), &notes);
                }
                if self.follower.is_caught_up() {
                    lines::notes(self.follower.state(), &stored, notes.as_ref());
                }
            }
            Followed::CaughtUp => {
                self.is_live = true;
                debug!(position = self.follower.position(), "caught up with the stream");
            }
            Followed::Restarted => {
                warn!(
                    "this is another stream than the one that was read; folding it from its beginning"
                );
                self.is_live = false;
                self.outbox.clear();
                self.flights = FuturesUnordered::new();
                self.room = Room::Free;
            }
        }
    }

    /// Tells whether it may speak; who was stopped asks where the stream ends and reads on first.
    fn is_awake(&mut self) -> bool {
        let now = BootTime::now();
        self.attention.turn(now);
        if let Some(question) = self.attention.ask(now) {
            info!("this process got no processor for a while; reading on before it speaks");
            let bus = self.bus.clone();
            let end = async move { Landed::End(question, bus.stream_end().await.ok()) };
            self.flights.push(Box::pin(end));
        }
        self.attention.is_awake(self.follower.read_up_to())
    }

    /// Publishes what is owed, as far as it is time and there is room.
    fn speak(&mut self) {
        let standing = self.standing();
        let state = self.follower.state();
        voice::take_owed(&mut self.outbox, state, &standing);
        if !self.has_room(standing.now) {
            return;
        }
        let (state, free) = (self.follower.state(), self.publisher.free());
        for letter in voice::letters(&mut self.outbox, state, &standing, free) {
            self.send(letter);
        }
    }

    fn standing(&self) -> Standing {
        let now = BootTime::now();
        Standing {
            now,
            server_now: self.bus.server_now(),
            holds_lease: self.lease.holds(),
            unbroken: self.follower.caught_up_since().map_or(Duration::ZERO, |at| now.since(at)),
            position: self.follower.position(),
        }
    }

    fn send(&mut self, letter: Letter<S::Due>) {
        let id = letter.owed.id;
        let Some(event) = self.follower.state().event(&letter.owed, self.waits) else {
            return self.outbox.returned(id, Reply::ReadOn, BootTime::now());
        };
        let fence = letter.is_fenced.then(|| self.follower.read_up_to());
        let outgoing = Outgoing {
            subject: event.event_type.to_string(),
            event_json: event.to_json(),
            message_id: letter.message_id,
            expected_last_subject_sequence: None,
        };
        let about = About::new(event);
        about.said();
        let (bus, publisher) = (self.bus.clone(), self.publisher.clone());
        if let Some(read_up_to) = fence {
            let fenced = publish_fenced((bus, publisher), outgoing, (id, about), read_up_to);
            self.flights.push(Box::pin(fenced));
        } else {
            let sent = publisher.publish(outgoing);
            self.flights.push(Box::pin(async move { landed(id, &about, sent.await) }));
        }
    }

    fn land(&mut self, landed: Landed) {
        let now = BootTime::now();
        match landed {
            Landed::Letter(id, reply) => self.outbox.returned(id, reply, now),
            Landed::Full(id) => {
                self.outbox.returned(id, Reply::NotStored, now);
                if matches!(self.room, Room::Free) {
                    warn!("the stream is full; saying nothing until it has room");
                    self.room =
                        Room::Full { ask_at: now.after(ROOM_PAUSE_MIN), pause: ROOM_PAUSE_MIN };
                }
            }
            Landed::End(question, end) => self.attention.told(question, end, now),
            Landed::Room(true) => {
                info!("the stream has room again");
                self.room = Room::Free;
            }
            Landed::Room(false) => {
                let pause = match self.room {
                    Room::Free => ROOM_PAUSE_MIN,
                    Room::Full { pause, .. } | Room::Asked { pause } => {
                        (pause * 2).min(ROOM_PAUSE_MAX)
                    }
                };
                self.room = Room::Full { ask_at: now.after(pause), pause };
            }
        }
    }

    /// Tells whether the stream has room; asks it when it is time.
    fn has_room(&mut self, now: BootTime) -> bool {
        match self.room {
            Room::Free => true,
            Room::Full { ask_at, pause } if ask_at <= now => {
                let bus = self.bus.clone();
                self.flights
                    .push(Box::pin(async move { Landed::Room(stream_has_room(&bus).await) }));
                self.room = Room::Asked { pause };
                false
            }
            Room::Full { .. } | Room::Asked { .. } => false,
        }
    }

    /// Returns when there is something to do without a message. What cannot be said yet is none:
    /// the reader says when it has caught up, and an ack when there is place for another event.
    fn wake_at(&mut self) -> BootTime {
        let now = BootTime::now();
        let latest = now.after(SLEEP_MAX);
        let is_awake = self.attention.is_awake(self.follower.read_up_to());
        if !self.follower.is_caught_up() || !is_awake || self.publisher.free() == 0 {
            return latest;
        }
        let outbox = self.outbox.next_moment().filter(|_| matches!(self.room, Room::Free));
        let room = match self.room {
            Room::Full { ask_at, .. } => Some(ask_at),
            Room::Free | Room::Asked { .. } => None,
        };
        let deadline = self.follower.state().next_deadline().map(|at| {
            let wait = at.since(self.bus.server_now());
            now.after(if wait.is_zero() { DEADLINE_LOOK } else { wait })
        });
        [outbox, room, deadline].into_iter().flatten().min().map_or(latest, |at| at.min(latest))
    }

    /// Waits for what is on its way, and lets go.
    async fn finish(mut self) {
        let flights = async { while self.flights.next().await.is_some() {} };
        if tokio::time::timeout(FLUSH_WAIT, flights).await.is_err() {
            debug!("something was still on its way; whoever is next will say it");
        }
        self.lease.release().await;
        self.follower.finish().await;
    }
}

/// Gives the rest of the process its turn even if the moment has passed.
async fn sleep_until(at: BootTime) {
    tokio::time::sleep(at.since(BootTime::now()).max(TURN_MIN)).await;
}

/// Publishes only if nobody spoke on the subject since the fold read.
async fn publish_fenced(
    (bus, publisher): (Bus, Publisher),
    mut outgoing: Outgoing,
    (id, about): (DerivedId, About),
    read_up_to: u64,
) -> Landed {
    let asked_at = BootTime::now();
    match bus.last_on_subject(&outgoing.subject).await {
        // The process was stopped: the answer is old, and so is what it would say.
        Ok(_) if BootTime::now().since(asked_at) > STOPPED_FROM => {
            Landed::Letter(id, Reply::ReadOn)
        }
        Ok(Some(last)) if last.position > read_up_to => Landed::Letter(id, Reply::ReadOn),
        Ok(last) => {
            outgoing.expected_last_subject_sequence = Some(last.map_or(0, |last| last.position));
            landed(id, &about, publisher.publish(outgoing).await)
        }
        Err(error) => {
            debug!(error = %error, "could not ask for the last event on a subject");
            Landed::Letter(id, Reply::NotStored)
        }
    }
}

fn landed(id: DerivedId, about: &About, sent: Result<bus::PublishAck, PublishError>) -> Landed {
    match sent {
        Ok(ack) => {
            let reply = Reply::Stored { position: ack.position, is_duplicate: ack.duplicate };
            Landed::Letter(id, reply)
        }
        Err(PublishError::WrongLastSequence { .. }) => Landed::Letter(id, Reply::ReadOn),
        Err(PublishError::NoRoom { .. }) => Landed::Full(id),
        Err(error) => {
            about.not_stored(&error);
            Landed::Letter(id, Reply::NotStored)
        }
    }
}

async fn stream_has_room(bus: &Bus) -> bool {
    let info = bus.stream_info().await;
    info.is_ok_and(|info| is_room(info.bytes_free(), info.bytes_max))
}

/// Tells whether so many free bytes are room in a stream of so many; `None` is no bound.
fn is_room(free: Option<u64>, most: Option<u64>) -> bool {
    let wanted = most.map_or(ROOM_BYTES_MIN, |most| ROOM_BYTES_MIN.min(most / ROOM_PART));
    free.is_none_or(|free| free >= wanted)
}

#[cfg(test)]
mod tests {
    use super::{ROOM_BYTES_MIN, is_room};

    #[test]
    fn a_small_stream_has_room_again_before_a_megabyte_is_free() {
        assert!(is_room(Some(ROOM_BYTES_MIN / 2), Some(ROOM_BYTES_MIN * 2)));
        assert!(!is_room(Some(ROOM_BYTES_MIN / 16), Some(ROOM_BYTES_MIN)));
        assert!(!is_room(Some(ROOM_BYTES_MIN - 1), Some(ROOM_BYTES_MIN * 1_000)));
        assert!(is_room(None, None));
    }
}
