//! The law: which event follows which in a sequence execution.
//!
//! | run is | its next task, seen | its end, seen | `started` | `finished`, more awaited | `finished`, last one | its deadline's event | pause | resume | abort |
//! |---|---|---|---|---|---|---|---|---|---|
//! | undecided | task opens | ends it | – | – | – | – | noted | if paused: noted | owe the end |
//! | queued | task opens, holds | ends it | – | – | – | – | leave the line | – | owe the end |
//! | holding, no open task | task opens | ends it | – | – | – | – | free the slot | – | owe the end |
//! | holding, delayed | task opens | ends it | – | – | – | the task is owed | free the slot | – | owe the end |
//! | task open | close; task opens | ends it, slot kept | noted | noted | close; owe the next step | close as fail; owe the end | noted, slot kept | – | tell executors, owe the end, slot kept |
//! | task open, paused | close; task opens | ends it, slot kept | noted | noted | close; free the slot | close as fail; owe the end | – | noted | as above |
//! | task open, aborted | close; task opens | ends it, slot kept | noted | noted | close | – | – | – | – |
//! | waiting for approval | close; task opens | ends it | noted | (the first is the last) | close; queue for the slot | – | noted | if paused: noted | close; owe the end |
//! | paused, no open task | task opens, stays paused | ends it | – | – | – | – | – | queue again | owe the end |
//! | aborted, no open task | task opens, tell executors | ends it | – | – | – | – | – | – | – |
//! | all tasks done | task opens | ends it | – | – | – | – | noted, ends | if paused: noted | owe the end as aborted |
//! | declined | task opens | ends it | – | – | – | – | – | – | – |
//! | ended, task open | – | – | noted | noted | close; free the slot | close; free the slot | – | – | – |
//! | ended, a sequence that follows is owed | – | – | – | – | – | – | pause what follows | resume what follows | abort what follows |
//! | over | – | – | – | – | – | – | – | – | – |
//!
//! A retry changes no run that is not ended: a failed one, over or not, is followed by the run that
//! repeats it.
//!
//! "–" changes nothing and is noted; a repeated trigger always does. An id names the step, and the
//! first event seen under it decides: what is in the stream stands, whoever said it and whatever
//! would be said today.

mod answer;
mod carry;
mod control;
mod data;
mod decide;
mod effective;
mod emit;
mod failed;
mod follow_up;
mod index;
mod queue;
mod request;
mod retry;
mod run;
mod task;
mod time_out;
mod trace;
mod trigger;
mod waiting;

use std::sync::Arc;

use imbl::{OrdMap, OrdSet};
use model::{
    CommandObject, DerivedId, Event, EventType, KeptnContext, Kind, Malformed, Payload, Position,
    ProjectName, SequenceSpec, ServiceName, StageName, Stored, StreamTime,
};
use serde::{Deserialize, Serialize};

use self::queue::Queue;
pub use self::{
    control::Verb,
    data::DATA_BYTES_MAX,
    emit::SOURCE,
    failed::{FAILED_BYTES_MAX, FAILED_MAX},
    run::{
        ABORTED_HOLD_SECS, Abort, Begun, Decline, FollowUp, Input, MESSAGE_BYTES_MAX, Next, Origin,
        Outcome, Phase, RetryFrom, Run, RunKey, RunService, Slot, Standing,
    },
    task::{APPROVAL, OpenTask, Source, Verdict},
    trigger::FOLLOW_UPS_MAX,
    waiting::{Reason, Waiting},
};
use crate::{
    Catalog, Definition, Note, few::Few, owed::OwedTable, plan::Candidate, remembered::Remembered,
    stage::Stages,
};

/// Malformed messages that may wait to be reported; more of them are only noted.
const LOG_ERRORS_OWED_MAX: usize = 1_000;

/// Every sequence execution that is not over.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sequences {
    runs: OrdMap<RunKey, Arc<Run>>,
    /// The next step of every run that has not ended.
    steps: OrdMap<DerivedId, RunKey>,
    open_tasks: OrdMap<DerivedId, RunKey>,
    triggers: OrdMap<DerivedId, RunKey>,
    contexts: OrdMap<KeptnContext, Delivery>,
    undecided: OrdMap<ProjectName, OrdSet<RunKey>>,
    by_stage: OrdMap<ProjectName, OrdMap<StageName, OrdSet<RunKey>>>,
    queue: Queue,
    deadlines: OrdSet<(StreamTime, RunKey)>,
    definitions: OrdMap<Position, Held>,
    owed: OwedTable<Due>,
    log_errors: usize,
    handled: Remembered,
    failed: failed::FailedRuns,
}

/// What the runs of one delivery share.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Delivery {
    runs: Few<RunKey>,
    follow_ups: u32,
    /// Stages that are paused; none = all.
    paused: Few<Option<StageName>>,
}

/// A definition that runs use.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Held {
    definition: Arc<Definition>,
    uses: usize,
}

