//! What a stub does with a task, as short text.

use std::fmt::Write as _;

use serde_json::json;

use super::*;

/// Decodes `<task>.triggered` with this data.
fn triggered(task: &str, data: &Value) -> Event {
    let json = json!({
        "id": "t1", "source": "shipyard-controller", "shkeptncontext": "c1", "traceparent": "tp",
        "type": format!("sh.keptn.event.{task}.triggered"), "data": data,
    });
    Event::from_json(json.to_string().as_bytes()).unwrap()
}

fn carts() -> Value {
    json!({"project": "p", "stage": "dev", "service": "carts",
           "configurationChange": {"values": {"image": "carts:1"}}})
}

fn rules(yaml: &str) -> Vec<StubRule> {
    StubRule::read_list(yaml).into_result().unwrap()
}

/// Returns the steps as text, such as `started, wait 1s, finished succeeded/pass`.
fn played(task: &str, data: &Value, yaml: &str, attempt: Attempt) -> String {
    let event = triggered(task, data);
    let task = TriggeredTask::read(&event).unwrap();
    let rules = rules(yaml);
    let rules: Vec<&StubRule> = rules.iter().collect();
    let mut text = String::new();
    for step in script(&task, "s", &rules, attempt) {
        let separator = if text.is_empty() { "" } else { ", " };
        text.push_str(separator);
        match step {
            Step::Wait(time) => write!(text, "wait {time:?}").unwrap(),
            Step::Crash => text.push_str("crash"),
            Step::Say(answer) => {
                let head = answer.data.head();
                let kind = answer.event_type.kind().unwrap().as_str();
                text.push_str(kind);
                if kind == "finished" {
                    write!(text, " {}/{}", head.status.unwrap(), head.result.unwrap()).unwrap();
                }
                if let Some(message) = head.message.filter(|message| !message.is_empty()) {
                    write!(text, " ({message})").unwrap();
                }
            }
        }
    }
    text
}

fn first(task: &str, data: &Value, yaml: &str) -> String {
    played(task, data, yaml, Attempt::First)
}

#[test]
fn without_a_rule_a_task_passes_at_once() {
    assert_eq!(first("test", &carts(), "[]"), "started, finished succeeded/pass");
}

#[test]
fn an_answer_says_who_where_and_what_and_never_the_configuration() {
    let mut data = carts();
    data["labels"] = json!({"build": "7"});
    let event = triggered("test", &data);
    let task = TriggeredTask::read(&event).unwrap();
    let steps = script(&task, "jmeter-service", &[], Attempt::First);
    let [Step::Say(started), Step::Say(finished)] = steps.as_slice() else { panic!("{steps:?}") };
    assert_eq!(
        finished.data.as_str(),
        concat!(
            r#"{"labels":{"build":"7"},"message":"","project":"p","result":"pass","#,
            r#""service":"carts","stage":"dev","status":"succeeded","test":{}}"#
        )
    );
    assert_eq!(&*finished.source, "jmeter-service");
    assert_eq!(finished.event_type.to_string(), "sh.keptn.event.test.finished");
    for answer in [started, finished] {
        assert_eq!(answer.triggered_id.as_ref().unwrap().as_str(), "t1");
        assert_eq!(answer.context.as_ref().unwrap().as_str(), "c1");
        assert_eq!(answer.traceparent.as_deref(), Some("tp"));
    }
}

#[test]
fn ids_name_the_task_the_executor_the_kind_and_the_number() {
    let id = |source, kind, number| answer_id("t1", source, kind, number);
    assert_eq!(id("s", Kind::Started, 0), id("s", Kind::Started, 0));
    assert_ne!(id("s", Kind::Started, 0), id("s", Kind::Started, 1));
    assert_ne!(id("s", Kind::Started, 0), id("s", Kind::Finished, 0));
    assert_ne!(id("s", Kind::Started, 0), id("x", Kind::Started, 0));
    let event = triggered("test", &carts());
    let task = TriggeredTask::read(&event).unwrap();
    let steps = script(&task, "s", &[], Attempt::Later);
    let Step::Say(answer) = &steps[1] else { panic!("{steps:?}") };
    assert_eq!(answer.id, id("s", Kind::Finished, 0).event_id());
}

#[test]
fn the_last_rule_that_matches_wins() {
    let yaml = "[{result: fail}, {stage: dev, result: warning}, {stage: prod, result: pass}]";
    assert_eq!(first("test", &carts(), yaml), "started, finished succeeded/warning");
}

