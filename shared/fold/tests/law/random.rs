//! Random histories: what people, executors, slow controllers and strangers may do to a stream.

use fold::Owes as _;
use model::{DerivedId, Event, EventType, KeptnContext, StreamTime};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::stream::{Stream, encoded, shipyard, verdict};

/// Far behind every deadline, in seconds.
pub(crate) const FAR_SECS: i64 = 100_000;
/// Rounds in which everything that is open must end.
const DRAIN_MAX: usize = 2_000;

const SEQUENCES: [&str; 16] = [
    "dev.d",
    "dev.d",
    "dev.d",
    "dev.gate",
    "dev.gate",
    "dev.slow",
    "dev.slow",
    "dev.loop",
    "dev.loop",
    "dev.build",
    "hard.d",
    "hard.d",
    "hard.d",
    "prod.d",
    "hard.unknown",
    "nowhere.d",
];
/// Where `hard.d` stands.
const SYNCED: u8 = 10;
const VERDICTS: [(&str, &str); 8] = [
    ("succeeded", "pass"),
    ("succeeded", "pass"),
    ("succeeded", "pass"),
    ("succeeded", "warning"),
    ("succeeded", "fail"),
    ("errored", "fail"),
    ("aborted", "pass"),
    ("", ""),
];

/// One thing that happens.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    /// The controller or config-store says one of the things that they owe.
    Say(u8),
    /// They say everything, until nothing is owed.
    SayAll,
    /// A person triggers a sequence.
    Trigger { sequence: u8, form: u8, version: u8 },
    /// A person brings stage `hard` up to date.
    Sync,
    /// An event comes again.
    Repeat(u8),
    /// Somebody answers a task, open or not.
    Answer { task: u8, source: u8, kind: u8, verdict: u8 },
    /// Everybody who must answers an open task.
    Finish(u8),
    /// A delivery to dev, and everything that is open passes.
    Deliver(u8),
    /// A person aborts, pauses, resumes.
    Control { context: u8, verb: u8, stage: u8 },
    /// A person changes the project.
    Command(u8),
    /// Time passes.
    Pass(u32),
    /// A slow controller remembers what it owes …
    Stash,
    /// … and says it later.
    Late(u8),
    /// A clock that is ahead: a time-out is said before its deadline.
    Early(u8),
    /// A message that nobody can read.
    Garbage(u8),
    /// A stranger says something else under an id that is owed.
    Hostile { owed: u8, kind: u8 },
}

pub(crate) fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => any::<u8>().prop_map(Op::Say),
        6 => Just(Op::SayAll),
        6 => (any::<u8>(), any::<u8>(), 1..4_u8)
            .prop_map(|(sequence, form, version)| Op::Trigger { sequence, form, version }),
        3 => Just(Op::Sync),
        1 => any::<u8>().prop_map(Op::Repeat),
        4 => (any::<u8>(), any::<u8>(), any::<u8>(), any::<u8>())
            .prop_map(|(task, source, kind, verdict)| Op::Answer { task, source, kind, verdict }),
        16 => any::<u8>().prop_map(Op::Finish),
        2 => (1..4_u8).prop_map(Op::Deliver),
        3 => (any::<u8>(), any::<u8>(), any::<u8>())
            .prop_map(|(context, verb, stage)| Op::Control { context, verb, stage }),
        1 => any::<u8>().prop_map(Op::Command),
        2 => (0..5_000_u32).prop_map(Op::Pass),
        2 => Just(Op::Stash),
        3 => any::<u8>().prop_map(Op::Late),
        1 => any::<u8>().prop_map(Op::Early),
        1 => any::<u8>().prop_map(Op::Garbage),
    ]
}

/// What strangers do, too.
pub(crate) fn hostile_op() -> impl Strategy<Value = Op> {
    prop_oneof![
        9 => op(),
        1 => (any::<u8>(), any::<u8>()).prop_map(|(owed, kind)| Op::Hostile { owed, kind }),
    ]
}

/// Plays a history.
#[derive(Clone)]
pub(crate) struct Player {
    pub(crate) stream: Stream,
    contexts: Vec<KeptnContext>,
    stash: Vec<Event>,
}

impl Player {
    pub(crate) fn new() -> Self {
        let stream = Stream::with_documents(&documents(), Some(UNIFORM), &["x", "y"]);
        Self { stream, contexts: Vec::new(), stash: Vec::new() }
    }

