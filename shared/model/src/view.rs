//! The answers of `status-view`, as `keptn -o json` prints them and NATS queries return them.
//!
//! Members are camelCase; a member without a value is null, never absent. Every query may carry
//! `atLeast`, a position the answer must have reached; every answer has `position`.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{
    EventId, KeptnContext, Position, ProjectName, SequenceName, ServiceName, StageName, StreamTime,
    TaskName, TaskResult, TaskStatus,
};

/// Subject of [`StageQuery`]; answered with [`StageStatus`].
pub const STAGE: &str = "status-view.stage";
/// Subject of [`SequencesQuery`]; answered with [`Sequences`].
pub const SEQUENCES: &str = "status-view.sequences";
/// Subject of [`SequenceQuery`]; answered with [`Delivery`].
pub const SEQUENCE: &str = "status-view.sequence";
/// Subject of [`EventsQuery`]; answered with [`Events`].
pub const EVENTS: &str = "status-view.events";
/// Subject of [`ProjectsQuery`]; answered with [`Projects`].
pub const PROJECTS: &str = "status-view.projects";

/// A query that could not be answered. Shape: `{"error":{…},"position":5}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Refusal {
    /// Why.
    pub error: QueryError,
    /// How far the view has read.
    pub position: Position,
}

/// Why a query could not be answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QueryError {
    /// What kind of error.
    pub code: QueryErrorCode,
    /// The rule and the value.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

/// Kinds of refused queries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum QueryErrorCode {
    /// The query is no JSON object of the right form.
    BadQuery,
    /// No such project, stage, service, sequence or context.
    NotFound,
    /// The view has not yet read up to `atLeast`.
    Behind,
}

/// Asks for the status of a stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StageQuery {
    /// The project.
    pub project: String,
    /// The stage.
    pub stage: String,
    /// Compare with this stage instead of the preceding one.
    #[serde(default)]
    pub from: Option<String>,
    /// Position that the answer must have reached.
    #[serde(default)]
    pub at_least: Option<Position>,
}

/// Whether a stage has what the stage before it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SyncStatus {
    /// Nothing differs.
    InSync,
    /// Some service differs.
    OutOfSync,
    /// There is no stage before it.
    FirstStage,
}

/// How a service in a stage stands to the stage before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ServiceState {
    /// Released is what was evaluated upstream, or nothing is comparable.
    InSync,
    /// Upstream has evaluated something else since.
    Behind,
    /// The stage runs what upstream never evaluated.
    Ahead,
    /// Not in the stage yet.
    New,
    /// Only in this stage; left alone.
    OnlyHere,
    /// Upstream has it, but nothing of it has passed.
    NotEligible,
}

/// The status of a stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StageStatus {
    /// The project.
    pub project: ProjectName,
    /// The stage.
    pub stage: StageName,
    /// The stage it is compared with; none for the first.
    pub from: Option<StageName>,
    /// The verdict.
    pub sync_status: SyncStatus,
    /// Position of the stream at which this holds.
    pub position: Position,
    /// By name.
    pub services: Vec<ServiceStatus>,
    /// Runs that are not ended, oldest first.
    pub ongoing: Vec<Ongoing>,
    /// The command that brings the stage up to date; none if it is.
    pub command: Option<String>,
}

/// The status of a service in a stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceStatus {
    /// The service.
    pub service: ServiceName,
    /// Artifact released in the stage.
    pub released: Option<String>,
    /// Artifact that was last evaluated successfully in the stage it is compared with.
    pub evaluated: Option<String>,
    /// `pass` or `warning`.
    pub evaluated_result: Option<TaskResult>,
    /// Delivery that evaluated it.
    pub evaluated_context: Option<KeptnContext>,
    /// When.
    pub evaluated_at: Option<StreamTime>,
    /// Why it is as it is.
    pub state: ServiceState,
    /// Whether a sync would change it.
    pub differs: bool,
    /// The newest artifact upstream, if it does not count.
    pub not_eligible: Option<NotEligible>,
}

/// A newer artifact upstream that does not count.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NotEligible {
    /// The artifact.
    pub artifact: String,
    /// `fail`, or none while it is not evaluated yet.
    pub result: Option<TaskResult>,
    /// What the executor said.
    pub message: Option<String>,
    /// Delivery that brought it.
    pub keptn_context: KeptnContext,
}

