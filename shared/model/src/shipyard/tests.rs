//! Reading shipyards: what is accepted, refused, warned of, and where.

use std::fmt::Write as _;

use super::*;

/// A shipyard of one stage `dev` with one sequence `a`, whose body is `body`.
fn sequence(body: &str) -> String {
    format!(
        "apiVersion: spec.keptn.sh/0.2.3\nkind: Shipyard\nspec:\n  stages:\n  - name: dev\n    \
         sequences:\n    - name: a\n{body}"
    )
}

fn stages(stages: &str) -> String {
    format!("apiVersion: spec.keptn.sh/0.2.3\nspec:\n  stages: {stages}\n")
}

fn accepted(text: &str) -> Shipyard {
    Shipyard::read(text).into_result().unwrap_or_else(|errors| panic!("{errors:?}"))
}

fn errors(text: &str) -> Vec<String> {
    Shipyard::read(text).errors.iter().map(ToString::to_string).collect()
}

fn warnings(text: &str) -> Vec<String> {
    let reading = Shipyard::read(text);
    assert_eq!(reading.errors, [], "{text}");
    reading.warnings.iter().map(ToString::to_string).collect()
}

#[track_caller]
fn assert_one(found: &[String], part: &str) {
    assert!(found.len() == 1 && found[0].contains(part), "expected one `{part}`, found {found:?}");
}

#[test]
fn tasks_keep_order_names_and_properties() {
    let shipyard = accepted(&sequence(
        "      triggeredOn:\n      - event: dev.a.finished\n        selector: {match: {result: fail}}\n      \
         tasks:\n      - name: test\n        triggeredAfter: 10m\n        timeout: 1h\n        \
         properties: {kind: functional, retries: 3, ratio: 1.50, on: [true, null]}\n      - name: test\n",
    ));
    let sequence = &shipyard.stages[0].sequences[0];
    assert_eq!(sequence.triggered_on[0].event, "dev.a.finished");
    assert_eq!(sequence.triggered_on[0].selector["result"], "fail");
    let [first, second] = sequence.tasks.as_slice() else { panic!("{sequence:?}") };
    assert_eq!((first.name.as_str(), second.name.as_str()), ("test", "test"));
    assert_eq!(first.triggered_after, Some(Duration::from_mins(10)));
    assert_eq!(first.timeout, Some(Duration::from_hours(1)));
    assert_eq!(
        serde_json::to_string(&first.properties).unwrap(),
        r#"{"kind":"functional","on":[true,null],"ratio":1.50,"retries":3}"#
    );
}

#[test]
fn anchors_and_merge_keys_are_followed() {
    let shipyard = accepted(&sequence(
        "      tasks:\n      - name: x\n        properties: &p {a: 1, b: 2}\n      \
         - name: y\n        properties: {<<: *p, b: 3}\n",
    ));
    let tasks = &shipyard.stages[0].sequences[0].tasks;
    assert_eq!(tasks[1].properties["a"], 1);
    assert_eq!(tasks[1].properties["b"], 3);
}

#[test]
fn all_errors_are_told_with_their_place() {
    let text = concat!(
        "apiVersion: 0.1\n",
        "spec:\n",
        "  stages:\n",
        "  - name: Dev\n",
        "  - {}\n",
        "  - name: prod\n",
        "    sequences: {tasks: []}\n",
    );
    let found = errors(text);
    assert_eq!(found.len(), 4, "{found:?}");
    for (error, start) in found.iter().zip([
        "line 1, column 1: apiVersion `0.1` must be 0.2 or later",
        "line 4, column 5: stage name `Dev` must be",
        "line 5, column 5: every stage must have a name",
        "line 7, column 5: `sequences` must be a list",
    ]) {
        assert!(error.starts_with(start), "{error}");
    }
}

#[test]
fn versions_below_the_native_form_and_unknown_ones_are_refused() {
    for (head, reason) in [
        ("spec: {stages: [{name: dev}]}", "`apiVersion` is missing"),
        ("version: 0.1.3\nspec: {stages: [{name: dev}]}", "`version: 0.1.3` must be"),
        ("apiVersion: spec.keptn.sh/x\nspec: {stages: [{name: dev}]}", "must be a version"),
        ("apiVersion: 0.2.0-alpha\nspec: {stages: [{name: dev}]}", "no pre-release"),
        ("apiVersion: v1/0.2.0\nspec: {stages: [{name: dev}]}", "must be a version"),
    ] {
        assert_one(&errors(head), reason);
    }
    for version in ["spec.keptn.sh/0.2.0", "0.2.4", "0.2", "v0.2.1"] {
        let text = format!("apiVersion: {version}\nspec: {{stages: [{{name: dev}}]}}");
        assert_eq!(warnings(&text), [""; 0], "{version}");
    }
    for version in ["spec.keptn.sh/0.2.5", "0.3.0", "1.0"] {
        let text = format!("apiVersion: {version}\nspec: {{stages: [{{name: dev}}]}}");
        assert_one(&warnings(&text), "is later than 0.2.4");
    }
}

