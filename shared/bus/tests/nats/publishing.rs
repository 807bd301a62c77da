//! What the stream says to a publish, and what is in doubt.

use bus::{Outgoing, PublishAck, PublishError, StreamSettings, test_server::TestServer};

use super::{catch_up, event, publish, publish_surely, read_all, soon, stream};

#[tokio::test]
async fn a_message_id_is_stored_once() {
    let (_server, bus) = stream().await;
    let ack = |duplicate| PublishAck { position: 1, duplicate };
    assert_eq!(publish(&bus, event("a", "test")).await, Ok(ack(false)));
    assert_eq!(publish(&bus, event("a", "test")).await, Ok(ack(true)));
    assert_eq!(bus.stream_end().await.unwrap(), 1);
}

#[tokio::test]
async fn a_fence_holds_back_what_is_old() {
    let (_server, bus) = stream().await;
    let fenced = |id: &str, last| Outgoing {
        expected_last_subject_sequence: Some(last),
        ..event(id, "test")
    };
    assert_eq!(publish(&bus, fenced("a", 0)).await.unwrap().position, 1);
    publish(&bus, event("other", "deployment")).await.unwrap();
    let refused = publish(&bus, fenced("b", 0)).await.unwrap_err();
    assert!(matches!(refused, PublishError::WrongLastSequence { .. }), "{refused}");
    assert_eq!(publish(&bus, fenced("b", 1)).await.unwrap().position, 3);
}

#[tokio::test]
async fn a_full_stream_says_so_and_its_room_can_be_asked() {
    let server = TestServer::start().await.unwrap();
    let bus = server.bus().await.unwrap();
    let small = StreamSettings { bytes_max: Some(64 * 1024), ..StreamSettings::default() };
    bus.ensure_stream(&small).await.unwrap();
    let mut stored = 0;
    let refused = loop {
        let mut outgoing = event(&stored.to_string(), "test");
        let filler = format!(r#""data":{{"x":"{}"}}"#, "y".repeat(8_000));
        outgoing.event_json = outgoing.event_json.replace(r#""data":{}"#, &filler);
        match publish(&bus, outgoing).await {
            Ok(_) => stored += 1,
            Err(error) => break error,
        }
        assert!(stored < 100);
    };
    assert!(matches!(refused, PublishError::NoRoom { .. }), "{refused}");
    assert!(!refused.may_be_stored() && refused.retryable());
    let info = bus.stream_info().await.unwrap();
    assert!(info.bytes_free().unwrap() < 9_000 && info.percent_full() > 80, "{info:?}");
    bus.trim_below(4).await.unwrap();
    let info = bus.stream_info().await.unwrap();
    assert_eq!((info.first, info.is_trimmed()), (4, true));
}

#[tokio::test]
async fn a_too_large_event_is_refused_before_it_is_sent() {
    let (_server, bus) = stream().await;
    let mut outgoing = event("a", "test");
    outgoing.event_json = "x".repeat(1024 * 1024);
    let refused = publish(&bus, outgoing).await.unwrap_err();
    assert!(matches!(refused, PublishError::TooLarge { .. }), "{refused}");
}

#[tokio::test]
async fn what_is_not_permitted_is_told_at_once() {
    let server = TestServer::start_with(
        r#"authorization { users: [ { user: u, password: p, permissions: {
             publish: { allow: ["$JS.API.>", "sh.keptn.event.test.>"] }, subscribe: ">" } } ] }"#,
    )
    .await
    .unwrap();
    let url = server.url().replace("nats://", "nats://u:p@");
    let options = bus::ConnectOptions::new(&url, "test");
    let bus = bus::Bus::connect_once(options, super::LIMIT).await.unwrap();
    bus.ensure_stream(&StreamSettings::default()).await.unwrap();
    assert!(publish(&bus, event("a", "test")).await.is_ok());
    let began = std::time::Instant::now();
    let refused = publish(&bus, event("b", "deployment")).await.unwrap_err();
    assert!(matches!(refused, PublishError::NotAllowed { .. }), "{refused}");
    assert!(began.elapsed().as_secs() < 2, "{:?}", began.elapsed());
}

#[tokio::test]
async fn without_a_connection_nothing_is_kept_for_later() {
    let (mut server, bus) = stream().await;
    let decided_before = bus.publisher().publish(event("early", "test"));
    server.kill();
    soon("notice", async {
        while bus.is_connected() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let refused = publish(&bus, event("lost", "test")).await.unwrap_err();
    assert!(matches!(refused, PublishError::Disconnected { .. }), "{refused}");
    server.restart().unwrap();
    publish_surely(&bus, event("kept", "test")).await;
    let refused = decided_before.await.unwrap_err();
    assert!(matches!(refused, PublishError::Disconnected { .. }), "{refused}");
    assert_eq!(catch_up(&mut read_all(&bus)).await, ["kept"]);
}

#[tokio::test]
async fn what_is_in_flight_when_the_server_dies_is_reported_as_in_doubt() {
    let (mut server, bus) = stream().await;
    let publisher = bus.publisher();
    let mut acks = Vec::new();
    for i in 0..500 {
        acks.push(tokio::spawn(publisher.publish(event(&i.to_string(), "test"))));
    }
    soon("first ack", acks.remove(0)).await.unwrap().unwrap();
    server.kill();
    let mut stored = 1;
    for ack in acks {
        match soon("answer", ack).await.unwrap() {
            Ok(_) => stored += 1,
            Err(error) => assert!(error.may_be_stored(), "{error}"),
        }
    }
    server.restart().unwrap();
    let found = catch_up(&mut read_all(&bus)).await.len();
    println!("{stored} acknowledged, {found} found of 500");
    assert!(found >= stored);
    assert_eq!(publisher.free(), bus::IN_FLIGHT_MAX);
}
