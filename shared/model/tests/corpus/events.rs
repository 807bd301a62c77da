//! Real events are decoded, or refused with a reason that names the missing attribute.

use model::{Event, EventType};

use crate::{Row, rows, said};

/// Returns what is wrong with the verdict on a file.
fn difference(row: &Row) -> Option<String> {
    let missing: Vec<&str> =
        row.column("missing_ce").split(',').filter(|name| !name.is_empty()).collect();
    let decoded = Event::from_json(row.text.as_bytes());
    let reading = Event::lint(&row.text);
    // Only an `id` cannot be done without: `source` and `specversion` are warned of.
    match &decoded {
        Ok(_) if missing.contains(&"id") => return Some("decoded without an id".to_owned()),
        Ok(event) if event.event_type.to_string() != row.column("type") => {
            return Some(format!("decoded as {}", event.event_type));
        }
        Err(why) if *why.reason != *wrong_id(row, missing.contains(&"id")) => {
            return Some(format!("refused: {why}"));
        }
        Ok(_) | Err(_) => {}
    }
    let told = |name: &str| {
        let mut problems = reading.errors.iter().chain(&reading.warnings);
        problems.any(|problem| problem.message.starts_with(&format!("`{name}` ")))
    };
    if let Some(name) = missing.iter().find(|name| !told(name)) {
        return Some(format!("`{name}` is missing and nothing names it"));
    }
    let is_refused = decoded.is_err() || asks_for_no_project(&decoded, row);
    if reading.value.is_none() != is_refused {
        return Some(format!("lint says {:?}, decoding {decoded:?}", reading.errors));
    }
    None
}

/// Returns the reason for which a file must be refused: some have an empty `id`, or a sentence
/// that says what to put there.
fn wrong_id(row: &Row, is_missing: bool) -> &'static str {
    let event: serde_json::Value = serde_json::from_str(&row.text).unwrap();
    match event["id"].as_str() {
        None if is_missing => "`id` is missing",
        Some(id) if id.is_empty() || id.contains(' ') => {
            "`id` must be 1-200 bytes without blanks and control characters"
        }
        None | Some(_) => "",
    }
}

/// A trigger without a project decodes, but no stage can be found for it.
fn asks_for_no_project(decoded: &Result<Event, model::Malformed>, row: &Row) -> bool {
    let is_trigger = matches!(decoded, Ok(Event { event_type: EventType::Sequence(..), .. }));
    let data: serde_json::Value = serde_json::from_str(&row.text).unwrap();
    let project = data["data"]["project"].as_str().unwrap_or_default();
    is_trigger && row.column("phase") == "triggered" && model::ProjectName::new(project).is_err()
}

#[test]
fn every_event_is_decoded_or_refused_for_what_is_missing() {
    let Some(rows) = rows("events") else { return };
    let different: Vec<String> =
        rows.iter().filter_map(|row| Some(format!("{}: {}", row.file, difference(row)?))).collect();
    said("events", rows.len() - different.len(), rows.len());
    assert!(different.is_empty(), "{}", different.join("\n"));
}

#[test]
fn old_forms_are_warned_of() {
    let Some(rows) = rows("events") else { return };
    let old = |row: &&Row| {
        let name = row.column("type");
        name.starts_with("sh.keptn.events.") || name.starts_with("sh.keptn.internal.")
    };
    let old: Vec<&Row> = rows.iter().filter(old).collect();
    let told = old.iter().filter(|row| {
        let warnings = Event::lint(&row.text).warnings;
        warnings.iter().any(|warning| warning.message.contains("a form before Keptn 0.8"))
    });
    let told = told.count();
    said("events of an old form", told, old.len());
    assert!(told == old.len() && told > 0);
}
