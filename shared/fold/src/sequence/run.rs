//! One sequence execution: what is known of it, and what it says must come next.

use model::{
    DerivedId, EventId, KeptnContext, Payload, Position, ProjectName, SequenceName, SequenceSpec,
    ServiceName, StageName, StreamTime, TaskName, TaskResult, TaskSpec, TaskStatus,
    payload::DataHead, trace::Trace,
};
use serde::{Deserialize, Serialize};

use super::task::OpenTask;
use crate::refusal::Refusal;

/// Key of a run: the position of its trigger.
pub type RunKey = Position;

/// Place in the line of a stage: the run at whose place it stands, then its own trigger.
pub(super) type Place = (Position, Position);

/// Longest that a run that is over holds its slot for a task that nobody closes, in seconds.
pub const ABORTED_HOLD_SECS: u64 = 600;

/// Most bytes of a message that are kept; longer ones are cut, because every event of the run
/// behind it may repeat them.
pub const MESSAGE_BYTES_MAX: usize = 4 * 1024;

/// One sequence execution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Position of its trigger.
    pub key: RunKey,
    /// Where it stands in line.
    pub place: (Position, Position),
    /// The delivery it belongs to.
    pub context: KeptnContext,
    /// Id of its trigger.
    pub trigger_id: EventId,
    /// The project.
    pub project: ProjectName,
    /// The stage.
    pub stage: StageName,
    /// The sequence.
    pub sequence: SequenceName,
    /// Trace context of its trigger.
    pub traceparent: Option<Box<str>>,
    /// How its delivery began.
    pub begun: Begun,
    /// When it was triggered.
    pub triggered_at: StreamTime,
    /// How it came to be, which decides how values lie on top of each other.
    pub origin: Origin,
    /// Which documents it runs with; set when it is decided.
    pub definition: Option<Position>,
    /// What it delivers; set when it is decided.
    pub services: Vec<RunService>,
    /// Whether its events carry `services`.
    pub is_bracket: bool,
    /// `data.sync`, where the configuration came from.
    pub sync: Option<Payload>,
    /// The trigger's data until it is decided; then what is carried from task to task.
    pub carried: Payload,
    /// What its trigger gave, for a retry.
    pub input: Input,
    /// Hash of the configuration that it runs with.
    pub git_commit_id: Option<Box<str>>,
    /// How far it is.
    pub phase: Phase,
    /// Tasks that are closed.
    pub tasks_done: u32,
    /// How the last closed task ended.
    pub last: Option<Outcome>,
    /// The results of the closed tasks, in order.
    pub results: Vec<(TaskName, TaskResult)>,
    /// The task that was triggered and is not closed.
    pub open: Option<OpenTask>,
    /// Number of the next step; the first is 1.
    pub step: u32,
    /// Stream time of what made the next step due.
    pub cause: StreamTime,
    /// The next task is delayed until then.
    pub not_before: Option<StreamTime>,
    /// Paused by a person.
    pub is_paused: bool,
    /// Aborted by a person, or with its project.
    pub aborted: Option<Abort>,
    /// Number of the task whose executors were told of the abort.
    pub told: Option<u32>,
    /// Ended because of a deadline.
    pub is_timed_out: bool,
    /// How it stands to the slots of its services.
    pub standing: Standing,
    /// Its deadline, as it stands in the index.
    pub deadline: Option<StreamTime>,
}

/// How a delivery began: what all its runs share, so that they are in one trace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begun {
    /// When it was triggered.
    pub at: StreamTime,
    /// Trace context of that trigger.
    pub traceparent: Option<Box<str>>,
}

/// How a run stands to the slots of its services; the same for all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    /// It neither has nor wants them.
    Away,
    /// It stands in their lines.
    InLine,
    /// It has them.
    Holds,
}

/// How a run came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origin {
    /// A trigger with its own values.
    Plain,
    /// A trigger that takes over what another stage evaluated.
    Sync,
    /// A `triggeredOn` of the shipyard.
    FollowUp,
}

