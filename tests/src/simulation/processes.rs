//! What happens to a process: it reads, it speaks, it dies and starts again, it is stopped and
//! goes on with its old timers, its connection breaks, its clocks err, it believes in the lease.

use super::{
    breaks::Break,
    faults::Fault,
    keeper::Start,
    run::{Happening, Run, Who},
    stream::DUPLICATE_WINDOW,
    time::{MILLI, Moment, SECOND},
};

/// How long a process is down at most before it is started again.
const DOWN_MAX: Moment = 30 * SECOND;
/// A server gives a connection up on which nobody answered for this long.
const STALE: Moment = 240 * SECOND;

impl Run<'_> {
    /// The next message of the stream is on its way to who reads and is not behind another one.
    pub(super) fn await_next(&mut self, who: Who) {
        let (last, is_out) = (self.server.last(), self.is_out);
        let Some(actor) = self.actors.get_mut(who) else { return };
        let link = actor.link_mut();
        let is_reading = link.is_up && link.is_connected && !link.is_awaiting && !is_out;
        if is_reading && link.read_up_to < last {
            link.is_awaiting = true;
            let session = link.session;
            let wait = self.delay();
            self.after(wait, Happening::Delivered { who, session });
        }
    }

    /// The next message reaches who reads.
    pub(super) fn deliver(&mut self, who: Who, session: u32) {
        let now = self.now;
        let Some(actor) = self.actors.get_mut(who) else { return };
        let link = actor.link_mut();
        if link.session != session || !link.is_connected {
            return;
        }
        link.is_awaiting = false;
        let next = link.read_up_to + 1;
        let Some(stored) = self.server.at(next).cloned() else { return };
        actor.read(&stored, now);
        actor.link_mut().look(now);
        self.await_next(who);
        if self.chance(self.habits.snapshots)
            && let Some(actor) = self.actors.get_mut(who)
        {
            actor.snapshot();
        }
        if self.chance(self.habits.deaths / 4) {
            self.count(Fault::CrashBeforeSpeaking);
            return self.kill(who);
        }
        self.turn(who);
    }

    /// A process looks at what it has to say.
    pub(super) fn turn(&mut self, who: Who) {
        let (now, off) = (self.now, self.off);
        let Some(actor) = self.actors.get_mut(who) else { return };
        if !actor.link().is_running() {
            return;
        }
        let speeches = actor.speak(now, off);
        let question = actor.asks_end(now);
        let session = actor.link().session;
        let wake = actor.wake_at(now).map(|at| at.max(now + MILLI));
        let has_spoken = !speeches.is_empty();
        for speech in speeches {
            self.send(who, speech);
        }
        if let Some(question) = question {
            self.ask_end(who, session, question);
        }
        if has_spoken && self.chance(self.habits.deaths) {
            self.count(Fault::CrashBehindPublish);
            return self.kill(who);
        }
        self.wake_up_at(who, wake);
    }

    fn wake_up_at(&mut self, who: Who, wake: Option<Moment>) {
        let Some(at) = wake else { return };
        let now = self.now;
        let Some(actor) = self.actors.get_mut(who) else { return };
        let link = actor.link_mut();
        if link.wake.is_none_or(|before| before <= now || at < before) {
            link.wake = Some(at);
            self.after(at - now, Happening::Wakes { who });
        }
    }

    /// A process wakes by itself.
    pub(super) fn wake(&mut self, who: Who) {
        let (now, has_room) = (self.now, !self.server.is_full);
        let Some(actor) = self.actors.get_mut(who) else { return };
        if actor.link().wake.is_some_and(|at| at <= now) {
            actor.link_mut().wake = None;
        }
        actor.hear_room(has_room, now);
        self.turn(who);
    }

    /// A process is killed; somebody starts it again.
    pub(super) fn kill(&mut self, who: Who) {
        let now = self.now;
        let Some(actor) = self.actors.get_mut(who) else { return };
        if !actor.link().is_up {
            return;
        }
        let link = actor.link_mut();
        link.disconnect(now);
        (link.is_up, link.is_stopped) = (false, false);
        link.session += 1;
        self.held.retain(|(held, _)| *held != who);
        self.count(Fault::Crash);
        self.tell_of(who, || "is killed".to_owned());
        let age = self.rng.usize(0..2);
        let start = match self.rng.u32(0..8) {
            0..3 => Start::Cold,
            3..7 => Start::Snapshot(age),
            _ => Start::Written(age),
        };
        let wait = self.rng.i64(10 * MILLI..DOWN_MAX);
        self.after(wait, Happening::Starts { who, start });
    }

    /// A process starts.
    pub(super) fn start(&mut self, who: Who, start: Start) {
        let now = self.now;
        let Some(actor) = self.actors.get_mut(who) else { return };
        if actor.link().is_up {
            return;
        }
        actor.link_mut().is_up = true;
        let fault = actor.start(start, now);
        self.count(fault);
        self.tell_of(who, || format!("starts {start:?}"));
        self.connect(who);
    }

    /// A connection breaks.
    pub(super) fn cut(&mut self, who: Who, pause: Moment) {
        let (now, off) = (self.now, self.off);
        let Some(actor) = self.actors.get_mut(who) else { return };
        if !actor.link().is_connected {
            return;
        }
        actor.link_mut().disconnect(now);
        actor.link_mut().session += 1;
        actor.lose_flights(now, off);
        if off == Some(Break::Gap) && actor.link().read_up_to < self.server.last() {
            actor.link_mut().read_up_to += 1;
        }
        self.count(Fault::Cut);
        self.tell_of(who, || "loses its connection".to_owned());
        self.after(pause, Happening::Connects { who });
    }

    /// A connection is made, if the server is there.
    pub(super) fn connect(&mut self, who: Who) {
        let (now, end) = (self.now, self.server.last());
        let Some(actor) = self.actors.get_mut(who) else { return };
        if !actor.link().is_up || actor.link().is_connected || self.is_out {
            return;
        }
        actor.link_mut().connect(end, now);
        self.tell_of(who, || format!("connects, the stream ends at {end}"));
        self.await_next(who);
        self.turn(who);
    }

    /// A process gets no processor.
    pub(super) fn stop(&mut self, who: Who, pause: Moment) {
        let now = self.now;
        let Some(actor) = self.actors.get_mut(who) else { return };
        if !actor.link().is_running() {
            return;
        }
        actor.stop(now);
        self.count(if pause > DUPLICATE_WINDOW { Fault::Zombie } else { Fault::Stopped });
        self.tell_of(who, || "is stopped".to_owned());
        self.after(pause, Happening::GoesOn { who });
        if pause > STALE {
            self.held.push((who, Happening::Breaks { who, pause: MILLI }));
        }
    }

    /// Keeps what happens to a stopped process until it goes on.
    pub(super) fn hold_if_stopped(&mut self, happening: Happening) -> Option<Happening> {
        let Some(who) = happening.runs() else { return Some(happening) };
        if self.actors.get(who).is_some_and(|one| one.link().is_stopped) {
            self.held.push((who, happening));
            return None;
        }
        Some(happening)
    }

    /// A stopped process goes on: everything that waited for it happens at once, in order.
    pub(super) fn go_on(&mut self, who: Who) {
        let Some(actor) = self.actors.get_mut(who) else { return };
        if !actor.link().is_stopped {
            return;
        }
        actor.link_mut().is_stopped = false;
        self.tell_of(who, || "goes on".to_owned());
        let held = std::mem::take(&mut self.held);
        let (of_it, others) = held.into_iter().partition(|(held, _)| *held == who);
        self.held = others;
        let of_it: Vec<(Who, Happening)> = of_it;
        for (_, happening) in of_it {
            self.after(0, happening);
        }
    }

    /// Nobody reaches the server.
    pub(super) fn outage(&mut self, pause: Moment) {
        if self.is_quiet || self.is_out {
            return;
        }
        self.is_out = true;
        self.count(Fault::Outage);
        self.tell(|| "nobody reaches the server".to_owned());
        for who in 0..self.actors.len() {
            self.cut(who, pause + SECOND);
        }
        self.after(pause, Happening::Back);
    }

    /// The server is there again.
    pub(super) fn back(&mut self) {
        self.is_out = false;
        for who in 0..self.actors.len() {
            let wait = self.delay();
            self.after(wait, Happening::Connects { who });
        }
    }

    /// Brings a process back, whatever had become of it.
    pub(super) fn revive(&mut self, who: Who) {
        self.go_on(who);
        self.start(who, Start::Cold);
        self.connect(who);
    }

    /// A process believes the server's clock elsewhere, until it asks again.
    pub(super) fn err(&mut self, who: Who, error: Moment, pause: Moment) {
        let Some(actor) = self.actors.get_mut(who) else { return };
        actor.link_mut().clock_error = error;
        self.count(if error > 0 { Fault::ClockAhead } else { Fault::ClockBehind });
        self.tell_of(who, || format!("errs by {} s", error / SECOND));
        self.after(pause, Happening::Corrects { who });
        self.turn(who);
    }

    /// A process knows the server's clock again.
    pub(super) fn correct(&mut self, who: Who) {
        if let Some(actor) = self.actors.get_mut(who) {
            actor.link_mut().clock_error = 0;
            self.turn(who);
        }
    }

    /// The processes of these bits believe that they hold the lease.
    pub(super) fn lease(&mut self, holders: u32) {
        for who in 0..self.actors.len() {
            if let Some(actor) = self.actors.get_mut(who) {
                let number = if who < self.controllers { who } else { who - self.controllers };
                actor.link_mut().holds_lease = holders >> number & 1 == 1;
            }
        }
        let believers = self.actors.iter().take(self.controllers);
        match believers.filter(|one| one.link().holds_lease).count() {
            0 => self.count(Fault::NoLease),
            1 => {}
            _ => self.count(Fault::TwoLeases),
        }
    }
}
