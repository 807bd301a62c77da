//! One run: a queue of what happens when, in virtual time, and everybody to whom it happens.

use std::collections::{BTreeMap, HashMap};

use fastrand::Rng;
use model::{DerivedId, Position};
use service::attention::Question;

use super::{
    actor::{Actor, Landing, Reader, Speaker},
    breaks::Break,
    executors::Attend,
    faults::{Fault, Faults},
    habits::Habits,
    keeper::Start,
    link::Link,
    people::{Deed, People},
    prologue::Prologue,
    rules::Broken,
    stream::{Message, Server},
    time::{HOUR, MILLI, MINUTE, Moment, SECOND, seconds},
};

/// When faults stop.
pub(super) const QUIET_AT: Moment = 10 * MINUTE;
/// When everything must be over: behind the longest wait of every task that may be open.
const OVER_BY: Moment = 12 * HOUR;
/// How often people look for what waits for them once it is quiet.
const TEND_EVERY: Moment = MINUTE;
/// More than this happens only when somebody goes round in circles.
const HAPPENINGS_MAX: usize = 60_000;

/// Number of a process in [`Run::actors`].
pub(super) type Who = usize;

/// Something that happens.
#[derive(Clone, Debug)]
pub(super) enum Happening {
    /// A publish of a process reaches the server.
    Arrives { who: Who, session: u32, flight: u64, message: Message },
    /// One that the kernel had sent when its connection broke.
    ArrivesLate { who: Who, session: u32, flight: u64, message: Message },
    /// A question for the last position on a subject reaches the server.
    Asked { who: Who, session: u32, flight: u64, message: Message, read_up_to: Position },
    /// Its answer reaches the process.
    Told { who: Who, session: u32, flight: u64, message: Message, read_up_to: Position },
    /// A process that was stopped hears where the stream ends.
    ToldEnd { who: Who, session: u32, question: Question, end: Option<Position> },
    /// A process hears what became of what it said.
    Landed { who: Who, session: u32, flight: u64, landing: Landing },
    /// The next message of the stream reaches a process.
    Delivered { who: Who, session: u32 },
    /// A process wakes by itself.
    Wakes { who: Who },
    /// A process is killed.
    Dies { who: Who },
    /// A process starts.
    Starts { who: Who, start: Start },
    /// A process gets no processor for a while.
    Stops { who: Who, pause: Moment },
    /// It goes on.
    GoesOn { who: Who },
    /// A connection breaks, for a while.
    Breaks { who: Who, pause: Moment },
    /// A connection is made.
    Connects { who: Who },
    /// Nobody reaches the server, for a while.
    Outage { pause: Moment },
    /// The server is there again.
    Back,
    /// A process believes the server's clock elsewhere, for a while.
    Errs { who: Who, error: Moment, pause: Moment },
    /// It has asked the server.
    Corrects { who: Who },
    /// The stream is full, or has room.
    Full(bool),
    /// The leases are believed to be held by these.
    Leases(u32),
    /// A task reaches an executor.
    Attends(Attend),
    /// Something of somebody outside reaches the server.
    Sends { message: Message, is_reliable: bool },
    /// A person does something.
    Person(Deed),
    /// Faults stop.
    Quiet,
    /// People look for what waits for them.
    Tend,
}

/// One run.
pub struct Run<'p> {
    pub(super) prologue: &'p Prologue,
    pub(super) rng: Rng,
    pub(super) now: Moment,
    agenda: BTreeMap<(Moment, u64), Happening>,
    entered: u64,
    happened: usize,
    pub(super) server: Server,
    pub(super) actors: Vec<Box<dyn Actor>>,
    pub(super) controllers: usize,
    pub(super) habits: Habits,
    pub(super) people: People,
    pub(super) faults: Faults,
    pub(super) off: Option<Break>,
    pub(super) is_quiet: bool,
    pub(super) is_out: bool,
    pub(super) held: Vec<(Who, Happening)>,
    pub(super) newest_arrival: (Moment, Option<Who>),
    pub(super) acks: Vec<(Position, Message)>,
    pub(super) said: HashMap<DerivedId, Position>,
    pub(super) broken: Option<Broken>,
    trace: Option<Vec<String>>,
}

