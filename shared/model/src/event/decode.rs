//! From JSON to an event.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};
use serde_json::{Value, value::RawValue};

use super::{Event, EventType, Malformed};
use crate::{EventId, KeptnContext, Payload, name::shortened};

/// Most bytes of a message; NATS's own default limit.
pub const MESSAGE_BYTES_MAX: usize = 1024 * 1024;

impl Event {
    /// Decodes structured-mode JSON.
    ///
    /// # Errors
    /// [`Malformed`] naming the attribute: not JSON, no `id`, no `type`, a bad name in `type`,
    /// `data` that is no object or too deep, or an attribute of a wrong type.
    pub fn from_json(bytes: &[u8]) -> Result<Self, Malformed> {
        if bytes.len() > MESSAGE_BYTES_MAX {
            return Err(Malformed::new(format!("must be at most {MESSAGE_BYTES_MAX} bytes")));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| Malformed::new("must be UTF-8"))?;
        let wire: Wire<'_> = serde_json::from_str(text).map_err(|error| not_json(&error))?;
        wire.into_event()
    }
}

/// Says where JSON breaks without repeating any of it.
fn not_json(error: &serde_json::Error) -> Malformed {
    let what = match error.classify() {
        serde_json::error::Category::Data => {
            "must be a JSON object with attributes of the right type"
        }
        serde_json::error::Category::Io
        | serde_json::error::Category::Syntax
        | serde_json::error::Category::Eof => "must be JSON",
    };
    Malformed::new(format!("{what} (line {}, column {})", error.line(), error.column()))
}

/// The attributes that we read; the last of two equal ones counts, as in Go.
#[derive(Default)]
struct Wire<'a> {
    id: Option<Value>,
    source: Option<Value>,
    event_type: Option<Value>,
    time: Option<Value>,
    context: Option<Value>,
    triggered_id: Option<Value>,
    spec_version: Option<Value>,
    git_commit_id: Option<Value>,
    traceparent: Option<Value>,
    start_within: Option<Value>,
    finish_within: Option<Value>,
    data: Option<&'a RawValue>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Wire<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(WireVisitor)
    }
}

struct WireVisitor;

impl<'de> Visitor<'de> for WireVisitor {
    type Value = Wire<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Wire<'de>, A::Error> {
        let mut wire = Wire::default();
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            match key.as_ref() {
                "id" => wire.id = map.next_value()?,
                "source" => wire.source = map.next_value()?,
                "type" => wire.event_type = map.next_value()?,
                "time" => wire.time = map.next_value()?,
                "shkeptncontext" => wire.context = map.next_value()?,
                "triggeredid" => wire.triggered_id = map.next_value()?,
                "shkeptnspecversion" => wire.spec_version = map.next_value()?,
                "gitcommitid" => wire.git_commit_id = map.next_value()?,
                "traceparent" => wire.traceparent = map.next_value()?,
                "startwithin" => wire.start_within = map.next_value()?,
                "finishwithin" => wire.finish_within = map.next_value()?,
                "data" => wire.data = Some(map.next_value()?),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(wire)
    }
}

impl Wire<'_> {
    fn into_event(self) -> Result<Event, Malformed> {
        let id = text("id", self.id)?.ok_or_else(|| Malformed::new("`id` is missing"))?;
        let id = EventId::new(&id).map_err(|error| Malformed::new(error.to_string()))?;
        let kind =
            text("type", self.event_type)?.ok_or_else(|| Malformed::new("`type` is missing"))?;
        let event_type =
            EventType::parse(&kind).map_err(|error| Malformed::new(error.to_string()))?;
        let data = match self.data {
            Some(raw) => Payload::from_valid_json(raw.get()).map_err(Malformed::new)?,
            None => Payload::empty(),
        };
        Ok(Event {
            id,
            source: text("source", self.source)?.unwrap_or_default(),
            event_type,
            time: text("time", self.time)?,
            context: text("shkeptncontext", self.context)?
                .filter(|context| !context.is_empty())
                .map(|context| KeptnContext::new(&context))
                .transpose()
                .map_err(|error| Malformed::new(error.to_string()))?,
            triggered_id: text("triggeredid", self.triggered_id)?
                .filter(|id| !id.is_empty())
                .map(|id| EventId::new(&id))
                .transpose()
                .map_err(|_| Malformed::new("`triggeredid` must be an id"))?,
            spec_version: text("shkeptnspecversion", self.spec_version)?,
            git_commit_id: text("gitcommitid", self.git_commit_id)?.filter(|id| !id.is_empty()),
            traceparent: text("traceparent", self.traceparent)?,
            start_within_secs: secs("startwithin", self.start_within)?,
            finish_within_secs: secs("finishwithin", self.finish_within)?,
            data,
        })
    }
}

fn text(attribute: &str, value: Option<Value>) -> Result<Option<Box<str>>, Malformed> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.into_boxed_str())),
        Some(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            Err(Malformed::new(format!("`{attribute}` must be text")))
        }
    }
}

/// Reads an integer attribute; in binary mode it arrives as text.
fn secs(attribute: &str, value: Option<Value>) -> Result<Option<u64>, Malformed> {
    let text = match value {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::String(text)) => text,
        Some(other) => other.to_string(),
    };
    text.parse().map(Some).map_err(|_| {
        Malformed::new(format!(
            "`{attribute}` must be whole seconds, 0 or more, is `{}`",
            shortened(&text)
        ))
    })
}
