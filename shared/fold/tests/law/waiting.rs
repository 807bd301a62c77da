//! What open runs wait for.

use fold::sequence::{Reason, Waiting};
use model::{KeptnContext, ServiceName, StreamTime};
use serde_json::json;

use crate::stream::{Stream, carts, pass, shipyard};

const UNIFORM: &str =
    "spec: {services: [{name: one, events: [a.triggered]}, {name: two, events: [a.triggered]}]}";

fn stream() -> Stream {
    let documents = shipyard(&["{name: dev, sequences: [
        {name: d, tasks: [{name: a}, {name: b}]},
        {name: gate, tasks: [{name: approval}]},
        {name: slow, tasks: [{name: b, triggeredAfter: 10s}]}]}"]);
    Stream::with_documents(&documents, Some(UNIFORM), &["carts"])
}

fn begun(sequence: &str) -> (Stream, KeptnContext) {
    let mut stream = stream();
    let (context, _) = stream.trigger(&format!("dev.{sequence}"), carts("1"));
    (stream, context)
}

fn waiting(stream: &Stream, context: &KeptnContext) -> Waiting {
    stream.world.sequences.waiting(stream.run(context).unwrap()).unwrap()
}

fn executors(stream: &Stream, context: &KeptnContext) -> Vec<String> {
    let reason = waiting(stream, context).reason;
    let Reason::Executor(names) = reason else { panic!("{reason:?}") };
    names
}

#[test]
fn for_the_controllers_next_event() {
    let (stream, context) = begun("d");
    assert_eq!(waiting(&stream, &context).reason, Reason::Controller);
}

#[test]
fn for_named_executors_and_for_whoever_has_started() {
    let (mut stream, context) = begun("d");
    stream.settle();
    assert_eq!(executors(&stream, &context), ["one", "two"]);
    let task = stream.open_task(&context);
    let wait = waiting(&stream, &context);
    let ten_minutes = std::time::Duration::from_mins(10);
    assert_eq!(wait.until, Some(wait.since.after(ten_minutes)));
    stream.answer(&task, "host/other", "started", json!({}));
    stream.answer(&task, "one", "finished", pass());
    assert_eq!(executors(&stream, &context), ["two", "other"]);
}

#[test]
fn for_anybody_when_nobody_is_named() {
    let (mut stream, context) = begun("d");
    stream.settle();
    let task = stream.open_task(&context);
    stream.answer(&task, "one", "finished", pass());
    stream.answer(&task, "two", "finished", pass());
    stream.settle();
    assert!(executors(&stream, &context).is_empty());
}

#[test]
fn for_an_approval_without_end() {
    let (mut stream, context) = begun("gate");
    stream.settle();
    let wait = waiting(&stream, &context);
    assert_eq!((wait.reason, wait.until), (Reason::Approval, None));
}

#[test]
fn for_a_delay_until_its_end() {
    let (stream, context) = begun("slow");
    let wait = waiting(&stream, &context);
    let end = StreamTime::from_nanos(stream.time + 10_000_000_000);
    assert_eq!((wait.reason, wait.until), (Reason::Delay, Some(end)));
}

#[test]
fn for_a_slot_behind_who_has_it() {
    let (mut stream, first) = begun("d");
    let (second, _) = stream.trigger("dev.d", carts("2"));
    let (third, _) = stream.trigger("dev.d", carts("3"));
    let service = ServiceName::new("carts").unwrap();
    let behind = Reason::Queue(service, Some(first.clone()));
    assert_eq!(waiting(&stream, &second).reason, behind);
    assert_eq!(waiting(&stream, &third).reason, behind);
}

#[test]
fn for_a_slot_that_an_aborted_task_keeps_until_its_end() {
    let (mut stream, first) = begun("d");
    stream.settle();
    let (second, _) = stream.trigger("dev.d", carts("2"));
    assert_eq!(waiting(&stream, &second).until, None, "the first goes on");
    stream.control(&first, "abort", json!({"project": "p"}));
    stream.settle();
    let wait = waiting(&stream, &second);
    let service = ServiceName::new("carts").unwrap();
    assert_eq!(wait.reason, Reason::Queue(service, Some(first.clone())));
    let first = stream.run(&first).unwrap();
    assert!(first.is_ended() && first.open.is_some());
    assert_eq!(wait.until, first.deadline);
    assert!(wait.until.is_some());
}

#[test]
fn for_a_persons_resume() {
    let (mut stream, context) = begun("d");
    stream.control(&context, "pause", json!({"project": "p"}));
    assert_eq!(waiting(&stream, &context).reason, Reason::Pause);
}

#[test]
fn for_the_answers_to_commands() {
    let mut stream = stream();
    let command = stream.make("service.create.triggered", json!({"project": "p", "service": "x"}));
    stream.store(command);
    let (context, _) = stream.trigger("dev.d", carts("1"));
    assert_eq!(waiting(&stream, &context).reason, Reason::Command);
}

#[test]
fn an_aborted_run_waits_for_its_end_and_an_ended_one_for_nothing() {
    let (mut stream, context) = begun("d");
    stream.settle();
    stream.control(&context, "abort", json!({"project": "p"}));
    assert_eq!(waiting(&stream, &context).reason, Reason::Controller);
    stream.settle();
    let run = stream.run(&context).unwrap();
    assert_eq!(stream.world.sequences.waiting(run), None);
    assert!(!stream.world.sequences.is_open(&context));
}

#[test]
fn a_delivery_is_open_until_nothing_of_it_is_open_or_owed() {
    let documents = shipyard(&[
        "{name: dev, sequences: [{name: d, tasks: [{name: a}]}]}",
        "{name: hard, sequences: [{name: d, tasks: [{name: a}], triggeredOn: [{event: dev.d.finished}]}]}",
    ]);
    let mut stream = Stream::with_project(&documents, &["carts"]);
    let (context, _) = stream.trigger("dev.d", carts("1"));
    let is_open = |stream: &Stream| stream.world.sequences.is_open(&context);
    while let Some(owed) = stream.owed_in(&context).first().cloned() {
        assert!(is_open(&stream));
        stream.store(owed);
        if let Some(task) = stream.open_tasks().first().cloned() {
            assert!(is_open(&stream));
            stream.answer(&task, "executor", "finished", pass());
        }
    }
    assert!(!is_open(&stream));
    assert_eq!(stream.told(&context).last().unwrap(), "hard.d.finished succeeded/pass");
}
