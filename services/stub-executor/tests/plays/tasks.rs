//! What is played, by whom, and how.

use std::time::Duration;

use serde_json::json;

use crate::scene::{Scene, lines};

const PASSED: [&str; 2] = ["t1 a started succeeded/pass", "t1 a finished succeeded/pass"];

#[tokio::test]
async fn a_bracket_is_answered_once() {
    let (scene, playing) = Scene::playing("[{name: a, actions: [test]}]").await;
    let services = json!({"carts": {"values": {"image": "carts:1"}}, "db": {"values": {}}});
    scene.trigger("t1", "test", json!({"service": null, "services": services})).await;
    let answers = scene.finished("t1").await;
    assert_eq!(lines(&answers), PASSED);
    assert_eq!(answers[1].event.context.as_ref().unwrap().as_str(), "c1");
    playing.kill().await;
}

#[tokio::test]
async fn a_project_that_is_created_later_is_learnt() {
    let mut scene = Scene::new().await;
    let playing = scene.play().await;
    scene.project("create", "[{name: a, actions: [test]}]").await;
    scene.trigger("t1", "test", json!({})).await;
    assert_eq!(lines(&scene.finished("t1").await), PASSED);
    playing.kill().await;
}

#[tokio::test]
async fn what_was_triggered_before_the_start_is_played() {
    let mut scene = Scene::new().await;
    scene.project("create", "[{name: a, actions: [test]}]").await;
    scene.trigger("t1", "test", json!({})).await;
    let playing = scene.play().await;
    assert_eq!(lines(&scene.finished("t1").await), PASSED);
    playing.kill().await;
}

#[tokio::test]
async fn the_selector_chooses_the_executor() {
    let services = "[{name: a, actions: [test], selector: {matchLabels: {kind: functional}}}, \
                     {name: b, actions: [test], selector: {matchLabels: {kind: performance}}}]";
    let (scene, playing) = Scene::playing(services).await;
    scene.trigger("t1", "test", json!({"test": {"kind": "performance"}})).await;
    scene.trigger("t2", "test", json!({"test": {"kind": "functional"}})).await;
    scene.trigger("t3", "test", json!({"test": {"kind": "other"}})).await;
    scene.trigger("t4", "test", json!({"test": {"kind": "functional"}})).await;
    let answers = scene.all_finished(&["t1", "t2", "t4"]).await;
    let mut lines = lines(&answers);
    lines.retain(|line| line.contains("finished"));
    lines.sort();
    assert_eq!(
        lines,
        [
            "t1 b finished succeeded/pass",
            "t2 a finished succeeded/pass",
            "t4 a finished succeeded/pass"
        ]
    );
    playing.kill().await;
}

#[tokio::test]
async fn a_delay_lies_between_started_and_finished_and_tasks_run_side_by_side() {
    let services = "[{name: a, actions: [test], stub: [{stage: prod, delay: 400ms}]}]";
    let (scene, playing) = Scene::playing(services).await;
    for id in ["t1", "t2", "t3"] {
        scene.trigger(id, "test", json!({"stage": "prod"})).await;
    }
    let answers = scene
        .answers_until(|answers| answers.iter().filter(|one| one.kind() == "finished").count() == 3)
        .await;
    let time = |id, kind| answers.iter().find(|one| one.is(id, kind)).unwrap().time;
    for id in ["t1", "t2", "t3"] {
        let took = time(id, "finished").since(time(id, "started"));
        assert!(took >= Duration::from_millis(400), "{id} took {took:?}");
    }
    let first = answers.iter().position(|one| one.is("t1", "finished")).unwrap();
    let started = answers[..first].iter().filter(|one| one.is("t3", "started")).count();
    assert_eq!(started, 1, "{:?}", lines(&answers));
    playing.kill().await;
}

#[tokio::test]
async fn a_silent_stub_says_nothing_and_holds_nobody_up() {
    let services = "[{name: a, actions: [test], stub: [{stage: prod, silent: true}]}]";
    let (scene, playing) = Scene::playing(services).await;
    scene.trigger("t0", "test", json!({"stage": "prod"})).await;
    scene.trigger("t1", "test", json!({})).await;
    scene.finished("t1").await;
    assert_eq!(lines(&scene.settled("a", "test").await), PASSED);
    playing.kill().await;
}