/// What a run came to.
#[derive(Debug)]
pub struct Outcome {
    /// Events in the stream.
    pub events: usize,
    /// What went wrong by intent.
    pub faults: Faults,
    /// The rule that does not hold.
    pub broken: Option<Broken>,
    /// What happened, if that was wanted.
    pub trace: Vec<String>,
}

impl<'p> Run<'p> {
    /// Prepares a run.
    pub fn new(prologue: &'p Prologue, seed: u64, off: Option<Break>, is_traced: bool) -> Self {
        let mut rng = Rng::with_seed(seed);
        let habits = Habits::of(&mut rng);
        let controllers = 1 + rng.usize(0..3);
        let actors = actors(prologue, &mut rng, controllers);
        let mut server = prologue.server.clone();
        server.is_cluster = rng.bool();
        let mut run = Self {
            prologue,
            rng,
            now: 0,
            agenda: BTreeMap::new(),
            entered: 0,
            happened: 0,
            server,
            actors,
            controllers,
            habits,
            people: People::default(),
            faults: Faults::default(),
            off,
            is_quiet: false,
            is_out: false,
            held: Vec::new(),
            newest_arrival: (0, None),
            acks: Vec::new(),
            said: HashMap::new(),
            broken: None,
            trace: is_traced.then(Vec::new),
        };
        run.plan();
        run
    }

    /// Plays it to its end.
    pub fn play(mut self) -> Outcome {
        while self.broken.is_none()
            && let Some(((at, _), happening)) = self.agenda.pop_first()
        {
            self.now = at.max(self.now);
            self.happened += 1;
            if self.happened > HAPPENINGS_MAX || self.now > OVER_BY {
                self.breaks("nobody is stuck", "something goes on for ever".to_owned());
                break;
            }
            self.happen(happening);
        }
        if self.broken.is_none() {
            self.judge();
        }
        Outcome {
            events: self.server.all().len(),
            faults: self.faults,
            broken: self.broken,
            trace: self.trace.unwrap_or_default(),
        }
    }

    fn happen(&mut self, happening: Happening) {
        let Some(happening) = self.hold_if_stopped(happening) else { return };
        match happening {
            Happening::Arrives { who, session, flight, message } => {
                self.come(who, session, flight, message);
            }
            Happening::ArrivesLate { who, session, flight, message } => {
                self.arrive(who, session, flight, message);
            }
            Happening::Asked { who, session, flight, message, read_up_to } => {
                self.ask(who, session, flight, (message, read_up_to));
            }
            Happening::Told { who, session, flight, message, read_up_to } => {
                self.told(who, session, flight, (message, read_up_to));
            }
            Happening::ToldEnd { who, session, question, end } => {
                self.told_end(who, session, question, end);
            }
            Happening::Landed { who, session, flight, landing } => {
                self.land(who, session, flight, landing);
            }
            Happening::Delivered { who, session } => self.deliver(who, session),
            Happening::Wakes { who } => self.wake(who),
            Happening::Dies { who } => self.kill(who),
            Happening::Starts { who, start } => self.start(who, start),
            Happening::Stops { who, pause } => self.stop(who, pause),
            Happening::GoesOn { who } => self.go_on(who),
            Happening::Breaks { who, pause } => self.cut(who, pause),
            Happening::Connects { who } => self.connect(who),
            Happening::Outage { pause } => self.outage(pause),
            Happening::Back => self.back(),
            Happening::Errs { who, error, pause } => self.err(who, error, pause),
            Happening::Corrects { who } => self.correct(who),
            Happening::Full(is_full) => self.server.is_full = is_full,
            Happening::Leases(holders) => self.lease(holders),
            Happening::Attends(attend) => self.attend(&attend),
            Happening::Sends { message, is_reliable } => self.take(message, is_reliable),
            Happening::Person(deed) => self.person(&deed),
            Happening::Quiet => self.quiet(),
            Happening::Tend => self.tend_again(),
        }
    }

