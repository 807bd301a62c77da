//! The story: one command brings a stage up to date with the stage before it.

use model::{
    KeptnContext,
    view::{StageQuery, StageStatus, SyncStatus},
};
use serde_json::{Value, json};
use status_view::answers;
use testing::SHIPYARD;

use crate::support::{Viewed, delivery, viewed};

/// The trigger of the story's sequence in a stage.
fn sequence(stage: &str) -> String {
    format!("{stage}.artifact-delivery")
}

/// Delivers an artifact to dev; its evaluation ends with `result`.
fn deliver(stream: &mut Viewed, service: &str, version: &str, result: &'static str) {
    let image = format!("{service}:{version}");
    let data = json!({"project": "p", "service": service,
        "configurationChange": {"values": {"image": image}}});
    stream.trigger(&sequence("dev"), data);
    stream.play(|task| {
        let is_evaluation = task.event_type.to_string().contains("evaluation");
        if is_evaluation { result } else { "pass" }
    });
}

/// Both services are in all three stages; since then dev went on.
fn behind() -> Viewed {
    let mut stream = viewed(SHIPYARD);
    deliver(&mut stream, "carts", "1", "pass");
    deliver(&mut stream, "db", "1", "pass");
    sync(&mut stream, "hardening", None);
    stream.play(|_| "pass");
    deliver(&mut stream, "carts", "2", "pass");
    deliver(&mut stream, "carts", "3", "fail");
    stream
}

/// Triggers a sync as the command does: no service, and perhaps the stage to take over from.
fn sync(stream: &mut Viewed, stage: &str, from: Option<&str>) -> KeptnContext {
    let mut data = json!({"project": "p", "stage": stage});
    if let Some(from) = from {
        data["sync"] = json!({"from": from});
    }
    let (context, _) = stream.trigger(&sequence(stage), data);
    stream.settle();
    context
}

fn status(stream: &Viewed, stage: &str) -> StageStatus {
    let query =
        StageQuery { project: "p".to_owned(), stage: stage.to_owned(), from: None, at_least: None };
    answers::stage(&stream.view, &query).unwrap()
}

/// Returns the artifacts that a run of a delivery takes over, by service.
fn taken(stream: &Viewed, context: &KeptnContext) -> Value {
    let sent = stream.data_of(context, "deployment.triggered");
    sent["services"].as_object().map_or(Value::Null, |services| {
        services
            .iter()
            .map(|(name, member)| (name.clone(), member["values"]["image"].clone()))
            .collect()
    })
}

/// Case J1, same: `view status` of a stage that has what the stage before it evaluated is in sync.
#[test]
fn case_j1_a_stage_that_has_everything_is_in_sync() {
    let mut stream = behind();
    sync(&mut stream, "hardening", None);
    stream.play(|_| "pass");
    let status = status(&stream, "hardening");
    assert_eq!((status.sync_status, status.command), (SyncStatus::InSync, None));
}

/// Case J2, same: `view status` of a stage that is behind is out of sync, lists what is released and
/// what was evaluated, and names the command.
#[test]
fn case_j2_a_stage_that_is_behind_is_out_of_sync() {
    let status = status(&behind(), "hardening");
    assert_eq!(status.sync_status, SyncStatus::OutOfSync);
    assert_eq!(status.from.as_ref().map(model::StageName::as_str), Some("dev"));
    let rows: Vec<_> = status
        .services
        .iter()
        .map(|one| (one.released.as_deref(), one.evaluated.as_deref(), one.differs))
        .collect();
    let expected = [(Some("carts:1"), Some("carts:2"), true), (Some("db:1"), Some("db:1"), false)];
    assert_eq!(rows, expected);
    let command = "keptn trigger artifact-delivery --project=p --stage=hardening";
    assert_eq!(status.command.as_deref(), Some(command));
}