/// A run under way, as the status of a stage lists it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ongoing {
    /// Services it delivers.
    pub services: Vec<ServiceName>,
    /// Its sequence.
    pub sequence: SequenceName,
    /// Label of its open or next task.
    pub task: Option<String>,
    /// Artifacts, in the order of the services.
    pub artifacts: Vec<String>,
    /// Since when the task is open, or the run waits.
    pub since: StreamTime,
    /// For what it waits, short: an executor, `approval`, `queue`, …
    pub waiting_for: Option<String>,
    /// Its delivery.
    pub keptn_context: KeptnContext,
    /// Its state.
    pub state: SequenceState,
}

/// State of a run; Keptn's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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
/// Events that an answer holds when the query names no number.
pub const EVENTS_PAGE: usize = 100;
/// Most events that an answer holds.
pub const EVENTS_PAGE_MAX: usize = 500;

/// Runs, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
    /// For what it waits now; none if it has ended or the controller is about to act.
    pub waiting_for: Option<WaitingFor>,
    /// Hash of the configuration that it runs with.
    pub git_commit_id: Option<String>,
}

/// One service of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
}

/// How far a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Until when at most; none = until a person acts.
    pub until: Option<StreamTime>,
}

/// Kinds of waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
#[serde(rename_all = "camelCase")]
pub struct Follows {
    /// Stage that follows.
    pub stage: StageName,
    /// Sequence that follows.
    pub sequence: SequenceName,
    /// Stage that must pass first.
    pub after: StageName,
}

/// Asks for stored events, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventsQuery {
    /// Only of this project.
    #[serde(default)]
    pub project: Option<String>,
    /// Only of this delivery; an unambiguous prefix of at least 8 characters.
    #[serde(default)]
    pub keptn_context: Option<String>,
    /// Only of this type, e.g. `sh.keptn.event.test.finished`; the prefix may be left out.
    #[serde(default)]
    pub event_type: Option<String>,
    /// Only behind this position (the next page).
    #[serde(default)]
    pub after: Option<Position>,
    /// Most events to return; 0 = the default, [`EVENTS_PAGE`]. Without `after` the newest ones.
    #[serde(default)]
    pub limit: usize,
    /// Position that the answer must have reached.
    #[serde(default)]
    pub at_least: Option<Position>,
}

/// Stored events, oldest first.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Events {
    /// Position at which this holds.
    pub position: Position,
    /// The events.
    pub events: Vec<EventEntry>,
    /// Set if there are more: the value for `after`.
    pub next_after: Option<Position>,
}

/// One stored event.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventEntry {
    /// Where it is stored.
    pub position: Position,
    /// When it was stored.
    pub time: StreamTime,
    /// The event, as it was published.
    pub event: Box<RawValue>,
}

/// Asks for projects.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProjectsQuery {
    /// Only this one; unknown = `notFound`.
    #[serde(default)]
    pub project: Option<String>,
    /// Position that the answer must have reached.
    #[serde(default)]
    pub at_least: Option<Position>,
}

/// Projects, by name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Projects {
    /// Position at which this holds.
    pub position: Position,
    /// The projects.
    pub projects: Vec<Project>,
}

/// One project.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Project {
    /// Its name.
    pub project: ProjectName,
    /// When it was created.
    pub created_at: StreamTime,
    /// Version of its shipyard, as written.
    pub shipyard_version: String,
    /// In the order of the shipyard.
    pub stages: Vec<ProjectStage>,
    /// By name.
    pub services: Vec<ProjectService>,
}

/// One stage of a project.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProjectStage {
    /// Its name.
    pub stage: StageName,
    /// The stage before it.
    pub from: Option<StageName>,
    /// Its verdict.
    pub sync_status: SyncStatus,
    /// Number of services that differ.
    pub differing: usize,
    /// Number of runs that are not ended.
    pub running: usize,
    /// Its sequences.
    pub sequences: Vec<ProjectSequence>,
}

/// One sequence of a stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProjectSequence {
    /// Its name.
    pub sequence: SequenceName,
    /// Labels of its tasks.
    pub tasks: Vec<String>,
    /// Whether it can be a sync: it has a `deployment` or a `release` task.
    pub delivers: bool,
}

/// One service of a project.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProjectService {
    /// Its name.
    pub service: ServiceName,
    /// When it was created.
    pub created_at: StreamTime,
}

/// What `<component>.ready` answers. Shape: `{"ready":true,"position":5,"streamEnd":5,"version":"0.1.0"}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Readiness {
    /// It has read to the end of the stream and can work.
    pub ready: bool,
    /// How far it has read.
    pub position: Position,
    /// Last position of the stream.
    pub stream_end: Position,
    /// Version of the component.
    pub version: String,
}
