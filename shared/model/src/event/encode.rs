//! From an event to JSON: always the same bytes for the same event.

use serde::Serialize;

use super::Event;

/// Every attribute but `data`, which is last.
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
}

impl Event {
    /// Encodes the event as structured-mode JSON, attributes in a fixed order.
    pub fn to_json(&self) -> String {
        // Text and numbers always have a JSON form; without one, every reader would refuse the rest.
        let mut json = serde_json::to_string(&self.wire()).unwrap_or_default();
        json.pop();
        // The payload is known to be JSON.
        json.push_str(",\"data\":");
        json.push_str(self.data.as_str());
        json.push('}');
        json
    }

    fn wire(&self) -> Wire<'_> {
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
        }
    }
}
