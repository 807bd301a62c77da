//! Bad input: every message is handled, the next one too, and somebody is told.

use fold::sequence::SOURCE;
use model::{Event, Malformed, Stored, StreamTime};
use serde_json::{Value, json};

use crate::stream::{Stream, carts, encoded, shipyard, short};

fn stream() -> Stream {
    let documents = shipyard(&[
        "{name: dev, sequences: [{name: d, tasks: [{name: a}]}, {name: quality, tasks: [{name: test}]},
          {name: empty, tasks: []}]}",
        "{name: hard, sequences: [{name: d, tasks: [{name: deployment}]}]}",
    ]);
    Stream::with_project(&documents, &["carts"])
}

#[test]
fn a_message_that_can_never_be_handled_is_reported_once() {
    let mut stream = stream();
    let position = stream.events.len() + 1;
    let read = Event::from_json(b"{\"id\": \"secret\"");
    stream.store_body("sh.keptn.event.a.started", read);
    let report = stream.owed_events().remove(0);
    assert_eq!(report.event_type.to_string(), "sh.keptn.log.error");
    let data = Value::Object(report.data.to_map());
    assert_eq!(data["position"], position);
    assert_eq!(data["subject"], "sh.keptn.event.a.started");
    assert_eq!((&data["integrationid"], &data["task"]), (&json!(SOURCE), &json!("")));
    assert!(data["reason"].as_str().unwrap().starts_with("must be JSON"));
    assert!(!report.to_json().contains("secret"), "never the payload");
    stream.settle();
    assert!(stream.owed_events().is_empty());
    let (context, _) = stream.trigger("dev.d", carts("1"));
    stream.play(|_| "pass");
    assert_eq!(stream.told(&context).last().unwrap(), "dev.d.finished succeeded/pass");
}

#[test]
fn the_id_of_a_report_comes_from_the_position() {
    let mut stream = stream();
    for _ in 0..2 {
        stream.store_body("sh.keptn.event.x", Err(Malformed::new("must be JSON")));
    }
    let reports = stream.owed_events();
    assert_eq!(reports.len(), 2);
    assert_ne!(reports[0].id, reports[1].id);
    let again = stream.clone();
    assert_eq!(reports, again.owed_events());
}

#[test]
fn a_type_that_is_not_the_subject_is_reported() {
    let mut stream = stream();
    let event = stream.make("a.started", json!({}));
    stream.store_body("sh.keptn.event.b.started", Ok(event));
    let report = stream.owed_events().remove(0);
    let reason = report.data.to_map()["reason"].clone();
    assert_eq!(
        reason,
        "`type` must be the subject it is published on, is `sh.keptn.event.a.started`"
    );
}

#[test]
fn nothing_under_the_log_is_ever_answered() {
    let mut stream = stream();
    for subject in ["sh.keptn.log.error", "sh.keptn.log.anything"] {
        stream.store_body(subject, Err(Malformed::new("must be JSON")));
    }
    let error = stream.make("x.started", json!({"message": "of somebody else"}));
    let foreign = Event { event_type: model::EventType::LogError, ..error };
    let applied = stream.store(foreign);
    assert!(applied.notes.is_empty());
    assert!(stream.owed_events().is_empty());
}

#[test]
fn a_flood_of_unreadable_messages_is_bounded() {
    let mut stream = stream();
    for _ in 0..1_100 {
        stream.store_body("sh.keptn.event.x", Err(Malformed::new("must be JSON")));
    }
    assert_eq!(stream.owed_events().len(), 1_000);
    stream.settle();
    stream.store_body("sh.keptn.event.x", Err(Malformed::new("must be JSON")));
    assert_eq!(stream.owed_events().len(), 1, "there is room again");
}

#[test]
fn a_trigger_without_a_project_is_reported_and_nothing_runs() {
    let mut stream = stream();
    for data in
        [json!({}), json!({"project": ""}), json!({"project": "A.B"}), json!({"project": 7})]
    {
        stream.trigger("dev.d", &data);
        let report = stream.owed_events().remove(0);
        assert_eq!(report.event_type.to_string(), "sh.keptn.log.error", "{data}");
        assert!(report.data.to_map()["reason"].as_str().unwrap().starts_with("`data.project`"));
        stream.settle();
    }
    assert!(stream.is_empty());
}

/// Triggers and returns the data of the end, which must be there at once.
fn refused(kind: &str, data: &Value) -> Value {
    let mut stream = stream();
    let (context, id) = stream.trigger(kind, data);
    stream.settle();
    assert_eq!(stream.told(&context), [format!("{kind}.finished errored/fail")], "{data}");
    assert!(stream.is_empty());
    stream.answer_to(&id)
}

