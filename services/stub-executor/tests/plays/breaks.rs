//! What happens when something breaks.

use bus::{TaskConsumerOptions, names};
use model::{Event, EventId, EventType, Kind, Payload, TaskName};
use serde_json::json;
use stub_executor::{executor::PlayError, script::answer_id};
use tokio::time::timeout;

use crate::scene::{Scene, WAIT, lines};

const ONE_PASS: [&str; 2] = ["t1 a started succeeded/pass", "t1 a finished succeeded/pass"];

#[tokio::test]
async fn a_kill_in_the_middle_of_a_task_plays_it_again_with_equal_ids() {
    let services = "[{name: a, actions: [test], stub: [{delay: 700ms}]}]";
    let (scene, playing) = Scene::playing(services).await;
    scene.trigger("t1", "test", json!({})).await;
    scene.started("t1").await;
    playing.kill().await;
    let playing = scene.play().await;
    let answers = scene.finished("t1").await;
    assert_eq!(lines(&answers), ONE_PASS);
    assert_eq!(answers[1].event.id, answer_id("t1", "a", Kind::Finished, 0).event_id());
    playing.kill().await;
}

#[tokio::test]
async fn a_crash_comes_after_started_and_the_next_process_finishes() {
    let services = "[{name: a, actions: [test], stub: [{crash: true}]}]";
    let (scene, playing) = Scene::playing(services).await;
    scene.trigger("t1", "test", json!({})).await;
    assert!(matches!(playing.crashed().await, PlayError::Crash));
    assert_eq!(lines(&scene.started("t1").await), ONE_PASS[..1]);
    let playing = scene.play().await;
    assert_eq!(lines(&scene.finished("t1").await), ONE_PASS);
    playing.kill().await;
}

#[tokio::test]
async fn a_task_that_was_finished_but_not_acknowledged_is_not_played_again() {
    let mut scene = Scene::new().await;
    scene.project("create", "[{name: a, actions: [test]}]").await;
    let position = scene.trigger("t1", "test", json!({})).await;
    // A process before ours: took the task, finished it, and died before the acknowledgement.
    let mut consumer = scene.bus.task_consumer(TaskConsumerOptions {
        name: names::task_consumer("a", "test"),
        filter: names::task_triggered("test"),
        from: 1,
    });
    let delivery = timeout(WAIT, consumer.next()).await.unwrap();
    assert_eq!((delivery.message.position, delivery.count), (position, 1));
    drop((delivery, consumer));
    let id = answer_id("t1", "a", Kind::Finished, 0).event_id();
    let event_type = EventType::Task(TaskName::new("test").unwrap(), Kind::Finished);
    let data = json!({"project": "p", "stage": "dev", "status": "succeeded", "result": "warning"});
    let data = Payload::from_map(data.as_object().unwrap());
    let mut finished = Event::new(id, "a", event_type, data);
    finished.triggered_id = Some(EventId::new("t1").unwrap());
    scene.publish(&finished).await;

    let playing = scene.play().await;
    let acknowledged = scene.trigger("t2", "test", json!({})).await;
    assert!(acknowledged > position);
    scene.finished("t2").await;
    // The next delivery of t1 was acknowledged, not played: nothing more comes for it.
    let answers = scene.settled("a", "test").await;
    let of_first: Vec<String> =
        lines(&answers).into_iter().filter(|line| line.starts_with("t1 ")).collect();
    assert_eq!(of_first, ["t1 a finished succeeded/warning"]);
    playing.kill().await;
}

#[tokio::test]
async fn a_restart_of_the_server_in_the_middle_of_a_task_changes_nothing() {
    let services = "[{name: a, actions: [test], stub: [{delay: 1500ms}]}]";
    let (mut scene, playing) = Scene::playing(services).await;
    scene.trigger("t1", "test", json!({})).await;
    scene.started("t1").await;
    scene.server.restart().unwrap();
    scene.finished("t1").await;
    assert_eq!(lines(&scene.settled("a", "test").await), ONE_PASS);
    playing.kill().await;
}

#[tokio::test]
async fn what_is_no_event_holds_nobody_up() {
    let (scene, playing) = Scene::playing("[{name: a, actions: [test]}]").await;
    scene.publish_raw("sh.keptn.event.test.triggered", "not JSON").await;
    scene.publish_raw("sh.keptn.event.test.triggered", r#"{"id":"x","type":"other"}"#).await;
    scene.trigger("t1", "test", json!({})).await;
    scene.finished("t1").await;
    assert_eq!(lines(&scene.settled("a", "test").await), ONE_PASS);
    playing.kill().await;
}
