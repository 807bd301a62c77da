//! Failure, what follows a sequence, and triggers and answers that cannot be taken.

use model::{Event, KeptnContext, view::SequenceState};
use serde_json::{Value, json};
use testing::{Stream, carts, encoded, pass, shipyard, short, verdict};

use crate::support::{begin, delivery, project, viewed};

const RISKY: &str = "{name: dev, sequences: [
  {name: d, tasks: [{name: a}, {name: b}]},
  {name: empty, tasks: []},
  {name: rollback, tasks: [{name: undo}],
   triggeredOn: [{event: dev.d.finished, selector: {match: {result: fail}}}]}]}";

/// Tells whether a sequence with this selector runs behind `dev.d`, whose task `b` ends with
/// `result`.
fn follows(selector: &str, result: &'static str) -> bool {
    let lead = "{name: dev, sequences: [{name: d, tasks: [{name: a}, {name: b}]}]}";
    let next = format!(
        "{{name: next, sequences: [{{name: n, tasks: [{{name: c}}],
           triggeredOn: [{{event: dev.d.finished{selector}}}]}}]}}"
    );
    let mut stream = project(&shipyard(&[lead, &next]));
    let context = begin(&mut stream, "dev.d");
    stream.play(|task| if short(task) == "b.triggered" { result } else { "pass" });
    assert!(stream.is_empty());
    stream.told(&context).contains(&"next.n.finished succeeded/pass".to_owned())
}

/// Triggers what cannot start; returns the data of its end, which is all that is said.
fn refused(kind: &str, data: &Value) -> Value {
    let mut stream = project(&shipyard(&[RISKY]));
    let (context, id) = stream.trigger(kind, data);
    stream.settle();
    assert_eq!(stream.told(&context), [format!("{kind}.finished errored/fail")], "{data}");
    assert!(stream.is_empty(), "{data}");
    stream.answer_to(&id)
}

/// Stores a trigger that cannot be handled and returns the reason that is reported; no run begins.
fn rejected(stream: &mut Stream, event: Result<Event, model::Malformed>) -> String {
    stream.store_body("sh.keptn.event.dev.d.triggered", event);
    let report = stream.owed_events().remove(0);
    assert_eq!(report.event_type.to_string(), "sh.keptn.log.error");
    stream.settle();
    assert!(stream.is_empty());
    report.data.to_map()["reason"].as_str().unwrap().to_owned()
}

fn opened() -> (Stream, KeptnContext, Event) {
    let mut stream = project(&shipyard(&[RISKY]));
    let context = begin(&mut stream, "dev.d");
    let task = stream.open_task(&context);
    (stream, context, task)
}

/// Case 36, same: behind a task that fails no other is triggered, and the sequence ends with fail.
#[test]
fn case_36_a_task_that_fails_ends_the_sequence() {
    let lead = "{name: dev, sequences: [{name: d, tasks: [{name: a}, {name: b}]}]}";
    let mut stream = project(&shipyard(&[lead]));
    let context = begin(&mut stream, "dev.d");
    stream.finish(&context, verdict("succeeded", "fail"));
    assert_eq!(stream.told(&context), ["a.triggered", "dev.d.finished succeeded/fail"]);
    assert!(stream.is_empty());
}

/// Case 37, same: a sequence whose task is errored ends errored, and the rollback that selects fail
/// is triggered.
#[test]
fn case_37_an_errored_sequence_triggers_its_rollback() {
    let (mut stream, context, _) = opened();
    stream.finish(&context, verdict("errored", "fail"));
    let told =
        ["a.triggered", "dev.d.finished errored/fail", "dev.rollback.triggered", "undo.triggered"];
    assert_eq!(stream.told(&context), told);
}

/// Case 38, same: the selector `result: fail` fits fail and nothing else.
#[test]
fn case_38_a_selector_for_fail_fits_fail_only() {
    let selector = ", selector: {match: {result: fail}}";
    let fits = ["pass", "warning", "fail"].map(|result| follows(selector, result));
    assert_eq!(fits, [false, false, true]);
}

/// Case 39, same: without a selector pass and warning go on, and fail does not.
#[test]
fn case_39_without_a_selector_pass_and_warning_go_on() {
    let fits = ["pass", "warning", "fail"].map(|result| follows("", result));
    assert_eq!(fits, [true, true, false]);
}

