//! Time-outs and delays.

use serde_json::json;
use testing::{carts, pass, shipyard, short};

use crate::support::{begin, command, project, states, viewed};

/// `TASK_STARTED_WAIT_DURATION`, in seconds.
const START_SECS: i64 = 600;
/// `TASK_FINISHED_WAIT_DURATION`, in seconds.
const FINISH_SECS: i64 = 3600;

const STAGE: &str = "{name: dev, sequences: [
  {name: d, tasks: [{name: a}, {name: b}]},
  {name: quick, tasks: [{name: a, timeout: 90s}]},
  {name: slow, tasks: [{name: a, triggeredAfter: 10s}]},
  {name: slower, tasks: [{name: a, triggeredAfter: 20m}]}]}";

/// Case 69, same: a task that nobody starts in `TASK_STARTED_WAIT_DURATION` times the sequence out: it
/// ends errored with result fail and `sequence timed out …`.
#[test]
fn case_69_a_task_that_nobody_starts_times_the_sequence_out() {
    let mut stream = viewed(&shipyard(&[STAGE]));
    let context = begin(&mut stream, "dev.d");
    stream.pass(START_SECS - 1);
    stream.settle();
    assert_eq!(states(&stream, &context), ["dev started"]);
    stream.pass(1);
    stream.settle();
    assert_eq!(states(&stream, &context), ["dev timedOut"]);
    assert_eq!(stream.told(&context).last().unwrap(), "dev.d.finished errored/fail");
    let end = stream.data_of(&context, "dev.d.finished");
    assert!(end["message"].as_str().unwrap().starts_with("sequence timed out"), "{end}");
}

/// Case 70, differs: saying the time-out fails, and the state is still timed out. Because: what was
/// not stored has not happened; it stays owed and is said again until it is in the stream.
#[test]
fn case_70_a_time_out_stays_owed_until_it_is_stored() {
    let mut stream = viewed(&shipyard(&[STAGE]));
    let context = begin(&mut stream, "dev.d");
    stream.pass(START_SECS);
    let lost = stream.owed_in(&context).remove(0);
    assert_eq!(states(&stream, &context), ["dev started"]);
    stream.pass(60);
    assert_eq!(stream.owed_in(&context)[0].id, lost.id, "the same event again");
    stream.settle();
    assert_eq!(states(&stream, &context), ["dev timedOut"]);
}

/// Case 71, same: a task with `triggeredAfter` is triggered behind its delay and not before; while it
/// is delayed it does not time out.
#[test]
fn case_71_a_delayed_task_is_triggered_when_it_is_due_and_does_not_time_out_before() {
    let mut stream = project(&shipyard(&[STAGE]));
    let (slow, _) = stream.trigger("dev.slow", carts("1"));
    stream.pass(9);
    assert!(stream.owed_in(&slow).is_empty());
    stream.pass(1);
    assert_eq!(short(&stream.owed_in(&slow)[0]), "a.triggered");

    let mut stream = project(&shipyard(&[STAGE]));
    let (slower, _) = stream.trigger("dev.slower", carts("1"));
    stream.pass(START_SECS + 1);
    assert!(stream.owed_in(&slower).is_empty(), "delayed for longer than it may wait");
    stream.pass(START_SECS);
    stream.settle();
    assert_eq!(stream.told(&slower), ["a.triggered"]);
}

/// Case 72, same: a run that is aborted while its task is delayed never sends the task.
#[test]
fn case_72_an_abort_takes_a_delayed_task_away() {
    let mut stream = project(&shipyard(&[STAGE]));
    let (context, _) = stream.trigger("dev.slow", carts("1"));
    stream.control(&context, "abort", command());
    stream.pass(100);
    stream.settle();
    let told = ["sequence.abort.finished succeeded/pass", "dev.slow.finished aborted/pass"];
    assert_eq!(stream.told(&context), told);
    assert!(stream.is_empty());
}

/// Case 73, differs: a task that was started and never finishes. Because: Keptn waits for ever; here
/// it times out after `TASK_FINISHED_WAIT_DURATION`, or the task's own `timeout`.
#[test]
fn case_73_a_task_that_is_started_and_never_finished_times_out() {
    for (sequence, secs) in [("dev.d", FINISH_SECS), ("dev.quick", 90)] {
        let mut stream = viewed(&shipyard(&[STAGE]));
        let context = begin(&mut stream, sequence);
        let task = stream.open_task(&context);
        stream.answer(&task, "executor", "started", json!({}));
        stream.pass(secs - 1);
        assert!(stream.owed_in(&context).is_empty(), "{sequence}");
        stream.pass(1);
        stream.settle();
        assert_eq!(states(&stream, &context), ["dev timedOut"], "{sequence}");
        stream.answer(&task, "executor", "finished", pass());
        assert!(stream.is_empty(), "{sequence}: too late");
    }
}