    fn tend_again(&mut self) {
        if self.tend() || !self.agenda.is_empty() {
            self.after(TEND_EVERY, Happening::Tend);
        }
    }

    /// Enters something that happens a while from now.
    pub(super) fn after(&mut self, wait: Moment, happening: Happening) {
        self.entered += 1;
        self.agenda.insert((self.now + wait, self.entered), happening);
    }

    /// Ends the time of faults: everybody runs, is connected, and knows the time.
    fn quiet(&mut self) {
        self.is_quiet = true;
        self.server.is_full = false;
        self.is_out = false;
        self.tell(|| "faults stop".to_owned());
        for who in 0..self.actors.len() {
            self.correct(who);
            self.revive(who);
        }
        self.lease(1);
        self.after(10 * SECOND, Happening::Tend);
    }

    /// Notes that a rule does not hold; the first one counts.
    pub(super) fn breaks(&mut self, rule: &'static str, what: String) {
        if self.broken.is_none() {
            self.tell(|| format!("BROKEN: {rule}: {what}"));
            self.broken = Some(Broken { rule, what });
        }
    }

    /// Counts a fault.
    pub(super) fn count(&mut self, fault: Fault) {
        self.faults.count(fault);
    }

    /// Writes a line into the trace.
    pub(super) fn tell(&mut self, line: impl FnOnce() -> String) {
        let now = self.now;
        if let Some(trace) = &mut self.trace {
            trace.push(format!("{:>10} {}", seconds(now), line()));
        }
    }

    /// Tells whether something with this chance, in thousandths, happens now; nothing does once
    /// it is quiet.
    pub(super) fn chance(&mut self, thousandths: u32) -> bool {
        !self.is_quiet && self.rng.u32(0..1_000) < thousandths
    }

    /// Returns how long a message takes now.
    pub(super) fn delay(&mut self) -> Moment {
        let usual = self.rng.i64(100_000..3 * MILLI);
        let most = self.habits.delay_max;
        if self.chance(self.habits.slow) { usual + self.rng.i64(0..most) } else { usual }
    }
}

fn actors(prologue: &Prologue, rng: &mut Rng, controllers: usize) -> Vec<Box<dyn Actor>> {
    let end = prologue.end();
    let mut link = |kind: &str, number: usize| {
        Link::new(format!("{kind}-{number}"), end, rng.i64(0..1_000 * HOUR))
    };
    let mut actors: Vec<Box<dyn Actor>> = Vec::new();
    for number in 0..controllers {
        let link = link("controller", number);
        actors.push(Box::new(Speaker::new(link, (end, prologue.view.world.clone()))));
    }
    let stores = 1 + usize::from(controllers > 1);
    for number in 0..stores {
        let link = link("config-store", number);
        actors.push(Box::new(Speaker::new(link, (end, prologue.catalog.clone()))));
    }
    actors.push(Box::new(Reader::new(link("status-view", 0), (end, prologue.view.clone()))));
    actors
}

impl Happening {
    /// Returns the process that must have a processor for this to happen.
    pub(super) fn runs(&self) -> Option<Who> {
        match self {
            Self::Told { who, .. }
            | Self::ToldEnd { who, .. }
            | Self::Landed { who, .. }
            | Self::Delivered { who, .. }
            | Self::Wakes { who }
            | Self::Breaks { who, .. }
            | Self::Connects { who }
            | Self::Errs { who, .. }
            | Self::Corrects { who } => Some(*who),
            Self::Arrives { .. }
            | Self::ArrivesLate { .. }
            | Self::Asked { .. }
            | Self::Dies { .. }
            | Self::Starts { .. }
            | Self::Stops { .. }
            | Self::GoesOn { .. }
            | Self::Outage { .. }
            | Self::Back
            | Self::Full(_)
            | Self::Leases(_)
            | Self::Attends(_)
            | Self::Sends { .. }
            | Self::Person(_)
            | Self::Quiet
            | Self::Tend => None,
        }
    }
}