/// Case 40, same: the selector `<last task>.result: fail` fits when the last task fails.
#[test]
fn case_40_a_selector_may_name_the_result_of_the_last_task() {
    let selector = ", selector: {match: {b.result: fail}}";
    let fits = ["pass", "warning", "fail"].map(|result| follows(selector, result));
    assert_eq!(fits, [false, false, true]);
}

/// Case 41, same: a selector with an unknown key never fits.
#[test]
fn case_41_a_selector_with_an_unknown_key_never_fits() {
    let selector = ", selector: {match: {colour: pass}}";
    let fits = ["pass", "warning", "fail"].map(|result| follows(selector, result));
    assert_eq!(fits, [false, false, false]);
}

/// Case 42, differs: the selector value `failed`, as the specification spells it. Because: it is read
/// as `fail`, with a warning, where Keptn's code never matches it.
#[test]
fn case_42_failed_is_read_as_fail() {
    let selector = ", selector: {match: {result: failed}}";
    let fits = ["pass", "warning", "fail"].map(|result| follows(selector, result));
    assert_eq!(fits, [false, false, true]);
}

/// Case 43, same: a sequence that triggers itself on fail runs again, as a new execution in the same
/// context.
#[test]
fn case_43_a_sequence_may_trigger_itself() {
    let again = "{name: dev, sequences: [{name: d, tasks: [{name: a}],
      triggeredOn: [{event: dev.d.finished, selector: {match: {result: fail}}}]}]}";
    let mut stream = project(&shipyard(&[again]));
    let context = begin(&mut stream, "dev.d");
    let first = stream.run(&context).unwrap().trigger_id.clone();
    stream.finish(&context, verdict("succeeded", "fail"));
    assert_ne!(stream.run(&context).unwrap().trigger_id, first);
    stream.play(|_| "pass");
    let told = [
        "a.triggered",
        "dev.d.finished succeeded/fail",
        "dev.d.triggered",
        "a.triggered",
        "dev.d.finished succeeded/pass",
    ];
    assert_eq!(stream.told(&context), told);
}

/// Case 44, same: a trigger for an unknown sequence ends errored with result fail and a message; the
/// view shows it finished.
#[test]
fn case_44_an_unknown_sequence_ends_errored() {
    let mut stream = viewed(&shipyard(&[RISKY]));
    let context = begin(&mut stream, "dev.delivery");
    assert_eq!(stream.told(&context), ["dev.delivery.finished errored/fail"]);
    let run = delivery(&stream, &context).sequences.remove(0);
    assert_eq!(run.state, SequenceState::Finished);
    let message = run.message.unwrap();
    assert!(message.contains("sequence `delivery` does not exist"), "{message}");
}

/// Case 45, same: a trigger for an unknown stage ends errored with result fail and a message.
#[test]
fn case_45_an_unknown_stage_ends_errored() {
    let end = refused("qa.d", &carts("1"));
    assert!(end["message"].as_str().unwrap().contains("stage `qa` does not exist"), "{end}");
}

/// Case 46, same: a sequence without tasks is an error when it is triggered.
#[test]
fn case_46_a_sequence_without_tasks_ends_errored() {
    let end = refused("dev.empty", &carts("1"));
    assert!(end["message"].as_str().unwrap().contains("does not contain any tasks"), "{end}");
}

/// Case 47, differs: a trigger whose shipyard cannot be had or is invalid ends errored. Because: a
/// shipyard is never fetched; one of an invalid version is refused when the project is created, so
/// the trigger names a project that does not exist.
#[test]
fn case_47_an_invalid_shipyard_is_refused_and_its_triggers_end_errored() {
    let mut stream = Stream::default();
    let invalid = shipyard(&[RISKY]).replace("spec.keptn.sh/0.2.3", "spec.keptn.sh/0.1.7");
    let answer =
        stream.command("project.create", json!({"project": "p", "shipyard": encoded(&invalid)}));
    assert_eq!((&answer["status"], &answer["code"]), (&json!("errored"), &json!("invalid")));
    let context = begin(&mut stream, "dev.d");
    assert_eq!(stream.told(&context), ["dev.d.finished errored/fail"]);
    assert!(stream.is_empty());
}

