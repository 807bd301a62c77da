//! Data: what tasks are sent, what answers bring, and what is carried on.

use model::{
    Event, Payload,
    trace::{SpanId, Trace},
};
use serde_json::{Value, json};

use crate::stream::{Stream, carts, pass, shipyard};

fn documents() -> String {
    shipyard(&[
        "{name: dev, sequences: [
          {name: d, tasks: [{name: a, properties: {kind: fast, list: [p]}}, {name: b}, {name: deployment}]},
          {name: built, tasks: [{name: build}, {name: deployment}]}]}",
        "{name: hard, sequences: [
          {name: d, triggeredOn: [{event: dev.d.finished}], tasks: [{name: deployment}]}]}",
    ])
}

fn stream() -> Stream {
    Stream::with_project(&documents(), &["carts", "carts-db"])
}

/// Passes with what it brings.
fn bring(mut members: Value) -> Value {
    for (key, value) in pass().as_object().unwrap() {
        members[key] = value.clone();
    }
    members
}

/// Triggers `dev.d` with `given`, answers task `a` with `brought`, and returns what `b` is sent.
fn carried(given: &Value, brought: Value) -> Value {
    let mut stream = stream();
    let mut data = carts("1");
    for (key, value) in given.as_object().unwrap() {
        data[key] = value.clone();
    }
    let (context, _) = stream.trigger("dev.d", data);
    stream.settle();
    stream.finish(&context, bring(brought));
    stream.data_of(&context, "b.triggered")
}

#[test]
fn a_task_is_sent_names_labels_values_and_its_properties() {
    let mut stream = stream();
    let mut data = carts("1");
    data["labels"] = json!({"owner": "tim"});
    data["other"] = json!([1, 2]);
    let (context, _) = stream.trigger("dev.d", data);
    stream.settle();
    assert_eq!(
        stream.data_of(&context, "a.triggered"),
        json!({"project": "p", "stage": "dev", "service": "carts", "labels": {"owner": "tim"},
               "configurationChange": {"values": {"image": "carts:1"}},
               "other": [1, 2], "a": {"kind": "fast", "list": ["p"]}})
    );
}

#[test]
fn a_task_event_has_the_envelope_of_its_run() {
    let mut stream = stream();
    let mut event = stream.make("dev.d.triggered", carts("1"));
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-";
    event.traceparent = Some(format!("{trace}00f067aa0ba902b7-01").into());
    event.git_commit_id = Some("abc".into());
    let id = event.id.clone();
    stream.store(event);
    let at = stream.time;
    stream.settle();
    let task = stream.open_tasks().remove(0);
    assert_eq!(&*task.source, "shipyard-controller");
    assert_eq!(task.triggered_id, None);
    let span = SpanId::of(&task.id);
    assert_eq!(task.traceparent, Some(format!("{trace}{span}-01").into()), "the task is the step");
    assert_eq!(task.git_commit_id.as_deref(), Some("abc"));
    let time = model::StreamTime::from_nanos(at).to_string();
    assert_eq!(task.time.as_deref(), Some(time.as_str()), "the time of the cause");
    stream.play(|_| "pass");
    let end = stream.said().find(|event| event.triggered_id.as_ref() == Some(&id)).unwrap();
    assert_eq!(end.git_commit_id.as_deref(), Some("abc"));
    let span = SpanId::of(&id);
    assert_eq!(end.traceparent, Some(format!("{trace}{span}-01").into()), "the run is the step");
    let next = stream
        .said()
        .find(|event| event.event_type.to_string() == "sh.keptn.event.hard.d.triggered");
    let next = next.unwrap();
    assert_eq!(next.traceparent, end.traceparent, "one trace over all stages");
    assert_eq!(next.git_commit_id, None, "each stage is pinned to its own configuration");
    assert_eq!(next.triggered_id, None);
}

