//! The queue: one run at a time for each project, stage and service.

use fold::sequence::Reason;
use model::KeptnContext;
use serde_json::json;
use testing::{Stream, carts, pass, shipyard, short};

use crate::support::{begin, command, open, project, states, viewed};

const STAGE: &str = "{name: dev, sequences: [
  {name: d, tasks: [{name: a}, {name: b}]},
  {name: one, tasks: [{name: a}]},
  {name: gate, tasks: [{name: approval}, {name: b}]},
  {name: slow, tasks: [{name: a, triggeredAfter: 10s}]}]}";

/// A stream with two runs of the same service: the first has a task open, the second waits.
fn two(sequence: &str) -> (Stream, KeptnContext, KeptnContext) {
    let mut stream = project(&shipyard(&[STAGE]));
    let first = begin(&mut stream, sequence);
    let second = begin(&mut stream, "dev.d");
    (stream, first, second)
}

/// Case 55, same: of two runs of a service in a stage the second waits, and its task is triggered
/// when the first has ended.
#[test]
fn case_55_a_second_run_waits_until_the_first_has_ended() {
    let mut stream = viewed(&shipyard(&[STAGE]));
    let first = begin(&mut stream, "dev.one");
    let second = begin(&mut stream, "dev.one");
    assert_eq!(states(&stream, &second), ["dev waiting"]);
    assert_eq!(stream.told(&second), [""; 0]);
    stream.finish(&first, pass());
    assert_eq!(states(&stream, &first), ["dev finished"]);
    assert_eq!(states(&stream, &second), ["dev started"]);
    assert_eq!(stream.told(&second), ["a.triggered"]);
}

/// Case 56, differs: ten runs are executed strictly in order, one open task at a time. Because: the
/// order is that of the stream, not of the `time` that the senders wrote.
#[test]
fn case_56_ten_runs_are_executed_in_the_order_of_the_stream() {
    let mut stream = project(&shipyard(&[STAGE]));
    let mut contexts = Vec::new();
    for n in 0..10 {
        let mut event = stream.make("dev.one.triggered", carts("1"));
        event.time = Some(format!("2026-01-01T00:00:0{}Z", 9 - n).into());
        contexts.push(KeptnContext::of_trigger(&event.id));
        stream.store(event);
    }
    let all: Vec<&KeptnContext> = contexts.iter().collect();
    for (at, context) in contexts.iter().enumerate() {
        stream.settle();
        assert_eq!(open(&stream, &all), [at]);
        stream.finish(context, pass());
    }
    assert!(stream.is_empty());
}

/// Case 57, same: runs of different services do not block each other.
#[test]
fn case_57_different_services_do_not_wait_for_each_other() {
    let mut stream = Stream::with_project(&shipyard(&[STAGE]), &["carts", "db"]);
    let carts = begin(&mut stream, "dev.d");
    let (db, _) = stream.trigger("dev.d", json!({"project": "p", "service": "db"}));
    stream.settle();
    assert_eq!(open(&stream, &[&carts, &db]), [0, 1]);
}