    /// Plays one thing; tells whether it was said late or by a stranger.
    pub(crate) fn play(&mut self, op: &Op) -> bool {
        match op {
            Op::Say(n) => self.say(*n),
            Op::SayAll => self.stream.settle(),
            Op::Trigger { sequence, form, version } => self.trigger(*sequence, *form, *version),
            Op::Sync => self.trigger(SYNCED, 12, 0),
            Op::Repeat(n) => self.repeat(*n),
            Op::Answer { task, source, kind, verdict } => {
                self.answer(*task, *source, *kind, *verdict);
            }
            Op::Finish(n) => self.finish(*n),
            Op::Deliver(version) => self.deliver(*version),
            Op::Control { context, verb, stage } => self.control(*context, *verb, *stage),
            Op::Command(n) => self.command(*n),
            Op::Pass(secs) => self.stream.pass(i64::from(*secs)),
            Op::Stash => self.stash = self.stream.owed_events(),
            Op::Early(n) => self.early(*n),
            Op::Garbage(n) => self.garbage(*n),
            Op::Late(n) => {
                if let Some(event) = nth(&self.stash, *n).cloned() {
                    self.stream.store(event);
                }
                return true;
            }
            Op::Hostile { owed, kind } => {
                self.hostile(*owed, *kind);
                return true;
            }
        }
        false
    }

    fn say(&mut self, n: u8) {
        let owed = self.stream.owed_events();
        if let Some(event) = nth(&owed, n) {
            self.stream.store(event.clone());
        }
    }

    fn trigger(&mut self, sequence: u8, form: u8, version: u8) {
        let image = |service: &str| json!({"values": {"image": format!("{service}:{version}")}});
        let data = match form % 16 {
            0..8 => json!({"project": "p", "service": "x", "configurationChange": image("x")}),
            8 | 9 => json!({"project": "p", "service": "y", "configurationChange": image("y")}),
            10 | 11 => json!({"project": "p", "services": {"x": image("x"), "y": image("y")}}),
            12 | 13 => json!({"project": "p"}),
            14 => json!({"project": "p", "service": "z"}),
            _ => json!({"project": "p", "sync": {"from": "dev"}, "service": "x"}),
        };
        let kind = SEQUENCES[usize::from(sequence) % SEQUENCES.len()];
        let mut event = self.stream.make(&format!("{kind}.triggered"), data);
        // Now and then a run joins a delivery that is there.
        if sequence > 240 {
            event.context = nth(&self.contexts, form).cloned();
        }
        let context = event.context.clone().unwrap_or_else(|| KeptnContext::of_trigger(&event.id));
        self.contexts.push(context);
        self.stream.store(event);
    }

    fn repeat(&mut self, n: u8) {
        let events: Vec<Event> = self.stream.said().rev().take(20).cloned().collect();
        if let Some(event) = nth(&events, n) {
            self.stream.store(event.clone());
        }
    }

    fn answer(&mut self, task: u8, source: u8, kind: u8, verdict_at: u8) {
        let is_task = |event: &&Event| {
            matches!(&event.event_type, EventType::Task(_, model::Kind::Triggered))
        };
        let tasks: Vec<Event> = self.stream.said().filter(is_task).rev().take(6).cloned().collect();
        let Some(task) = nth(&tasks, task).cloned() else { return };
        let source = ["one", "two", "three"][usize::from(source % 3)];
        let kind = ["started", "finished", "status.changed"][usize::from(kind % 3)];
        let (status, result) = VERDICTS[usize::from(verdict_at % 8)];
        let mut data = verdict(status, result);
        data["seen"] = verdict_at.into();
        self.stream.answer(&task, source, kind, data);
    }

    /// Everybody who must answers the n-th open task.
    fn finish(&mut self, n: u8) {
        let open = self.stream.open_tasks();
        let Some(task) = nth(&open, n).cloned() else { return };
        let (status, result) = if n > 200 { ("succeeded", "fail") } else { ("succeeded", "pass") };
        self.finish_task(&task, &verdict(status, result));
    }

    fn deliver(&mut self, version: u8) {
        self.trigger(0, 0, version);
        for _ in 0..DRAIN_MAX {
            self.stream.settle();
            let Some(task) = self.stream.open_tasks().first().cloned() else { return };
            self.finish_task(&task, &verdict("succeeded", "pass"));
        }
    }

    fn finish_task(&mut self, task: &Event, data: &Value) {
        let id = DerivedId::parse(task.id.as_str()).unwrap();
        let mut sources = vec!["one".to_owned(), "two".to_owned()];
        let runs = self.stream.world.sequences.runs();
        let open = runs.filter_map(|run| run.open.as_ref()).find(|open| open.id == id).unwrap();
        for source in open.working() {
            sources.extend(std::iter::repeat_n(source.source.to_string(), source.started.len()));
        }
        for source in sources {
            self.stream.answer(task, &source, "finished", data);
        }
    }

    fn control(&mut self, context: u8, verb: u8, stage: u8) {
        let Some(context) = nth(&self.contexts, context).cloned() else { return };
        let verb = ["abort", "pause", "resume", "resume", "pause", "retry"][usize::from(verb % 6)];
        let mut data = json!({"project": "p"});
        if let Some(stage) = ["dev", "hard", "prod"].get(usize::from(stage % 8)) {
            data["stage"] = (*stage).into();
        }
        let mut event = self.stream.make(&format!("sequence.{verb}.triggered"), data);
        event.context = Some(context);
        self.stream.store(event);
    }

