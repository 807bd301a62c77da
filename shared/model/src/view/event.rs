//! Queries about stored events.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{Position, StreamTime};

/// Events that an answer holds when the query names no number.
pub const EVENTS_PAGE: usize = 100;
/// Most events that an answer holds.
pub const EVENTS_PAGE_MAX: usize = 500;

/// Asks for stored events, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
#[serde(rename_all = "camelCase")]
pub struct EventsQuery {
    /// Only of this project.
    #[serde(default)]
    pub project: Option<String>,
    /// Only of this delivery; an unambiguous prefix of at least 8 characters.
    #[serde(default)]
    pub keptn_context: Option<String>,
    /// Only in this stage, as the event says it.
    #[serde(default)]
    pub stage: Option<String>,
    /// Only of this service, as the event says it.
    #[serde(default)]
    pub service: Option<String>,
    /// Only of this type, e.g. `sh.keptn.event.test.finished`; the prefix may be left out.
    #[serde(default)]
    pub event_type: Option<String>,
    /// Only behind this position, the oldest of them first (the next page).
    #[serde(default)]
    pub after: Option<Position>,
    /// Only before this position, the newest of them (the page before).
    #[serde(default)]
    pub before: Option<Position>,
    /// Most events to return; 0 = the default, [`EVENTS_PAGE`]. Without `after` the newest ones.
    #[serde(default)]
    pub limit: usize,
    /// Position that the answer must have reached.
    #[serde(default)]
    pub at_least: Option<Position>,
}

/// Stored events, oldest first.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Events {
    /// Position at which this holds.
    pub position: Position,
    /// The events.
    pub events: Vec<EventEntry>,
    /// Set if there may be more behind: the value for `after`.
    pub next_after: Option<Position>,
    /// Set if there may be older ones: the value for `before`.
    #[serde(default)]
    pub next_before: Option<Position>,
}

/// One stored event.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct EventEntry {
    /// Where it is stored.
    pub position: Position,
    /// When it was stored.
    pub time: StreamTime,
    /// The event, as it was published.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub event: Box<RawValue>,
}
