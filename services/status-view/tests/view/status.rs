//! The status of a stage.

use model::view::{ServiceState, SyncStatus};
use serde_json::{Value, json};
use status_view::answers;

use crate::stream::{Stream, pass};

/// Returns the names and the states of all services of a status.
fn states(stream: &Stream, stage: &str) -> Vec<(String, ServiceState, bool)> {
    let services = stream.status(stage).services;
    services.into_iter().map(|one| (one.service.to_string(), one.state, one.differs)).collect()
}

#[test]
fn the_storys_status_is_answered_member_by_member() {
    let stream = Stream::behind();
    let mut answer = serde_json::to_value(stream.status("hardening")).unwrap();
    let contexts: Vec<Value> =
        ["/services/0/evaluatedContext", "/services/0/notEligible/keptnContext"]
            .iter()
            .map(|at| answer.pointer(at).cloned().unwrap())
            .collect();
    // Contexts and times are told by the stream; what they must be is looked at elsewhere.
    for service in answer["services"].as_array_mut().unwrap() {
        assert!(service["evaluatedContext"].is_string());
        assert!(service["evaluatedAt"].as_str().is_some_and(|at| at.starts_with("1970-01-01T")));
        service["evaluatedContext"] = "…".into();
        service["evaluatedAt"] = "…".into();
        if !service["notEligible"].is_null() {
            service["notEligible"]["keptnContext"] = "…".into();
        }
    }
    assert_ne!(contexts[0], contexts[1]);
    let service = |name: &str, released: &str, evaluated: &str, why: (&str, Value)| {
        json!({"service": name, "released": released, "evaluated": evaluated,
            "evaluatedResult": "pass", "evaluatedContext": "…", "evaluatedAt": "…",
            "state": why.0, "differs": released != evaluated, "notEligible": why.1})
    };
    let failed = json!({"artifact": "carts:0.10.18", "result": "fail",
        "message": "response time p95 934 ms is over 600 ms", "keptnContext": "…"});
    let expected = json!({
        "project": "sockshop", "stage": "hardening", "from": "dev", "syncStatus": "out-of-sync",
        "position": stream.events.len(),
        "services": [
            service("carts", "carts:0.10.1", "carts:0.10.17", ("behind", failed)),
            service("carts-db", "carts-db:0.4.0", "carts-db:0.4.1", ("behind", Value::Null)),
            service("catalogue", "catalogue:1.7.0", "catalogue:1.7.0", ("in-sync", Value::Null)),
        ],
        "ongoing": [],
        "command": "keptn trigger artifact-delivery --project=sockshop --stage=hardening",
    });
    assert_eq!(answer, expected);
}

#[test]
fn after_a_sync_hardening_and_production_are_in_sync_without_a_command() {
    let mut stream = Stream::behind();
    stream.sync("hardening");
    stream.play(pass);
    for stage in ["hardening", "production"] {
        let status = stream.status(stage);
        assert_eq!(status.sync_status, SyncStatus::InSync, "{stage}");
        assert_eq!(status.command, None);
        assert!(status.services.iter().all(|one| one.state == ServiceState::InSync));
    }
}

#[test]
fn the_first_stage_is_compared_with_nothing() {
    let stream = Stream::behind();
    let status = stream.status("dev");
    assert_eq!(
        (status.sync_status, status.from, status.command),
        (SyncStatus::FirstStage, None, None)
    );
    let released: Vec<_> =
        status.services.iter().filter_map(|one| one.released.as_deref()).collect();
    assert_eq!(released, ["carts:0.10.17", "carts-db:0.4.1", "catalogue:1.7.0"]);
    assert!(status.services.iter().all(|one| one.evaluated.is_none() && !one.differs));
}

#[test]
fn a_service_says_why_it_is_as_it_is() {
    let mut stream = Stream::story();
    stream.deliver("dev", "carts", "carts:1");
    assert_eq!(states(&stream, "hardening"), [("carts".to_owned(), ServiceState::New, true)]);
    stream.deliver("hardening", "carts", "carts:hotfix");
    stream.deliver("hardening", "carts-db", "carts-db:1");
    stream.deliver_bad("dev", "catalogue", "catalogue:1");
    let expected = [
        ("carts".to_owned(), ServiceState::Ahead, true),
        ("carts-db".to_owned(), ServiceState::OnlyHere, false),
        ("catalogue".to_owned(), ServiceState::NotEligible, false),
    ];
    assert_eq!(states(&stream, "hardening"), expected);
}

#[test]
fn an_artifact_that_is_being_evaluated_or_was_aborted_has_no_result() {
    let mut stream = Stream::behind();
    let context = stream.trigger("dev", "catalogue", "catalogue:1.8.0");
    let newer = |stream: &Stream| stream.status("hardening").services[2].not_eligible.clone();
    let open = newer(&stream).unwrap();
    assert_eq!(
        (open.artifact.as_str(), open.result, open.message),
        ("catalogue:1.8.0", None, None)
    );
    stream.control("abort", &context);
    stream.play(pass);
    let aborted = newer(&stream).unwrap();
    assert_eq!((aborted.result, aborted.message.as_deref()), (None, Some("aborted")));
}

