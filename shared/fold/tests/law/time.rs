//! Time: waits of tasks, time-outs, delays.

use fold::{Owes as _, Waits, sequence::ABORTED_HOLD_SECS};
use model::{Event, KeptnContext, StreamTime};
use serde_json::{Value, json};

use crate::stream::{Stream, carts, pass, shipyard, short, verdict};

const START_SECS: i64 = 600;
const FINISH_SECS: i64 = 3600;

fn documents() -> String {
    shipyard(&["{name: dev, sequences: [
        {name: d, tasks: [{name: a}, {name: b}]},
        {name: quick, tasks: [{name: a, timeout: 1m30s}]},
        {name: long, tasks: [{name: a, timeout: 2h}]},
        {name: gate, tasks: [{name: approval, timeout: 1m}]},
        {name: slow, tasks: [{name: a, triggeredAfter: 10s}, {name: b, triggeredAfter: 20s}]},
        {name: rollback, tasks: [{name: undo}],
         triggeredOn: [{event: dev.d.finished, selector: {match: {result: fail}}}]}]}"])
}

/// A stream in which the first task of a sequence is open.
fn opened(sequence: &str) -> (Stream, KeptnContext) {
    let mut stream = Stream::with_project(&documents(), &["carts"]);
    let (context, _) = stream.trigger(&format!("dev.{sequence}"), carts("1"));
    stream.settle();
    (stream, context)
}

fn started(stream: &mut Stream, context: &KeptnContext) -> Event {
    let task = stream.open_task(context);
    stream.answer(&task, "executor", "started", json!({}));
    task
}

/// Returns what is owed in a delivery after so many seconds.
fn owed_after(stream: &Stream, context: &KeptnContext, secs: i64) -> Vec<String> {
    let mut later = stream.clone();
    later.pass(secs);
    later.owed_in(context).iter().map(short).collect()
}

fn seconds_until_the_deadline(stream: &Stream, from: i64) -> i64 {
    let at = stream.world.next_deadline().unwrap().as_nanos();
    (at - from) / 1_000_000_000
}

#[test]
fn a_task_that_nobody_starts_is_timed_out_after_ten_minutes() {
    let (stream, context) = opened("d");
    assert!(owed_after(&stream, &context, START_SECS - 1).is_empty());
    assert_eq!(owed_after(&stream, &context, START_SECS), ["a.finished errored/fail"]);
}

#[test]
fn a_task_that_was_started_is_timed_out_after_an_hour() {
    let (mut stream, context) = opened("d");
    started(&mut stream, &context);
    assert!(owed_after(&stream, &context, FINISH_SECS - 1).is_empty());
    assert_eq!(owed_after(&stream, &context, FINISH_SECS), ["a.finished errored/fail"]);
}

#[test]
fn waits_count_from_the_stream_time_of_the_triggered_event_and_travel_with_it() {
    let mut stream = Stream::with_project(&documents(), &["carts"]);
    let (context, _) = stream.trigger("dev.d", carts("1"));
    let waits = Waits { start_secs: 7, finish_secs: 0 };
    let owed = stream.world.owed_after(0).remove(0);
    let event = stream.world.event(&owed, waits).unwrap();
    assert_eq!((event.start_within_secs, event.finish_within_secs), (Some(7), Some(0)));
    stream.pass(50);
    stream.store(event);
    assert_eq!(seconds_until_the_deadline(&stream, stream.time), 7);
    started(&mut stream, &context);
    assert_eq!(stream.world.next_deadline(), None, "0 is no bound");
}

#[test]
fn a_tasks_own_timeout_bounds_both_waits() {
    let (stream, context) = opened("quick");
    let task = stream.open_task(&context);
    assert_eq!((task.start_within_secs, task.finish_within_secs), (Some(90), Some(90)));
    let (stream, context) = opened("long");
    let task = stream.open_task(&context);
    assert_eq!((task.start_within_secs, task.finish_within_secs), (Some(600), Some(7200)));
}

#[test]
fn an_approval_waits_for_ever() {
    let (stream, context) = opened("gate");
    let task = stream.open_task(&context);
    assert_eq!((task.start_within_secs, task.finish_within_secs), (Some(0), Some(0)));
    assert_eq!(stream.world.next_deadline(), None);
}

#[test]
fn a_triggered_event_without_waits_has_the_default_ones() {
    let mut stream = Stream::with_project(&documents(), &["carts"]);
    let (context, _) = stream.trigger("dev.d", carts("1"));
    let mut event = stream.owed_in(&context).remove(0);
    (event.start_within_secs, event.finish_within_secs) = (None, None);
    stream.store(event);
    assert_eq!(seconds_until_the_deadline(&stream, stream.time), START_SECS);
    started(&mut stream, &context);
    assert!(seconds_until_the_deadline(&stream, stream.time) >= FINISH_SECS - 1);
}

