//! What a sync would take.

use serde::{Deserialize, Serialize};

use super::{Follows, NotEligible};
use crate::{KeptnContext, Position, ProjectName, SequenceName, ServiceName, StageName};

/// What a sync of a stage would take at a position; asked for by [`super::StageQuery`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct SyncPlan {
    /// The project.
    pub project: ProjectName,
    /// The stage.
    pub stage: StageName,
    /// The stage that it would take from.
    pub from: StageName,
    /// The sequence that would run; none if the stage has no sequence.
    pub sequence: Option<SequenceName>,
    /// Position of the stream at which this holds.
    pub position: Position,
    /// By name.
    pub services: Vec<PlannedService>,
    /// What would follow if it passes, in order.
    pub follows: Vec<Follows>,
    /// The command that does it; none if there is nothing to do.
    pub command: Option<String>,
}

/// What a sync would do with a service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct PlannedService {
    /// The service.
    pub service: ServiceName,
    /// What would be done.
    pub change: PlannedChange,
    /// Artifact released in the stage.
    pub released: Option<String>,
    /// Artifact that was last evaluated successfully in the stage before.
    pub artifact: Option<String>,
    /// Delivery that evaluated it.
    pub evaluated_context: Option<KeptnContext>,
    /// Open run that brings it already.
    pub under_way: Option<KeptnContext>,
    /// The newest artifact upstream, if it does not count.
    pub not_eligible: Option<NotEligible>,
}

impl PlannedService {
    /// Tells whether a sync would bring it.
    pub const fn is_taken(&self) -> bool {
        matches!(self.change, PlannedChange::New | PlannedChange::Changed)
    }
}

/// What a sync would do with a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum PlannedChange {
    /// Bring it into the stage for the first time.
    New,
    /// Bring another artifact than the released one.
    Changed,
    /// Nothing: the stage has it.
    Unchanged,
    /// Nothing: an open run brings it already.
    UnderWay,
    /// Nothing: nothing of it has passed upstream.
    NotEligible,
    /// Nothing: it is only in this stage.
    OnlyHere,
}
