//! What does not belong on the bus: each is answered as promised, changes nothing, and the next
//! event is handled.

use serde_json::json;

use crate::harness::event::{Entry, answered};
use crate::harness::stack::{CONTROLLER, Stack};
use crate::harness::story::{self, DEV, Uniform};
use crate::harness::stream::Stream;
use crate::harness::wait;

/// A text that no log line and no answer may repeat.
const SECRET: &str = "hunter2-do-not-repeat";

/// Subject, message, and a word of the reason.
const NEVER_APPLIES: [(&str, &str, &str); 10] = [
    ("sh.keptn.event.test.finished", "hunter2-do-not-repeat", "JSON"),
    ("sh.keptn.event.test.finished", "", "JSON"),
    ("sh.keptn.event.test.finished", "[1]", "object"),
    (
        "sh.keptn.event.test.finished",
        r#"{"id":"1","source":"s","specversion":"1.0","data":{"password":"hunter2-do-not-repeat"}}"#,
        "type",
    ),
    (
        "sh.keptn.event.test.finished",
        r#"{"type":"sh.keptn.event.test.finished","source":"s","specversion":"1.0"}"#,
        "id",
    ),
    (
        "sh.keptn.event.test.finished",
        r#"{"type":"sh.keptn.event.release.finished","id":"2","source":"s","specversion":"1.0"}"#,
        "subject",
    ),
    (
        "sh.keptn.event.te$t.finished",
        r#"{"type":"sh.keptn.event.te$t.finished","id":"3","source":"s","specversion":"1.0"}"#,
        "name",
    ),
    (
        "sh.keptn.event.test.finished",
        r#"{"type":"sh.keptn.event.test.finished","id":"4","source":"s","specversion":"1.0","data":"text"}"#,
        "data",
    ),
    (
        "sh.keptn.event.dev.artifact-delivery.triggered",
        r#"{"type":"sh.keptn.event.dev.artifact-delivery.triggered","id":"5","source":"s","specversion":"1.0","data":{"service":"carts"}}"#,
        "project",
    ),
    ("sh.keptn.event.test.finished", r#"{"stream":"keptn","seq":7,"duplicate":true}"#, ""),
];

#[test]
fn what_can_never_apply_is_reported_once_and_changes_nothing() {
    let (stack, mut stream) = stack_with_project();
    for (subject, body, word) in NEVER_APPLIES {
        let before = stream.read_to_end();
        stream.client().publish(subject, body.as_bytes());
        let report = stream.wait_for_after(before, "sh.keptn.log.error", |entry| {
            entry.attribute("type") == "sh.keptn.log.error"
        });
        let data = &report.event["data"];
        let bad = stream.wait_for_after(before, body, |_| true);
        assert_eq!(data["position"], bad.position, "{body}: {report:?}");
        assert_eq!(data["subject"], subject, "{body}: {report:?}");
        assert_eq!(report.attribute("source"), CONTROLLER, "{body}");
        assert!(report.text("/reason").contains(word), "{body}: {report:?}");
        assert!(!report.event.to_string().contains(SECRET), "{report:?}");
    }
    expect_healthy(&stack, &mut stream);
    let reports = stream.entries().iter();
    let reports = reports.filter(|entry| entry.attribute("type") == "sh.keptn.log.error");
    assert_eq!(reports.count(), NEVER_APPLIES.len(), "{}", stream.tail());
}

#[test]
fn payloads_never_reach_the_logs() {
    let (mut stack, mut stream) = stack_with_project();
    for (subject, body, _) in NEVER_APPLIES {
        stream.client().publish(subject, body.as_bytes());
    }
    expect_healthy(&stack, &mut stream);
    for service in crate::harness::stack::SERVICES {
        assert_eq!(stack.service(service).lines_with(SECRET), Vec::<String>::new(), "{service}");
    }
}

#[test]
fn a_report_about_bad_input_is_never_answered() {
    let (stack, mut stream) = stack_with_project();
    stream.client().publish("sh.keptn.log.error", b"no JSON at all");
    stream.client().publish("sh.keptn.log.whatever", b"{}");
    expect_healthy(&stack, &mut stream);
    let answers = stream.entries().iter();
    let answers = answers.filter(|entry| entry.attribute("type") == "sh.keptn.log.error");
    assert_eq!(answers.count(), 0, "{}", stream.tail());
}

#[test]
fn a_trigger_for_an_unknown_name_is_answered_with_the_nearest_one() {
    let (stack, mut stream) = stack_with_project();
    let unknown = [
        ("dve.artifact-delivery", json!({"project": "sockshop", "stage": "dve"}), "dev"),
        (
            "dev.artefact-delivery",
            json!({"project": "sockshop", "stage": "dev", "service": "carts"}),
            "artifact-delivery",
        ),
        (
            "dev.artifact-delivery",
            json!({"project": "sokshop", "stage": "dev", "service": "carts"}),
            "sockshop",
        ),
        (
            "dev.artifact-delivery",
            json!({"project": "sockshop", "stage": "dev", "service": "cart"}),
            "carts",
        ),
    ];
    for (index, (sequence, data, nearest)) in unknown.into_iter().enumerate() {
        let context = format!("00000000-0000-4000-8000-00000000000{index}");
        publish(&stream, &format!("{sequence}.triggered"), &context, "", &data);
        let end = stream.wait_for(sequence, |entry| {
            entry.context() == context && entry.short() == format!("{sequence}.finished")
        });
        assert_eq!((end.text("/status"), end.text("/result")), ("errored", "fail"), "{end:?}");
        assert!(end.text("/hint").contains(nearest), "{nearest}: {end:?}");
        assert!(end.text("/message").contains("does not exist"), "{end:?}");
    }
    expect_healthy(&stack, &mut stream);
}

#[test]
fn an_answer_to_nobody_changes_nothing_and_is_logged() {
    let (mut stack, mut stream) = stack_with_project();
    let data = json!({"project": "sockshop", "stage": "dev", "service": "carts",
        "status": "succeeded", "result": "pass"});
    let context = "11111111-1111-4111-8111-111111111111";
    let unknown = "22222222-2222-4222-8222-222222222222";
    publish(&stream, "test.finished", context, unknown, &data);
    let line = wait::until("the controller logs why", || {
        let lines = stack.service(CONTROLLER).lines_with(&format!("{context}-id"));
        lines.into_iter().next().ok_or_else(|| "no line names the event".to_owned())
    });
    assert!(line.contains("reason=no open task has this triggeredid"), "{line}");
    expect_healthy(&stack, &mut stream);
    let of_context: Vec<&Entry> =
        stream.entries().iter().filter(|entry| entry.context() == context).collect();
    assert_eq!(of_context.len(), 1, "{of_context:?}");
}

#[test]
fn a_repeated_trigger_runs_once() {
    let (stack, mut stream) = stack_with_project();
    let data = json!({"project": "sockshop", "stage": "dev", "service": "carts",
        "configurationChange": {"values": {"image": "carts:1.0.0"}}});
    let context = "33333333-3333-4333-8333-333333333333";
    for _ in 0..3 {
        publish(&stream, "dev.artifact-delivery.triggered", context, "", &data);
    }
    stream.wait_for_end(context, "dev");
    expect_healthy(&stack, &mut stream);
    assert_eq!(stream.tasks(context, "dev"), answered(&DEV), "{}", stream.tail());
}

fn stack_with_project() -> (Stack, Stream) {
    let stack = Stack::start();
    let stream = stack.stream();
    story::create_project(&stack.user, &Uniform::FAST);
    (stack, stream)
}

/// Publishes an event whose id follows from its context: said twice it is the same event.
fn publish(stream: &Stream, short: &str, context: &str, triggered: &str, data: &serde_json::Value) {
    let mut event = json!({
        "specversion": "1.0", "id": format!("{}-id", context), "source": "a-test",
        "type": format!("sh.keptn.event.{short}"), "shkeptncontext": context, "data": data,
    });
    if !triggered.is_empty() {
        event["triggeredid"] = triggered.into();
    }
    let subject = format!("sh.keptn.event.{short}");
    stream.client().publish(&subject, event.to_string().as_bytes());
}

/// A delivery runs as if nothing had happened.
#[track_caller]
fn expect_healthy(stack: &Stack, stream: &mut Stream) {
    let context = story::deliver(&stack.user, stream, "carts-db:1.0.0");
    assert_eq!(stream.tasks(&context, "dev"), answered(&DEV), "{}", stream.tail());
}
