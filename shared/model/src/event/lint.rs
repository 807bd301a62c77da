//! What is wrong with the text of an event, with places: for people who write one by hand.
//!
//! Errors are what [`Event::from_json`] and the fold refuse. Warnings are what Slipway or Keptn
//! would ignore or misread. Reading order: `members` (text to members with places), `attributes`,
//! `meaning` (what a type asks of the rest).

mod attributes;
mod meaning;
mod members;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::{Event, MESSAGE_BYTES_MAX};
use crate::{
    Malformed, Reading,
    document::{reader::Problems, tree::Place},
};
use members::Members;

/// Attributes that can be wrong one by one; each costs one more reading.
const ATTRIBUTES_MAX: usize = 16;

impl Event {
    /// Reads the text of an event whole: all that refuses it, and as warnings what has not the
    /// effect that its author may expect. The verdict is that of [`Event::from_json`], but that a
    /// trigger must name a project, too.
    pub fn lint(text: &str) -> Reading<Self> {
        let mut problems = Problems::default();
        if text.len() > MESSAGE_BYTES_MAX {
            let message =
                format!("the text must be at most {MESSAGE_BYTES_MAX} bytes, is {}", text.len());
            problems.error_hint(Place::START, message, "send what is large as a resource");
            return problems.finish(None);
        }
        let members = match Members::read(text) {
            Ok(members) => members,
            Err(error) => {
                not_an_object(&error, &mut problems);
                return problems.finish(None);
            }
        };
        let event = decode(&members, &mut problems);
        members.warn_of_duplicates(&mut problems);
        attributes::check(&members, &mut problems);
        if let Some(event) = &event {
            meaning::check(event, &members, &mut problems);
        }
        problems.finish(event)
    }
}

fn not_an_object(error: &serde_json::Error, problems: &mut Problems) {
    let at = Place { line: error.line().max(1) as u64, column: error.column().max(1) as u64 };
    if error.is_data() {
        return problems.error_hint(at, "the text must be one JSON object", "write `{…}`");
    }
    let said = error.to_string();
    let what = said.split(" at line ").next().unwrap_or_default();
    problems.error(at, format!("the text must be JSON: {what}"));
}

/// Decodes the event. A wrong attribute is told, something right stands in for it, and the rest is
/// read on, so that one look tells all of them. None if there is nothing to read the rest by.
fn decode(members: &Members<'_>, problems: &mut Problems) -> Option<Event> {
    let mut kept: BTreeMap<&str, &RawValue> = members.last_of_each();
    for _ in 0..ATTRIBUTES_MAX {
        let json = serde_json::to_string(&kept).ok()?;
        let refused = match Event::from_json(json.as_bytes()) {
            Ok(event) => return Some(event),
            Err(refused) => refused,
        };
        let attribute = attribute_of(&refused);
        problems.refuse(&refused, members.place(attribute), attribute);
        match attribute {
            "id" => kept.insert("id", serde_json::from_str(r#""-""#).ok()?),
            "data" | "source" | "time" | "shkeptncontext" | "triggeredid"
            | "shkeptnspecversion" | "gitcommitid" | "traceparent" | "startwithin"
            | "finishwithin" => kept.remove(attribute),
            // Without a type nothing tells what the rest should be.
            _ => return None,
        };
    }
    None
}

/// Returns the attribute that a refusal names, which is the first in back quotes.
fn attribute_of(refused: &Malformed) -> &str {
    refused.reason.split('`').nth(1).unwrap_or_default()
}

impl Problems {
    fn refuse(&mut self, refused: &Malformed, at: Place, attribute: &str) {
        let hint = match attribute {
            "id" => "every event needs its own; `keptn send event` fills in one that is missing",
            "type" => "for instance `sh.keptn.event.dev.artifact-delivery.triggered`",
            "data" => "write it as `{\"project\":…}`",
            _ => return self.error(at, refused.reason.as_ref()),
        };
        self.error_hint(at, refused.reason.as_ref(), hint);
    }
}
