//! `keptn get event`: one row per stored event.

use model::view::EventEntry;
use serde_json::Value;

use super::{
    Paint, Tone,
    table::{Cell, Growing},
};

/// What stands before the part of a type that tells events apart.
const TYPE_PREFIX: &str = "sh.keptn.event.";
/// Characters of a context in a table.
const CONTEXT_CHARS: usize = 8;
/// Length of an RFC 3339 time up to milliseconds, without its zone.
const TIME_CHARS: usize = "2026-11-23T12:00:00.000".len();

const HEAD: [&str; 6] = ["TIME", "POSITION", "TYPE", "SOURCE", "RESULT", "CONTEXT"];

/// Draws events, oldest first, below those that `table` has drawn before.
pub(crate) fn text(table: &mut Growing, events: &[EventEntry], paint: Paint) -> String {
    let rows: Vec<Vec<Cell>> = events.iter().map(row).collect();
    table.draw(&HEAD, &rows, paint)
}

fn row(entry: &EventEntry) -> Vec<Cell> {
    let event: Value = serde_json::from_str(entry.event.get()).unwrap_or_default();
    let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let (event_type, result) = (text("/type"), text("/data/result"));
    let tone = match result {
        "pass" => Tone::Good,
        "warning" => Tone::Behind,
        "fail" => Tone::Bad,
        _ => Tone::Plain,
    };
    let context: String = text("/shkeptncontext").chars().take(CONTEXT_CHARS).collect();
    vec![
        Cell::new(to_millis(&entry.time.to_string())),
        Cell::new(entry.position.to_string()),
        Cell::new(event_type.strip_prefix(TYPE_PREFIX).unwrap_or(event_type)),
        Cell::new(text("/source")),
        Cell::tinted(result, tone),
        Cell::new(context),
    ]
}

/// Cuts a time in UTC to milliseconds, always with three digits.
pub(crate) fn to_millis(time: &str) -> String {
    let bare = time.trim_end_matches('Z');
    let mut text: String = bare.chars().take(TIME_CHARS).collect();
    if !text.contains('.') {
        text.push('.');
    }
    format!("{text:0<TIME_CHARS$}Z")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::testing::time_at;

    #[test]
    fn events_are_drawn_as_a_table() {
        let entry = |position, json: &str| EventEntry {
            position,
            time: time_at(5),
            event: serde_json::value::RawValue::from_string(json.to_owned()).unwrap(),
        };
        let events = [
            entry(
                7,
                r#"{"type":"sh.keptn.event.test.finished","source":"jmeter-service","shkeptncontext":"c1f0a3d2-55c1","data":{"result":"pass"}}"#,
            ),
            entry(8, r#"{"type":"sh.keptn.log.error","data":{"result":5}}"#),
        ];
        let expected = "\
TIME                      POSITION  TYPE                SOURCE          RESULT  CONTEXT
2023-11-14T22:13:25.000Z  7         test.finished       jmeter-service  pass    c1f0a3d2
2023-11-14T22:13:25.000Z  8         sh.keptn.log.error  -               -       -
";
        assert_eq!(text(&mut Growing::default(), &events, Paint::PLAIN), expected);
    }

    #[test]
    fn times_have_three_digits() {
        assert_eq!(to_millis("2023-11-14T22:13:25.1234567Z"), "2023-11-14T22:13:25.123Z");
        assert_eq!(to_millis("2023-11-14T22:13:25.5Z"), "2023-11-14T22:13:25.500Z");
    }
}