#[tokio::test]
async fn two_answers_are_two_pairs_with_ids_of_their_own() {
    let services = "[{name: a, actions: [test], stub: [{answers: 2}]}]";
    let (scene, playing) = Scene::playing(services).await;
    scene.trigger("t1", "test", json!({})).await;
    let answers = scene.answers_until(|answers| answers.len() == 4).await;
    let ids: std::collections::BTreeSet<_> = answers.iter().map(|one| &one.event.id).collect();
    assert_eq!(ids.len(), 4);
    assert_eq!(lines(&answers)[2..], vec![PASSED[1]; 2]);
    playing.kill().await;
}

#[tokio::test]
async fn an_approval_is_finished_if_automatic_and_left_to_a_person_if_manual() {
    let (scene, playing) = Scene::playing("[{name: a, actions: [approval, test]}]").await;
    let strategy = json!({"pass": "automatic", "warning": "manual"});
    for (id, result) in [("t1", "warning"), ("t2", "pass"), ("t3", "fail")] {
        scene.trigger(id, "approval", json!({"result": result, "approval": strategy})).await;
    }
    scene.all_finished(&["t2", "t3"]).await;
    let answers = scene.settled("a", "approval").await;
    assert!(answers.iter().any(|one| one.is("t1", "started")), "{:?}", lines(&answers));
    let mut finished = lines(&answers);
    finished.retain(|line| line.contains("finished"));
    finished.sort();
    assert_eq!(finished, ["t2 a finished succeeded/pass", "t3 a finished succeeded/fail"]);
    playing.kill().await;
}

#[tokio::test]
async fn data_that_names_nothing_is_answered_with_an_error() {
    let (scene, playing) = Scene::playing("[{name: a, actions: [test]}]").await;
    scene.trigger("t1", "test", json!({"service": null})).await;
    let answers = scene.finished("t1").await;
    assert_eq!(lines(&answers)[1], "t1 a finished errored/fail");
    assert!(answers[1].event.data.head().message.unwrap().contains("`data.service`"));
    playing.kill().await;
}

#[tokio::test]
async fn an_update_counts_from_its_position_on_and_a_deleted_project_is_not_played() {
    let (mut scene, playing) = Scene::playing("[{name: a, actions: [test]}]").await;
    scene.trigger("t1", "test", json!({})).await;
    scene.project("update", "[{name: a, actions: [test], stub: [{result: fail}]}]").await;
    scene.trigger("t2", "test", json!({})).await;
    let answers = scene.finished("t2").await;
    assert!(lines(&answers).contains(&"t2 a finished succeeded/fail".to_owned()));
    scene.project("delete", "[]").await;
    scene.trigger("t3", "test", json!({})).await;
    scene.project("create", "[{name: a, actions: [test]}]").await;
    scene.trigger("t4", "test", json!({})).await;
    scene.finished("t4").await;
    let answers = scene.settled("a", "test").await;
    assert!(!answers.iter().any(|answer| answer.answers("t3")), "{:?}", lines(&answers));
    playing.kill().await;
}

#[tokio::test]
async fn rules_of_the_file_win_and_executors_may_be_left_out() {
    let mut scene = Scene::new().await;
    let services = "[{name: a, actions: [test], stub: [{result: warning}]}, \
                     {name: b, actions: [test]}]";
    scene.project("create", services).await;
    let playing = scene.play_with("[{service: carts, result: fail}]", "*,-b").await;
    scene.trigger("t1", "test", json!({})).await;
    scene.trigger("t2", "test", json!({})).await;
    let answers = scene.all_finished(&["t1", "t2"]).await;
    let lines = lines(&answers);
    assert!(lines.contains(&"t1 a finished succeeded/fail".to_owned()), "{lines:?}");
    assert!(!lines.iter().any(|line| line.contains(" b ")), "{lines:?}");
    playing.kill().await;
}
