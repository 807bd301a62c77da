//! Queries about runs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    EventId, KeptnContext, Position, ProjectName, SequenceName, ServiceName, StageName, StreamTime,
    TaskName, TaskResult, TaskStatus,
};

/// State of a run; Keptn's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub enum SequenceState {
    /// Triggered, nothing sent yet.
    Triggered,
    /// A task was sent.
    Started,
    /// In a queue.
    Waiting,
    /// A person must approve.
    WaitingForApproval,
    /// Paused by a person.
    Paused,
    /// Ended by a person.
    Aborted,
    /// Ended because nobody answered in time.
    TimedOut,
    /// Ended.
    Finished,
}

impl SequenceState {
    /// Returns the word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Triggered => "triggered",
            Self::Started => "started",
            Self::Waiting => "waiting",
            Self::WaitingForApproval => "waitingForApproval",
            Self::Paused => "paused",
            Self::Aborted => "aborted",
            Self::TimedOut => "timedOut",
            Self::Finished => "finished",
        }
    }

    /// Tells whether the run has ended.
    pub const fn is_ended(self) -> bool {
        matches!(self, Self::Aborted | Self::TimedOut | Self::Finished)
    }
}

/// Asks for runs, newest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
#[serde(rename_all = "camelCase")]
pub struct SequencesQuery {
    /// Only of this project.
    #[serde(default)]
    pub project: Option<String>,
    /// Only in this stage.
    #[serde(default)]
    pub stage: Option<String>,
    /// Only of this service.
    #[serde(default)]
    pub service: Option<String>,
    /// Only of this delivery; an unambiguous prefix of at least 8 characters.
    #[serde(default)]
    pub keptn_context: Option<String>,
    /// Only runs that have not ended.
    #[serde(default)]
    pub open_only: bool,
    /// Only runs with an approval that waits for a person.
    #[serde(default)]
    pub approval_only: bool,
    /// Most runs to return; 0 = the default, [`SEQUENCES_PAGE`].
    #[serde(default)]
    pub limit: usize,
    /// Only runs triggered before this position (the next page).
    #[serde(default)]
    pub before: Option<Position>,
    /// Position that the answer must have reached.
    #[serde(default)]
    pub at_least: Option<Position>,
}

/// Runs that an answer holds when the query names no number.
pub const SEQUENCES_PAGE: usize = 20;
/// Most runs that an answer holds.
pub const SEQUENCES_PAGE_MAX: usize = 500;

/// Runs, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Sequences {
    /// Position at which this holds.
    pub position: Position,
    /// The runs.
    pub sequences: Vec<Sequence>,
    /// Set if there are older ones: the value for `before`.
    pub next_before: Option<Position>,
}

/// One run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Sequence {
    /// The delivery it belongs to.
    pub keptn_context: KeptnContext,
    /// Id of its trigger.
    pub trigger_id: EventId,
    /// Position of its trigger.
    pub position: Position,
    /// The project.
    pub project: ProjectName,
    /// The stage.
    pub stage: StageName,
    /// The sequence.
    pub sequence: SequenceName,
    /// What it delivers.
    pub services: Vec<SequenceService>,
    /// Stage the configuration came from, in a sync.
    pub from: Option<StageName>,
    /// The state; how it ended stands in `result` and `status`.
    pub state: SequenceState,
    /// Set at the end.
    pub result: Option<TaskResult>,
    /// Set at the end.
    pub status: Option<TaskStatus>,
    /// What the end, or the error, says.
    pub message: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
    /// A sync that found nothing to do.
    pub nothing_to_do: bool,
    /// When it was triggered.
    pub triggered_at: StreamTime,
    /// When its first task was.
    pub started_at: Option<StreamTime>,
    /// When it ended.
    pub finished_at: Option<StreamTime>,
    /// All tasks of the sequence, those that were not reached included.
    pub tasks: Vec<Task>,
    /// For what it waits now; none if it has ended.
    pub waiting_for: Option<WaitingFor>,
    /// Hash of the configuration that it runs with.
    pub git_commit_id: Option<String>,
    /// Who triggered it: the source of its trigger.
    #[serde(default)]
    pub source: Option<String>,
    /// What its trigger is labelled with: where it comes from, why.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Title of the problem that it remedies: `problem.problemTitle` of its trigger.
    #[serde(default)]
    pub problem_title: Option<String>,
}