#[test]
fn a_delivery_without_a_trace_has_one_of_its_own_over_all_stages() {
    let mut stream = stream();
    let (context, _) = stream.trigger("dev.d", carts("1"));
    stream.play(|_| "pass");
    let said: Vec<_> =
        stream.said().filter(|event| event.context.as_ref() == Some(&context)).collect();
    // Executors say what they like.
    let ours = said.iter().filter(|one| &*one.source == "shipyard-controller");
    let stages = said.iter().filter(|one| one.event_type.to_string().ends_with(".d.finished"));
    assert!(stages.count() > 1, "it goes over several stages");
    for event in ours {
        let trace = event.traceparent.as_deref().and_then(Trace::read);
        assert_eq!(trace, Some(Trace::of(None, &context)), "{}", event.event_type);
    }
}

/// The traces that the controller named since an event, and the type of each of its events.
fn traces_since(stream: &Stream, from: usize) -> Vec<(String, Option<Trace>)> {
    let said = stream.events.iter().skip(from).filter_map(|stored| stored.body.as_ref().ok());
    said.filter(|event| &*event.source == "shipyard-controller")
        .map(|event| {
            let trace = event.traceparent.as_deref().and_then(Trace::read);
            (event.event_type.to_string(), trace)
        })
        .collect()
}

#[test]
fn a_delivery_stays_in_the_trace_of_its_first_trigger_whatever_comes_later() {
    let first = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let mut stream = stream();
    let mut event = stream.make("dev.d.triggered", carts("1"));
    event.traceparent = Some(first.into());
    let context = model::KeptnContext::of_trigger(&event.id);
    stream.store(event);
    stream.settle();
    let begun = stream.world.sequences.runs().next().unwrap().begun.clone();
    let from = stream.events.len();

    for traceparent in [None, Some(first.replace("4bf9", "aaaa"))] {
        let mut second = stream.make(
            "dev.built.triggered",
            json!({"project": "p", "service": "carts-db",
                   "configurationChange": {"values": {"image": "carts-db:1"}}}),
        );
        second.context = Some(context.clone());
        second.traceparent = traceparent.map(Into::into);
        stream.store(second);
    }
    for run in stream.world.sequences.runs() {
        assert_eq!(run.begun, begun, "{}", run.sequence);
    }
    stream.control(&context, "pause", json!({"project": "p"}));
    stream.control(&context, "resume", json!({"project": "p"}));
    stream.finish(&context, json!({"status": "succeeded", "result": "fail", "message": ""}));
    stream.control(&context, "retry", json!({"project": "p"}));
    stream.play(|_| "pass");

    let said = traces_since(&stream, from);
    for kind in ["sequence.pause.finished", "sequence.retry.finished", "hard.d.finished"] {
        let is_said = said.iter().any(|(said, _)| said.ends_with(kind));
        assert!(is_said, "{kind} is missing: {said:?}");
    }
    for (kind, trace) in said {
        assert_eq!(trace, Trace::read(first), "{kind}");
    }
}

#[test]
fn of_a_foreign_trace_context_a_run_keeps_what_it_needs() {
    let known = "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let kept = |traceparent: String| {
        let mut stream = stream();
        let mut event = stream.make("dev.d.triggered", carts("1"));
        event.traceparent = Some(traceparent.into());
        stream.store(event);
        let run = stream.world.sequences.runs().next().unwrap();
        assert_eq!(run.traceparent, run.begun.traceparent);
        run.traceparent.clone()
    };
    let expected = known.replacen("01", "00", 1);
    assert_eq!(kept(format!("{known}-{}", "x".repeat(10_000))), Some(expected.into()));
    assert_eq!(kept("x".repeat(10_000)), None);
}

#[test]
fn the_answer_to_a_command_about_nothing_is_in_the_trace_of_the_command() {
    let named = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let mut stream = stream();
    let mut command = stream.make("sequence.abort.triggered", json!({"project": "p"}));
    command.context = Some(model::KeptnContext::new("nobody").unwrap());
    command.traceparent = Some(named.into());
    let from = stream.events.len();
    stream.store(command);
    stream.settle();
    let expected = ("sh.keptn.event.sequence.abort.finished".to_owned(), Trace::read(named));
    assert_eq!(traces_since(&stream, from), [expected]);
}

