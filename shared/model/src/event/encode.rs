//! From an event to JSON: always the same bytes for the same event.

use serde::Serialize;
use serde_json::value::RawValue;

use super::Event;

#[derive(Serialize)]
struct Wire<'a> {
    specversion: &'static str,
    id: &'a str,
    source: &'a str,
    #[serde(rename = "type")]
    event_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<&'a str>,
    datacontenttype: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    shkeptncontext: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    triggeredid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shkeptnspecversion: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gitcommitid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    traceparent: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    startwithin: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    finishwithin: Option<u64>,
    data: &'a RawValue,
}

impl Event {
    /// Encodes the event as structured-mode JSON, attributes in a fixed order.
    pub fn to_json(&self) -> String {
        // The payload is known to be JSON and the rest is text, so neither step can fail; an
        // empty text would be refused by every reader.
        let raw: Result<&RawValue, _> = serde_json::from_str(self.data.as_str());
        raw.and_then(|data| serde_json::to_string(&self.wire(data))).unwrap_or_default()
    }

    fn wire<'a>(&'a self, data: &'a RawValue) -> Wire<'a> {
        Wire {
            specversion: "1.0",
            id: self.id.as_str(),
            source: &self.source,
            event_type: self.event_type.to_string(),
            time: self.time.as_deref(),
            datacontenttype: "application/json",
            shkeptncontext: self.context.as_ref().map(crate::KeptnContext::as_str),
            triggeredid: self.triggered_id.as_ref().map(crate::EventId::as_str),
            shkeptnspecversion: self.spec_version.as_deref(),
            gitcommitid: self.git_commit_id.as_deref(),
            traceparent: self.traceparent.as_deref(),
            startwithin: self.start_within_secs,
            finishwithin: self.finish_within_secs,
            data,
        }
    }
}