/// Case 48, differs: a trigger without project, stage or service. Because: without a project it is
/// reported as in Keptn; the stage is in the type, and without a service it is a sync.
#[test]
fn case_48_a_trigger_needs_a_project_and_takes_the_stage_from_its_type() {
    let mut stream = project(&shipyard(&[RISKY]));
    let event = stream.make("dev.d.triggered", json!({"stage": "dev", "service": "carts"}));
    assert!(rejected(&mut stream, Ok(event)).starts_with("`data.project`"));
    let context = begin(&mut stream, "dev.d");
    assert_eq!(short(&stream.open_task(&context)), "a.triggered", "no stage in the data");
    let end = refused("dev.d", &json!({"project": "p", "stage": "dev"}));
    assert!(end["message"].as_str().unwrap().contains("`deployment`"), "no sync: {end}");
}

/// Case 49, same: empty data and data that is nonsense are rejected; nothing runs.
#[test]
fn case_49_empty_data_and_nonsense_are_rejected() {
    let mut stream = project(&shipyard(&[RISKY]));
    let event = stream.make("dev.d.triggered", json!({}));
    assert!(rejected(&mut stream, Ok(event)).starts_with("`data.project`"));
    for (data, reason) in [("\"nonsense\"", "`data`"), ("[1]", "`data`"), ("{", "JSON")] {
        let json = format!(
            r#"{{"specversion":"1.0","id":"x","type":"sh.keptn.event.dev.d.triggered","data":{data}}}"#
        );
        let said = rejected(&mut stream, Event::from_json(json.as_bytes()));
        assert!(said.contains(reason), "{data}: {said}");
    }
}

/// Case 50, same: `started` and `finished` with an unknown `triggeredid` change nothing.
#[test]
fn case_50_an_answer_to_an_unknown_task_changes_nothing() {
    let (mut stream, _, task) = opened();
    let before = stream.world.sequences.clone();
    for kind in ["started", "finished"] {
        let mut answer = stream.make(&format!("a.{kind}"), pass());
        answer.context.clone_from(&task.context);
        answer.triggered_id = Some(answer.id.clone());
        let applied = stream.store(answer);
        let note = applied.notes[0].to_string();
        assert_eq!(note, "no open task has this triggeredid in this context");
        assert_eq!(stream.world.sequences, before, "{kind}");
    }
}

/// Case 51, differs: a `finished` without result or status. Because: no HTTP interface stands before
/// the bus to refuse it; it counts as unknown and fail, as on Keptn's bus.
#[test]
fn case_51_a_finished_without_result_or_status_fails() {
    for data in [json!({"status": "succeeded"}), json!({"result": "pass"}), json!({})] {
        let (mut stream, context, _) = opened();
        stream.finish(&context, &data);
        assert_eq!(stream.data_of(&context, "dev.d.finished")["result"], "fail", "{data}");
    }
}

/// Case 52, differs: somebody else triggers a task, or says that a sequence has started. Because: no
/// HTTP interface stands before the bus to refuse it; such an event changes nothing and is noted.
#[test]
fn case_52_nobody_else_triggers_a_task() {
    let (mut stream, context, task) = opened();
    let before = stream.world.sequences.clone();
    for kind in ["a.triggered", "b.triggered", "dev.d.started"] {
        let mut event = stream.make(kind, task.data.to_map().into_iter().collect::<Value>());
        event.context = Some(context.clone());
        assert_eq!(stream.store(event).notes.len(), 1, "{kind}");
        assert_eq!(stream.world.sequences, before, "{kind}");
    }
    assert!(stream.owed_events().is_empty());
}

/// Case 53, differs: the stage in the type is not the one in the data. Because: there is no HTTP
/// interface to answer 400; the sequence ends errored and says so.
#[test]
fn case_53_a_stage_that_is_not_the_one_in_the_type_ends_errored() {
    let end = refused("dev.d", &json!({"project": "p", "stage": "prod", "service": "carts"}));
    let message = end["message"].as_str().unwrap();
    assert_eq!(message, "`data.stage` must be the stage in the type, `dev`");
}

/// Case 54, differs: an event for an unknown project. Because: there is no HTTP interface to answer
/// 404; the sequence ends errored with a hint.
#[test]
fn case_54_an_unknown_project_ends_errored() {
    let end = refused("dev.d", &json!({"project": "q", "service": "carts"}));
    assert_eq!(
        (&end["code"], &end["message"]),
        (&json!("notFound"), &json!("project `q` does not exist"))
    );
    assert_ne!(end["hint"], "");
}