#[test]
fn names_that_could_not_be_told_apart_or_sent_are_refused() {
    assert_one(&errors(&stages("[{name: dev}, {name: dev}]")), "must be unique");
    assert_one(&errors(&stages("[{name: sequence}]")), "stage name `sequence` must be");
    assert_one(&errors(&stages(&format!("[{{name: {}}}]", "a".repeat(65)))), "stage name");
    assert_one(&errors(&stages("[{name: dev, sequences: [{name: a.b}]}]")), "sequence name `a.b`");
    assert_one(
        &errors(&stages("[{name: dev, sequences: [{name: a, tasks: [{name: 'x y'}]}]}]")),
        "task name `x y`",
    );
    assert_one(&errors("apiVersion: 0.2.0\nspec: {stages: []}"), "at least one stage");
}

#[test]
fn what_has_no_effect_is_warned_of() {
    let task = "      tasks: [{name: t}]\n";
    let cases = [
        ("      triggerdOn: []\n", "unknown key `triggerdOn`"),
        ("      triggeredOn: [{event: qa.a.finished}]\n", "there is no stage `qa`"),
        ("      triggeredOn: [{event: dev.b.finished}]\n", "stage `dev` has no sequence `b`"),
        ("      triggeredOn: [{event: dev.finished}]\n", "must be of the form"),
        ("      triggeredOn: [{event: sh.keptn.event.dev.a.finished}]\n", "must be of the form"),
        (
            "      triggeredOn: [{event: dev.a.finished, selector: {match: {result: failed}}}]\n",
            "is read as `fail`",
        ),
        (
            "      triggeredOn: [{event: dev.a.finished, selector: {match: {result: bad}}}]\n",
            "never matches",
        ),
        (
            "      triggeredOn: [{event: dev.a.finished, selector: {match: {x.result: fail}}}]\n",
            "selector key `x.result` never matches",
        ),
        ("    - name: a\n", "is there twice"),
    ];
    for (body, part) in cases {
        let text = sequence(&format!("{body}{task}"));
        let text = text.replace(
            "    - name: a\n    - name: a\n",
            "    - name: a\n      tasks: [{name: t}]\n    - name: a\n",
        );
        assert_one(&warnings(&text), part);
    }
    assert_one(&warnings(&sequence("")), "has no tasks");
    assert_one(
        &warnings(&sequence("      tasks: [{name: t, triggeredAfter: soon}]\n")),
        "`triggeredAfter` has no effect",
    );
    assert_one(&warnings(&sequence(task).replace("kind: Shipyard", "kind: Pod")), "`kind: Pod`");
}

#[test]
fn the_implicit_evaluation_is_no_dangling_cause() {
    let text = sequence(
        "      triggeredOn: [{event: dev.evaluation.finished, selector: {match: {evaluation.result: fail}}}]\n      \
         tasks: [{name: t}]\n",
    );
    assert_eq!(warnings(&text), [""; 0]);
}

#[test]
fn a_selector_of_failed_is_stored_as_fail() {
    let text = sequence(
        "      triggeredOn: [{event: dev.a.finished, selector: {match: {result: failed}}}]\n",
    );
    assert_eq!(accepted(&text).stages[0].sequences[0].triggered_on[0].selector["result"], "fail");
}

#[test]
fn an_unknown_key_gets_the_nearest_known_one_as_hint() {
    let reading = Shipyard::read(&sequence("      taks: []\n"));
    assert_eq!(reading.warnings[0].hint.as_deref(), Some("did you mean `tasks`?"));
    assert_eq!((reading.warnings[0].line, reading.warnings[0].column), (Some(8), Some(7)));
}

