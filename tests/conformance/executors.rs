//! Several executors of one task.

use model::{Event, KeptnContext};
use serde_json::{Value, json};
use testing::{Stream, pass, shipyard, short, verdict};

use crate::support::{begin, project};

const TWO_TASKS: &str = "{name: dev, sequences: [{name: d, tasks: [{name: a}, {name: b}]}]}";

fn opened() -> (Stream, KeptnContext, Event) {
    let mut stream = project(&shipyard(&[TWO_TASKS]));
    let context = begin(&mut stream, "dev.d");
    let task = stream.open_task(&context);
    (stream, context, task)
}

/// Returns what is owed behind answers in this order: `S` started, `F` finished, then the source.
fn owed_after(answers: &str) -> Vec<String> {
    let (mut stream, context, task) = opened();
    for answer in answers.split_whitespace() {
        let (kind, source) = answer.split_at(1);
        let kind = if kind == "S" { "started" } else { "finished" };
        stream.answer(&task, source, kind, pass());
    }
    stream.owed_in(&context).iter().map(short).collect()
}

/// Returns status and result of the task `a`, and what follows, when its two executors say these.
fn together(one: &Value, two: &Value) -> (String, String) {
    let (mut stream, context, task) = opened();
    for source in ["one", "two"] {
        stream.answer(&task, source, "started", json!({}));
    }
    stream.answer(&task, "one", "finished", one);
    stream.answer(&task, "two", "finished", two);
    let last = stream.run(&context).unwrap().last.clone().unwrap();
    let owed: Vec<String> = stream.owed_in(&context).iter().map(short).collect();
    (format!("{}/{}", last.status, last.result), owed.join(" "))
}

fn expect(two: &Value, outcome: &str, next: &str) {
    assert_eq!(together(&pass(), two), (outcome.to_owned(), next.to_owned()));
}

/// Case 20, same: two `started` and two `finished` are followed by one continuation, behind the
/// second `finished`.
#[test]
fn case_20_two_executors_are_followed_by_one_task() {
    assert_eq!(owed_after("S1 S2 F1"), [""; 0]);
    assert_eq!(owed_after("S1 S2 F1 F2"), ["b.triggered"]);
    assert_eq!(owed_after("S1 S2 F2 F1"), ["b.triggered"]);
}

/// Case 21, same: behind two `started` and one `finished` nothing follows.
#[test]
fn case_21_one_finished_of_two_started_is_not_enough() {
    assert_eq!(owed_after("S1 S2 F1"), [""; 0]);
    assert_eq!(owed_after("S1 S2 F2"), [""; 0]);
}

/// Case 22, same: one fail and one pass come to fail, and the sequence ends.
#[test]
fn case_22_one_fail_and_one_pass_is_fail_and_ends_the_sequence() {
    let fail = verdict("succeeded", "fail");
    expect(&fail, "succeeded/fail", "dev.d.finished succeeded/fail");
}

/// Case 23, same: one warning and one pass come to warning, and the next task follows.
#[test]
fn case_23_one_warning_and_one_pass_is_warning() {
    expect(&verdict("succeeded", "warning"), "succeeded/warning", "b.triggered");
}

/// Case 24, same: one errored executor makes the task errored, and no task follows.
#[test]
fn case_24_one_errored_is_errored_and_ends_the_sequence() {
    let errored = verdict("errored", "fail");
    expect(&errored, "errored/fail", "dev.d.finished errored/fail");
    let errored = verdict("errored", "pass");
    expect(&errored, "errored/pass", "dev.d.finished errored/pass");
}

/// Case 25, same: one unknown status makes the task unknown with result fail.
#[test]
fn case_25_one_unknown_status_is_unknown_and_fail() {
    let next = "dev.d.finished unknown/fail";
    expect(&verdict("unknown", "pass"), "unknown/fail", next);
    expect(&verdict("whatever", "pass"), "unknown/fail", next);
}

/// Case 26, same: one unknown or missing result makes the task fail.
#[test]
fn case_26_one_unknown_or_missing_result_is_fail() {
    let next = "dev.d.finished succeeded/fail";
    expect(&verdict("succeeded", "excellent"), "succeeded/fail", next);
    expect(&json!({"status": "succeeded"}), "succeeded/fail", next);
}

/// Case 27, same: one aborted executor makes the task aborted, and the next task is still triggered.
#[test]
fn case_27_one_aborted_is_aborted_and_goes_on() {
    expect(&verdict("aborted", "pass"), "aborted/pass", "b.triggered");
}

