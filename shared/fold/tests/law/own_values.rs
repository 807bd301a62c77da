//! Values that belong to a stage, and the hash that names what a run ran with.

use model::{KeptnContext, StageName};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::stream::{Stream, carts, pass, shipyard};

fn stream() -> Stream {
    let documents = shipyard(&[
        "{name: dev, sequences: [{name: d, tasks: [{name: deployment}]}]}",
        "{name: hard, sequences: [{name: d, tasks: [{name: deployment}, {name: release}]},
          {name: next, triggeredOn: [{event: dev.d.finished}], tasks: [{name: test}]}]}",
        "{name: prod, sequences: [{name: d, triggeredOn: [{event: hard.d.finished}],
          tasks: [{name: update}, {name: deployment}]}]}",
    ]);
    let mut stream = Stream::with_project(&documents, &["carts"]);
    set(&mut stream, "dev", json!({"replicaCount": 1, "log": {"level": "debug", "file": "f"}}));
    set(&mut stream, "hard", json!({"replicaCount": 3}));
    stream
}

fn set(stream: &mut Stream, stage: &str, values: impl std::borrow::Borrow<Value>) -> Value {
    let values = values.borrow();
    stream.command(
        "configuration.change",
        json!({"project": "p", "stage": stage,
        "service": "carts", "configurationChange": {"values": values}}),
    )
}

fn with_values(values: impl std::borrow::Borrow<Value>) -> Value {
    let values = values.borrow();
    let mut data = carts("1");
    for (key, value) in values.as_object().unwrap() {
        data["configurationChange"]["values"][key] = value.clone();
    }
    data
}

/// Returns the values that a task of a stage was sent with.
fn sent(stream: &Stream, context: &KeptnContext, stage: &str, kind: &str) -> Value {
    let kind = format!("sh.keptn.event.{kind}.triggered");
    let event = stream.said().find(|event| {
        event.context.as_ref() == Some(context)
            && event.event_type.to_string() == kind
            && event.data.head().stage.as_deref() == Some(stage)
    });
    event.unwrap().data.to_map()["configurationChange"]["values"].clone()
}

#[test]
fn in_a_plain_run_the_trigger_lies_on_top_of_the_stage() {
    let mut stream = stream();
    let (context, _) = stream.trigger("dev.d", with_values(json!({"log": {"level": "info"}})));
    stream.settle();
    assert_eq!(
        sent(&stream, &context, "dev", "deployment"),
        json!({"image": "carts:1", "replicaCount": 1, "log": {"level": "info", "file": "f"}})
    );
}

#[test]
fn in_a_follow_up_the_stage_lies_on_top_of_what_is_carried() {
    let mut stream = stream();
    let (context, _) =
        stream.trigger("dev.d", with_values(json!({"replicaCount": 5, "extra": true})));
    stream.play(|_| "pass");
    assert_eq!(
        sent(&stream, &context, "hard", "test"),
        json!({"image": "carts:1", "replicaCount": 3, "extra": true})
    );
}

#[test]
fn the_stages_own_values_never_cross_into_the_next_one() {
    let mut stream = stream();
    let (context, _) = stream.trigger("dev.d", carts("1"));
    stream.play(|_| "pass");
    let trigger = stream.data_of(&context, "hard.next.triggered");
    assert_eq!(trigger["configurationChange"]["values"], json!({"image": "carts:1"}));
    assert_eq!(
        sent(&stream, &context, "hard", "test"),
        json!({"image": "carts:1", "replicaCount": 3})
    );
}

#[test]
fn a_value_that_was_given_reaches_a_stage_without_an_own_one() {
    let mut stream = stream();
    let (context, _) = stream.trigger("hard.d", with_values(json!({"replicaCount": 5})));
    stream.play(|_| "pass");
    assert_eq!(
        sent(&stream, &context, "hard", "deployment")["replicaCount"],
        5,
        "plain: given wins"
    );
    assert_eq!(sent(&stream, &context, "prod", "deployment")["replicaCount"], 5);
}

#[test]
fn in_a_sync_the_stage_wins_and_only_the_artifact_is_taken_over() {
    let mut stream = stream();
    stream.trigger("dev.d", with_values(json!({"replicaCount": 5, "extra": true})));
    stream.play(|_| "pass");
    let (context, _) = stream.trigger("hard.d", json!({"project": "p"}));
    stream.play(|_| "pass");
    assert_eq!(
        sent(&stream, &context, "hard", "deployment"),
        json!({"image": "carts:1", "replicaCount": 3})
    );
    assert_eq!(sent(&stream, &context, "prod", "deployment"), json!({"image": "carts:1"}));
}

