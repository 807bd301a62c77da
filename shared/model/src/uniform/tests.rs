//! Reading uniforms: subscriptions, selectors, stub rules, and what is refused.

use super::*;

fn service(body: &str) -> String {
    format!("version: 0.1.2\ntype: Uniform\nspec:\n  services:\n  - name: a\n{body}")
}

fn accepted(text: &str) -> Uniform {
    Uniform::read(text).into_result().unwrap_or_else(|errors| panic!("{errors:?}"))
}

/// Tells whether service `a` of the uniform answers `task` with these properties.
fn answers(text: &str, task: &str, properties: &str) -> bool {
    let properties = serde_json::from_str(properties).unwrap();
    accepted(text).services[0].answers(&TaskName::new(task).unwrap(), &properties)
}

#[track_caller]
fn assert_refused(body: &str, place: &str, reason: &str) {
    let errors = Uniform::read(&service(body)).errors;
    let told: Vec<String> = errors.iter().map(ToString::to_string).collect();
    let is_told = told.iter().any(|error| error.starts_with(place) && error.contains(reason));
    assert!(is_told, "expected `{place}` … `{reason}`, found {told:?}");
}

#[test]
fn every_way_to_name_a_task_is_read() {
    for body in [
        "    actions: [test]\n",
        "    events: [test.triggered]\n",
        "    events: [sh.keptn.event.test.triggered]\n",
        "    events:\n    - test.triggered:\n",
        "    events:\n    - test.triggered: {selector: {matchLabels: {}}}\n",
    ] {
        assert!(answers(&service(body), "test", "{}"), "{body}");
        assert!(!answers(&service(body), "deployment", "{}"), "{body}");
    }
}

#[test]
fn a_selector_may_stand_below_beside_or_at_the_service() {
    for body in [
        "    events:\n    - test.triggered:\n        selector: {matchLabels: {kind: x}}\n",
        "    events:\n    - test.triggered:\n      selector: {matchLabels: {kind: x}}\n",
        "    events: [test.triggered]\n    selector: {matchLabels: {kind: x}}\n",
        "    actions: [test]\n    selector: {matchLabels: {kind: x}}\n",
    ] {
        assert!(answers(&service(body), "test", r#"{"kind":"x"}"#), "{body}");
        assert!(!answers(&service(body), "test", r#"{"kind":"y"}"#), "{body}");
        assert!(!answers(&service(body), "test", "{}"), "{body}");
    }
}

#[test]
fn selectors_of_the_service_and_of_the_event_must_both_hold() {
    let text = service(
        "    events:\n    - t.triggered: {selector: {matchLabels: {a: '1', b: '1'}}}\n    \
         selector: {matchLabels: {a: '2', c: '1'}}\n",
    );
    assert!(!answers(&text, "t", r#"{"a":"1","b":"1","c":"1"}"#));
    assert!(!answers(&text, "t", r#"{"a":"2","b":"1","c":"1"}"#));
}

#[test]
fn expressions_are_those_of_kubernetes() {
    let text = |expression: &str| {
        service(&format!(
            "    actions: [t]\n    selector: {{matchExpressions: [{{key: k, {expression}}}]}}\n"
        ))
    };
    for (expression, when_x, when_z, when_absent) in [
        ("operator: In, values: [x, 'y']", true, false, false),
        ("operator: NotIn, values: [x, 'y']", false, true, true),
        ("operator: Exists", true, true, false),
        ("operator: DoesNotExist", false, false, true),
    ] {
        let text = text(expression);
        assert_eq!(answers(&text, "t", r#"{"k":"x"}"#), when_x, "{expression}");
        assert_eq!(answers(&text, "t", r#"{"k":"z"}"#), when_z, "{expression}");
        assert_eq!(answers(&text, "t", "{}"), when_absent, "{expression}");
    }
}

#[test]
fn a_rule_of_a_stub_is_read_whole() {
    let uniform = accepted(&service(
        "    actions: [t]\n    stub:\n    - {task: t, stage: dev, service: carts, artifact: 'carts:1', \
         result: warning, status: errored, message: no, delay: 1m30s, answers: 2, silent: true, crash: true}\n    \
         - artifact: 0.10\n",
    ));
    let [first, second] = uniform.services[0].stub.as_slice() else { panic!("{uniform:?}") };
    assert_eq!(
        *first,
        StubRule {
            task: Some("t".to_owned()),
            stage: Some("dev".to_owned()),
            service: Some("carts".to_owned()),
            artifact: Some("carts:1".to_owned()),
            result: Some(TaskResult::Warning),
            status: Some(TaskStatus::Errored),
            message: Some("no".to_owned()),
            delay: Some(Duration::from_secs(90)),
            answers: Some(2),
            silent: true,
            crash: true,
        }
    );
    assert_eq!(second.artifact.as_deref(), Some("0.10"));
}

#[test]
fn a_file_of_rules_is_a_list_or_has_one() {
    for text in ["- {task: t}\n", "stub:\n- {task: t}\n"] {
        assert_eq!(StubRule::read_list(text).into_result().unwrap().len(), 1);
    }
    assert!(StubRule::read_list("- {delay: x}\n").into_result().is_err());
    assert!(StubRule::read_list("x").into_result().is_err());
}

#[test]
fn what_is_wrong_is_refused_with_its_place() {
    for (body, place, reason) in [
        ("    actions: test\n", "line 6, column 5", "`actions` must be a list"),
        ("    actions: [a b]\n", "line 6, column 15", "task name `a b`"),
        ("    events: [a.b.triggered]\n", "line 6, column 14", "task name `a.b`"),
        ("    events: [[x]]\n", "line 6, column 14", "must be `<task>.triggered`"),
        ("    events: [{a.triggered: , b.triggered: }]\n", "line 6", "names 2"),
        ("    selector: [x]\n", "line 6", "must be a mapping"),
        ("    selector: {matchExpressions: [{key: a, operator: Is}]}\n", "line 6", "operator `Is`"),
        ("    selector: {matchExpressions: [{key: a, operator: In}]}\n", "line 6", "`values`"),
        ("    selector: {matchExpressions: [{operator: Exists}]}\n", "line 6", "`key`"),
        ("    stub: [{result: failed}]\n", "line 6, column 13", "must be one of pass"),
        ("    stub: [{delay: soon}]\n", "line 6, column 13", "duration"),
        ("    stub: [{delay: 25h}]\n", "line 6, column 13", "24 hours"),
        ("    stub: [{answers: 0}]\n", "line 6, column 13", "1-100"),
        ("    stub: [{silent: maybe}]\n", "line 6, column 13", "`true` or `false`"),
        ("  - name: a\n", "line 6, column 5", "unique"),
        ("  - name: A\n", "line 6, column 5", "service name `A`"),
    ] {
        assert_refused(body, place, reason);
    }
    assert!(Uniform::read("version: 0.1.2\n").value.is_none());
}

#[test]
fn what_has_no_effect_is_warned_of() {
    for (body, part) in [
        ("    actions: [t]\n    sub: []\n", "unknown key `sub`"),
        ("    events: [t.finished]\n", "event `t.finished` is not answered"),
        ("    image: x\n", "answers nothing"),
        ("    actions: [t]\n    stub: [{tasks: t}]\n", "unknown key `tasks`"),
    ] {
        let reading = Uniform::read(&service(body));
        assert_eq!(reading.errors, []);
        assert_eq!(reading.warnings.len(), 1, "{:?}", reading.warnings);
        assert!(reading.warnings[0].message.contains(part), "{:?}", reading.warnings);
    }
}
