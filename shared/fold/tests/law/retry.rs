//! A failed run is run again, from the start or from the task that failed.

use fold::sequence::{FAILED_BYTES_MAX, FAILED_MAX};
use model::KeptnContext;
use serde_json::{Value, json};

use crate::stream::{Stream, carts, encoded, pass, shipyard, verdict};

const FAIL: (&str, &str) = ("succeeded", "fail");

fn stages(tasks: &str) -> String {
    shipyard(&[
        &format!("{{name: dev, sequences: [{{name: d, tasks: [{tasks}]}}]}}"),
        "{name: hard, sequences: [{name: d, tasks: [{name: deployment}], triggeredOn: [{event: dev.d.finished}]}]}",
        "{name: prod, sequences: [{name: d, tasks: [{name: deployment}], triggeredOn: [{event: dev.d.finished}]}]}",
    ])
}

/// A run of the tasks deployment, test and release whose test failed.
fn failed() -> (Stream, KeptnContext) {
    let documents = stages("{name: deployment}, {name: test}, {name: release}");
    let mut stream = Stream::with_project(&documents, &["carts", "carts-db"]);
    let (context, _) = stream.trigger("dev.d", carts("1"));
    stream.settle();
    stream.finish(
        &context,
        json!({"status": "succeeded", "result": "warning", "deployment": {"url": "http://one"}}),
    );
    stream.finish(&context, verdict(FAIL.0, FAIL.1));
    assert!(stream.is_empty(), "{:?}", stream.owed_events());
    (stream, context)
}

fn retry(stream: &mut Stream, context: &KeptnContext, data: Value) -> Value {
    let answer = stream.control(context, "retry", data);
    stream.settle();
    answer
}

fn from_failed() -> Value {
    json!({"project": "p", "from": "failedTask"})
}

/// Returns the data of the newest event of a type.
fn newest(stream: &Stream, kind: &str) -> Value {
    let kind = format!("sh.keptn.event.{kind}");
    let found = stream.said().rfind(|event| event.event_type.to_string() == kind);
    Value::Object(found.unwrap().data.to_map())
}

fn open_names(stream: &Stream) -> Vec<String> {
    let name = |kind: String| kind.replace("sh.keptn.event.", "").replace(".triggered", "");
    stream.open_tasks().iter().map(|task| name(task.event_type.to_string())).collect()
}

#[track_caller]
fn assert_refused(answer: &Value, code: &str, message: &str) {
    let said = answer["message"].as_str().unwrap();
    assert_eq!((&answer["status"], &answer["code"]), (&json!("errored"), &json!(code)), "{answer}");
    assert!(said.contains(message), "{said}");
    assert!(answer["hint"].is_string(), "{answer}");
}

#[test]
fn from_the_start_all_tasks_run_again_with_what_the_trigger_gave() {
    let (mut stream, context) = failed();
    let answer = retry(&mut stream, &context, json!({"project": "p"}));
    assert_eq!(
        (&answer["status"], &answer["message"]),
        (&json!("succeeded"), &json!("1 sequence retried"))
    );
    let mut trigger = newest(&stream, "dev.d.triggered");
    let of = trigger.as_object_mut().unwrap().remove("retryOf").unwrap();
    assert!(stream.said().any(|event| event.id.as_str() == of));
    trigger.as_object_mut().unwrap().remove("stage");
    assert_eq!(trigger, carts("1"));
    assert_eq!(open_names(&stream), ["deployment"]);
    let sent = newest(&stream, "deployment.triggered");
    assert_eq!(sent["configurationChange"]["values"]["image"], "carts:1");
    assert!(sent["deployment"].is_null() && sent["retryOf"].is_null(), "{sent}");
    stream.play(|_| "pass");
    assert_eq!(newest(&stream, "dev.d.finished")["result"], "pass");
    assert!(!stream.data_of(&context, "hard.d.finished").is_null(), "what follows runs");
    assert!(stream.is_empty());
}

#[test]
fn from_the_failed_task_the_ones_before_it_are_kept() {
    let (mut stream, context) = failed();
    let answer = retry(&mut stream, &context, from_failed());
    assert_eq!(answer["status"], "succeeded", "{answer}");
    assert_eq!(newest(&stream, "dev.d.triggered")["retryTask"], "test");
    assert_eq!(open_names(&stream), ["test"]);
    let sent = newest(&stream, "test.triggered");
    assert_eq!(sent["deployment"]["url"], "http://one", "what was carried");
    assert_eq!((&sent["result"], &sent["message"]), (&json!("warning"), &json!("")));
    stream.play(|_| "pass");
    assert_eq!(
        stream
            .task_events(&context, "dev")
            .iter()
            .filter(|kind| *kind == "deployment.triggered")
            .count(),
        1
    );
    assert_eq!(newest(&stream, "dev.d.finished")["result"], "pass");
    assert!(stream.is_empty());
}