#[test]
fn answers_are_merged_and_accumulate() {
    let sent = carried(
        &json!({"n": 1, "is": false, "text": "old", "map": {"x": 1, "y": 1}}),
        json!({"n": 2, "is": true, "text": "new", "map": {"y": 2}, "a": {"uri": "u"}}),
    );
    assert_eq!(sent["n"], 2, "the newest number wins");
    assert_eq!(sent["is"], true, "the newest boolean wins");
    assert_eq!(sent["text"], "new");
    assert_eq!(sent["map"], json!({"x": 1, "y": 2}));
    assert_eq!(sent["a"], json!({"uri": "u"}));
    assert_eq!((&sent["result"], &sent["status"]), (&json!("pass"), &json!("succeeded")));
}

#[test]
fn a_list_that_was_sent_is_unchanged_and_another_one_comes_before_it() {
    let given = json!({"same": [1, 2], "other": [1, 2]});
    let sent = carried(&given, json!({"same": [1, 2], "other": [3]}));
    assert_eq!(sent["same"], json!([1, 2]));
    assert_eq!(sent["other"], json!([3, 1, 2]));
}

#[test]
fn an_echo_of_properties_and_own_values_is_not_carried() {
    let mut stream = stream();
    stream.command(
        "configuration.change",
        json!({"project": "p", "stage": "dev", "service": "carts",
        "configurationChange": {"values": {"replicaCount": 1}}}),
    );
    let (context, _) = stream.trigger("dev.d", carts("1"));
    stream.settle();
    let echo = Value::Object(stream.open_task(&context).data.to_map());
    assert_eq!(echo["configurationChange"]["values"]["replicaCount"], 1);
    stream.finish(&context, bring(echo));
    let run = stream.run(&context).unwrap();
    assert_eq!(run.carried.as_str(), "{}");
    assert_eq!(run.services[0].carried.as_str(), r#"{"image":"carts:1"}"#);
}

#[test]
fn the_message_of_an_answer_is_cleared_for_the_next_task() {
    let mut stream = stream();
    let (context, _) = stream.trigger("dev.d", carts("1"));
    stream.settle();
    let mut answer = pass();
    answer["message"] = "all is well".into();
    stream.finish(&context, answer);
    assert_eq!(stream.data_of(&context, "b.triggered")["message"], "");
    stream.play(|_| "pass");
    assert_eq!(stream.data_of(&context, "dev.d.finished")["message"], "");
}

#[test]
fn the_message_of_the_last_answer_is_that_of_the_end() {
    let mut stream = stream();
    let (context, _) = stream.trigger("dev.d", carts("1"));
    stream.settle();
    stream
        .finish(&context, json!({"status": "succeeded", "result": "fail", "message": "too slow"}));
    let end = stream.data_of(&context, "dev.d.finished");
    assert_eq!(end["message"], "too slow");
    assert_eq!(end["result"], "fail");
}

#[test]
fn numbers_that_no_machine_holds_and_unknown_members_survive() {
    let mut stream = stream();
    let text = r#"{"project":"p","service":"carts","big":12345678901234567890123,"exact":1.10,"deep":{"x":[null,{"y":1e400}]}}"#;
    let mut event = stream.make("dev.d.triggered", json!({}));
    let wire = event.to_json().replace("\"data\":{}", &format!("\"data\":{text}"));
    event = Event::from_json(wire.as_bytes()).unwrap();
    stream.store(event);
    stream.play(|_| "pass");
    let last = stream
        .said()
        .rfind(|event| event.event_type.to_string() == "sh.keptn.event.hard.d.finished");
    let last: &Payload = &last.unwrap().data;
    for member in [
        r#""big":12345678901234567890123"#,
        r#""exact":1.10"#,
        r#""deep":{"x":[null,{"y":1e+400}]}"#,
    ] {
        assert!(last.as_str().contains(member), "{member} in {}", last.as_str());
    }
}

#[test]
fn an_answer_cannot_change_what_belongs_to_the_sequence() {
    let mut stream = stream();
    let (context, _) = stream.trigger("dev.d", carts("1"));
    stream.settle();
    stream.notes.clear();
    stream.finish(
        &context,
        bring(json!({
            "project": "q", "stage": "hard", "service": "carts-db", "gitcommitid": "f00",
            "sync": {"from": "x"}, "services": {"carts-db": {"values": {"image": "evil:1"}}},
            "configurationChange": {"values": {"image": "evil:1", "extra": 1}},
        })),
    );
    let sent = stream.data_of(&context, "b.triggered");
    for (key, value) in [("project", "p"), ("stage", "dev"), ("service", "carts")] {
        assert_eq!(sent[key], value);
    }
    assert_eq!(sent["configurationChange"]["values"], json!({"image": "carts:1", "extra": 1}));
    assert!(
        ["gitcommitid", "sync", "services"].iter().all(|key| sent.get(key).is_none()),
        "{sent}"
    );
    let noted = |text: &str| stream.notes.iter().any(|note| note.contains(text));
    for key in ["`project`", "`stage`", "`service`", "`gitcommitid`", "`sync`"] {
        assert!(noted(&format!("another {key}")), "{key}: {:?}", stream.notes);
    }
    assert!(noted("another artifact for `carts`"), "{:?}", stream.notes);
    assert!(noted("a service that the run does not have"), "{:?}", stream.notes);
}

#[test]
fn a_bracket_takes_values_per_service_and_artifacts_from_nobody() {
    let mut stream = stream();
    let image = |image: &str| json!({"values": {"image": image}});
    let (context, _) = stream.trigger(
        "dev.d",
        json!({"project": "p",
        "services": {"carts": image("carts:1"), "carts-db": image("carts-db:1")}}),
    );
    stream.settle();
    let sent = stream.data_of(&context, "a.triggered");
    assert_eq!(sent.get("service"), None);
    assert_eq!(sent.get("configurationChange"), None);
    stream.finish(
        &context,
        bring(json!({
            "services": {"carts": {"values": {"image": "evil:1", "uri": "u"}}},
            "configurationChange": {"values": {"image": "evil:1"}},
        })),
    );
    assert_eq!(
        stream.data_of(&context, "b.triggered")["services"],
        json!({"carts": {"values": {"image": "carts:1", "uri": "u"}}, "carts-db": image("carts-db:1")})
    );
}

#[test]
fn a_bracket_of_one_is_also_sent_as_one_service() {
    let mut stream = stream();
    let member = json!({"values": {"image": "carts:1"}});
    let (context, _) =
        stream.trigger("dev.d", json!({"project": "p", "services": {"carts": member}}));
    stream.settle();
    let sent = stream.data_of(&context, "a.triggered");
    assert_eq!(sent["service"], "carts");
    assert_eq!(sent["configurationChange"], member);
    assert_eq!(sent["services"], json!({"carts": member}));
}

#[test]
fn a_build_brings_the_first_artifact_and_no_other() {
    let mut stream = stream();
    let (context, _) = stream.trigger("dev.built", json!({"project": "p", "service": "carts"}));
    stream.settle();
    let image = |image: &str| json!({"configurationChange": {"values": {"image": image}}});
    stream.finish(&context, bring(image("carts:1")));
    assert_eq!(
        stream.data_of(&context, "deployment.triggered")["configurationChange"]["values"]["image"],
        "carts:1"
    );
    stream.finish(&context, bring(image("carts:2")));
    assert_eq!(
        stream.data_of(&context, "dev.built.finished")["configurationChange"]["values"]["image"],
        "carts:1"
    );
}

#[test]
fn an_artifact_that_is_no_text_is_dropped() {
    let mut stream = stream();
    let (context, _) = stream.trigger("dev.built", json!({"project": "p", "service": "carts"}));
    stream.settle();
    for image in [json!(7), json!(""), json!(null), json!({"name": "x"})] {
        let task = stream.open_task(&context);
        let values = json!({"configurationChange": {"values": {"image": image}}});
        stream.answer(&task, "slow", "started", json!({}));
        stream.answer(&task, "executor", "finished", bring(values));
        let run = stream.run(&context).unwrap();
        assert_eq!(run.services[0].carried.as_str(), "{}");
        assert_eq!(run.services[0].artifact, None);
    }
}

#[test]
fn what_a_late_answer_brings_to_an_aborted_run_is_not_carried() {
    let mut stream = stream();
    let (context, _) = stream.trigger("dev.d", carts("1"));
    stream.settle();
    let task = stream.open_task(&context);
    stream.control(&context, "abort", json!({"project": "p"}));
    let owed = stream.owed_in(&context)[0].to_json();
    stream.answer(&task, "executor", "finished", bring(json!({"late": true})));
    assert_eq!(stream.owed_in(&context)[0].to_json(), owed);
}

#[test]
fn a_task_with_too_much_data_is_not_sent_and_the_sequence_ends_errored() {
    let mut stream = stream();
    let (context, _) = stream.trigger("dev.d", carts("1"));
    stream.settle();
    stream.finish(&context, bring(json!({"heavy": "x".repeat(800_000)})));
    let end = stream.data_of(&context, "dev.d.finished");
    assert_eq!((&end["status"], &end["result"]), (&json!("errored"), &json!("fail")));
    let message = end["message"].as_str().unwrap();
    assert!(message.contains("task `b`") && message.contains("bytes, over 786432"), "{message}");
    assert_ne!(end["hint"], Value::Null);
    assert!(stream.is_empty());
}

#[test]
fn an_end_with_too_much_data_is_errored_and_its_rollback_says_why_it_cannot_run() {
    let documents = shipyard(&["{name: dev, sequences: [{name: d, tasks: [{name: a}]},
        {name: rollback, tasks: [{name: a}],
         triggeredOn: [{event: dev.d.finished, selector: {match: {result: fail}}}]}]}"]);
    let mut stream = Stream::with_project(&documents, &["carts"]);
    let (context, _) = stream.trigger("dev.d", carts("1"));
    stream.settle();
    stream.finish(&context, bring(json!({"heavy": "x".repeat(800_000)})));
    assert_eq!(stream.data_of(&context, "dev.d.finished")["status"], "errored");
    let rollback = stream.data_of(&context, "dev.rollback.finished");
    assert_eq!(rollback["status"], "errored");
    assert!(rollback["message"].as_str().unwrap().contains("bytes, over 786432"), "{rollback}");
    assert!(stream.is_empty());
}

#[test]
fn answers_cannot_pile_up_without_end() {
    let mut stream = stream();
    let (context, _) = stream.trigger("dev.d", carts("1"));
    stream.settle();
    let task = stream.open_task(&context);
    stream.answer(&task, "slow", "started", json!({}));
    for n in 0..4 {
        let heavy = json!({(format!("heavy{n}")): "x".repeat(500_000)});
        stream.answer(&task, "executor", "finished", bring(heavy));
    }
    let carried = stream.run(&context).unwrap().carried.as_str().len();
    assert!(carried < 1_100_000, "{carried}");
    assert!(stream.notes.iter().any(|note| note.contains("too much is carried")));
}

#[test]
fn a_long_message_is_cut() {
    let mut stream = stream();
    let (context, _) = stream.trigger("dev.d", carts("1"));
    stream.settle();
    let message = "ä".repeat(500_000);
    stream.finish(&context, json!({"status": "errored", "result": "fail", "message": message}));
    let end = stream.data_of(&context, "dev.d.finished");
    assert_eq!(end["message"].as_str().unwrap().len(), fold::sequence::MESSAGE_BYTES_MAX);
}

#[test]
fn members_that_only_the_controller_sets_are_not_copied_into_an_end() {
    let mut stream = stream();
    let mut data = carts("1");
    data["nothingToDo"] = true.into();
    data["timedOut"] = true.into();
    let (context, _) = stream.trigger("dev.d", data);
    stream.play(|_| "pass");
    let end = stream.data_of(&context, "dev.d.finished");
    assert_eq!((end.get("nothingToDo"), end.get("timedOut")), (None, None));
}