#[test]
fn the_carried_artifact_wins_over_the_one_that_an_update_wrote() {
    let mut stream = stream();
    for version in ["1", "2"] {
        let (context, _) = stream.trigger("hard.d", carts(version));
        stream.play(|_| "pass");
        assert_eq!(
            sent(&stream, &context, "prod", "deployment")["image"],
            format!("carts:{version}")
        );
        let project = stream.world.catalog.project("p").unwrap();
        let own =
            project.own(&StageName::new("prod").unwrap(), project.services.keys().next().unwrap());
        assert_eq!(own.as_str(), format!(r#"{{"image":"carts:{version}"}}"#));
    }
}

#[test]
fn values_are_read_once_when_the_trigger_is_decided() {
    let mut stream = stream();
    let (first, _) = stream.trigger("hard.d", carts("1"));
    stream.settle();
    set(&mut stream, "hard", json!({"replicaCount": 4}));
    stream.finish(&first, pass());
    assert_eq!(
        stream.data_of(&first, "release.triggered")["configurationChange"]["values"]["replicaCount"],
        3
    );
    stream.play(|_| "pass");
    let (second, _) = stream.trigger("hard.d", carts("2"));
    stream.settle();
    assert_eq!(sent(&stream, &second, "hard", "deployment")["replicaCount"], 4);
}

#[test]
fn a_change_is_a_merge_patch_and_its_answer_carries_what_holds() {
    let mut stream = stream();
    let answer = set(&mut stream, "dev", json!({"log": {"level": null}, "new": [1]}));
    let values = json!({"replicaCount": 1, "log": {"file": "f"}, "new": [1]});
    assert_eq!(answer["configurationChange"]["values"], values);
    let project = stream.world.catalog.project("p").unwrap();
    let own = project.own(&StageName::new("dev").unwrap(), project.services.keys().next().unwrap());
    assert_eq!(Value::Object(own.to_map()), values);
}

#[test]
fn a_change_that_crosses_an_update_keeps_the_image_that_it_wrote() {
    let mut stream = stream();
    let change = stream.make(
        "configuration.change.triggered",
        json!({"project": "p", "stage": "prod",
        "service": "carts", "configurationChange": {"values": {"replicaCount": 2}}}),
    );
    stream.store(change);
    let answer = stream.owed_events().remove(0);
    // An update of a run that was decided before the change is answered in between.
    let mut update = stream.make("update.triggered", carts("9"));
    update.data = model::Payload::from_map(
        json!({"project": "p", "stage": "prod", "service": "carts",
        "configurationChange": {"values": {"image": "carts:9"}}})
        .as_object()
        .unwrap(),
    );
    stream.store(update);
    for kind in ["update.started", "update.finished"] {
        let owed = stream
            .owed_events()
            .into_iter()
            .find(|event| event.event_type.to_string().ends_with(kind));
        stream.store(owed.unwrap());
    }
    assert_eq!(
        stream.owed_events()[0].to_json(),
        answer.to_json(),
        "what is owed stays what it is"
    );
    stream.store(answer);
    let project = stream.world.catalog.project("p").unwrap();
    let own =
        project.own(&StageName::new("prod").unwrap(), project.services.keys().next().unwrap());
    assert_eq!(Value::Object(own.to_map()), json!({"image": "carts:9", "replicaCount": 2}));
}

#[test]
fn a_run_is_pinned_to_the_hash_of_its_effective_configuration() {
    let mut stream = stream();
    let (context, _) = stream.trigger("hard.d", carts("1"));
    stream.play(|_| "pass");
    let pinned = |stage: &str, values: &str| {
        let text =
            format!(r#"{{"project":"p","services":{{"carts":{values}}},"stage":"{stage}"}}"#);
        let digest = Sha256::digest(text.as_bytes());
        format!("{digest:x}").chars().take(40).collect::<String>()
    };
    let of = |kind: &str, stage: &str| {
        let event = stream.said().find(|event| {
            event.context.as_ref() == Some(&context)
                && event.event_type.to_string() == format!("sh.keptn.event.{kind}")
                && event.data.head().stage.as_deref() == Some(stage)
        });
        event.unwrap().git_commit_id.clone().unwrap().into_string()
    };
    let hard = pinned("hard", r#"{"image":"carts:1","replicaCount":3}"#);
    assert_eq!(of("deployment.triggered", "hard"), hard);
    assert_eq!(of("release.triggered", "hard"), hard);
    assert_eq!(of("hard.d.finished", "hard"), hard);
    assert_eq!(of("update.triggered", "prod"), pinned("prod", r#"{"image":"carts:1"}"#));
}