#[test]
fn from_is_part_of_the_command_only_if_it_is_not_the_preceding_stage() {
    let stream = Stream::behind();
    let command = |from| stream.status_from("production", from).command;
    assert_eq!(
        command(Some("dev")).as_deref(),
        Some("keptn trigger artifact-delivery --project=sockshop --stage=production --from=dev")
    );
    assert_eq!(command(Some("hardening")), None);
    let named = stream.status_from("hardening", Some("dev"));
    assert_eq!(named, stream.status("hardening"));
}

#[test]
fn the_sequence_that_evaluated_is_named_if_the_stage_has_one_that_can_be_a_sync() {
    let shipyard = "
apiVersion: spec.keptn.sh/0.2.3
kind: Shipyard
metadata: {name: s}
spec:
  stages:
    - name: dev
      sequences:
        - {name: fast, tasks: [{name: deployment}, {name: evaluation}]}
        - {name: slow, tasks: [{name: deployment}, {name: evaluation}]}
        - {name: check, tasks: [{name: evaluation}]}
    - name: next
      sequences:
        - {name: check, tasks: [{name: evaluation}]}
        - {name: other, tasks: [{name: deployment}]}
        - {name: slow, tasks: [{name: deployment}]}
";
    let mut stream = Stream::with_project(shipyard, None, &["a"]);
    let mut run = |sequence: &str, artifact: Option<&str>| {
        let mut data = json!({"project": "sockshop", "stage": "dev", "service": "a"});
        if let Some(artifact) = artifact {
            data["configurationChange"] = json!({"values": {"image": artifact}});
        }
        stream.say(&format!("dev.{sequence}.triggered"), &data);
        stream.play(pass);
        let command = stream.status("next").command.unwrap();
        command.split_whitespace().nth(2).unwrap().to_owned()
    };
    assert_eq!(run("slow", Some("a:1")), "slow");
    assert_eq!(run("fast", Some("a:2")), "other");
    assert_eq!(run("check", None), "other");
}

#[test]
fn ongoing_says_what_runs_and_for_what_it_waits() {
    let mut stream = Stream::behind();
    let sync = stream.sync("hardening");
    let queued = stream.trigger("hardening", "carts", "carts:0.10.19");
    for _ in 0..2 {
        let task = stream.open_tasks().remove(0);
        stream.answer(&task, "finished", &json!({"status": "succeeded", "result": "pass"}));
    }
    let ongoing = stream.status("hardening").ongoing;
    let text: Vec<Value> = ongoing.iter().map(|one| serde_json::to_value(one).unwrap()).collect();
    let opened = stream.view.world.sequences.runs().next().unwrap().open.as_ref().unwrap().at;
    let asked = stream.view.world.sequences.runs().nth(1).unwrap().triggered_at;
    assert_eq!(
        text,
        [
            json!({"services": ["carts", "carts-db"], "sequence": "artifact-delivery",
                "task": "test (performance)", "artifacts": ["carts:0.10.17", "carts-db:0.4.1"],
                "since": opened, "waitingFor": "jmeter-service", "keptnContext": sync,
                "state": "started"}),
            json!({"services": ["carts"], "sequence": "artifact-delivery", "task": "deployment",
                "artifacts": ["carts:0.10.19"], "since": asked, "waitingFor": "queue",
                "keptnContext": queued, "state": "waiting"}),
        ]
    );
}

#[test]
fn unknown_names_are_refused_with_the_nearest_one() {
    let stream = Stream::behind();
    let refused = |project: &str, stage: &str, from: Option<&str>| {
        let query = model::view::StageQuery {
            project: project.to_owned(),
            stage: stage.to_owned(),
            from: from.map(str::to_owned),
            at_least: None,
        };
        let error = answers::stage(&stream.view, &query).unwrap_err();
        (serde_json::to_value(error.code).unwrap(), error.message, error.hint.unwrap_or_default())
    };
    let (code, message, hint) = refused("sokshop", "dev", None);
    assert_eq!((code, message.as_str()), (json!("notFound"), "project `sokshop` does not exist"));
    assert_eq!(hint, "did you mean `sockshop`?");
    let (_, message, hint) = refused("sockshop", "hardning", None);
    assert_eq!(message, "stage `hardning` does not exist in project `sockshop`");
    assert_eq!(hint, "did you mean `hardening`?");
    assert_eq!(refused("sockshop", "hardening", Some("qa")).0, json!("notFound"));
    assert_eq!(refused("sockshop", "hardening", Some("hardening")).0, json!("badQuery"));
}