#[test]
fn a_time_out_ends_the_sequence_and_starts_its_rollback() {
    let (mut stream, context) = opened("d");
    stream.pass(START_SECS);
    let time_out = stream.owed_in(&context).remove(0);
    assert_eq!(&*time_out.source, "shipyard-controller");
    assert_eq!(time_out.triggered_id.as_ref(), Some(&stream.open_task(&context).id));
    assert_eq!(time_out.data.to_map()["timedOut"], true);
    stream.store(time_out);
    assert!(stream.run(&context).unwrap().is_timed_out);
    stream.play(|_| "pass");
    let end = stream.data_of(&context, "dev.d.finished");
    assert_eq!(end["timedOut"], true);
    assert!(end["message"].as_str().unwrap().starts_with("sequence timed out"), "{end}");
    assert_eq!(
        stream.told(&context),
        [
            "a.triggered",
            "a.finished errored/fail",
            "dev.d.finished errored/fail",
            "dev.rollback.triggered",
            "undo.triggered",
            "dev.rollback.finished succeeded/pass"
        ]
    );
}

#[test]
fn a_time_out_that_is_said_before_its_deadline_changes_nothing() {
    let (mut stream, context) = opened("d");
    let mut later = stream.clone();
    later.pass(START_SECS);
    let time_out = later.owed_in(&context).remove(0);
    let before = stream.world.sequences.clone();
    let applied = stream.store(time_out.clone());
    assert_eq!(applied.notes[0].to_string(), "a time-out came before its deadline");
    assert_eq!(stream.world.sequences, before);
    stream.pass(START_SECS);
    let owed = stream.owed_in(&context);
    assert_eq!(owed, std::slice::from_ref(&time_out), "it is owed when its time has come");
    stream.store(time_out);
    assert!(stream.run(&context).unwrap().is_timed_out);
}

#[test]
fn a_time_out_whose_deadline_was_lifted_changes_nothing() {
    let (mut stream, context) = opened("d");
    let mut later = stream.clone();
    later.pass(START_SECS);
    let time_out = later.owed_in(&context).remove(0);
    started(&mut stream, &context);
    stream.pass(START_SECS);
    let before = stream.world.sequences.clone();
    stream.store(time_out);
    assert_eq!(stream.world.sequences, before);
}

#[test]
fn answers_to_a_task_that_timed_out_change_nothing() {
    let (mut stream, context) = opened("d");
    let task = started(&mut stream, &context);
    stream.pass(FINISH_SECS);
    let time_out = stream.owed_in(&context).remove(0);
    stream.store(time_out);
    let before = stream.world.sequences.clone();
    stream.answer(&task, "executor", "finished", pass());
    assert_eq!(stream.world.sequences, before);
}

#[test]
fn a_time_out_of_one_executor_of_two_is_a_time_out() {
    let (mut stream, context) = opened("d");
    let task = started(&mut stream, &context);
    stream.answer(&task, "other", "started", json!({}));
    stream.answer(&task, "other", "finished", pass());
    assert_eq!(owed_after(&stream, &context, FINISH_SECS), ["a.finished errored/fail"]);
}

#[test]
fn a_delayed_task_is_owed_when_its_time_has_come_and_keeps_the_slot() {
    let mut stream = Stream::with_project(&documents(), &["carts"]);
    let (context, _) = stream.trigger("dev.slow", carts("1"));
    let (second, _) = stream.trigger("dev.d", carts("2"));
    stream.settle();
    assert!(owed_after(&stream, &context, 9).is_empty());
    stream.pass(10);
    let task = stream.owed_in(&context).remove(0);
    assert_eq!(short(&task), "a.triggered");
    let due = stream.run(&context).unwrap().not_before.unwrap();
    assert_eq!(task.time.as_deref(), Some(due.to_string().as_str()), "its time is when it was due");
    assert!(stream.open_tasks().is_empty(), "the second waits");
    stream.settle();
    stream.finish(&context, pass());
    assert_eq!(seconds_until_the_deadline(&stream, stream.time), 20, "b is delayed from now");
    assert!(stream.run(&second).unwrap().is_in_line());
    stream.pass(20);
    stream.play(|_| "pass");
    assert!(stream.is_empty());
}

#[test]
fn the_delay_of_a_queued_run_begins_when_its_turn_comes() {
    let mut stream = Stream::with_project(&documents(), &["carts"]);
    let (first, _) = stream.trigger("dev.quick", carts("1"));
    let (slow, _) = stream.trigger("dev.slow", carts("2"));
    stream.settle();
    stream.pass(30);
    stream.finish(&first, pass());
    assert!(stream.run(&slow).unwrap().holds());
    assert!(owed_after(&stream, &slow, 9).is_empty());
    assert_eq!(owed_after(&stream, &slow, 10), ["a.triggered"]);
}

