//! Commands on runs: abort, pause, resume, retry. They take effect where they stand in the stream; their
//! answer says what they did.

use std::{borrow::Cow, sync::Arc};

use model::{
    DerivedId, Event, EventId, KeptnContext, Payload, ProjectName, StageName, Stored, StreamTime,
    name::shortened,
    trace::{SpanId, Trace},
};
use serde_json::{Map, Value};

use super::{
    ControlAnswer, Due, Effects, Sequences, What,
    retry::Retry,
    run::{Abort, Phase, Run, RunKey},
};
use crate::{
    few::Few,
    refusal::{Code, Refusal},
    values::text,
};

/// What a person can do to a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// End it.
    Abort,
    /// Send no further task.
    Pause,
    /// Go on.
    Resume,
    /// Run again what failed.
    Retry,
}

impl Verb {
    fn parse(word: &str) -> Option<Self> {
        match word {
            "abort" => Some(Self::Abort),
            "pause" => Some(Self::Pause),
            "resume" => Some(Self::Resume),
            "retry" => Some(Self::Retry),
            _ => None,
        }
    }

    const fn done(self) -> &'static str {
        match self {
            Self::Abort => "aborted",
            Self::Pause => "paused",
            Self::Resume => "resumed",
            Self::Retry => "retried",
        }
    }
}

/// A command on runs, read.
pub(super) struct Order<'a> {
    verb: Verb,
    pub(super) context: &'a KeptnContext,
    /// Only runs of this project.
    project: Option<Cow<'a, str>>,
    /// Only runs in this stage.
    pub(super) stage: Option<StageName>,
    /// Id of the command.
    pub(super) by: &'a EventId,
}

impl<'a> Order<'a> {
    fn read(event: &'a Event, verb: &str) -> Result<Self, Refusal> {
        let verb = Verb::parse(verb).ok_or_else(|| {
            Refusal::new(
                Code::Invalid,
                format!("`sequence.{}` is no command", shortened(verb)),
                "there is abort, pause, resume, retry",
            )
        })?;
        let context = event.context.as_ref().ok_or_else(|| {
            Refusal::new(Code::Invalid, "`shkeptncontext` is missing", "name the delivery")
        })?;
        let head = event.data.head();
        let stage = head.stage.filter(|name| !name.is_empty());
        let stage = stage.map(|name| StageName::new(&name)).transpose().map_err(|error| {
            Refusal::new(Code::Invalid, error.to_string(), "name a stage of the shipyard")
        })?;
        let project = head.project.filter(|name| !name.is_empty());
        Ok(Self { verb, context, project, stage, by: &event.id })
    }

    fn is_about_stage(&self, stage: &StageName) -> bool {
        self.stage.as_ref().is_none_or(|named| named == stage)
    }

    fn is_about_project(&self, run: &Run) -> bool {
        self.project.as_deref().is_none_or(|name| name == run.project.as_str())
    }

    /// Tells whether a run is in the project and the stage that it names.
    pub(super) fn is_in_reach(&self, run: &Run) -> bool {
        self.is_about_project(run) && self.is_about_stage(&run.stage)
    }

    /// Tells whether it is about a run, or about a sequence that is owed behind it.
    fn is_about(&self, run: &Run) -> bool {
        self.is_about_project(run)
            && (!run.is_ended() && self.is_about_stage(&run.stage)
                || run.owed_follow_ups().any(|next| self.is_about_stage(&next.stage)))
    }
}

impl Sequences {
    /// A `sequence.<verb>.triggered`.
    pub(super) fn see_control(
        &mut self,
        stored: &Stored,
        event: &Event,
        verb: &str,
        effects: &mut Effects,
    ) {
        let context = event.context.clone().unwrap_or_else(|| KeptnContext::of_trigger(&event.id));
        let id = DerivedId::of(&["answer", context.as_str(), event.id.as_str(), verb]);
        if self.handled.contains(id) {
            return effects.note("this command was seen already");
        }
        self.handled.insert(id);
        let trace = self.trace_of(event).unwrap_or_else(|| Trace::of(None, &context));
        let done = Order::read(event, verb).and_then(|order| match order.verb {
            Verb::Retry => self.retry(&order, &Retry::read(&event.data)?, stored.time),
            Verb::Abort | Verb::Pause | Verb::Resume => self.control(&order, stored, effects),
        });
        let answer = ControlAnswer {
            verb: verb.into(),
            triggered_id: event.id.clone(),
            data: answer_data(event, done.map(|changed| said(verb, changed))),
            traceparent: trace.parent(SpanId::of_delivery(&context)),
            context,
        };
        self.owed.insert(id, stored.time, Due::Control(Arc::new(answer)));
    }

    fn control(
        &mut self,
        order: &Order<'_>,
        stored: &Stored,
        effects: &mut Effects,
    ) -> Result<usize, Refusal> {
        let keys = self.controlled(order)?;
        let mut changed = 0;
        for key in keys {
            if self.control_run(key, order, stored.time) {
                changed += 1;
                effects.facts.extend(self.fact(key, What::Controlled));
            }
        }
        self.note_pause(order);
        Ok(changed)
    }