#[test]
fn a_retry_that_fails_can_be_retried_from_where_it_failed() {
    let (mut stream, context) = failed();
    retry(&mut stream, &context, from_failed());
    stream.finish(&context, pass());
    stream.finish(&context, verdict(FAIL.0, FAIL.1));
    retry(&mut stream, &context, from_failed());
    assert_eq!(open_names(&stream), ["release"]);
    stream.finish(&context, pass());
    assert_eq!(newest(&stream, "dev.d.finished")["result"], "pass");
}

#[test]
fn what_has_not_failed_or_is_retried_already_is_refused() {
    let (mut stream, context) = failed();
    retry(&mut stream, &context, json!({"project": "p"}));
    let message = "no failed sequence of context";
    assert_refused(&retry(&mut stream, &context, json!({})), "refused", message);
    stream.play(|_| "pass");
    assert_refused(&retry(&mut stream, &context, json!({})), "refused", message);
    let unknown = KeptnContext::new("none").unwrap();
    assert_refused(&retry(&mut stream, &unknown, json!({})), "refused", message);
    assert!(stream.is_empty());
}

#[test]
fn an_aborted_run_has_not_failed() {
    let (mut stream, _) = failed();
    let (context, _) = stream.trigger("dev.d", carts("2"));
    stream.settle();
    stream.control(&context, "abort", json!({}));
    stream.play(|_| "pass");
    assert_refused(&retry(&mut stream, &context, json!({})), "refused", "no failed sequence");
}

#[test]
fn only_runs_of_the_named_project_stage_and_sequence_are_retried() {
    let (mut stream, context) = failed();
    for data in [json!({"project": "q"}), json!({"stage": "hard"}), json!({"sequence": "e"})] {
        assert_refused(&retry(&mut stream, &context, data), "refused", "no failed sequence");
    }
    assert_refused(&retry(&mut stream, &context, json!({"from": "end"})), "invalid", "not `end`");
    let data = json!({"project": "p", "stage": "dev", "sequence": "d", "from": "start"});
    assert_eq!(retry(&mut stream, &context, data)["status"], "succeeded");
}

#[test]
fn several_failed_sequences_need_a_name() {
    let mut stream = Stream::with_project(&stages("{name: deployment}"), &["carts"]);
    let (context, _) = stream.trigger("dev.d", carts("1"));
    let in_dev = |task: &model::Event| task.data.head().stage.as_deref() == Some("dev");
    stream.play(|task| if in_dev(task) { "pass" } else { "fail" });
    let answer = retry(&mut stream, &context, json!({}));
    assert_refused(&answer, "invalid", "`d` in `hard` and `d` in `prod`");
    let answer = retry(&mut stream, &context, json!({"stage": "prod"}));
    assert_eq!(answer["message"], "1 sequence retried");
    stream.play(|_| "pass");
    let answer = retry(&mut stream, &context, json!({}));
    assert_eq!(answer["message"], "1 sequence retried", "only hard is left");
}

#[test]
fn a_newer_run_of_the_same_stands_for_the_older_ones() {
    let documents = shipyard(&[
        "{name: dev, sequences: [{name: d, tasks: [{name: a}], triggeredOn: [{event: dev.d.finished, selector: {match: {result: fail}}}]}]}",
    ]);
    let mut stream = Stream::with_project(&documents, &["carts"]);
    let (context, _) = stream.trigger("dev.d", carts("1"));
    let left = std::cell::Cell::new(3);
    stream.play(|_| {
        left.set(left.get() - 1);
        if left.get() > 0 { "fail" } else { "pass" }
    });
    assert_refused(&retry(&mut stream, &context, json!({})), "refused", "no failed sequence");
}

#[test]
fn a_sync_takes_the_artifacts_that_it_had_planned() {
    let documents = shipyard(&[
        "{name: dev, sequences: [{name: d, tasks: [{name: deployment}, {name: evaluation}]}]}",
        "{name: hard, sequences: [{name: d, tasks: [{name: deployment}, {name: release}]}]}",
    ]);
    let mut stream = Stream::with_project(&documents, &["carts", "carts-db"]);
    stream.deliver("dev.d", "1");
    stream.command(
        "configuration.change",
        json!({"project": "p", "stage": "hard", "service": "carts", "configurationChange": {"values": {"replicaCount": 3}}}),
    );
    let (context, _) = stream.trigger("hard.d", json!({"project": "p"}));
    stream.play(|_| "fail");
    stream.deliver("dev.d", "2");
    retry(&mut stream, &context, json!({}));
    let sent = newest(&stream, "deployment.triggered");
    assert_eq!(sent["services"]["carts"]["values"], json!({"image": "carts:1", "replicaCount": 3}));
    assert_eq!(sent["sync"]["from"], "dev");
    stream.play(|_| "pass");
    assert!(stream.is_empty());
}

