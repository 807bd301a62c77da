//! The answers of `status-view`, and of config-store about resources, as `keptn -o json` prints them and NATS queries return them.
//!
//! Members are camelCase; a member without a value is null, never absent. Every query may carry
//! `atLeast`, a position the answer must have reached; every answer has `position`.

mod event;
mod plan;
mod project;
mod resource;
#[cfg(feature = "openapi")]
mod schema;
mod sequence;
mod stage;

use serde::{Deserialize, Serialize};

pub use self::{event::*, plan::*, project::*, resource::*, sequence::*, stage::*};
use crate::Position;

/// Subject of [`StageQuery`]; answered with [`StageStatus`].
pub const STAGE: &str = "status-view.stage";
/// Subject of [`StageQuery`] again; answered with [`SyncPlan`].
pub const PLAN: &str = "status-view.plan";
/// Subject of [`SequencesQuery`]; answered with [`Sequences`].
pub const SEQUENCES: &str = "status-view.sequences";
/// Subject of [`SequenceQuery`]; answered with [`Delivery`].
pub const SEQUENCE: &str = "status-view.sequence";
/// Subject of [`EventsQuery`]; answered with [`Events`].
pub const EVENTS: &str = "status-view.events";
/// Subject of [`ProjectsQuery`]; answered with [`Projects`].
pub const PROJECTS: &str = "status-view.projects";
/// Subject of [`ResourceQuery`]; answered with [`Resource`].
pub const RESOURCE: &str = "config-store.resource";
/// Subject of [`ResourcesQuery`]; answered with [`Resources`].
pub const RESOURCES: &str = "config-store.resources";

/// A query that could not be answered. Shape: `{"error":{…},"position":5}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Refusal {
    /// Why.
    pub error: QueryError,
    /// How far the view has read.
    pub position: Position,
}

/// Why a query could not be answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub enum QueryErrorCode {
    /// The query is no JSON object of the right form.
    BadQuery,
    /// No such project, stage, service, sequence, context or resource.
    NotFound,
    /// The view has not yet read up to `atLeast`.
    Behind,
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