/// Case 58, same: a project that is deleted while fifty services run leaves nothing behind.
#[test]
fn case_58_fifty_services_and_a_deleted_project_leave_nothing_behind() {
    let names: Vec<String> = (0..50).map(|n| format!("s{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut stream = Stream::with_project(&shipyard(&[STAGE]), &names);
    for name in &names {
        stream.trigger("dev.d", json!({"project": "p", "service": name}));
    }
    stream.settle();
    assert_eq!(stream.open_tasks().len(), 50);
    let answer = stream.command("project.delete", command());
    assert_eq!(answer["status"], "succeeded");
    stream.play(|_| "pass");
    assert!(stream.is_empty() && stream.world.sequences.is_idle());
    assert!(stream.world.catalog.project("p").is_none());
}

/// Case 59, same: when the first run times out, the second starts.
#[test]
fn case_59_a_time_out_of_the_first_run_starts_the_second() {
    let (mut stream, first, second) = two("dev.d");
    assert_eq!(open(&stream, &[&first, &second]), [0]);
    stream.pass(600);
    stream.settle();
    assert_eq!(open(&stream, &[&first, &second]), [1]);
}

/// Case 60, same: while the first run waits for an approval, the second starts.
#[test]
fn case_60_a_run_that_waits_for_an_approval_lets_the_second_start() {
    let (mut stream, gate, second) = two("dev.gate");
    stream.settle();
    assert_eq!(open(&stream, &[&gate, &second]), [0, 1]);
    assert_eq!(short(&stream.open_task(&gate)), "approval.triggered");
}

/// Case 61, differs: when the first run is paused, the second starts. Because: a paused run keeps the
/// stage until the task that it has open is done, so that two executors never work at once.
#[test]
fn case_61_a_paused_run_lets_the_second_start_when_its_task_is_done() {
    let (mut stream, first, second) = two("dev.d");
    stream.control(&first, "pause", command());
    stream.settle();
    assert_eq!(open(&stream, &[&first, &second]), [0]);
    stream.finish(&first, pass());
    assert_eq!(open(&stream, &[&first, &second]), [1]);
}

/// Case 62, same: a run is blocked by an older one that is triggered and has not started.
#[test]
fn case_62_a_run_waits_behind_one_that_has_not_started() {
    let mut stream = project(&shipyard(&[STAGE]));
    let (first, _) = stream.trigger("dev.d", carts("1"));
    let (second, _) = stream.trigger("dev.d", carts("2"));
    assert_eq!(stream.told(&first), [""; 0], "nothing of it was sent yet");
    let run = stream.run(&second).unwrap();
    let waiting = stream.world.sequences.waiting(run).unwrap();
    let Reason::Queue(_, Some(behind)) = waiting.reason else { panic!("{waiting:?}") };
    assert_eq!(behind, first);
    assert!(stream.owed_in(&second).is_empty());
}

/// Case 63, same: a queued run that is aborted never starts and leaves the queue.
#[test]
fn case_63_a_queued_run_that_is_aborted_never_starts() {
    let (mut stream, first, second) = two("dev.one");
    let third = begin(&mut stream, "dev.one");
    stream.control(&second, "abort", command());
    stream.settle();
    let told = ["sequence.abort.finished succeeded/pass", "dev.d.finished aborted/pass"];
    assert_eq!(stream.told(&second), told);
    assert!(stream.run(&second).is_none());
    stream.finish(&first, pass());
    assert_eq!(open(&stream, &[&first, &second, &third]), [2]);
}

/// Case 64, not applicable: removing a run from the queue fails, and its abort still completes.
/// Because: there is no queue beside the runs; one event ends the run, its place included.
#[test]
fn case_64_one_event_takes_a_run_and_its_place_in_the_queue() {
    let (mut stream, _, second) = two("dev.one");
    assert!(stream.run(&second).unwrap().is_in_line());
    let mut abort = stream.make("sequence.abort.triggered", command());
    abort.context = Some(second.clone());
    stream.store(abort);
    assert!(!stream.run(&second).unwrap().is_in_line());
}

/// Case 65, same: a run of which no task was triggered yet can be aborted.
#[test]
fn case_65_a_run_without_a_triggered_task_can_be_aborted() {
    let mut stream = viewed(&shipyard(&[STAGE]));
    let (context, _) = stream.trigger("dev.d", carts("1"));
    stream.control(&context, "abort", command());
    stream.settle();
    let told = ["sequence.abort.finished succeeded/pass", "dev.d.finished aborted/pass"];
    assert_eq!(stream.told(&context), told);
    assert_eq!(states(&stream, &context), ["dev aborted"]);
    assert!(stream.is_empty());
}

/// Case 66, same: a trigger that arrives twice under the same id is executed once.
#[test]
fn case_66_a_trigger_that_is_repeated_is_executed_once() {
    let mut stream = project(&shipyard(&[STAGE]));
    let event = stream.make("dev.one.triggered", carts("1"));
    let context = KeptnContext::of_trigger(&event.id);
    stream.store(event.clone());
    stream.store(event.clone());
    stream.play(|_| "pass");
    stream.store(event);
    stream.play(|_| "pass");
    assert_eq!(stream.told(&context), ["a.triggered", "dev.one.finished succeeded/pass"]);
}

/// Case 67, same: a task that is due is sent at once; one that is delayed is kept until it is due.
#[test]
fn case_67_what_is_due_is_sent_at_once_and_what_is_delayed_when_it_is_due() {
    let mut stream = project(&shipyard(&[STAGE]));
    let (slow, _) = stream.trigger("dev.slow", carts("1"));
    assert!(stream.owed_in(&slow).is_empty());
    stream.pass(10);
    assert_eq!(short(&stream.owed_in(&slow)[0]), "a.triggered");
    let mut stream = project(&shipyard(&[STAGE]));
    let (one, _) = stream.trigger("dev.one", carts("1"));
    assert_eq!(short(&stream.owed_in(&one)[0]), "a.triggered");
}

/// Case 68, differs: one queued item cannot be loaded, and the others still run. Because: nothing is
/// loaded from anywhere; a run that cannot start ends errored, and the one behind it starts.
#[test]
fn case_68_a_run_that_cannot_start_holds_nobody_up() {
    let mut stream = project(&shipyard(&[STAGE]));
    let first = begin(&mut stream, "dev.one");
    let broken = begin(&mut stream, "dev.unknown");
    let third = begin(&mut stream, "dev.one");
    assert_eq!(stream.told(&broken), ["dev.unknown.finished errored/fail"]);
    stream.finish(&first, pass());
    assert_eq!(open(&stream, &[&first, &broken, &third]), [2]);
}