/// Type, data, and the code and a part of the message of the answer.
type Case = (&'static str, Value, &'static str, &'static str);

fn unknown() -> Vec<Case> {
    vec![
        (
            "dev.d",
            json!({"project": "q", "service": "carts"}),
            "notFound",
            "project `q` does not exist",
        ),
        (
            "dex.d",
            json!({"project": "p", "service": "carts"}),
            "notFound",
            "stage `dex` does not exist in project `p`",
        ),
        (
            "dev.delivery",
            json!({"project": "p", "service": "carts"}),
            "notFound",
            "sequence `delivery` does not exist in stage `dev`",
        ),
        (
            "dev.d",
            json!({"project": "p", "service": "cart"}),
            "notFound",
            "service `cart` does not exist in project `p`",
        ),
        (
            "dev.d",
            json!({"project": "p", "services": {"carts": {}, "x": {}}}),
            "notFound",
            "service `x` does not exist",
        ),
        (
            "dev.empty",
            json!({"project": "p", "service": "carts"}),
            "invalid",
            "does not contain any tasks",
        ),
    ]
}

fn misshapen() -> Vec<Case> {
    let image = |image: Value| json!({"project": "p", "service": "carts", "configurationChange": {"values": {"image": image}}});
    vec![
        (
            "dev.d",
            json!({"project": "p", "stage": "hard", "service": "carts"}),
            "invalid",
            "`data.stage` must be the stage in the type, `dev`",
        ),
        (
            "dev.d",
            json!({"project": "p", "services": {}}),
            "invalid",
            "must name at least one service",
        ),
        (
            "dev.d",
            json!({"project": "p", "services": ["carts"]}),
            "invalid",
            "`services` must be an object",
        ),
        (
            "dev.d",
            json!({"project": "p", "services": {"carts": 7}}),
            "invalid",
            "`services.carts` must be an object",
        ),
        ("dev.d", image(json!(7)), "invalid", "`image` of service `carts` must be text"),
    ]
}

fn impossible_syncs() -> Vec<Case> {
    let image = |image: Value| json!({"project": "p", "service": "carts", "configurationChange": {"values": {"image": image}}});
    vec![
        ("dev.d", image(json!("")), "invalid", "`image` of service `carts` must be text"),
        (
            "dev.quality",
            json!({"project": "p"}),
            "invalid",
            "neither a `deployment` nor a `release` task",
        ),
        (
            "hard.d",
            json!({"project": "p", "configurationChange": {"values": {"image": "carts:1"}}}),
            "invalid",
            "an artifact needs a service",
        ),
        (
            "hard.d",
            json!({"project": "p", "sync": {"from": "hard"}}),
            "invalid",
            "cannot take over from itself",
        ),
        (
            "hard.d",
            json!({"project": "p", "sync": {"from": "nowhere"}}),
            "notFound",
            "stage `nowhere` does not exist",
        ),
        (
            "hard.d",
            json!({"project": "p", "sync": {"services": ["x"]}}),
            "notFound",
            "service `x` does not exist",
        ),
    ]
}

#[test]
fn a_trigger_that_cannot_be_carried_out_ends_errored_with_a_hint() {
    let cases = [unknown(), misshapen(), impossible_syncs()].concat();
    for (kind, data, code, message) in cases {
        let answer = refused(kind, &data);
        assert_eq!(answer["code"], code, "{answer}");
        assert!(answer["message"].as_str().unwrap().contains(message), "{answer}");
        assert_ne!(answer["hint"].as_str().unwrap(), "", "{answer}");
        assert_eq!(answer["project"], data["project"]);
    }
}

#[test]
fn an_empty_stage_or_service_is_none() {
    let mut stream = stream();
    let (context, _) =
        stream.trigger("dev.d", json!({"project": "p", "stage": "", "service": "carts"}));
    stream.play(|_| "pass");
    assert_eq!(stream.told(&context).last().unwrap(), "dev.d.finished succeeded/pass");
    let (context, _) =
        stream.trigger("hard.d", json!({"project": "p", "stage": "hard", "service": ""}));
    stream.settle();
    assert_eq!(stream.data_of(&context, "hard.d.finished")["nothingToDo"], true, "a sync");
}

#[test]
fn a_repeated_trigger_is_one_with_the_same_context_type_and_id() {
    let mut stream = stream();
    let event = stream.make("dev.d.triggered", carts("1"));
    stream.store(event.clone());
    let runs = |stream: &Stream| stream.world.sequences.runs().count();
    let applied = stream.store(event.clone());
    assert_eq!(applied.notes[0].to_string(), "this trigger was seen already");
    assert_eq!(runs(&stream), 1);
    let other_context =
        Event { context: Some(model::KeptnContext::new("other").unwrap()), ..event.clone() };
    stream.store(other_context);
    assert_eq!(runs(&stream), 2);
    let other_type = Event {
        event_type: model::EventType::parse("sh.keptn.event.dev.quality.triggered").unwrap(),
        ..event.clone()
    };
    stream.store(other_type);
    assert_eq!(runs(&stream), 3);
    stream.play(|_| "pass");
    stream.store(event);
    assert_eq!(runs(&stream), 0, "it is known when it has ended, too");
}

#[test]
fn two_sequences_that_one_id_triggers_do_not_share_steps() {
    let mut stream = stream();
    let event = stream.make("dev.d.triggered", json!({"project": "p", "service": "carts"}));
    let context = model::KeptnContext::of_trigger(&event.id);
    let quality = Event {
        event_type: model::EventType::parse("sh.keptn.event.dev.quality.triggered").unwrap(),
        ..event.clone()
    };
    stream.store(event);
    stream.store(quality);
    stream.play(|_| "pass");
    assert_eq!(
        stream.told(&context),
        [
            "a.triggered",
            "dev.d.finished succeeded/pass",
            "test.triggered",
            "dev.quality.finished succeeded/pass"
        ]
    );
}

#[test]
fn tasks_and_ends_that_nobody_owes_change_nothing() {
    let mut stream = stream();
    let (context, _) = stream.trigger("dev.d", carts("1"));
    stream.settle();
    let before = stream.world.sequences.clone();
    let kinds =
        ["a.triggered", "dev.d.finished", "dev.d.started", "dev.d.status.changed", "x.y.z.w"];
    for kind in kinds {
        let mut event = stream.make(kind, json!({"project": "p"}));
        event.context = Some(context.clone());
        let applied = stream.store(event);
        assert_eq!(applied.notes.len(), 1, "{kind}");
        assert_eq!(stream.world.sequences, before, "{kind}");
    }
}

#[test]
fn an_end_that_was_seen_is_not_seen_again() {
    let mut stream = stream();
    let (context, _) = stream.trigger("dev.d", carts("1"));
    stream.play(|_| "pass");
    let end =
        stream.said().rfind(|event| short(event).starts_with("dev.d.finished")).unwrap().clone();
    let before = stream.world.clone();
    stream.store(end);
    assert_eq!(stream.world.sequences, before.sequences);
    assert_eq!(stream.world.stages, before.stages);
    assert_eq!(stream.told(&context).len(), 3, "the copy, and no answer to it");
}

#[test]
fn a_position_that_was_read_is_not_read_again() {
    let mut stream = stream();
    stream.trigger("dev.d", carts("1"));
    let before = stream.world.clone();
    let events = stream.events.clone();
    for stored in &events {
        let applied = stream.world.apply(stored);
        assert_eq!(applied.notes[0].to_string(), "this position was read already");
    }
    assert_eq!(stream.world, before);
}

#[test]
fn a_command_that_nobody_knows_is_answered() {
    let mut stream = stream();
    let answer = stream.command("resource.write", json!({"project": "p"}));
    assert_eq!((&answer["status"], &answer["code"]), (&json!("errored"), &json!("invalid")));
}

#[test]
fn an_answer_of_config_store_that_says_nothing_usable_is_noted() {
    let mut stream = stream();
    let create =
        stream.make("project.create.triggered", json!({"project": "q", "shipyard": encoded("x")}));
    stream.store(create);
    let mut answer = stream.owed_events().remove(0);
    answer.data = model::Payload::from_map(
        json!({"status": "succeeded", "project": "q"}).as_object().unwrap(),
    );
    let applied = stream.store(answer);
    assert_eq!(applied.notes[0].to_string(), "the answer to a command says nothing usable");
    assert!(stream.world.catalog.project("q").is_none());
    assert!(stream.owed_events().is_empty());
}

#[test]
fn gaps_in_the_stream_are_no_matter() {
    let mut stream = stream();
    let event = stream.make("dev.d.triggered", carts("1"));
    let stored = Stored::new(
        10_000,
        StreamTime::from_nanos(stream.time + 1),
        "sh.keptn.event.dev.d.triggered",
        Ok(event),
    );
    let applied = stream.world.apply(&stored);
    assert_eq!(applied.facts.len(), 2);
    assert_eq!(stream.world.position(), 10_000);
}
