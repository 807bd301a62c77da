//! Abort, pause and resume.

use model::KeptnContext;
use serde_json::json;
use testing::{Stream, pass, shipyard, short};

use crate::support::{begin, command, open_stages, project, states, viewed};

const DEV: &str = "{name: dev, sequences: [
  {name: d, tasks: [{name: a}, {name: b}]},
  {name: gate, tasks: [{name: approval}, {name: b}]},
  {name: lead, tasks: [{name: a}]}]}";
const HARD: &str = "{name: hard, sequences: [
  {name: d, tasks: [{name: a}, {name: b}], triggeredOn: [{event: dev.lead.finished}]}]}";
const PROD: &str = "{name: prod, sequences: [
  {name: d, tasks: [{name: a}, {name: b}], triggeredOn: [{event: dev.lead.finished}]}]}";

fn documents() -> String {
    shipyard(&[DEV, HARD, PROD])
}

/// Stores two `started` for the open task of a delivery, and the `finished` of the first.
fn one_of_two_finished<V>(stream: &mut Stream<V>, context: &KeptnContext) -> model::Event {
    let task = stream.open_task(context);
    for source in ["one", "two"] {
        stream.answer(&task, source, "started", json!({}));
    }
    stream.answer(&task, "one", "finished", pass());
    task
}

/// Case 76, same: a running sequence that is aborted is shown as aborted and ends aborted with result
/// pass; a `finished` that comes later triggers nothing.
#[test]
fn case_76_an_aborted_sequence_ends_aborted_and_goes_no_further() {
    let mut stream = viewed(&documents());
    let context = begin(&mut stream, "dev.d");
    stream.control(&context, "abort", command());
    stream.settle();
    assert_eq!(states(&stream, &context), ["dev aborted"]);
    assert!(stream.told(&context).contains(&"dev.d.finished aborted/pass".to_owned()));
    stream.finish(&context, pass());
    assert!(!stream.told(&context).contains(&"b.triggered".to_owned()));
    assert!(stream.is_empty());
}

/// Case 77, same: an abort of one stage leaves the other stages of the delivery alone.
#[test]
fn case_77_an_abort_of_one_stage_leaves_the_others_alone() {
    let mut stream = viewed(&documents());
    let context = begin(&mut stream, "dev.lead");
    stream.finish(&context, pass());
    stream.control(&context, "abort", json!({"project": "p", "stage": "hard"}));
    stream.settle();
    let shown = ["dev finished", "hard aborted", "prod started"];
    assert_eq!(states(&stream, &context), shown);
    stream.play(|_| "pass");
    let shown = ["dev finished", "hard aborted", "prod finished"];
    assert_eq!(states(&stream, &context), shown);
}

/// Case 78, same: a paused sequence of which one of two executors has finished can be aborted.
#[test]
fn case_78_a_paused_sequence_with_one_of_two_finished_can_be_aborted() {
    let mut stream = viewed(&documents());
    let context = begin(&mut stream, "dev.d");
    let task = one_of_two_finished(&mut stream, &context);
    stream.control(&context, "pause", command());
    assert_eq!(states(&stream, &context), ["dev paused"]);
    stream.control(&context, "abort", command());
    stream.settle();
    assert_eq!(states(&stream, &context), ["dev aborted"]);
    assert!(stream.told(&context).contains(&"dev.d.finished aborted/pass".to_owned()));
    stream.answer(&task, "two", "finished", pass());
    assert!(stream.is_empty());
}

/// Case 79, same: a paused delivery with several stages is aborted in all of them.
#[test]
fn case_79_a_paused_delivery_is_aborted_in_all_its_stages() {
    let mut stream = viewed(&documents());
    let context = begin(&mut stream, "dev.lead");
    stream.finish(&context, pass());
    stream.control(&context, "pause", command());
    assert_eq!(states(&stream, &context), ["dev finished", "hard paused", "prod paused"]);
    stream.control(&context, "abort", command());
    stream.settle();
    assert_eq!(states(&stream, &context), ["dev finished", "hard aborted", "prod aborted"]);
    for end in ["hard.d.finished aborted/pass", "prod.d.finished aborted/pass"] {
        assert!(stream.told(&context).contains(&end.to_owned()), "{end}");
    }
}

