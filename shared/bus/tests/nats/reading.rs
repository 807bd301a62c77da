//! The reader: catching up, living on over restarts, and noticing another stream.

use bus::{BootTime, Read, ReadFrom, ReaderOptions};
use std::time::Duration;

use super::{
    LIMIT, catch_up, event, next_message, next_raw, publish, publish_surely, read_all, soon, stream,
};

#[tokio::test]
async fn old_messages_come_first_then_the_end_then_new_ones() {
    let (_server, bus) = stream().await;
    for i in 0..5 {
        publish(&bus, event(&format!("old-{i}"), "test")).await.unwrap();
    }
    let mut reader = read_all(&bus);
    assert_eq!(catch_up(&mut reader).await, ["old-0", "old-1", "old-2", "old-3", "old-4"]);
    assert!(reader.is_caught_up());
    publish(&bus, event("new", "test")).await.unwrap();
    assert_eq!(next_message(&mut reader).await, (6, "new".to_owned()));
    assert_eq!((reader.position(), reader.read_up_to()), (6, 6));
}

#[tokio::test]
async fn an_empty_stream_is_caught_up_with() {
    let (_server, bus) = stream().await;
    let mut reader = read_all(&bus);
    assert_eq!(catch_up(&mut reader).await, Vec::<String>::new());
    assert_eq!(reader.mark(), None);
}