/// One service of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct SequenceService {
    /// The service.
    pub service: ServiceName,
    /// The artifact, if the run has one for it.
    pub artifact: Option<String>,
    /// The artifact that was released in the stage when the run was triggered.
    pub released: Option<String>,
}

/// One task of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Task {
    /// Its name.
    pub name: TaskName,
    /// Its name, and what tells it from others of the same name.
    pub label: String,
    /// How far it is.
    pub state: TaskState,
    /// Set when it is done.
    pub result: Option<TaskResult>,
    /// Set when it is done.
    pub status: Option<TaskStatus>,
    /// What its executors said last.
    pub message: Option<String>,
    /// Id of its `.triggered` event.
    pub triggered_id: Option<EventId>,
    /// When it was triggered.
    pub triggered_at: Option<StreamTime>,
    /// When the first executor started.
    pub started_at: Option<StreamTime>,
    /// When it was done.
    pub finished_at: Option<StreamTime>,
    /// Who answered, in order of the first answer, and who is awaited.
    pub executors: Vec<Executor>,
    /// `evaluation.score` of an evaluation's last answer that has one.
    #[serde(default)]
    pub score: Option<f64>,
}

/// How far a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub enum TaskState {
    /// Not reached.
    Pending,
    /// Sent, nobody has started.
    Triggered,
    /// Somebody works on it.
    Started,
    /// Done.
    Finished,
}

/// One executor of a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Executor {
    /// Last segment of the source of its answers.
    pub name: String,
    /// How far it is; `pending` = named by the uniform, not heard of yet.
    pub state: TaskState,
    /// Its result.
    pub result: Option<TaskResult>,
    /// Last progress message (`status.changed`).
    pub progress: Option<String>,
}

/// For what a run waits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct WaitingFor {
    /// What kind of thing.
    pub reason: WaitingReason,
    /// Executors that are awaited, if it is an answer; empty = anybody.
    pub executors: Vec<String>,
    /// Delivery that stands before it in the queue.
    pub behind: Option<KeptnContext>,
    /// Services for which it queues.
    pub services: Vec<ServiceName>,
    /// Since when.
    pub since: StreamTime,
    /// Until when at most; none = until a person or the one who is named acts. In a queue it is set
    /// if the run before has ended and only a task that nobody has closed keeps the slot.
    pub until: Option<StreamTime>,
}

/// Kinds of waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub enum WaitingReason {
    /// An executor's answer.
    Executor,
    /// A slot in the stage.
    Queue,
    /// A person's approval.
    Approval,
    /// A delay (`triggeredAfter`).
    Delay,
    /// A person's resume.
    Pause,
    /// The answer to a command on the project.
    Command,
    /// The controller's next event.
    Controller,
}

/// Asks for all runs of one delivery.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SequenceQuery {
    /// The context, or an unambiguous prefix of at least 8 characters.
    pub keptn_context: String,
    /// Position that the answer must have reached.
    #[serde(default)]
    pub at_least: Option<Position>,
}

/// All runs of one delivery, in the order of their triggers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    /// Position at which this holds.
    pub position: Position,
    /// The delivery.
    pub keptn_context: KeptnContext,
    /// Some run of it is open, or one is owed.
    pub open: bool,
    /// Its runs.
    pub sequences: Vec<Sequence>,
    /// What will follow if what is open passes, in order.
    pub follows: Vec<Follows>,
}

/// A sequence that follows another when that one passes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Follows {
    /// Stage that follows.
    pub stage: StageName,
    /// Sequence that follows.
    pub sequence: SequenceName,
    /// Stage that must pass first.
    pub after: StageName,
}