#[test]
fn tasks_are_kept_only_if_the_sequence_still_begins_with_them() {
    let (mut stream, context) = failed();
    let changed = encoded(&stages("{name: build}, {name: deployment}, {name: test}"));
    stream.command("project.update", json!({"project": "p", "shipyard": changed}));
    retry(&mut stream, &context, from_failed());
    let end = newest(&stream, "dev.d.finished");
    assert_refused(&end, "refused", "are not those that were done");
    assert_eq!(retry(&mut stream, &context, json!({}))["status"], "succeeded");
    assert_eq!(open_names(&stream), ["build"]);
    stream.play(|_| "pass");
    assert!(stream.is_empty());
}

#[test]
fn a_retry_stands_behind_what_waits_already() {
    let (mut stream, context) = failed();
    let (running, _) = stream.trigger("dev.d", carts("2"));
    let (waiting, _) = stream.trigger("dev.d", carts("3"));
    stream.settle();
    retry(&mut stream, &context, json!({}));
    stream.control(&running, "abort", json!({}));
    stream.settle();
    let task = stream.open_tasks().remove(0);
    stream.answer(&task, "executor", "finished", pass());
    stream.settle();
    assert!(stream.open_tasks().iter().all(|task| task.context.as_ref() == Some(&waiting)));
    stream.play(|_| "pass");
    assert!(stream.is_empty());
}

#[test]
fn an_abort_before_the_trigger_is_seen_ends_the_retry_at_once() {
    let (mut stream, context) = failed();
    stream.control(&context, "retry", json!({}));
    let answer = stream.control(&context, "abort", json!({}));
    assert_eq!(answer["message"], "1 sequence aborted");
    stream.settle();
    assert_eq!(newest(&stream, "dev.d.finished")["status"], "aborted");
    assert!(stream.is_empty());
}

#[test]
fn a_run_is_retried_while_what_followed_its_failure_still_runs() {
    let documents = shipyard(&[
        "{name: dev, sequences: [{name: d, tasks: [{name: a}]},
          {name: rollback, tasks: [{name: b}], triggeredOn: [{event: dev.d.finished, selector: {match: {result: fail}}}]}]}",
    ]);
    let mut stream = Stream::with_project(&documents, &["carts"]);
    let (context, _) = stream.trigger("dev.d", carts("1"));
    stream.settle();
    stream.finish(&context, verdict(FAIL.0, FAIL.1));
    assert_eq!(open_names(&stream), ["b"]);
    retry(&mut stream, &context, json!({}));
    assert_eq!(open_names(&stream), ["b"], "it waits for its turn");
    stream.play(|_| "pass");
    assert_eq!(newest(&stream, "dev.d.finished")["result"], "pass");
    assert!(stream.is_empty());
}

#[test]
fn a_deleted_project_takes_its_failed_runs_along() {
    let (mut stream, context) = failed();
    stream.command("project.delete", json!({"project": "p"}));
    assert_refused(&retry(&mut stream, &context, json!({})), "refused", "no failed sequence");
}

#[test]
fn the_oldest_failed_run_is_forgotten_first() {
    let mut stream = Stream::with_project(&stages("{name: deployment}"), &["carts"]);
    let mut contexts = Vec::new();
    for _ in 0..=FAILED_MAX {
        let (context, _) = stream.trigger("dev.d", carts("1"));
        stream.settle();
        let task = stream.said().next_back().unwrap().clone();
        stream.answer(&task, "executor", "finished", verdict(FAIL.0, FAIL.1));
        stream.settle();
        contexts.push(context);
    }
    let oldest = contexts.remove(0);
    assert_refused(&retry(&mut stream, &oldest, json!({})), "refused", "no failed sequence");
    let second = contexts.remove(0);
    assert_eq!(retry(&mut stream, &second, json!({}))["status"], "succeeded");
}

#[test]
fn a_run_with_too_much_data_cannot_be_retried() {
    let mut stream = Stream::with_project(&stages("{name: deployment}"), &["carts"]);
    let mut data = carts("1");
    data["notes"] = "x".repeat(FAILED_BYTES_MAX / 2).into();
    let (context, _) = stream.trigger("dev.d", data);
    stream.play(|_| "fail");
    assert_refused(&retry(&mut stream, &context, json!({})), "refused", "no failed sequence");
}