#[tokio::test]
async fn a_long_stream_is_replayed_in_order_and_large_messages_do_not_stop_it() {
    let (_server, bus) = stream().await;
    let publisher = bus.publisher();
    let mut acks = Vec::new();
    for i in 0..3_000 {
        let mut outgoing = event(&format!("{i}"), "test");
        if i % 300 == 7 {
            let filler = format!(r#""data":{{"x":"{}"}}"#, "y".repeat(1_000_000));
            outgoing.event_json = outgoing.event_json.replace(r#""data":{}"#, &filler);
        }
        acks.push(tokio::spawn(publisher.publish(outgoing)));
    }
    for ack in acks {
        soon("ack", ack).await.unwrap().unwrap();
    }
    let began = BootTime::now();
    let mut reader = read_all(&bus);
    let mut ids = catch_up(&mut reader).await;
    println!("3,000 messages replayed in {:?}", BootTime::now().since(began));
    assert_eq!((ids.len(), reader.position()), (3_000, 3_000));
    ids.sort_by_key(|id| id.parse::<u32>().unwrap());
    ids.dedup();
    assert_eq!(ids.len(), 3_000);
}

#[tokio::test]
async fn a_filtered_reader_sees_only_its_subjects_and_knows_the_end() {
    let (_server, bus) = stream().await;
    for (id, task) in [("a", "test"), ("b", "deployment"), ("c", "test"), ("d", "release")] {
        publish(&bus, event(id, task)).await.unwrap();
    }
    let filters =
        vec!["sh.keptn.event.test.>".to_owned(), "sh.keptn.event.deployment.*".to_owned()];
    let from = ReadFrom::Beginning;
    let mut reader = bus.reader(ReaderOptions { filters: filters.clone(), from });
    assert_eq!(catch_up(&mut reader).await, ["a", "b", "c"]);
    assert_eq!((reader.position(), reader.read_up_to()), (3, 4));
    assert_eq!(bus.last_position(&filters).await.unwrap(), 3);
    publish(&bus, event("e", "release")).await.unwrap();
    publish(&bus, event("f", "test")).await.unwrap();
    assert_eq!(next_message(&mut reader).await, (6, "f".to_owned()));
    for i in 0..5 {
        publish(&bus, event(&format!("g-{i}"), "release")).await.unwrap();
    }
    soon("end", async {
        while reader.read_up_to() < 11 {
            let read = tokio::time::timeout(Duration::from_millis(50), reader.next()).await;
            assert!(read.is_err(), "{read:?}");
        }
    })
    .await;
    assert_eq!((reader.position(), reader.read_up_to()), (6, 11));
}

#[tokio::test]
async fn a_reader_goes_on_behind_a_mark_that_fits_and_refuses_one_that_does_not() {
    let (_server, bus) = stream().await;
    for id in ["a", "b", "c"] {
        publish(&bus, event(id, "test")).await.unwrap();
    }
    let mut first = read_all(&bus);
    next_message(&mut first).await;
    next_message(&mut first).await;
    let mark = first.mark().unwrap();
    let after = |mark| ReaderOptions { filters: Vec::new(), from: ReadFrom::After(mark) };
    let mut second = bus.reader(after(mark));
    assert_eq!(next_message(&mut second).await, (3, "c".to_owned()));

    let mut moved = mark;
    moved.position = 1;
    let mut wrong = bus.reader(after(moved));
    assert!(matches!(soon("answer", wrong.next()).await, Read::Replaced));
    assert!(matches!(soon("answer", wrong.next()).await, Read::Replaced));
    let mut beyond = mark;
    beyond.position = 9;
    assert!(matches!(soon("answer", bus.reader(after(beyond)).next()).await, Read::Replaced));
    let mut other = mark;
    other.stream_created = model::StreamTime::from_nanos(5);
    assert!(matches!(soon("answer", bus.reader(after(other)).next()).await, Read::Replaced));
}

#[tokio::test]
async fn a_server_that_is_restarted_at_once_is_read_on_within_50_ms() {
    let gap = restart_gap(Duration::ZERO).await;
    println!("restarted at once: {gap:?} from listening to the first new message");
    assert!(gap < Duration::from_millis(250), "{gap:?}");
}

#[tokio::test]
async fn a_server_that_was_away_for_a_second_is_read_on_within_300_ms() {
    let gap = restart_gap(Duration::from_secs(1)).await;
    println!("away for 1 s: {gap:?} from listening to the first new message");
    assert!(gap < Duration::from_millis(500), "{gap:?}");
}

/// Kills the server, starts it again after `away`, and returns the time from its listening to the
/// first new message at the reader.
async fn restart_gap(away: Duration) -> Duration {
    let (mut server, bus) = stream().await;
    let mut reader = read_all(&bus);
    catch_up(&mut reader).await;
    publish(&bus, event("before", "test")).await.unwrap();
    assert_eq!(next_message(&mut reader).await.1, "before");
    server.kill();
    let over = tokio::time::Instant::now() + away;
    let lost = tokio::time::timeout_at(over, reader.next()).await;
    assert!(lost.is_err(), "{lost:?}");
    let listening = server.restart().unwrap();
    publish_surely(&bus, event("after", "test")).await;
    assert_eq!(next_message(&mut reader).await.1, "after");
    let gap = BootTime::now().since(listening);
    assert!(reader.is_live());
    gap
}

#[tokio::test]
async fn a_server_that_says_nothing_for_a_while_is_read_on() {
    let (server, bus) = stream().await;
    let mut reader = read_all(&bus);
    catch_up(&mut reader).await;
    server.pause().unwrap();
    let over = tokio::time::Instant::now() + Duration::from_secs(3);
    assert!(tokio::time::timeout_at(over, reader.next()).await.is_err());
    assert!(!reader.is_live(), "silence must not pass for being live");
    server.resume().unwrap();
    let resumed = BootTime::now();
    publish_surely(&bus, event("after", "test")).await;
    assert_eq!(next_message(&mut reader).await.1, "after");
    println!("silent for 3 s: {:?} from its going on", BootTime::now().since(resumed));
}

#[tokio::test]
async fn caught_up_is_lost_with_the_connection_and_said_again() {
    let (mut server, bus) = stream().await;
    let mut reader = read_all(&bus);
    catch_up(&mut reader).await;
    let since = reader.caught_up_since().unwrap();
    server.restart().unwrap();
    catch_up(&mut reader).await;
    assert!(reader.caught_up_since().unwrap() > since);
    assert_eq!(bus.reconnects(), 1);
}

#[tokio::test]
async fn another_stream_under_the_same_address_is_noticed() {
    let (mut server, bus) = stream().await;
    let mut reader = read_all(&bus);
    for id in ["a", "b"] {
        publish(&bus, event(id, "test")).await.unwrap();
        next_message(&mut reader).await;
    }
    server.restart_empty().unwrap();
    soon("notice", async { while !matches!(reader.next().await, Read::Replaced) {} }).await;
    let mut cold = read_all(&bus);
    assert_eq!(catch_up(&mut cold).await, Vec::<String>::new());
    publish_surely(&bus, event("c", "test")).await;
    assert_eq!(next_message(&mut cold).await, (1, "c".to_owned()));
}

#[tokio::test]
async fn a_stream_that_lost_its_end_is_noticed() {
    let (mut server, bus) = stream().await;
    let mut reader = read_all(&bus);
    publish(&bus, event("a", "test")).await.unwrap();
    next_message(&mut reader).await;
    server.kill();
    let store = server.directory().join("store");
    let saved = server.directory().join("saved");
    copy(&store, &saved);
    server.restart().unwrap();
    for id in ["b", "c"] {
        publish_surely(&bus, event(id, "test")).await;
        next_message(&mut reader).await;
    }
    server.kill();
    std::fs::remove_dir_all(&store).unwrap();
    copy(&saved, &store);
    server.restart().unwrap();
    soon("notice", async { while !matches!(reader.next().await, Read::Replaced) {} }).await;
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[tokio::test]
async fn a_consumer_that_vanishes_without_a_break_is_replaced_by_a_new_one() {
    let (server, bus) = stream().await;
    let mut reader = read_all(&bus);
    catch_up(&mut reader).await;
    let client = async_nats::connect(server.url()).await.unwrap();
    let jetstream = async_nats::jetstream::new(client);
    let keptn = jetstream.get_stream("keptn").await.unwrap();
    let mut names = keptn.consumer_names();
    let name = futures_util::StreamExt::next(&mut names).await.unwrap().unwrap();
    keptn.delete_consumer(&name).await.unwrap();
    publish(&bus, event("a", "test")).await.unwrap();
    assert_eq!(next_message(&mut reader).await.1, "a");
}

#[tokio::test]
async fn every_way_to_write_an_event_is_read() {
    let (server, bus) = stream().await;
    let client = async_nats::connect(server.url()).await.unwrap();
    let subject = "sh.keptn.event.test.triggered";
    let structured = event("plain", "test").event_json;
    client.publish(subject, structured.into()).await.unwrap();
    let mut headers = async_nats::HeaderMap::new();
    for (name, value) in
        [("ce-specversion", "1.0"), ("ce-id", "binary"), ("ce-source", "ci"), ("ce-type", subject)]
    {
        headers.insert(name, value);
    }
    client
        .publish_with_headers(subject, headers, r#"{"project":"sockshop"}"#.into())
        .await
        .unwrap();
    client.publish(subject, "no event".into()).await.unwrap();
    client
        .publish("sh.keptn.event.other.triggered", event("x", "test").event_json.into())
        .await
        .unwrap();
    client.flush().await.unwrap();
    let mut reader = read_all(&bus);
    assert_eq!(next_message(&mut reader).await.1, "plain");
    let binary = next_raw(&mut reader).await;
    let stored = binary.stored();
    assert_eq!(stored.body.unwrap().data.head().project.as_deref(), Some("sockshop"));
    for _ in 0..2 {
        let bad = next_raw(&mut reader).await;
        assert!(bad.stored().body.is_err());
    }
}

#[tokio::test]
async fn single_messages_are_read_by_position_and_by_subject() {
    let (_server, bus) = stream().await;
    for id in ["a", "b"] {
        publish(&bus, event(id, "test")).await.unwrap();
    }
    let message = bus.message_at(1).await.unwrap().unwrap();
    assert_eq!(message.event().unwrap().id.as_str(), "a");
    let last = bus.last_on_subject("sh.keptn.event.test.triggered").await.unwrap().unwrap();
    assert_eq!(last.position, 2);
    assert!(bus.message_at(3).await.unwrap().is_none());
    assert!(bus.last_on_subject("sh.keptn.event.none.triggered").await.unwrap().is_none());
    let both = bus.messages_at(&[2, 9, 1]).await.unwrap();
    assert_eq!(both.iter().map(|message| message.position).collect::<Vec<_>>(), [2, 1]);
    let mut reader = read_all(&bus);
    let read = next_raw(&mut reader).await;
    assert_eq!(read.digest(), message.digest());
}

#[tokio::test]
async fn the_servers_clock_is_never_thought_ahead_of_what_it_stamps() {
    let (_server, bus) = stream().await;
    let mut reader = read_all(&bus);
    catch_up(&mut reader).await;
    for i in 0..100 {
        let thought = bus.server_now();
        publish(&bus, event(&i.to_string(), "test")).await.unwrap();
        let message = next_raw(&mut reader).await;
        assert!(thought <= message.time, "{thought} > {}", message.time);
        assert!(bus.server_now().since(message.time) < LIMIT);
    }
}