/// How far a run is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Phase {
    /// It waits for the answers to commands that stand before it.
    Undecided,
    /// It ends without a task: refused, or nothing to do.
    Declined(Decline),
    /// Its tasks run.
    Decided,
    /// Its `finished` was seen; it stays while a task is open or a follow-up is owed.
    Ended {
        /// Follow-ups that were not yet seen or not yet decided.
        follow_ups: Vec<FollowUp>,
    },
}

/// Why a run ends without a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Decline {
    /// It was refused.
    Refused(Refusal),
    /// A sync found nothing that differs.
    NothingToDo(Box<str>),
}

/// A sequence that must follow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FollowUp {
    /// Id of its trigger.
    pub id: DerivedId,
    /// The stage.
    pub stage: StageName,
    /// The sequence.
    pub sequence: SequenceName,
    /// The delivery was aborted before the trigger was seen.
    pub is_aborted: bool,
    /// The run it became, while that is not decided.
    pub run: Option<RunKey>,
    /// It repeats the run instead of following it by the shipyard.
    pub retry: Option<RetryFrom>,
}

/// What a trigger gave; for a sync, what was planned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Input {
    /// Its data.
    pub data: Payload,
    /// The configuration that it named.
    pub git_commit_id: Option<Box<str>>,
}

/// Where a retry begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RetryFrom {
    /// At the first task, with what the trigger gave.
    Start,
    /// At the task that failed, with what was carried.
    FailedTask,
}

/// An abort.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Abort {
    /// When.
    pub at: StreamTime,
    /// The event that asked for it.
    pub by: EventId,
}

/// A service of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunService {
    /// Its name.
    pub name: ServiceName,
    /// Values that are carried: what the trigger gave and what answers brought.
    pub carried: Payload,
    /// The stage's own values when the run was decided.
    pub own: Payload,
    /// The artifact, once there is one.
    pub artifact: Option<Box<str>>,
}

/// How a task or a sequence ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The verdict.
    pub result: TaskResult,
    /// Whether the work could be done.
    pub status: TaskStatus,
    /// For people.
    pub message: Box<str>,
}

impl Outcome {
    /// Reads how something ended from the data of its `finished`.
    pub(super) fn read(head: &DataHead<'_>) -> Self {
        Self {
            result: TaskResult::read(head.result.as_deref()),
            status: TaskStatus::read(head.status.as_deref()),
            message: clipped(head.message.as_deref().unwrap_or_default()).into(),
        }
    }

    /// Tells whether the sequence goes on behind it (Keptn 1.4.5, `sequence_execution.go`).
    pub fn goes_on(&self) -> bool {
        self.result != TaskResult::Fail && self.status != TaskStatus::Errored
    }

    /// Tells whether a finished sequence with it counts as successful.
    pub fn is_success(&self) -> bool {
        self.result != TaskResult::Fail && self.status == TaskStatus::Succeeded
    }
}

fn clipped(message: &str) -> &str {
    message.get(..message.floor_char_boundary(MESSAGE_BYTES_MAX)).unwrap_or_default()
}

/// What must come next in a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Next<'a> {
    /// Nothing; something else must happen first.
    Nothing,
    /// This task.
    Task(&'a TaskSpec),
    /// The end.
    End,
}

/// What a run wants of its slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// Nothing.
    Free,
    /// To have them.
    Wants,
    /// To keep them, or to have them because a task is open.
    Keeps,
}

impl Run {
    /// Returns the id of the step with this number.
    pub fn step_id(&self, number: u32) -> DerivedId {
        self.derived("step", &number.to_string())
    }

    /// Returns the id of the next step.
    pub fn next_id(&self) -> DerivedId {
        self.step_id(self.step)
    }

    /// Returns an id that names a part of this run.
    pub fn derived(&self, what: &str, detail: &str) -> DerivedId {
        DerivedId::of(&[
            self.project.as_str(),
            self.context.as_str(),
            self.stage.as_str(),
            self.sequence.as_str(),
            self.trigger_id.as_str(),
            what,
            detail,
        ])
    }