/// Case 80, same: while a sequence is paused, the task that runs may finish and the next one is not
/// triggered; it is when the sequence is resumed.
#[test]
fn case_80_a_pause_holds_the_next_task_until_the_resume() {
    let mut stream = viewed(&documents());
    let context = begin(&mut stream, "dev.d");
    stream.control(&context, "pause", command());
    stream.finish(&context, pass());
    assert_eq!(states(&stream, &context), ["dev paused"]);
    assert!(stream.open_tasks().is_empty() && stream.owed_events().is_empty());
    stream.control(&context, "resume", command());
    stream.settle();
    assert_eq!(short(&stream.open_task(&context)), "b.triggered");
    assert_eq!(states(&stream, &context), ["dev started"]);
}

/// Case 81, same: a pause of a sequence that has finished changes nothing.
#[test]
fn case_81_a_pause_of_a_finished_sequence_changes_nothing() {
    let mut stream = viewed(&documents());
    let context = begin(&mut stream, "dev.d");
    stream.play(|_| "pass");
    let before = stream.told(&context);
    stream.control(&context, "pause", command());
    stream.settle();
    assert_eq!(states(&stream, &context), ["dev finished"]);
    assert_eq!(stream.told(&context)[..before.len()], before);
    assert!(stream.is_empty());
}

/// Case 82, same: a resume of a sequence that is not paused changes nothing.
#[test]
fn case_82_a_resume_without_a_pause_changes_nothing() {
    let mut stream = viewed(&documents());
    let context = begin(&mut stream, "dev.d");
    let before = stream.run(&context).cloned();
    stream.control(&context, "resume", command());
    stream.settle();
    assert_eq!(stream.run(&context).cloned(), before);
    assert_eq!(states(&stream, &context), ["dev started"]);
}

/// Case 83, same: a pause during an approval keeps the state, which is back behind the resume.
#[test]
fn case_83_a_pause_during_an_approval_keeps_the_state() {
    let mut stream = viewed(&documents());
    let context = begin(&mut stream, "dev.gate");
    assert_eq!(states(&stream, &context), ["dev waitingForApproval"]);
    stream.control(&context, "pause", command());
    assert_eq!(states(&stream, &context), ["dev paused"]);
    stream.control(&context, "resume", command());
    assert_eq!(states(&stream, &context), ["dev waitingForApproval"]);
    let approval = stream.open_task(&context);
    stream.answer(&approval, "tim", "finished", pass());
    stream.settle();
    assert_eq!(short(&stream.open_task(&context)), "b.triggered");
}

/// Case 84, differs: an unknown verb, or an unknown context. Because: the command is refused with a
/// code, a message and a hint, where Keptn answers 200 and does nothing.
#[test]
fn case_84_an_unknown_verb_or_context_is_refused() {
    let mut stream = project(&documents());
    let context = begin(&mut stream, "dev.d");
    let unknown = KeptnContext::new("unknown").unwrap();
    for (context, verb, code) in [(&context, "destroy", "invalid"), (&unknown, "abort", "notFound")]
    {
        let answer = stream.control(context, verb, command());
        assert_eq!((&answer["status"], &answer["result"]), (&json!("errored"), &json!("fail")));
        assert_eq!(answer["code"], code, "{answer}");
        assert!(!answer["message"].as_str().unwrap().is_empty(), "{answer}");
        assert!(!answer["hint"].as_str().unwrap().is_empty(), "{answer}");
    }
    assert_eq!(open_stages(&stream), ["dev"]);
}
