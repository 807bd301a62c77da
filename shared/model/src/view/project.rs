//! Queries about projects.

use serde::{Deserialize, Serialize};

use super::SyncStatus;
use crate::{Position, ProjectName, SequenceName, ServiceName, StageName, StreamTime};

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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Projects {
    /// Position at which this holds.
    pub position: Position,
    /// The projects.
    pub projects: Vec<Project>,
}

/// One project.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ProjectService {
    /// Its name.
    pub service: ServiceName,
    /// When it was created.
    pub created_at: StreamTime,
}