#[test]
fn an_aborted_delay_never_sends_its_task() {
    let mut stream = Stream::with_project(&documents(), &["carts"]);
    let (context, _) = stream.trigger("dev.slow", carts("1"));
    stream.control(&context, "abort", json!({"project": "p"}));
    stream.pass(100);
    assert_eq!(stream.owed_in(&context).len(), 1);
    stream.settle();
    assert_eq!(
        stream.told(&context),
        ["sequence.abort.finished succeeded/pass", "dev.slow.finished aborted/pass"]
    );
    assert!(stream.is_empty());
}

/// Aborts a run whose task is open; returns the time of the abort.
fn aborted(sequence: &str, starts: bool) -> (Stream, KeptnContext, i64) {
    let (mut stream, context) = opened(sequence);
    if starts {
        started(&mut stream, &context);
    }
    stream.pass(10);
    stream.control(&context, "abort", json!({"project": "p"}));
    let at = stream.run(&context).unwrap().aborted.as_ref().unwrap().at;
    (stream, context, at.as_nanos())
}

#[test]
fn an_aborted_run_says_its_end_before_any_time_out() {
    let (mut stream, context, _) = aborted("d", true);
    stream.pass(100_000);
    let owed: Vec<String> = stream.owed_in(&context).iter().map(short).collect();
    assert_eq!(owed, ["dev.d.finished aborted/pass", "a.status.changed"]);
}

#[test]
fn an_aborted_run_holds_its_slot_for_ten_minutes_at_most() {
    let (mut stream, context, at) = aborted("long", true);
    let (next, _) = stream.trigger("dev.d", carts("2"));
    stream.settle();
    assert!(stream.run(&context).unwrap().is_ended());
    assert!(stream.run(&next).unwrap().is_in_line());
    let hold = i64::try_from(ABORTED_HOLD_SECS).unwrap();
    assert_eq!(seconds_until_the_deadline(&stream, at), hold);
    stream.pass(hold);
    stream.settle();
    assert!(stream.run(&context).is_none(), "over");
    assert_eq!(stream.open_task(&next).context, Some(next));
}

#[test]
fn an_aborted_run_holds_its_slot_for_what_is_left_of_its_wait() {
    let (mut stream, _, at) = aborted("quick", true);
    stream.settle();
    assert!((79..=80).contains(&seconds_until_the_deadline(&stream, at)));
    let (mut stream, _, at) = aborted("long", false);
    stream.settle();
    assert!((589..=590).contains(&seconds_until_the_deadline(&stream, at)));
}

#[test]
fn the_time_out_behind_an_abort_closes_the_task_and_nothing_else() {
    let (mut stream, context, _) = aborted("d", true);
    stream.settle();
    stream.pass(100_000);
    let time_out = stream.owed_in(&context).remove(0);
    let applied = stream.store(time_out);
    let fold::What::TaskClosed(closed) = &applied.facts[0].what else { panic!("{applied:?}") };
    assert!(!closed.counts);
    assert!(!applied.facts[0].run.is_timed_out);
    assert!(stream.is_empty(), "no rollback");
}

#[test]
fn an_end_without_an_abort_gives_the_slot_back_too() {
    let (mut stream, context) = opened("d");
    let task = started(&mut stream, &context);
    let mut end = stream.make("dev.d.finished", verdict("succeeded", "pass"));
    end.id = stream.run(&context).unwrap().next_id().event_id();
    end.context.clone_from(&task.context);
    stream.store(end);
    assert!(stream.run(&context).unwrap().is_ended());
    stream.pass(i64::try_from(ABORTED_HOLD_SECS).unwrap());
    stream.settle();
    assert!(stream.is_empty());
}

#[test]
fn the_time_of_the_stream_never_goes_back() {
    let (mut stream, context) = opened("d");
    let now = stream.world.now();
    stream.time -= 5_000_000_000;
    started(&mut stream, &context);
    assert_eq!(stream.world.now(), now);
    let opened_at = stream.run(&context).unwrap().open.as_ref().unwrap().at;
    assert_eq!(opened_at, now);
}

#[test]
fn deadlines_come_in_order() {
    let mut stream = Stream::with_project(&documents(), &["carts"]);
    for service in ["x", "y"] {
        stream.command("service.create", json!({"project": "p", "service": service}));
    }
    let of = |service: &str| -> Value { json!({"project": "p", "service": service}) };
    let (late, _) = stream.trigger("dev.d", of("x"));
    let (early, _) = stream.trigger("dev.quick", of("y"));
    stream.settle();
    let far = StreamTime::from_nanos(stream.time + 1_000_000_000_000_000);
    let due = stream.world.due_by(far);
    let contexts: Vec<_> = due
        .iter()
        .map(|one| stream.world.event(one, Waits::default()).unwrap().context.unwrap())
        .collect();
    assert_eq!(contexts, [early, late]);
    assert!(due.iter().all(|one| stream.world.is_owed(one, far) && one.number == 0));
    assert!(due.iter().all(|one| !stream.world.is_owed(one, StreamTime::from_nanos(stream.time))));
}