#[test]
fn every_condition_of_a_rule_must_hold() {
    let holds = "[{task: test, stage: dev, service: carts, artifact: 'carts:1', result: fail}]";
    assert_eq!(first("test", &carts(), holds), "started, finished succeeded/fail");
    for other in ["task: x", "stage: x", "service: x", "artifact: x"] {
        let yaml = format!("[{{{other}, result: fail}}]");
        assert_eq!(first("test", &carts(), &yaml), "started, finished succeeded/pass", "{other}");
    }
    let no_artifact = json!({"project": "p", "stage": "dev", "service": "carts"});
    let yaml = "[{artifact: 'carts:1', result: fail}]";
    assert_eq!(first("test", &no_artifact, yaml), "started, finished succeeded/pass");
}

#[test]
fn a_rule_sets_status_message_delay_and_number_of_answers() {
    assert_eq!(
        first("test", &carts(), "[{status: errored, message: disk full, delay: 1500ms}]"),
        "started, wait 1.5s, finished errored/fail (disk full)"
    );
    assert_eq!(
        first("test", &carts(), "[{answers: 2, delay: 1s}]"),
        "started, started, wait 1s, finished succeeded/pass, finished succeeded/pass"
    );
}

#[test]
fn a_silent_stub_says_nothing() {
    assert_eq!(first("test", &carts(), "[{silent: true}]"), "");
}

#[test]
fn a_crash_comes_after_started_and_only_once() {
    let yaml = "[{crash: true, delay: 1s}]";
    assert_eq!(first("test", &carts(), yaml), "started, crash");
    assert_eq!(
        played("test", &carts(), yaml, Attempt::Later),
        "started, wait 1s, finished succeeded/pass"
    );
}

#[test]
fn a_bracket_is_answered_once_with_the_worst_of_its_services() {
    let data = json!({"project": "p", "stage": "dev", "services": {
        "a": {"values": {"image": "a:1"}}, "b": {"values": {"image": "b:1"}}, "c": {"values": {}}}});
    assert_eq!(first("test", &data, "[]"), "started, finished succeeded/pass");
    let yaml = "[{service: a, result: warning, message: slow, delay: 2s}, \
                 {artifact: 'b:1', result: fail, message: broken, delay: 1s}, \
                 {service: c, message: fine}]";
    assert_eq!(first("test", &data, yaml), "started, wait 2s, finished succeeded/fail (broken)");
}

#[test]
fn a_task_that_names_nothing_to_deliver_is_answered_with_an_error() {
    for (data, part) in [
        (json!({"project": "p", "stage": "dev"}), "`data.service`"),
        (json!({"project": "p", "stage": "dev", "services": {}}), "`data.service`"),
        (json!({"project": "p", "service": "carts"}), "`data.stage`"),
        (json!({"project": "p", "stage": 7, "service": "carts"}), "`data.stage`"),
    ] {
        let text = first("test", &data, "[{result: pass}]");
        assert!(text.starts_with("started, finished errored/fail"), "{text}");
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn only_a_triggered_task_is_a_task() {
    for event_type in ["test.started", "dev.delivery.triggered", "project.create.triggered"] {
        let json = json!({"id": "x", "type": format!("sh.keptn.event.{event_type}"), "data": {}});
        let event = Event::from_json(json.to_string().as_bytes()).unwrap();
        assert!(TriggeredTask::read(&event).is_none(), "{event_type}");
    }
}

#[test]
fn approvals_follow_their_properties_and_the_result_so_far() {
    let approval = |result: Value, evaluation: Value, strategy: Value| {
        let mut data = carts();
        data["result"] = result;
        data["evaluation"] = evaluation;
        data["approval"] = strategy;
        first("approval", &data, "[]")
    };
    let automatic = json!({"pass": "automatic", "warning": "automatic"});
    let manual = json!({"pass": "manual", "warning": "manual"});
    let pass = "started (approved automatically), finished succeeded/pass";
    let fail = "started (declined: the result so far is fail), finished succeeded/fail";
    let open = "started (waits for the approval of a person)";
    assert_eq!(approval(json!("pass"), Value::Null, automatic.clone()), pass);
    assert_eq!(approval(json!("warning"), Value::Null, automatic.clone()), pass);
    assert_eq!(approval(json!("fail"), Value::Null, automatic.clone()), fail);
    assert_eq!(approval(Value::Null, json!({"result": "pass"}), automatic.clone()), pass);
    assert_eq!(approval(Value::Null, Value::Null, automatic), open);
    assert_eq!(approval(json!("pass"), Value::Null, manual.clone()), open);
    assert_eq!(approval(json!("warning"), Value::Null, manual.clone()), open);
    assert_eq!(approval(json!("fail"), Value::Null, manual), fail);
    assert_eq!(approval(json!("pass"), Value::Null, Value::Null), open);
}

#[test]
fn a_rule_with_a_result_decides_an_approval() {
    let mut data = carts();
    data["approval"] = json!({"pass": "manual"});
    assert_eq!(first("approval", &data, "[{result: fail}]"), "started, finished succeeded/fail");
    assert_eq!(
        first("approval", &data, "[{delay: 1s}]"),
        "started (waits for the approval of a person)"
    );
}