    /// Notes what holds for sequences of the delivery that are yet to come.
    fn note_pause(&mut self, order: &Order<'_>) {
        let Some(delivery) = self.contexts.get_mut(order.context) else { return };
        match order.verb {
            Verb::Pause => delivery.paused.insert(order.stage.clone()),
            Verb::Resume if order.stage.is_none() => delivery.paused = Few::default(),
            Verb::Resume => delivery.paused.remove(&order.stage),
            Verb::Abort | Verb::Retry => {}
        }
    }

    /// Returns the runs that a command is about.
    fn controlled(&self, order: &Order<'_>) -> Result<Vec<RunKey>, Refusal> {
        let keys: Vec<RunKey> = self
            .contexts
            .get(order.context)
            .into_iter()
            .flat_map(|delivery| delivery.runs.iter())
            .copied()
            .filter(|key| self.runs.get(key).is_some_and(|run| order.is_about(run)))
            .collect();
        if keys.is_empty() {
            let place = order.stage.as_ref().map(|name| format!(" in stage `{name}`"));
            return Err(Refusal::new(
                Code::NotFound,
                format!(
                    "no open sequence in context {}{}",
                    order.context,
                    place.unwrap_or_default()
                ),
                "it has ended, or never was: `keptn get sequence` lists them",
            ));
        }
        Ok(keys)
    }

    /// Applies a command to one run; tells whether it changed anything.
    fn control_run(&mut self, key: RunKey, order: &Order<'_>, now: StreamTime) -> bool {
        let changed = self.change(key, |run| match order.verb {
            Verb::Abort => run.abort(order, now),
            Verb::Pause | Verb::Resume if run.is_ended() => {
                run.owed_follow_ups().any(|next| order.is_about_stage(&next.stage))
            }
            Verb::Pause if run.is_running_or_waits() && !run.is_paused => {
                run.is_paused = true;
                true
            }
            Verb::Resume if run.is_running_or_waits() && run.is_paused => {
                run.is_paused = false;
                if run.open.is_none() {
                    run.cause = now;
                }
                true
            }
            Verb::Pause | Verb::Resume | Verb::Retry => false,
        });
        if order.verb == Verb::Abort {
            self.close_approval(key);
        }
        self.settle(key, now);
        changed == Some(true)
    }

    /// Ends the open runs of a project that was deleted. Those that are not decided yet stand
    /// behind the command that deleted it and are decided without it.
    pub(super) fn abort_orphans(
        &mut self,
        project: &ProjectName,
        (stored, event): (&Stored, &Event),
        effects: &mut Effects,
    ) {
        self.failed.forget(project);
        let stages = self.by_stage.get(project).cloned().unwrap_or_default();
        for key in stages.values().flatten().copied() {
            let Some(run) = self.runs.get(&key).filter(|run| run.phase != Phase::Undecided) else {
                continue;
            };
            let context = run.context.clone();
            let order = Order {
                verb: Verb::Abort,
                context: &context,
                project: None,
                stage: None,
                by: &event.id,
            };
            if self.control_run(key, &order, stored.time) {
                effects.facts.extend(self.fact(key, What::Controlled));
            }
        }
    }
}

impl Run {
    fn is_running_or_waits(&self) -> bool {
        self.aborted.is_none() && matches!(self.phase, Phase::Undecided | Phase::Decided)
    }

    fn abort(&mut self, order: &Order<'_>, at: StreamTime) -> bool {
        if let Phase::Ended { follow_ups } = &mut self.phase {
            let waiting = follow_ups.iter_mut().filter(|next| {
                next.run.is_none() && !next.is_aborted && order.is_about_stage(&next.stage)
            });
            return waiting.map(|next| next.is_aborted = true).count() > 0;
        }
        if self.aborted.is_some() || matches!(self.phase, Phase::Declined(_)) {
            return false;
        }
        self.cause = at;
        self.aborted = Some(Abort { at, by: order.by.clone() });
        true
    }
}

/// Says what a command did.
fn said(verb: &str, changed: usize) -> String {
    let done = Verb::parse(verb).map_or("changed", Verb::done);
    match changed {
        0 => format!("nothing changed: no sequence to be {done} there"),
        1 => format!("1 sequence {done}"),
        n => format!("{n} sequences {done}"),
    }
}

fn answer_data(event: &Event, done: Result<String, Refusal>) -> Payload {
    let asked = event.data.to_map();
    let mut data = Map::new();
    for key in ["project", "stage"] {
        if let Some(name) = text(&asked, key) {
            data.insert(key.to_owned(), Value::String(shortened(name)));
        }
    }
    let mut insert = |key: &str, value: &str| data.insert(key.to_owned(), value.into());
    match done {
        Ok(message) => {
            insert("status", "succeeded");
            insert("result", "pass");
            insert("message", &message);
        }
        Err(refusal) => {
            insert("status", "errored");
            insert("result", "fail");
            insert("message", &refusal.message);
            insert("hint", &refusal.hint);
            insert("code", refusal.code.as_str());
        }
    }
    Payload::from_map(&data)
}