    /// Returns the trace of its delivery.
    pub fn trace(&self) -> Trace {
        Trace::of(self.begun.traceparent.as_deref(), &self.context)
    }

    /// Tells whether it has the slots of its services.
    pub fn holds(&self) -> bool {
        self.standing == Standing::Holds
    }

    /// Tells whether it waits for the slots of its services.
    pub fn is_in_line(&self) -> bool {
        self.standing == Standing::InLine
    }

    /// Tells whether its `finished` was seen.
    pub fn is_ended(&self) -> bool {
        matches!(self.phase, Phase::Ended { .. })
    }

    /// Returns what must come next. Slots and delays are not looked at here.
    pub fn next<'a>(&self, spec: Option<&'a SequenceSpec>) -> Next<'a> {
        match &self.phase {
            Phase::Declined(_) => Next::End,
            Phase::Undecided if self.aborted.is_some() => Next::End,
            Phase::Undecided | Phase::Ended { .. } => Next::Nothing,
            Phase::Decided => self.next_decided(spec),
        }
    }

    fn next_decided<'a>(&self, spec: Option<&'a SequenceSpec>) -> Next<'a> {
        if self.aborted.is_some() {
            return Next::End;
        }
        if self.open.is_some() {
            return Next::Nothing;
        }
        if self.last.as_ref().is_some_and(|last| !last.goes_on()) {
            return Next::End;
        }
        let at = usize::try_from(self.tasks_done).unwrap_or(usize::MAX);
        match spec.and_then(|spec| spec.tasks.get(at)) {
            None => Next::End,
            Some(_) if self.is_paused => Next::Nothing,
            Some(task) => Next::Task(task),
        }
    }

    /// Returns what it wants of its slots.
    pub fn slot(&self, spec: Option<&SequenceSpec>) -> Slot {
        let has_open_task = self.open.as_ref().is_some_and(|task| !task.is_approval());
        match &self.phase {
            _ if has_open_task => Slot::Keeps,
            Phase::Undecided | Phase::Declined(_) => Slot::Free,
            Phase::Ended { follow_ups } => {
                let leads_back = follow_ups.iter().any(|next| next.stage == self.stage);
                if leads_back && self.holds() { Slot::Keeps } else { Slot::Free }
            }
            Phase::Decided => match self.next(spec) {
                Next::Task(_) | Next::End if self.holds() => Slot::Keeps,
                Next::Task(_) => Slot::Wants,
                Next::End | Next::Nothing => Slot::Free,
            },
        }
    }

    /// Returns the artifact of a service, if the run has one for it.
    pub fn artifact(&self, service: &ServiceName) -> Option<&str> {
        self.services.iter().find(|one| one.name == *service)?.artifact.as_deref()
    }

    /// Tells whether everything about it has been said and seen.
    pub fn is_over(&self) -> bool {
        match &self.phase {
            Phase::Ended { follow_ups } => follow_ups.is_empty() && self.open.is_none(),
            Phase::Undecided | Phase::Declined(_) | Phase::Decided => false,
        }
    }

    /// Returns how it ends if it ended now.
    pub fn outcome(&self) -> Outcome {
        if self.aborted.is_some() && !matches!(self.phase, Phase::Declined(_)) {
            let message = "aborted".into();
            return Outcome { result: TaskResult::Pass, status: TaskStatus::Aborted, message };
        }
        match &self.phase {
            Phase::Declined(Decline::Refused(refusal)) => Outcome {
                result: TaskResult::Fail,
                status: TaskStatus::Errored,
                message: refusal.message.clone(),
            },
            Phase::Declined(Decline::NothingToDo(message)) => Outcome {
                result: TaskResult::Pass,
                status: TaskStatus::Succeeded,
                message: message.clone(),
            },
            Phase::Undecided | Phase::Decided | Phase::Ended { .. } => {
                self.last.clone().unwrap_or_else(|| Outcome {
                    result: TaskResult::Pass,
                    status: TaskStatus::Succeeded,
                    message: "".into(),
                })
            }
        }
    }
}