/// Case 28, same: executors that bring no property at all are no problem; the next task has none.
#[test]
fn case_28_answers_without_properties_bring_none() {
    let (mut stream, context, task) = opened();
    let before: Vec<String> = task.data.to_map().keys().cloned().collect();
    for kind in ["started", "finished"] {
        for source in ["one", "two"] {
            let data = if kind == "started" { json!({}) } else { pass() };
            stream.answer(&task, source, kind, data);
        }
    }
    stream.settle();
    let sent = stream.data_of(&context, "b.triggered");
    let after = sent.as_object().unwrap().keys();
    let brought: Vec<&String> = after.filter(|key| !before.contains(*key)).collect();
    assert_eq!(brought, ["message", "result", "status"], "what every task behind one carries");
}

/// Case 30, differs: a `finished` that arrives before its `started`. Because: a source that has
/// finished is done, so the task ends at once and does not wait for the `started`.
#[test]
fn case_30_a_finished_before_its_started_ends_the_task() {
    let (mut stream, context, task) = opened();
    stream.answer(&task, "one", "finished", pass());
    stream.settle();
    assert_eq!(short(&stream.open_task(&context)), "b.triggered");
    stream.answer(&task, "one", "started", json!({}));
    stream.settle();
    assert_eq!(stream.told(&context), ["a.triggered", "b.triggered"], "once");
}

/// Case 31, differs: A starts and finishes, then B starts. Because: executors that the uniform names
/// are waited for, whenever they start; with nobody named the task ends early, as in Keptn.
#[test]
fn case_31_named_executors_are_waited_for() {
    assert_eq!(owed_after("SA FA SB FB"), ["b.triggered"], "B comes too late");
    let uniform = "
spec:
  services:
    - {name: one, events: [a.triggered]}
    - {name: two, events: [a.triggered]}
";
    let documents = shipyard(&[TWO_TASKS]);
    let mut stream = Stream::with_documents(&documents, Some(uniform), &["carts"]);
    let context = begin(&mut stream, "dev.d");
    let task = stream.open_task(&context);
    for (source, kind) in [("one", "started"), ("one", "finished"), ("two", "started")] {
        stream.answer(&task, source, kind, pass());
        assert!(stream.owed_in(&context).is_empty(), "{source} {kind}");
    }
    stream.answer(&task, "two", "finished", pass());
    assert_eq!(short(&stream.owed_in(&context)[0]), "b.triggered");
}

/// Case 32, differs: the same `started` arrives twice. Because: answers are sets of ids, so the
/// second one is ignored, where Keptn waits for ever.
#[test]
fn case_32_a_started_that_is_repeated_is_ignored() {
    let (mut stream, context, task) = opened();
    stream.answer(&task, "one", "started", json!({}));
    let started = stream.said().last().unwrap().clone();
    let noted = stream.store(started).notes;
    assert_eq!(noted[0].to_string(), "this started was seen already");
    stream.answer(&task, "one", "finished", pass());
    assert_eq!(short(&stream.owed_in(&context)[0]), "b.triggered");
}

/// Case 33, differs: the same `finished` arrives twice. Because: it counts once, where Keptn takes it
/// for the answer of the executor that is still at work.
#[test]
fn case_33_a_finished_that_is_repeated_counts_once() {
    let (mut stream, context, task) = opened();
    for source in ["one", "two"] {
        stream.answer(&task, source, "started", json!({}));
    }
    stream.answer(&task, "one", "finished", pass());
    let finished = stream.said().last().unwrap().clone();
    stream.store(finished);
    assert!(stream.owed_in(&context).is_empty(), "two is still at work");
    stream.answer(&task, "two", "finished", pass());
    assert_eq!(stream.owed_in(&context).len(), 1);
}

/// Case 34, same: a `finished` behind the end of its task is dropped; there is no second
/// continuation.
#[test]
fn case_34_a_finished_behind_the_end_of_the_task_is_dropped() {
    let (mut stream, context, task) = opened();
    stream.finish(&context, pass());
    let applied = stream.answer(&task, "late", "finished", verdict("succeeded", "fail"));
    let note = applied.notes[0].to_string();
    assert_eq!(note, "no open task has this triggeredid in this context");
    stream.play(|_| "pass");
    let told = ["a.triggered", "b.triggered", "dev.d.finished succeeded/pass"];
    assert_eq!(stream.told(&context), told);
}

/// Case 35, differs: a `finished` without a `started`. Because: it ends the task, where Keptn waits
/// for ever and does not even time out.
#[test]
fn case_35_a_finished_without_a_started_ends_the_task() {
    assert_eq!(owed_after("F1"), ["b.triggered"]);
    assert_eq!(owed_after("S1 F2"), [""; 0], "who has started is waited for");
    assert_eq!(owed_after("S1 F2 F1"), ["b.triggered"]);
}
