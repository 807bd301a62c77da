//! Answers to a task: who is waited for, and what the answers come to together.

use model::Event;
use proptest::{collection::vec, prelude::*};
use serde_json::{Value, json};

use crate::stream::{Stream, carts, pass, shipyard, short, verdict};

const UNIFORM: &str = "
spec:
  services:
    - {name: one, events: [a.triggered]}
    - {name: two, events: [a.triggered]}
    - {name: three, events: [a.triggered]}
";

fn documents() -> String {
    shipyard(&["{name: dev, sequences: [{name: d, tasks: [{name: a}, {name: b}]}]}"])
}

/// A stream with the open task `a`, which nobody is named for.
fn unnamed() -> (Stream, Event) {
    opened(Stream::with_project(&documents(), &["carts"]))
}

/// The same, with three executors named for it.
fn named() -> (Stream, Event) {
    opened(Stream::with_documents(&documents(), Some(UNIFORM), &["carts"]))
}

fn opened(mut stream: Stream) -> (Stream, Event) {
    let (context, _) = stream.trigger("dev.d", carts("1"));
    stream.settle();
    let task = stream.open_task(&context);
    (stream, task)
}

/// Answers in order (`S` started, `F` finished, then the source) and returns what is owed then.
fn after(mut stream: Stream, task: &Event, answers: &str) -> String {
    for answer in answers.split_whitespace() {
        let (kind, source) = answer.split_at(1);
        let kind = if kind == "S" { "started" } else { "finished" };
        stream.answer(task, source, kind, pass());
    }
    let owed = stream.owed_in(task.context.as_ref().unwrap());
    owed.iter().map(short).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_task_is_done_when_every_source_seen_is_done() {
    let (stream, task) = unnamed();
    let cases = [
        ("S1", ""),
        ("F1", "b.triggered"),
        ("S1 F1", "b.triggered"),
        ("S1 S2 F1", ""),
        ("S1 S2 F1 F2", "b.triggered"),
        ("S1 S2 F2 F1", "b.triggered"),
        ("S1 S1 F1", ""),
        ("S1 S1 F1 F1", "b.triggered"),
        ("S1 F2", ""),
        ("S1 F2 F1", "b.triggered"),
    ];
    for (answers, owed) in cases {
        assert_eq!(after(stream.clone(), &task, answers), owed, "{answers}");
    }
}

#[test]
fn unnamed_executors_that_answer_one_after_the_other_end_the_task_early() {
    let (stream, task) = unnamed();
    assert_eq!(after(stream, &task, "S1 F1 S2 F2"), "b.triggered");
}

#[test]
fn named_executors_are_waited_for_and_are_done_at_their_first_finished() {
    let (stream, task) = named();
    let cases = [
        ("Sone Fone", ""),
        ("Fone Ftwo", ""),
        ("Fone Ftwo Fthree", "b.triggered"),
        ("Sone Sone Fone Ftwo Fthree", "b.triggered"),
        ("Fone Sone Ftwo Fthree", "b.triggered"),
        ("Fone Ftwo Fother", ""),
        ("Sother Fone Ftwo Fthree", ""),
        ("Sother Fone Ftwo Fthree Fother", "b.triggered"),
        ("Fhttps://host/one Ftwo Fthree", "b.triggered"),
    ];
    for (answers, owed) in cases {
        assert_eq!(after(stream.clone(), &task, answers), owed, "{answers}");
    }
}

#[test]
fn an_answer_that_comes_twice_counts_once() {
    let (mut stream, task) = unnamed();
    let context = task.context.clone().unwrap();
    stream.answer(&task, "1", "started", json!({}));
    let started = stream.said().last().unwrap().clone();
    let noted = stream.store(started).notes;
    assert_eq!(noted[0].to_string(), "this started was seen already");
    stream.answer(&task, "2", "started", json!({}));
    stream.answer(&task, "1", "finished", pass());
    let finished = stream.said().last().unwrap().clone();
    stream.store(finished);
    assert!(stream.owed_in(&context).is_empty(), "one of two has finished");
    stream.answer(&task, "2", "finished", pass());
    assert_eq!(stream.owed_in(&context).len(), 1);
}

#[test]
fn an_answer_is_for_the_task_that_its_triggered_id_and_context_name() {
    let (mut stream, task) = unnamed();
    let before = stream.world.sequences.clone();
    let mut foreign = stream.make("a.finished", pass());
    foreign.triggered_id = Some(task.id.clone());
    let context = task.context.clone();
    let wrong = [
        Event { context: None, ..foreign.clone() },
        Event { context: stream.said().next().unwrap().context.clone(), ..foreign.clone() },
        Event { context: context.clone(), triggered_id: None, ..foreign.clone() },
        Event {
            context: context.clone(),
            triggered_id: Some(foreign.id.clone()),
            ..foreign.clone()
        },
        Event {
            context: context.clone(),
            event_type: model::EventType::parse("sh.keptn.event.b.finished").unwrap(),
            ..foreign.clone()
        },
    ];
    for event in wrong {
        let applied = stream.store(event);
        assert_eq!(applied.notes.len(), 1);
        assert_eq!(stream.world.sequences, before);
    }
    // Neither project nor stage nor service is needed.
    stream.store(Event { context, ..foreign });
    assert_eq!(short(&stream.owed_in(&task.context.unwrap())[0]), "b.triggered");
}

#[test]
fn a_second_answer_of_a_named_executor_changes_nothing() {
    let (mut stream, task) = named();
    stream.answer(&task, "one", "finished", pass());
    for kind in ["finished", "started"] {
        let applied = stream.answer(&task, "one", kind, verdict("succeeded", "fail"));
        assert_eq!(applied.notes[0].to_string(), "this executor has answered already");
    }
    assert_eq!(after(stream, &task, "Ftwo Fthree"), "b.triggered");
}

/// Returns how a task ends whose executors say these (status, result).
fn together(verdicts: &[(&str, &str)]) -> String {
    let (mut stream, task) = unnamed();
    for n in 0..verdicts.len() {
        stream.answer(&task, &n.to_string(), "started", json!({}));
    }
    for (n, (status, result)) in verdicts.iter().enumerate() {
        stream.answer(&task, &n.to_string(), "finished", verdict(status, result));
    }
    let last = stream.run(&task.context.clone().unwrap()).unwrap().last.clone().unwrap();
    let owed = short(&stream.owed_in(&task.context.unwrap())[0]);
    format!("{}/{} {owed}", last.status, last.result)
}

#[test]
fn the_worst_answer_counts() {
    let good = ("succeeded", "pass");
    let cases: [(&[(&str, &str)], &str); 10] = [
        (&[good, good], "succeeded/pass b.triggered"),
        (&[good, ("succeeded", "warning")], "succeeded/warning b.triggered"),
        (&[good, ("succeeded", "fail")], "succeeded/fail dev.d.finished succeeded/fail"),
        (
            &[("succeeded", "warning"), ("succeeded", "fail")],
            "succeeded/fail dev.d.finished succeeded/fail",
        ),
        (&[good, ("errored", "pass")], "errored/pass dev.d.finished errored/pass"),
        (&[("aborted", "pass"), ("errored", "pass")], "errored/pass dev.d.finished errored/pass"),
        (&[good, ("aborted", "pass")], "aborted/pass b.triggered"),
        (&[good, ("", "pass")], "unknown/fail dev.d.finished unknown/fail"),
        (&[good, ("succeeded", "")], "succeeded/fail dev.d.finished succeeded/fail"),
        (&[good, ("succeeded", "failed")], "succeeded/fail dev.d.finished succeeded/fail"),
    ];
    for (verdicts, expected) in cases {
        assert_eq!(together(verdicts), expected, "{verdicts:?}");
    }
}

#[test]
fn progress_is_kept_and_changes_nothing_else() {
    let (mut stream, task) = unnamed();
    let context = task.context.clone().unwrap();
    stream.answer(&task, "1", "status.changed", json!({"message": "half way"}));
    let open = stream.run(&context).unwrap().open.clone().unwrap();
    assert_eq!(open.sources[0].progress.as_deref(), Some("half way"));
    assert!(!open.is_answered());
    stream.answer(&task, "2", "finished", pass());
    assert_eq!(short(&stream.owed_in(&context)[0]), "b.triggered", "nobody waits for 1");
}

/// What an executor says: whether it starts, its status and result, and what it brings.
fn voice() -> impl Strategy<Value = (bool, &'static str, &'static str)> {
    let status = prop::sample::select(vec!["succeeded", "errored", "aborted", "unknown"]);
    let result = prop::sample::select(vec!["pass", "warning", "fail"]);
    (any::<bool>(), status, result)
}

/// Makes the answers of the three named executors, some of them twice.
fn answers(stream: &mut Stream, task: &Event, voices: &[(bool, &str, &str)]) -> Vec<Event> {
    let mut made = Vec::new();
    for (source, (starts, status, result)) in ["one", "two", "three"].iter().zip(voices) {
        let mut event = stream.make(
            "a.finished",
            json!({
                "status": status, "result": result, "message": format!("{source} says so"),
                "a": {*source: [1, 2]}, "shared": {"list": [source]},
            }),
        );
        event.source = (*source).into();
        event.triggered_id = Some(task.id.clone());
        event.context.clone_from(&task.context);
        let mut started = stream.make("a.started", json!({}));
        started.source.clone_from(&event.source);
        started.triggered_id.clone_from(&event.triggered_id);
        started.context.clone_from(&event.context);
        if *starts {
            made.push(started);
        }
        made.push(event);
    }
    made
}

/// Returns everything that the answers come to, without times and without lists, which are merged
/// in the order of the stream.
fn end(stream: &Stream, task: &Event) -> Value {
    let run = stream.run(task.context.as_ref().unwrap()).unwrap();
    let owed = stream.owed_in(&run.context);
    let mut data = owed[0].data.to_map();
    let mut list = data["shared"]["list"].as_array().unwrap().clone();
    list.sort_by_key(ToString::to_string);
    data.insert("shared".to_owned(), list.into());
    json!([short(&owed[0]), owed[0].id.as_str(), data, format!("{:?}", run.last), run.tasks_done])
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_order_and_repetition_of_named_answers_comes_to_the_same(
        voices in vec(voice(), 3),
        order in vec(any::<prop::sample::Index>(), 0..20),
        seed in Just((0..6).collect::<Vec<usize>>()).prop_shuffle(),
    ) {
        let (mut stream, task) = named();
        let answers = answers(&mut stream, &task, &voices);
        let mut straight = stream.clone();
        for event in &answers {
            straight.store(event.clone());
        }
        let mut mixed = stream;
        // First some of them in any order and more than once, then all in a shuffled order.
        for index in &order {
            mixed.store(index.get(&answers).clone());
        }
        for at in seed {
            if let Some(event) = answers.get(at) {
                mixed.store(event.clone());
            }
        }
        prop_assert_eq!(end(&straight, &task), end(&mixed, &task));
    }
}