/// Case J3, same: `view status` lists the deployments, tests and evaluations that are under way.
#[test]
fn case_j3_what_is_under_way_is_listed() {
    let mut stream = behind();
    assert!(status(&stream, "hardening").ongoing.is_empty());
    let context = sync(&mut stream, "hardening", None);
    stream.finish(&context, testing::pass());
    let [ongoing] = &status(&stream, "hardening").ongoing[..] else { panic!("one run") };
    assert_eq!(ongoing.task.as_deref(), Some("test (functional)"));
    assert_eq!(ongoing.artifacts, ["carts:2"]);
    assert_eq!(ongoing.keptn_context, context);
}

/// Case J4, same: a trigger of hardening without `--from` takes over from dev, the stage before it.
#[test]
fn case_j4_a_sync_takes_over_from_the_preceding_stage() {
    let mut stream = behind();
    let context = sync(&mut stream, "hardening", None);
    assert_eq!(taken(&stream, &context), json!({"carts": "carts:2"}));
    let run = delivery(&stream, &context).sequences.remove(0);
    assert_eq!(run.from.as_ref().map(model::StageName::as_str), Some("dev"));
}

/// Case J5, same: a trigger with `--from` takes over from the stage that it names.
#[test]
fn case_j5_a_sync_takes_over_from_the_stage_that_is_named() {
    let mut stream = behind();
    let nothing = sync(&mut stream, "production", None);
    let end = stream.data_of(&nothing, "production.artifact-delivery.finished");
    assert_eq!(end["nothingToDo"], true, "hardening has nothing that production has not");
    let context = sync(&mut stream, "production", Some("dev"));
    assert_eq!(taken(&stream, &context), json!({"carts": "carts:2"}));
}

/// Case J6, same: only artifacts whose evaluation passed are taken over.
#[test]
fn case_j6_an_artifact_that_failed_its_evaluation_is_not_taken_over() {
    let mut stream = behind();
    let row = &status(&stream, "hardening").services[0];
    assert_eq!(row.not_eligible.as_ref().map(|one| one.artifact.as_str()), Some("carts:3"));
    let context = sync(&mut stream, "hardening", None);
    assert_eq!(taken(&stream, &context), json!({"carts": "carts:2"}));
}

/// Case J7, same: only the services that differ are delivered.
#[test]
fn case_j7_a_service_that_does_not_differ_is_left_alone() {
    let mut stream = behind();
    let context = sync(&mut stream, "hardening", None);
    assert_eq!(taken(&stream, &context).get("db"), None);
    stream.play(|_| "pass");
    let again = sync(&mut stream, "hardening", None);
    assert_eq!(stream.told(&again), ["hardening.artifact-delivery.finished succeeded/pass"]);
}

/// Case J8, same: the first stage has none before it, so a sync of it is an error.
#[test]
fn case_j8_a_sync_of_the_first_stage_is_an_error() {
    let mut stream = behind();
    assert_eq!(status(&stream, "dev").sync_status, SyncStatus::FirstStage);
    let context = sync(&mut stream, "dev", None);
    assert_eq!(stream.told(&context), ["dev.artifact-delivery.finished errored/fail"]);
}

/// Case J9, same: one command brings two services up to date, in one run.
#[test]
fn case_j9_two_services_are_promoted_by_one_command() {
    let mut stream = behind();
    deliver(&mut stream, "db", "2", "pass");
    let context = sync(&mut stream, "hardening", None);
    assert_eq!(taken(&stream, &context), json!({"carts": "carts:2", "db": "db:2"}));
    assert_eq!(delivery(&stream, &context).sequences.len(), 1);
    stream.play(|_| "pass");
    assert_eq!(status(&stream, "hardening").sync_status, SyncStatus::InSync);
}

/// Case J10, same: when hardening has passed, production follows without a command.
#[test]
fn case_j10_production_follows_automatically() {
    let mut stream = behind();
    let context = sync(&mut stream, "hardening", None);
    stream.play(|_| "pass");
    let runs = delivery(&stream, &context).sequences;
    let stages: Vec<&str> = runs.iter().map(|run| run.stage.as_str()).collect();
    assert_eq!(stages, ["hardening", "production"]);
    let production = status(&stream, "production");
    assert_eq!(production.sync_status, SyncStatus::InSync);
    assert_eq!(production.services[0].released.as_deref(), Some("carts:2"));
}