#[test]
fn what_go_cannot_decode_is_refused() {
    for (text, reason) in [
        ("apiVersion: 0.2.0\nspec: [a]\n", "`spec` must be a mapping"),
        ("apiVersion: 0.2.0\nspec: {stages: dev}\n", "`stages` must be a list"),
        (&stages("[dev]"), "a stage must be a mapping"),
        (&stages("[{name: [dev]}]"), "`name` must be text"),
        (&stages("[{name: dev, name: dev}]"), "key `name` must not be there twice"),
        (&sequence("      triggeredOn: [dev.a.finished]\n"), "must be a mapping"),
        (&sequence("      tasks: [{name: t, properties: {a: 1, a: 2}}]\n"), "key `a`"),
        ("apiVersion: 0.2.0\nmetadata: x\nspec: {stages: [{name: dev}]}\n", "`metadata` must be"),
        ("apiVersion: [\n", "must be YAML"),
        ("- a\n", "a shipyard must be a mapping"),
    ] {
        let found = errors(text);
        assert!(found.iter().any(|error| error.contains(reason)), "{text}: {found:?}");
    }
}

#[test]
fn only_the_first_document_counts() {
    let text = format!("{}---\nx: [\n", stages("[{name: dev}]"));
    assert_eq!(accepted(&text).stages.len(), 1);
    assert_one(&warnings(&text), "line 4, column 1: what begins here is not read");
    let indented = stages("[{name: dev}]").trim_end().replace('\n', "\n ");
    assert_one(&warnings(&format!(" {indented}\nkey: 1\n")), "line 4, column 1");
}

#[test]
fn a_text_above_the_limit_is_refused() {
    let text = format!("{}#{}", stages("[{name: dev}]"), "x".repeat(document::DOCUMENT_BYTES_MAX));
    assert_one(&errors(&text), "must be at most 262144 bytes");
}

#[test]
fn a_text_that_multiplies_or_nests_itself_is_refused() {
    let mut bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for (from, to) in ('a'..='z').zip('b'..='z') {
        let ten = vec![format!("*{from}"); 10].join(", ");
        writeln!(bomb, "{to}: &{to} [{ten}]").unwrap();
    }
    assert_one(&errors(&bomb), "aliases");
    assert_one(&errors("a: &a [*a]\n"), "an alias must not stand inside what it names");
    assert_one(&errors(&format!("a: {}{}", "[".repeat(100), "]".repeat(100))), "nested at most");
    let mut ladder = "x0: &x0 [x]\n".to_owned();
    for step in 1..100 {
        writeln!(ladder, "x{step}: &x{step} [*x{}]", step - 1).unwrap();
    }
    assert_one(&errors(&ladder), "nested at most");
}

#[test]
fn many_problems_are_counted_instead_of_listed() {
    let keys: Vec<String> = (0..500).map(|n| format!("k{n}: 1\n")).collect();
    let keys = keys.concat();
    let reading = Shipyard::read(&format!("{keys}{}", stages("[{name: dev}]")));
    assert_eq!(reading.warnings.len(), 101);
    assert_eq!(reading.warnings[100].message, "there are 400 more warnings");
}

#[test]
fn base64_is_read_as_go_reads_it() {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let encoded = STANDARD.encode(stages("[{name: dev}]"));
    assert!(Shipyard::from_base64(&encoded).value.is_some());
    let (first, second) = encoded.split_at(20);
    assert!(Shipyard::from_base64(&format!("{first}\n{second}\n")).value.is_some());
    assert!(Shipyard::from_base64("shipyard.yaml!").errors[0].message.contains("base64"));
}

#[test]
fn a_form_before_0_2_is_written_as_the_native_one() {
    let text = include_str!("../../tests/documents/story-2.yaml");
    let converted = Shipyard::convert(text).into_result().unwrap();
    assert!(
        converted.starts_with("apiVersion: spec.keptn.sh/0.2.3\nkind: Shipyard\n"),
        "{converted}"
    );
    assert_eq!(errors(&converted), Vec::<String>::new());
    assert_eq!(accepted(&converted).stages, accepted(text).stages);
}

#[test]
fn what_is_native_is_written_in_one_form_and_says_the_same() {
    let text = include_str!("../../tests/documents/native.yaml");
    let converted = Shipyard::convert(text).into_result().unwrap();
    assert_eq!(accepted(&converted), accepted(text));
    assert_eq!(Shipyard::convert(&converted).into_result().unwrap(), converted);
}

#[test]
fn what_is_refused_is_not_converted() {
    let reading = Shipyard::convert("version: 0.1.0\nspec: {stages: [{name: dev}]}\n");
    assert_eq!(reading.value, None);
    assert_eq!(reading.errors[0].line, Some(1));
}