    fn command(&mut self, n: u8) {
        let (kind, data) = match n % 8 {
            0 => ("project.delete", json!({"project": "p"})),
            1 | 2 => ("project.create", project()),
            3 => ("project.update", project()),
            4 => ("service.delete", json!({"project": "p", "service": "y"})),
            5 => ("service.create", json!({"project": "p", "service": "y"})),
            _ => (
                "configuration.change",
                json!({"project": "p", "stage": "hard", "service": "x",
                       "configurationChange": {"values": {"replicaCount": n}}}),
            ),
        };
        let event = self.stream.make(&format!("{kind}.triggered"), data);
        self.stream.store(event);
    }

    fn early(&mut self, n: u8) {
        let far = StreamTime::from_nanos(self.stream.time + FAR_SECS * 1_000_000_000);
        let due = self.stream.world.due_by(far);
        let events: Vec<Event> = due
            .iter()
            .filter(|owed| matches!(owed.due, fold::sequence::Due::TimeOut(_)))
            .filter_map(|owed| self.stream.world.event(owed, fold::Waits::default()))
            .collect();
        if let Some(event) = nth(&events, n) {
            self.stream.store(event.clone());
        }
    }

    fn garbage(&mut self, n: u8) {
        let subject =
            if n.is_multiple_of(4) { "sh.keptn.log.error" } else { "sh.keptn.event.a.started" };
        self.stream.store_body(subject, Err(model::Malformed::new("must be JSON")));
    }

    fn hostile(&mut self, owed: u8, kind: u8) {
        let events = self.stream.owed_events();
        let Some(event) = nth(&events, owed) else { return };
        let kinds = [
            "deployment.triggered",
            "dev.d.finished",
            "dev.d.triggered",
            "hard.d.triggered",
            "test.status.changed",
            "release.finished",
            "sequence.abort.finished",
            "project.delete.finished",
            "approval.triggered",
        ];
        let kind = kinds[usize::from(kind) % kinds.len()];
        let mut forged = self
            .stream
            .make(kind, json!({"project": "p", "status": "succeeded", "result": "pass"}));
        forged.id = event.id.clone();
        forged.context.clone_from(&event.context);
        forged.triggered_id.clone_from(&event.triggered_id);
        forged.source = fold::sequence::SOURCE.into();
        self.stream.store(forged);
    }

    /// Everybody answers well, every pause is taken back, and time passes, until nothing is open.
    pub(crate) fn drain(&mut self) {
        for _ in 0..DRAIN_MAX {
            self.stream.settle();
            let paused = self.paused();
            if let Some(task) = self.stream.open_tasks().first().cloned() {
                self.finish_task(&task, &verdict("succeeded", "pass"));
            } else if let Some(context) = paused {
                self.stream.control(&context, "resume", json!({"project": "p"}));
            } else if self.stream.world.next_deadline().is_some() {
                self.stream.pass(FAR_SECS);
            } else {
                return;
            }
        }
        let left: Vec<_> = self.stream.world.sequences.runs().collect();
        panic!("runs do not end: {left:#?}");
    }
}

impl Player {
    fn paused(&self) -> Option<KeptnContext> {
        let mut runs = self.stream.world.sequences.runs();
        let paused = runs.find(|run| run.is_paused && run.aborted.is_none() && !run.is_ended());
        paused.map(|run| run.context.clone())
    }
}

fn nth<T>(all: &[T], n: u8) -> Option<&T> {
    all.get(usize::from(n).checked_rem(all.len())?)
}

const UNIFORM: &str = "
spec:
  services:
    - {name: one, events: [test.triggered]}
    - {name: two, events: [test.triggered]}
";

fn project() -> Value {
    json!({"project": "p", "shipyard": encoded(&documents()), "uniform": encoded(UNIFORM)})
}

/// Three stages; deliveries, an approval, a delay, a loop, a build, a rollback.
fn documents() -> String {
    shipyard(&[
        "{name: dev, sequences: [
          {name: d, tasks: [{name: deployment}, {name: test}, {name: evaluation}, {name: release}]},
          {name: gate, tasks: [{name: approval}, {name: deployment}, {name: approval}]},
          {name: slow, tasks: [{name: deployment, triggeredAfter: 10s}, {name: test, timeout: 1m}]},
          {name: build, tasks: [{name: build}, {name: deployment}]},
          {name: loop, tasks: [{name: test}],
           triggeredOn: [{event: dev.loop.finished, selector: {match: {result: fail}}}]}]}",
        "{name: hard, sequences: [
          {name: d, triggeredOn: [{event: dev.gate.finished}],
           tasks: [{name: deployment}, {name: test}, {name: evaluation}, {name: release}]},
          {name: rollback, tasks: [{name: deployment}],
           triggeredOn: [{event: hard.d.finished, selector: {match: {result: fail}}}]}]}",
        "{name: prod, sequences: [
          {name: d, triggeredOn: [{event: hard.d.finished}],
           tasks: [{name: update}, {name: approval}, {name: deployment}, {name: release}]}]}",
    ])
}