/// What the controller owes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Due {
    /// The next step of a run: a task's `triggered`, or the sequence's `finished`.
    Step(RunKey),
    /// `<task>.status.changed`: executors of the open task are told that the run is aborted.
    Told(RunKey),
    /// The trigger of a sequence that follows.
    FollowUp(RunKey),
    /// `<task>.finished` because a deadline passed.
    TimeOut(RunKey),
    /// The answer to a `sequence.<verb>` command.
    Control(Arc<ControlAnswer>),
    /// `sh.keptn.log.error` for a message that can never be handled.
    LogError(Arc<Unreadable>),
}

/// The answer to a `sequence.<verb>` command, as it was decided when the command was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlAnswer {
    verb: Box<str>,
    triggered_id: model::EventId,
    context: KeptnContext,
    /// Trace context of the delivery.
    traceparent: Box<str>,
    data: Payload,
}

/// A message that can never be handled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unreadable {
    position: Position,
    subject: Box<str>,
    reason: Box<str>,
}

/// Something that happened to a run, for who derives from it.
#[derive(Clone, Debug)]
pub struct Fact {
    /// The run as it is behind the event.
    pub run: Arc<Run>,
    /// The documents it runs with, once it is decided.
    pub definition: Option<Arc<Definition>>,
    /// What happened.
    pub what: What,
}

/// What happened to a run.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// Its trigger was seen.
    Triggered,
    /// What it does was decided.
    Decided,
    /// A task of it was triggered.
    TaskTriggered,
    /// An executor answered, or said how it goes.
    Answered,
    /// A task of it was closed.
    TaskClosed(ClosedTask),
    /// It was paused, resumed or aborted.
    Controlled,
    /// Its `finished` was seen.
    Ended(Outcome),
}

/// A task that was closed.
#[derive(Clone, Debug, PartialEq)]
pub struct ClosedTask {
    /// The task as it was.
    pub task: OpenTask,
    /// Which task of the sequence, from 0.
    pub index: u32,
    /// How it ended.
    pub outcome: Outcome,
    /// The run goes by it; false when it was aborted or over before.
    pub counts: bool,
}

/// What everything else in the world says while an event is applied.
pub(crate) struct Surroundings<'a> {
    pub(crate) catalog: &'a Catalog,
    pub(crate) stages: &'a Stages,
}

/// What applying one event came to.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    pub(crate) notes: Vec<Note>,
    pub(crate) facts: Vec<Fact>,
}

impl Effects {
    fn note(&mut self, reason: impl Into<std::borrow::Cow<'static, str>>) {
        self.notes.push(Note::new(reason));
    }
}

impl Sequences {
    /// Applies one stored event.
    pub(crate) fn apply(&mut self, around: &Surroundings<'_>, stored: &Stored) -> Effects {
        let mut effects = Effects::default();
        match &stored.body {
            Ok(event) => self.apply_event(around, stored, event, &mut effects),
            Err(malformed) => self.report(stored, malformed, &mut effects),
        }
        effects
    }

    fn apply_event(
        &mut self,
        around: &Surroundings<'_>,
        stored: &Stored,
        event: &Event,
        effects: &mut Effects,
    ) {
        match &event.event_type {
            EventType::Task(_, Kind::Triggered) => self.see_task(stored, event, effects),
            EventType::Task(_, Kind::Started | Kind::StatusChanged | Kind::Finished) => {
                self.see_answer(stored, event, effects);
            }
            EventType::Sequence(stage, sequence, Kind::Triggered) => {
                self.see_trigger(around, stored, (event, stage, sequence), effects);
            }
            EventType::Sequence(_, _, Kind::Finished) => {
                self.see_end(around, stored, event, effects);
            }
            EventType::Sequence(_, _, Kind::Started | Kind::StatusChanged) => {
                effects.note("nobody acts on this kind of sequence event");
            }
            EventType::Command(CommandObject::Sequence, verb, Kind::Triggered) => {
                self.see_control(stored, event, verb, effects);
            }
            EventType::Command(CommandObject::Sequence, _, Kind::Finished)
            | EventType::LogError => self.see_said(event, effects),
            EventType::Command(_, _, Kind::Finished) => {
                if let Some(project) = around.catalog.deleted_by(event) {
                    self.abort_orphans(&project, (stored, event), effects);
                }
                self.decide_waiting(around, stored.time, effects);
            }
            EventType::Command(_, _, Kind::Triggered | Kind::Started | Kind::StatusChanged) => {}
            EventType::Other(_) => effects.note("nobody acts on this type of event"),
        }
    }

