//! Every cell of the law's table: a run in a state, an event, and what it comes to.

mod rows;

use std::sync::Arc;

use fold::{Run, sequence::Phase};
use model::{Event, EventType, KeptnContext};
use serde_json::{Value, json};

use crate::stream::{Stream, carts, pass, shipyard, short, verdict};

/// Longer than any wait of the law, in seconds.
const LONG_SECS: i64 = 24 * 60 * 60;

/// A run in one of the states of the table.
#[derive(Clone)]
struct Scene {
    stream: Stream,
    context: KeptnContext,
    trigger: Event,
    /// The run when it was last seen.
    run: Arc<Run>,
}

/// What happens to it.
#[derive(Clone, Copy)]
enum Input {
    /// Its trigger comes again.
    TriggerAgain,
    /// A task's `triggered` under the id of its next step.
    Step,
    /// The sequence's `finished`, with pass, under the id of its next step.
    End,
    /// A `started` of its last task.
    Started,
    /// A `finished` of one of two executors that have started.
    FirstFinished,
    /// Both have finished.
    LastFinished,
    /// All deadlines have passed; what is then owed as a time-out is said.
    Deadline,
    Pause,
    Resume,
    Abort,
}

impl Scene {
    /// Triggers a sequence of stage `dev`.
    fn triggered(mut stream: Stream, sequence: &str) -> Self {
        let (context, id) = stream.trigger(&format!("dev.{sequence}"), carts("1"));
        let trigger = stream.said().find(|event| event.id == id).unwrap().clone();
        let run = stream.run(&context).unwrap().clone();
        Self { stream, context, trigger, run }
    }

    fn new(sequence: &str) -> Self {
        Self::triggered(Stream::with_project(&documents(), &["carts"]), sequence)
    }

    /// Says what is owed until an executor, a person or nobody must act.
    fn settled(mut self) -> Self {
        self.stream.settle();
        self.seen()
    }

    fn seen(mut self) -> Self {
        if let Some(run) = self.stream.run(&self.context) {
            self.run = run.clone();
        }
        self
    }

    fn control(mut self, verb: &str) -> Self {
        self.stream.control(&self.context, verb, json!({"project": "p"}));
        self.seen()
    }

    /// Two executors start the open task.
    fn started(mut self) -> Self {
        let task = self.stream.open_task(&self.context);
        for source in ["one", "two"] {
            self.stream.answer(&task, source, "started", json!({}));
        }
        self.seen()
    }

    /// An executor passes the open task.
    fn finished(mut self) -> Self {
        let task = self.stream.open_task(&self.context);
        self.stream.answer(&task, "one", "finished", pass());
        self.seen()
    }

    /// Says the next thing that the controller owes.
    fn said(mut self) -> Self {
        let event = self.stream.owed_in(&self.context).remove(0);
        self.stream.store(event);
        self.seen()
    }

    fn store(&mut self, input: Input) -> Vec<String> {
        let applied = match input {
            Input::TriggerAgain => self.stream.store(self.trigger.clone()),
            Input::Step => {
                let is_first = self.run.tasks_done == 0 && self.run.open.is_none();
                let name = if is_first { "a" } else { "b" };
                let event = self.step(&format!("{name}.triggered"), json!({"stage": "dev"}));
                self.stream.store(event)
            }
            Input::End => {
                let kind = format!("dev.{}.finished", self.run.sequence);
                let event = self.step(&kind, pass());
                self.stream.store(event)
            }
            Input::Started => self.answer("three", "started"),
            Input::FirstFinished => self.answer("one", "finished"),
            Input::LastFinished => {
                self.answer("one", "finished");
                self.answer("two", "finished")
            }
            Input::Deadline => {
                self.stream.pass(LONG_SECS);
                let owed = self.stream.owed_in(&self.context);
                let time_out =
                    owed.into_iter().find(|event| short(event) == "a.finished errored/fail");
                let forged = self.stream.make("a.finished", verdict("errored", "fail"));
                self.stream.store(time_out.unwrap_or(forged))
            }
            Input::Pause => return self.command("pause"),
            Input::Resume => return self.command("resume"),
            Input::Abort => return self.command("abort"),
        };
        applied.notes.iter().map(ToString::to_string).collect()
    }

    /// Makes an event under the id of the run's next step.
    fn step(&mut self, kind: &str, data: Value) -> Event {
        let mut event = self.stream.make(kind, data);
        event.id = self.run.next_id().event_id();
        event.context = Some(self.context.clone());
        event
    }

    fn answer(&mut self, source: &str, kind: &str) -> fold::Applied {
        let number = self.run.open.as_ref().map_or(self.run.step, |task| task.number);
        let mut task = self.stream.make("a.triggered", json!({}));
        task.id = self.run.step_id(number).event_id();
        task.context = Some(self.context.clone());
        if let Some(open) = &self.run.open {
            task.event_type =
                EventType::parse(&format!("sh.keptn.event.{}.triggered", open.name)).unwrap();
        }
        self.stream.answer(&task, source, kind, pass())
    }

    fn command(&mut self, verb: &str) -> Vec<String> {
        let answer = self.stream.control(&self.context, verb, json!({"project": "p"}));
        let message = answer["message"].as_str().unwrap();
        let is_idle = message.starts_with("nothing changed") || answer["code"] == "notFound";
        is_idle.then(|| message.to_owned()).into_iter().collect()
    }

    fn describe(&self) -> String {
        let Some(run) = self.stream.run(&self.context) else { return "gone".to_owned() };
        let mut words = vec![match &run.phase {
            Phase::Undecided => "undecided".to_owned(),
            Phase::Declined(_) => "declined".to_owned(),
            Phase::Decided => format!("{} done", run.tasks_done),
            Phase::Ended { .. } => "ended".to_owned(),
        }];
        let flags = [
            (run.is_paused, "paused"),
            (run.aborted.is_some(), "aborted"),
            (run.is_timed_out, "timed out"),
            (run.holds(), "holds"),
            (run.is_in_line(), "in line"),
        ];
        words.extend(flags.iter().filter(|(is, _)| *is).map(|(_, word)| (*word).to_owned()));
        if let Some(task) = &run.open {
            let answers: usize =
                task.sources.iter().map(|one| one.started.len() + one.finished.len()).sum();
            words.push(format!("{} open ({answers})", task.name));
        }
        words.extend(
            self.stream.owed_in(&self.context).iter().map(|event| format!("owes {}", short(event))),
        );
        words.join(", ")
    }
}

/// Applies an input to a scene and compares what it comes to. `nothing` = the runs are as before
/// and somebody is told so.
fn check(scene: &Scene, input: Input, expected: &str) {
    let mut after = scene.clone();
    let told = after.store(input);
    let runs = |scene: &Scene| scene.stream.world.sequences.runs().cloned().collect::<Vec<_>>();
    let is_same = runs(scene) == runs(&after) && scene.describe() == after.describe();
    let got = if is_same && !told.is_empty() { "nothing".to_owned() } else { after.describe() };
    assert_eq!(got, expected, "before: {}; told: {told:?}", scene.describe());
}

fn documents() -> String {
    shipyard(&["{name: dev, sequences: [
        {name: d, tasks: [{name: a}, {name: b}]},
        {name: slow, tasks: [{name: a, triggeredAfter: 10s}, {name: b}]},
        {name: gate, tasks: [{name: approval}, {name: b}]},
        {name: led, tasks: [{name: a}], triggeredOn: [{event: dev.lead.finished}]},
        {name: lead, tasks: [{name: a}]}]}"])
}
