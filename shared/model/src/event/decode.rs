//! From JSON to an event.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{Event, EventType, Malformed};
use crate::{EventId, KeptnContext, Payload, name::shortened, payload::Key};

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

/// The attributes that we read, as they are spelled; the last of two equal ones counts, as in Go.
#[derive(Default)]
struct Wire<'a> {
    id: Attribute<'a>,
    source: Attribute<'a>,
    event_type: Attribute<'a>,
    time: Attribute<'a>,
    context: Attribute<'a>,
    triggered_id: Attribute<'a>,
    spec_version: Attribute<'a>,
    git_commit_id: Attribute<'a>,
    traceparent: Attribute<'a>,
    start_within: Attribute<'a>,
    finish_within: Attribute<'a>,
    data: Attribute<'a>,
}

type Attribute<'a> = Option<&'a RawValue>;

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
        while let Some(key) = map.next_key::<Key<'de>>()? {
            match key.as_str() {
                "id" => wire.id = Some(map.next_value()?),
                "source" => wire.source = Some(map.next_value()?),
                "type" => wire.event_type = Some(map.next_value()?),
                "time" => wire.time = Some(map.next_value()?),
                "shkeptncontext" => wire.context = Some(map.next_value()?),
                "triggeredid" => wire.triggered_id = Some(map.next_value()?),
                "shkeptnspecversion" => wire.spec_version = Some(map.next_value()?),
                "gitcommitid" => wire.git_commit_id = Some(map.next_value()?),
                "traceparent" => wire.traceparent = Some(map.next_value()?),
                "startwithin" => wire.start_within = Some(map.next_value()?),
                "finishwithin" => wire.finish_within = Some(map.next_value()?),
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
            source: text("source", self.source)?.unwrap_or_default().into(),
            event_type,
            time: text("time", self.time)?.map(Into::into),
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
            spec_version: text("shkeptnspecversion", self.spec_version)?.map(Into::into),
            git_commit_id: text("gitcommitid", self.git_commit_id)?
                .filter(|id| !id.is_empty())
                .map(Into::into),
            traceparent: text("traceparent", self.traceparent)?.map(Into::into),
            start_within_secs: secs("startwithin", self.start_within)?,
            finish_within_secs: secs("finishwithin", self.finish_within)?,
            data,
        })
    }
}

/// Reads a text attribute, without a copy where it is spelled as it is.
fn text<'a>(attribute: &str, raw: Attribute<'a>) -> Result<Option<Cow<'a, str>>, Malformed> {
    let Some(raw) = raw.map(RawValue::get).filter(|raw| *raw != "null") else { return Ok(None) };
    let inner = raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"'));
    if let Some(plain) = inner.filter(|inner| !inner.contains('\\')) {
        return Ok(Some(Cow::Borrowed(plain)));
    }
    let text = serde_json::from_str(raw);
    let text = text.map_err(|_| Malformed::new(format!("`{attribute}` must be text")))?;
    Ok(Some(Cow::Owned(text)))
}

/// Reads an integer attribute; in binary mode it arrives as text.
fn secs(attribute: &str, raw: Attribute<'_>) -> Result<Option<u64>, Malformed> {
    let is_text = raw.is_some_and(|raw| raw.get().starts_with('"'));
    let text = if is_text { text(attribute, raw)? } else { raw.map(|raw| raw.get().into()) };
    let Some(text) = text.filter(|text| is_text || text != "null") else { return Ok(None) };
    text.parse().map(Some).map_err(|_| {
        Malformed::new(format!(
            "`{attribute}` must be whole seconds, 0 or more, is `{}`",
            shortened(&text)
        ))
    })
}