    /// Notes that something that was said is now in the stream.
    fn see_said(&mut self, event: &Event, effects: &mut Effects) {
        let id = DerivedId::parse(event.id.as_str());
        let said = id.and_then(|id| Some((id, self.owed.get(id)?)));
        let is_log_error = event.event_type == EventType::LogError;
        match said {
            Some((id, Due::LogError(_))) if is_log_error => {
                self.owed.remove(id);
                self.log_errors = self.log_errors.saturating_sub(1);
            }
            Some((id, Due::Control(_))) if !is_log_error => _ = self.owed.remove(id),
            Some(_) | None if is_log_error => {}
            Some(_) | None => effects.note("nobody waits for an answer with this id"),
        }
    }

    /// Owes a report of a message that can never be handled. What is under `sh.keptn.log.` is
    /// never answered.
    fn report(&mut self, stored: &Stored, malformed: &Malformed, effects: &mut Effects) {
        effects.note(format!("can never be handled: {}", malformed.reason));
        if stored.subject.starts_with("sh.keptn.log.") {
            return;
        }
        if self.log_errors >= LOG_ERRORS_OWED_MAX {
            effects.note("too many unreadable messages wait to be reported");
            return;
        }
        self.log_errors += 1;
        let id = DerivedId::of(&[
            "log.error",
            &stored.position.to_string(),
            &stored.time.as_nanos().to_string(),
        ]);
        let unreadable = Unreadable {
            position: stored.position,
            subject: stored.subject.clone(),
            reason: malformed.reason.clone(),
        };
        self.owed.insert(id, stored.time, Due::LogError(Arc::new(unreadable)));
    }

    /// Returns a run that is not over.
    pub fn run(&self, key: RunKey) -> Option<&Arc<Run>> {
        self.runs.get(&key)
    }

    /// Returns every run that is not over, oldest trigger first.
    pub fn runs(&self) -> impl Iterator<Item = &Arc<Run>> {
        self.runs.values()
    }

    /// Returns the runs of a stage that have not ended, oldest trigger first.
    pub fn open_in_stage<'a>(
        &'a self,
        project: &ProjectName,
        stage: &StageName,
    ) -> impl Iterator<Item = &'a Arc<Run>> + use<'a> {
        let keys = self.by_stage.get(project).and_then(|stages| stages.get(stage));
        keys.into_iter()
            .flatten()
            .filter_map(|key| self.runs.get(key))
            .filter(|run| !run.is_ended())
    }

    /// Tells whether some run of a delivery is open, or one is owed.
    pub fn is_open(&self, context: &KeptnContext) -> bool {
        let Some(delivery) = self.contexts.get(context) else { return false };
        delivery.runs.iter().filter_map(|key| self.runs.get(key)).any(|run| match &run.phase {
            Phase::Ended { follow_ups } => !follow_ups.is_empty(),
            Phase::Undecided | Phase::Declined(_) | Phase::Decided => true,
        })
    }

    /// Returns the newest open run that delivers a service into a stage.
    pub(crate) fn newest_delivering(
        &self,
        project: &ProjectName,
        stage: &StageName,
        service: &ServiceName,
    ) -> Option<&Arc<Run>> {
        self.queue
            .open_runs(project, stage, service)
            .rev()
            .filter_map(|key| self.runs.get(key))
            .find(|run| run.is_running() && self.spec(run).is_some_and(SequenceSpec::delivers))
    }

    /// Returns the delivery of the open run that brings a candidate already, if its newest does.
    pub fn under_way(
        &self,
        project: &ProjectName,
        stage: &StageName,
        candidate: &Candidate,
    ) -> Option<&KeptnContext> {
        self.newest_delivering(project, stage, &candidate.service)
            .filter(|run| run.artifact(&candidate.service) == Some(&candidate.artifact))
            .map(|run| &run.context)
    }

    /// Tells whether nothing is open, held, wanted, awaited or owed.
    pub fn is_idle(&self) -> bool {
        let is_unused = self.definitions.is_empty() && self.queue.is_empty();
        let is_unheld = self.steps.is_empty() && self.open_tasks.is_empty();
        let is_unknown = self.triggers.is_empty() && self.contexts.is_empty();
        let is_unlisted = self.undecided.is_empty() && self.by_stage.is_empty();
        let is_unowed = self.deadlines.is_empty() && self.owed.is_empty();
        let is_over = self.runs.is_empty() && self.log_errors == 0;
        is_over && is_unused && is_unheld && is_unknown && is_unlisted && is_unowed
    }

    /// Returns the documents that a run runs with.
    pub fn definition(&self, run: &Run) -> Option<&Arc<Definition>> {
        self.definitions.get(&run.definition?).map(|held| &held.definition)
    }

    /// Returns the sequence that a run runs.
    pub fn spec(&self, run: &Run) -> Option<&SequenceSpec> {
        self.definition(run)?.sequence(&run.stage, run.sequence.as_str())
    }

    fn fact(&self, key: RunKey, what: What) -> Option<Fact> {
        let run = self.runs.get(&key)?.clone();
        let definition = self.definition(&run).cloned();
        Some(Fact { run, definition, what })
    }
}
