//! The story, from the empty stream to three stages in sync.

use fold::plan;
use model::StageName;
use serde_json::{Value, json};

use crate::stream::{SHIPYARD, Stream};

/// Delivers an artifact to dev; the evaluation gives `result`.
fn deliver(stream: &mut Stream, service: &str, version: &str, result: &'static str) {
    stream.trigger(
        "dev.artifact-delivery",
        json!({"project": "p", "stage": "dev", "service": service,
               "configurationChange": {"values": {"image": format!("{service}:{version}")}}}),
    );
    stream.play(
        |task| {
            if task.event_type.to_string().contains("evaluation") { result } else { "pass" }
        },
    );
}

/// Plays what came before Sue looks.
pub(crate) fn history() -> Stream {
    let mut stream = Stream::with_project(SHIPYARD, &["carts", "carts-db", "catalogue"]);
    for service in ["carts", "carts-db", "catalogue"] {
        for (stage, replicas) in [("dev", 1), ("hardening", 3)] {
            let answer = stream.command(
                "configuration.change",
                json!({"project": "p", "stage": stage, "service": service,
                       "configurationChange": {"values": {"replicaCount": replicas}}}),
            );
            assert_eq!(answer["status"], "succeeded", "{answer}");
        }
    }
    deliver(&mut stream, "carts", "0.10.1", "pass");
    deliver(&mut stream, "carts-db", "0.4.0", "pass");
    deliver(&mut stream, "catalogue", "1.7.0", "pass");
    stream.trigger("hardening.artifact-delivery", json!({"project": "p", "stage": "hardening"}));
    stream.play(|_| "pass");
    for patch in 2..=17 {
        let result = if patch == 16 { "fail" } else { "pass" };
        deliver(&mut stream, "carts", &format!("0.10.{patch}"), result);
    }
    deliver(&mut stream, "carts-db", "0.4.1", "pass");
    deliver(&mut stream, "carts", "0.10.18", "fail");
    stream
}

/// Returns `service released evaluated` of a stage, and whether it differs.
fn table(stream: &Stream, stage: &str) -> Vec<String> {
    let project = stream.world.catalog.project("p").unwrap();
    let stage = StageName::new(stage).unwrap();
    let from = project.definition.shipyard.preceding(stage.as_str());
    plan::compare(&stream.world.stages, project, &stage, from)
        .iter()
        .map(|one| {
            let evaluated = one.evaluated.as_ref().map_or("-", |(artifact, ..)| artifact);
            let released = one.released.as_deref().unwrap_or("-");
            format!("{released} {evaluated} {}", if one.differs() { "differs" } else { "same" })
        })
        .collect()
}

#[test]
fn hardening_falls_behind_and_one_trigger_brings_it_and_production_up_to_date() {
    let mut stream = history();
    assert_eq!(
        table(&stream, "hardening"),
        [
            "carts:0.10.1 carts:0.10.17 differs",
            "carts-db:0.4.0 carts-db:0.4.1 differs",
            "catalogue:1.7.0 catalogue:1.7.0 same"
        ]
    );
    let (context, _) = stream
        .trigger("hardening.artifact-delivery", json!({"project": "p", "stage": "hardening"}));
    stream.play(|_| "pass");
    for stage in ["hardening", "production"] {
        let differing = table(&stream, stage).into_iter().filter(|row| row.ends_with("differs"));
        assert_eq!(differing.count(), 0, "{stage}");
    }
    let triplets = |tasks: &[&str]| -> Vec<String> {
        let kinds = ["triggered", "started", "finished"];
        tasks.iter().flat_map(|task| kinds.map(|kind| format!("{task}.{kind}"))).collect()
    };
    assert_eq!(
        stream.task_events(&context, "hardening"),
        triplets(&["deployment", "test", "test", "evaluation", "release"])
    );
    assert_eq!(
        stream.task_events(&context, "production"),
        triplets(&["update", "deployment", "test", "test", "evaluation", "release"])
    );
    assert!(stream.owed_events().is_empty());
    assert_eq!(stream.world.sequences.runs().count(), 0);
}

#[test]
fn a_sync_takes_the_artifacts_over_and_leaves_replica_counts_alone() {
    let mut stream = history();
    let (context, _) = stream
        .trigger("hardening.artifact-delivery", json!({"project": "p", "stage": "hardening"}));
    stream.play(|_| "pass");
    let sent = stream.data_of(&context, "deployment.triggered");
    assert_eq!(
        sent["services"],
        json!({"carts": {"values": {"image": "carts:0.10.17", "replicaCount": 3}},
               "carts-db": {"values": {"image": "carts-db:0.4.1", "replicaCount": 3}}})
    );
    assert_eq!(sent["deployment"], json!({"strategy": "blue_green"}));
    assert_eq!(sent["sync"]["from"], "dev");
    assert_eq!(sent.get("service"), None);
    let production = stream.data_of(&context, "update.triggered");
    assert_eq!(
        production["services"]["carts"]["values"],
        json!({"image": "carts:0.10.17"}),
        "hardening's replica count stays in hardening"
    );
    let own =
        stream.world.catalog.project("p").unwrap().own(
            &StageName::new("production").unwrap(),
            &model::ServiceName::new("carts").unwrap(),
        );
    assert_eq!(own.as_str(), r#"{"image":"carts:0.10.17"}"#);
}

#[test]
fn nothing_to_do_is_said_and_triggers_nothing() {
    let mut stream = Stream::with_project(SHIPYARD, &["carts"]);
    let (_, id) = stream.trigger("hardening.artifact-delivery", json!({"project": "p"}));
    stream.play(|_| "pass");
    let answer = stream.answer_to(&id);
    assert_eq!(answer["nothingToDo"], true);
    assert_eq!(answer["result"], "pass");
    assert_eq!(answer["status"], "succeeded");
    let tasks =
        stream.said().filter(|event| matches!(event.event_type, model::EventType::Task(_, _)));
    assert_eq!(tasks.count(), 0);
}

#[test]
fn the_first_stage_cannot_be_synced() {
    let mut stream = Stream::with_project(SHIPYARD, &["carts"]);
    let (_, id) = stream.trigger("dev.artifact-delivery", json!({"project": "p"}));
    stream.settle();
    let answer = stream.answer_to(&id);
    assert_eq!(answer["status"], "errored");
    assert_eq!(answer["result"], "fail");
    assert!(answer["message"].as_str().unwrap().contains("first stage"), "{answer}");
    assert_ne!(answer["hint"], Value::Null);
}

#[test]
fn an_unknown_name_is_answered_with_the_nearest() {
    let mut stream = Stream::with_project(SHIPYARD, &["carts"]);
    let cases = [
        ("hardning.artifact-delivery", json!({"project": "p", "service": "carts"}), "hardening"),
        ("dev.artifact-delivry", json!({"project": "p", "service": "carts"}), "artifact-delivery"),
        ("dev.artifact-delivery", json!({"project": "p", "service": "cart"}), "carts"),
        ("dev.artifact-delivery", json!({"project": "q", "service": "carts"}), "p"),
    ];
    for (kind, data, nearest) in cases {
        let (_, id) = stream.trigger(kind, data);
        stream.settle();
        let answer = stream.answer_to(&id);
        assert_eq!(answer["status"], "errored", "{kind}");
        assert_eq!(answer["hint"], format!("did you mean `{nearest}`?"), "{kind}");
    }
}
