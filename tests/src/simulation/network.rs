//! What lies between a process and the server: a publish and its ack take time, and may be lost.
//!
//! One connection keeps the order of what is sent over it. When it breaks, what the kernel had
//! sent may still arrive, but not much later than a kernel keeps trying.

use model::{DerivedId, Position};
use service::{attention::Question, outbox::Reply};

use super::{
    actor::{Landing, Speech},
    faults::Fault,
    rules::is_ours,
    run::{Happening, Run, Who},
    stream::{Answer, Message},
    time::{Moment, SECOND, moment_of},
};

/// How long an ack is waited for.
const ACK_WAIT: Moment = 6 * SECOND;
/// Longest that what was sent over a connection that broke is on its way: the window of message
/// ids, less the age from which on a publish is fenced.
const LATE_MAX: Moment = 85 * SECOND;
/// How soon somebody outside says again what was not acked.
const AGAIN: Moment = 2 * SECOND;
/// Least grace for a deadline that fell into a time without connection.
const GRACE: Moment = 30 * SECOND;

impl Run<'_> {
    /// Sends what a process says.
    pub(super) fn send(&mut self, who: Who, speech: Speech) {
        self.check_speech(who, &speech);
        let Some(actor) = self.actors.get(who) else { return };
        let session = actor.link().session;
        let Speech { flight, message, fence, .. } = speech;
        self.tell_of(who, || {
            let fence = fence.map(|at| format!(", fenced at {at}")).unwrap_or_default();
            format!("says {}{fence}", message.subject)
        });
        let wait = self.in_order(who);
        if let Some(read_up_to) = fence {
            let asked = Happening::Asked { who, session, flight, message, read_up_to };
            self.after(wait, asked);
        } else {
            self.after(wait, Happening::Arrives { who, session, flight, message });
        }
        let landing = Landing::Reply(Reply::NotStored);
        self.after(ACK_WAIT, Happening::Landed { who, session, flight, landing });
    }

    /// Returns how long something takes that must not overtake what was sent before.
    fn in_order(&mut self, who: Who) -> Moment {
        let (now, delay) = (self.now, self.delay());
        let Some(actor) = self.actors.get_mut(who) else { return delay };
        let link = actor.link_mut();
        link.last_arrival = link.last_arrival.max(now + delay);
        link.last_arrival - now
    }

    /// A publish of a process comes to the server, unless it is lost.
    pub(super) fn come(&mut self, who: Who, session: u32, flight: u64, message: Message) {
        let is_new = self.actors.get(who).is_some_and(|one| one.link().session == session);
        if self.is_out || self.chance(self.habits.lost) {
            self.count(Fault::LostPublish);
        } else if is_new {
            self.arrive(who, session, flight, message);
        } else {
            self.arrive_late(who, session, flight, message);
        }
    }

    /// A question for the last position on a subject comes to the server.
    pub(super) fn ask(
        &mut self,
        who: Who,
        session: u32,
        flight: u64,
        (mut message, read_up_to): (Message, Position),
    ) {
        if self.is_out || self.chance(self.habits.lost) {
            return self.count(Fault::LostPublish);
        }
        message.expected = Some(self.server.last_on(&message.subject));
        let wait = self.delay();
        self.after(wait, Happening::Told { who, session, flight, message, read_up_to });
    }

    /// Something arrives over a connection that is no more: it is lost, or the kernel had it.
    fn arrive_late(&mut self, who: Who, session: u32, flight: u64, message: Message) {
        if self.rng.bool() {
            return self.count(Fault::LostPublish);
        }
        self.count(Fault::LatePublish);
        let wait = self.rng.i64(0..LATE_MAX);
        self.after(wait, Happening::ArrivesLate { who, session, flight, message });
    }

    /// A publish of a process is at the server.
    pub(super) fn arrive(&mut self, who: Who, session: u32, flight: u64, message: Message) {
        let answer = self.publish(&message, Some(who));
        let landing = match answer {
            Answer::Stored { position, is_duplicate } => {
                if is_duplicate {
                    self.count(Fault::Duplicate);
                }
                self.acks.push((position, message));
                Landing::Reply(Reply::Stored { position, is_duplicate })
            }
            Answer::WrongLastSequence => {
                self.count(Fault::WrongLast);
                Landing::Reply(Reply::ReadOn)
            }
            Answer::Full => {
                self.count(Fault::Full);
                Landing::Full
            }
        };
        if self.chance(self.habits.lost_ack) {
            return self.count(Fault::LostAck);
        }
        let wait = self.delay();
        if wait > ACK_WAIT {
            self.count(Fault::SlowPublish);
        }
        self.after(wait, Happening::Landed { who, session, flight, landing });
    }

    /// A process that was stopped asks where the stream ends.
    pub(super) fn ask_end(&mut self, who: Who, session: u32, question: Question) {
        self.count(Fault::WokenUp);
        let is_lost = self.is_out || self.chance(self.habits.lost);
        let (end, wait) = if is_lost { (None, ACK_WAIT) } else { (Some(self.server.last()), 0) };
        let wait = wait + self.delay();
        self.after(wait, Happening::ToldEnd { who, session, question, end });
    }

    /// It hears that, or that nobody answered.
    pub(super) fn told_end(
        &mut self,
        who: Who,
        session: u32,
        question: Question,
        end: Option<Position>,
    ) {
        let now = self.now;
        let Some(actor) = self.actors.get_mut(who) else { return };
        // Whoever asks over a connection that breaks hears that nobody answered.
        let end = end.filter(|_| actor.link().session == session);
        actor.told_end(question, end, now);
        self.turn(who);
    }

    /// A process hears what the last position on a subject is, and sends.
    pub(super) fn told(
        &mut self,
        who: Who,
        session: u32,
        flight: u64,
        (message, read_up_to): (Message, Position),
    ) {
        if self.actors.get(who).is_none_or(|one| one.link().session != session) {
            return;
        }
        if message.expected.is_some_and(|last| last > read_up_to) {
            self.count(Fault::ReadOn);
            return self.land(who, session, flight, Landing::Reply(Reply::ReadOn));
        }
        let wait = self.in_order(who);
        self.after(wait, Happening::Arrives { who, session, flight, message });
    }

    /// A process hears what became of what it said.
    pub(super) fn land(&mut self, who: Who, session: u32, flight: u64, landing: Landing) {
        let (now, off) = (self.now, self.off);
        let Some(actor) = self.actors.get_mut(who) else { return };
        if actor.link().session == session && actor.link().is_up {
            actor.landed(flight, landing, now, off);
            self.turn(who);
        }
    }

    /// Something of somebody outside reaches the server.
    pub(super) fn take(&mut self, message: Message, is_reliable: bool) {
        let is_lost = self.is_out || self.chance(self.habits.lost);
        let answer = if is_lost { None } else { Some(self.publish(&message, None)) };
        let is_stored = matches!(answer, Some(Answer::Stored { .. }));
        if is_lost {
            self.count(Fault::LostPublish);
        }
        if is_reliable && (!is_stored || self.chance(self.habits.lost_ack)) {
            self.after(AGAIN, Happening::Sends { message, is_reliable });
        }
    }

    /// Gives a message to the server, and what it stored to those who read.
    fn publish(&mut self, message: &Message, who: Option<Who>) -> Answer {
        let answer = self.server.publish(message, self.now);
        let (newest, by) = self.newest_arrival;
        let sent = who
            .and_then(|who| self.actors.get(who))
            .map_or(self.now, |one| one.link().last_arrival);
        if by != who && sent < newest {
            self.count(Fault::Overtaken);
        }
        self.newest_arrival = (newest.max(sent), who);
        self.tell(|| format!("  stream: {} -> {answer:?}", message.subject));
        if let Answer::Stored { position, is_duplicate: false } = answer {
            self.stored(position);
        }
        answer
    }

    fn stored(&mut self, position: Position) {
        let said = self.server.at(position).and_then(|one| one.body.as_ref().ok());
        let ours = said.filter(|event| is_ours(&event.source));
        if let Some(id) = ours.and_then(|event| DerivedId::parse(event.id.as_str())) {
            self.said.entry(id).or_insert(position);
        }
        for who in 0..self.actors.len() {
            self.await_next(who);
        }
        self.call_executors(position);
    }

    /// What holds of everything that is said, stored or not.
    fn check_speech(&mut self, who: Who, speech: &Speech) {
        let Some(actor) = self.actors.get(who) else { return };
        let link = actor.link();
        let is_repeated = self.said.get(&speech.id).is_some_and(|at| *at <= link.end);
        if is_repeated && speech.deadline.is_none() {
            let what = format!("{} says {} again", link.name, speech.id);
            return self.breaks("who connects says nothing that was in the stream", what);
        }
        let Some((deadline, own_wait)) = speech.deadline else { return };
        let at = moment_of(deadline);
        let own_wait = Moment::try_from(own_wait.as_nanos()).unwrap_or(Moment::MAX);
        let gap = link.gaps.iter().find(|(from, to)| (*from..*to).contains(&at)).copied();
        if let Some((_, to)) = gap.filter(|(_, to)| self.now < to + GRACE.min(own_wait)) {
            let what = format!("{} says {} at once behind {to}", link.name, speech.id);
            self.breaks("an outage does not time out everything that was waiting", what);
        }
    }

    /// Writes a line about a process into the trace.
    pub(super) fn tell_of(&mut self, who: Who, line: impl FnOnce() -> String) {
        let name = self.actors.get(who).map(|one| one.link().name.clone()).unwrap_or_default();
        self.tell(|| format!("{name} {}", line()));
    }
}
