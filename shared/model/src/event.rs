//! The event envelope: a CloudEvent with Keptn's attributes.
//!
//! Shape: `{"specversion":"1.0","id":"…","source":"shipyard-controller",
//! "type":"sh.keptn.event.deployment.triggered","time":"…","datacontenttype":"application/json",
//! "shkeptncontext":"…","triggeredid":"…","data":{…}}`.
//! Both `datacontenttype` and Keptn's own `contenttype` are read; unknown attributes are ignored.

mod decode;
mod encode;
mod event_type;
mod lint;
#[cfg(test)]
mod tests;

pub use decode::MESSAGE_BYTES_MAX;
pub use event_type::{CommandObject, EventType, InvalidType, Kind};

use smol_str::SmolStr;

use crate::{EventId, KeptnContext, Payload};

/// Version of Keptn's specification that our events follow.
pub const SPEC_VERSION: &str = "0.2.4";

/// One event.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Unique id.
    pub id: EventId,
    /// Who said it; the name of an executor is the last segment of its path.
    pub source: SmolStr,
    /// What happened; also the NATS subject.
    pub event_type: EventType,
    /// When, by the clock of who said it; RFC 3339.
    pub time: Option<Box<str>>,
    /// The delivery it belongs to.
    pub context: Option<KeptnContext>,
    /// Id of the `.triggered` event that it answers.
    pub triggered_id: Option<EventId>,
    /// Version of Keptn's specification.
    pub spec_version: Option<SmolStr>,
    /// Hash of the configuration that a run is pinned to.
    pub git_commit_id: Option<Box<str>>,
    /// W3C trace context.
    pub traceparent: Option<Box<str>>,
    /// Seconds in which somebody must answer a task at all; 0 = no bound.
    pub start_within_secs: Option<u64>,
    /// Seconds in which a task must be done; 0 = no bound.
    pub finish_within_secs: Option<u64>,
    /// What it says.
    pub data: Payload,
}

impl Event {
    /// Starts an event with only what every event has.
    pub fn new(id: EventId, source: &str, event_type: EventType, data: Payload) -> Self {
        Self {
            id,
            source: source.into(),
            event_type,
            time: None,
            context: None,
            triggered_id: None,
            spec_version: Some(SPEC_VERSION.into()),
            git_commit_id: None,
            traceparent: None,
            start_within_secs: None,
            finish_within_secs: None,
            data,
        }
    }

    /// Returns who answers, without the path before it: `https://x/jmeter-service` and
    /// `jmeter-service` are the same executor.
    pub fn executor(&self) -> &str {
        let trimmed = self.source.trim_end_matches('/');
        trimmed.rsplit('/').next().unwrap_or(trimmed)
    }
}

/// Why a message can never be handled. Holds no payload.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Malformed {
    /// The rule that is broken, and the attribute.
    pub reason: Box<str>,
}

impl Malformed {
    /// Takes a sentence that names the rule and the attribute.
    pub fn new(reason: impl Into<Box<str>>) -> Self {
        Self { reason: reason.into() }
    }
}
