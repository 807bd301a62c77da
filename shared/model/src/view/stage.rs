//! Queries about the status of a stage.

use serde::{Deserialize, Serialize};

use super::SequenceState;
use crate::{
    KeptnContext, Position, ProjectName, SequenceName, ServiceName, StageName, StreamTime,
    TaskResult,
};

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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
