//! What executors get, and get again.

use std::time::Duration;

use bus::{TaskConsumer, TaskConsumerOptions};

use super::{Bus, event, publish, publish_surely, soon, stream};

fn consumer(bus: &Bus) -> TaskConsumer {
    bus.task_consumer(TaskConsumerOptions {
        name: "stub-executor-jmeter-service-test".to_owned(),
        filter: "sh.keptn.event.test.triggered".to_owned(),
        from: 2,
    })
}

fn id_of(delivery: &bus::Delivery) -> String {
    delivery.message.event().unwrap().id.as_str().to_owned()
}

#[tokio::test]
async fn tasks_come_from_the_start_position_on_and_once_if_acknowledged() {
    let (_server, bus) = stream().await;
    for id in ["a", "b", "c"] {
        publish(&bus, event(id, "test")).await.unwrap();
    }
    let mut tasks = consumer(&bus);
    for expected in ["b", "c"] {
        let delivery = soon("task", tasks.next()).await;
        assert_eq!((id_of(&delivery).as_str(), delivery.count), (expected, 1));
        delivery.ack().await.unwrap();
    }
    bus.flush(super::LIMIT).await.unwrap();
    drop(tasks);
    let mut tasks = consumer(&bus);
    publish(&bus, event("d", "test")).await.unwrap();
    assert_eq!(id_of(&soon("task", tasks.next()).await), "d");
}

#[tokio::test]
async fn a_task_comes_again_unless_it_is_said_to_be_in_progress() {
    let (_server, bus) = stream().await;
    publish(&bus, event("a", "deployment")).await.unwrap();
    publish(&bus, event("b", "test")).await.unwrap();
    let mut tasks = consumer(&bus);
    let first = soon("task", tasks.next()).await;
    let mut said = tokio::time::interval(bus::IN_PROGRESS_EVERY);
    let over = tokio::time::Instant::now() + Duration::from_millis(1_500);
    while tokio::time::Instant::now() < over {
        said.tick().await;
        first.in_progress().await.unwrap();
        let again = tokio::time::timeout(Duration::from_millis(1), tasks.next()).await;
        assert!(again.is_err(), "it came again although it was in progress");
    }
    let again = soon("second delivery", tasks.next()).await;
    assert_eq!((id_of(&again).as_str(), again.count), ("b", 2));
    again.nak(Duration::from_millis(10)).await.unwrap();
    let third = soon("third delivery", tasks.next()).await;
    assert_eq!(third.count, 3);
    third.term().await.unwrap();
}

#[tokio::test]
async fn tasks_come_on_after_a_restart() {
    let (mut server, bus) = stream().await;
    publish(&bus, event("a", "deployment")).await.unwrap();
    let mut tasks = consumer(&bus);
    publish(&bus, event("b", "test")).await.unwrap();
    soon("task", tasks.next()).await.ack().await.unwrap();
    server.restart().unwrap();
    publish_surely(&bus, event("c", "test")).await;
    soon("task after the restart", async {
        // An acknowledgement is not durable: the first may come again.
        while id_of(&tasks.next().await) != "c" {}
    })
    .await;
}
