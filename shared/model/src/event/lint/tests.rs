//! Each rule once, with its place.

use super::*;

fn told(text: &str) -> (Vec<String>, Vec<String>) {
    let reading = Event::lint(text);
    let lines = |problems: &[crate::Problem]| problems.iter().map(ToString::to_string).collect();
    assert_eq!(reading.value.is_some(), reading.errors.is_empty(), "{text}");
    (lines(&reading.errors), lines(&reading.warnings))
}

/// Returns a sound event of a type with these members in place of its own.
fn event(kind: &str, others: &str, data: &str) -> String {
    format!(
        "{{\"specversion\":\"1.0\",\"id\":\"i\",\"source\":\"s\",\"time\":\"2026-11-23T12:00:00Z\",\
         \"datacontenttype\":\"application/json\",\
         \"shkeptncontext\":\"8e273904-d0d6-11eb-a902-784f43552794\",\n\"type\":\"{kind}\",{others}\n\
         \"data\":{data}}}"
    )
}

const TRIGGER: &str = "sh.keptn.event.dev.delivery.triggered";
const NAMES: &str = r#"{"project":"p","stage":"dev","service":"carts"}"#;

#[test]
fn a_sound_event_is_accepted_without_a_word() {
    assert_eq!(told(&event(TRIGGER, "", NAMES)), (vec![], vec![]));
    let data =
        r#"{"project":"p","stage":"dev","service":"carts","status":"succeeded","result":"pass"}"#;
    let answer = event("sh.keptn.event.test.finished", r#""triggeredid":"t","#, data);
    assert_eq!(told(&answer), (vec![], vec![]));
    let command = event("sh.keptn.event.project.delete.triggered", "", r#"{"project":"p"}"#);
    assert_eq!(told(&command), (vec![], vec![]));
}

#[test]
fn all_wrong_attributes_are_told_at_once_with_their_places() {
    let text = "{\"type\":\"sh.keptn.event.dev.delivery.triggered\",\n \"time\": 7,\n\
                \"data\":[],\"finishwithin\":-1}";
    assert_eq!(
        told(text).0,
        [
            "line 1, column 1: `id` is missing",
            "line 3, column 8: `data` must be a JSON object",
            "line 2, column 10: `time` must be text",
            "line 3, column 26: `finishwithin` must be whole seconds, 0 or more, is `-1`",
            "line 3, column 8: `data.project` is missing",
        ]
    );
    let text = "{\"id\":\"i\",\n\"type\":\"x\"}";
    let expected = "line 2, column 8: `type` must start with `sh.keptn.` and have no empty part";
    assert_eq!(told(text).0, [expected]);
}

#[test]
fn what_is_no_object_is_refused_where_it_breaks() {
    assert_eq!(told("{\n\"a\" 1}").0, ["line 2, column 5: the text must be JSON: expected `:`"]);
    assert_eq!(told("[]").0, ["line 1, column 1: the text must be one JSON object"]);
    assert_eq!(told("").0.len(), 1);
    let large =
        event(TRIGGER, &format!("\"subject\":\"{}\",", "x".repeat(MESSAGE_BYTES_MAX)), NAMES);
    assert!(told(&large).0[0].contains("must be at most 1048576 bytes"));
}

#[test]
fn what_is_spelled_or_read_otherwise_is_warned_of() {
    let text = r#"{"id":"i","type":"sh.keptn.event.dev.d.triggered","specversion":"0.2",
"contenttype":"application/json","shkeptnContext":"c","shkeptncontext":"c","time":"noon",
"data":{"project":"p","stage":"dev","service":"a","project":"q"}}"#;
    assert_eq!(
        told(text).1,
        [
            "line 3, column 61: `data.project` is there twice: the last one counts",
            "line 2, column 51: unknown attribute `shkeptnContext` has no effect",
            "line 1, column 65: specversion `0.2` is read as `1.0`",
            "line 2, column 15: `contenttype` is Keptn's own spelling: other readers of CloudEvents ignore it",
            "line 1, column 1: `source` is missing: answers are paired by who says them",
            "line 2, column 83: `time` is not RFC 3339 and not looked at: the stream's counts",
            "line 2, column 72: `shkeptncontext` is no UUID: Keptn's API replaces it",
        ]
    );
}

#[test]
fn each_type_is_asked_for_what_it_needs() {
    let warned = |kind: &str, others: &str, data: &str| -> String {
        let kind = format!("sh.keptn.{kind}");
        told(&event(&kind, others, data)).1.join("\n").replace("line 2, column 8: ", "")
    };
    let cases = [
        ("event.test.triggered", NAMES, "shipyard-controller alone says `test.triggered`"),
        ("event.dev.delivery.finished", NAMES, "alone says the `finished` of a sequence"),
        ("event.test.started", NAMES, "`triggeredid` is missing: this answers no task"),
        ("event.test.started", "{}", "`data.stage` is missing: Keptn's API refuses"),
        ("event.test.finished", NAMES, "`data.status` is missing and read as unknown"),
        ("event.test.finished", NAMES, "`data.result` is missing and read as fail"),
        ("event.test.finished", r#"{"result":"passed"}"#, "result `passed` is read as fail"),
        (
            "event.dev.d.triggered",
            r#"{"project":"p","stage":"qa"}"#,
            "is not the stage in the type",
        ),
        ("event.dev.d.triggered", r#"{"project":"p"}"#, "this asks for a sync of the whole stage"),
        ("event.project.make.triggered", "{}", "`project.make` is no command"),
        ("event.project.create.finished", "{}", "nothing follows from `project.create.finished`"),
        ("event.service.create.triggered", "{}", "`data.project` is missing"),
        ("event.test.finish", "{}", "`finish` is no kind of event"),
        ("events.problem", "{}", "nobody acts on `sh.keptn.events.problem`, a form before"),
        ("log.error", "{}", "alone says `sh.keptn.log.error`"),
    ];
    for (kind, data, expected) in cases {
        let warnings = warned(kind, "", data);
        assert!(warnings.contains(expected), "{kind} {data}: {warnings}");
    }
    let trigger = warned("event.dev.d.triggered", r#""triggeredid":"t","#, NAMES);
    assert_eq!(trigger, "line 2, column 55: `triggeredid` has no effect on a trigger");
}

#[test]
fn a_hint_names_the_nearest_word() {
    let text = event("sh.keptn.event.test.finish", "", NAMES);
    let warnings = Event::lint(&text).warnings;
    assert_eq!(warnings[0].hint.as_deref(), Some("did you mean `finished`?"));
}
