//! Group commit on a server that writes each message through.

use std::collections::BTreeSet;

use bus::{
    Bus, PublishAck, PublishError, StreamSettings, profile::Profile, test_server::TestServer,
};
use futures_util::{FutureExt as _, StreamExt as _, future::join_all, stream::FuturesUnordered};

use super::{catch_up, event, publish, read_all, soon};

/// More than go out alone and as a batch together.
const MANY: usize = 600;

/// A server that writes each message through, with the stream, and a bus that knows of it.
async fn written_through() -> (TestServer, Bus) {
    let server =
        TestServer::start_with("jetstream { store_dir: \"$STORE\", sync_interval: always }")
            .await
            .unwrap();
    let bus = server.bus().await.unwrap();
    bus.ensure_stream(&StreamSettings::default()).await.unwrap();
    bus.set_profile(Profile::read(&server.monitor_url()).await);
    (server, bus)
}

async fn publish_all(
    bus: &Bus,
    ids: impl Iterator<Item = usize>,
) -> Vec<Result<PublishAck, PublishError>> {
    let publisher = bus.publisher();
    let all = ids.map(|id| publisher.publish(event(&id.to_string(), "test")));
    soon("acknowledgements", join_all(all)).await
}

/// Returns how many of the first messages came in a batch.
async fn in_batches(server: &TestServer, messages: usize) -> usize {
    let client = async_nats::connect(server.url()).await.unwrap();
    let stream = async_nats::jetstream::new(client).get_stream("keptn").await.unwrap();
    let mut batched = 0;
    for position in 1..=messages as u64 {
        let stored = stream.direct_get(position).await.unwrap();
        batched += usize::from(stored.headers.get("Nats-Batch-Id").is_some());
    }
    batched
}

#[tokio::test]
async fn what_piles_up_is_stored_in_batches_and_in_order() {
    let (server, bus) = written_through().await;
    let acks = publish_all(&bus, 0..MANY).await;
    let positions: Vec<u64> = acks.into_iter().map(|ack| ack.unwrap().position).collect();
    let found = catch_up(&mut read_all(&bus)).await;
    for (id, position) in positions.iter().enumerate() {
        assert_eq!(found[usize::try_from(position - 1).unwrap()], id.to_string());
    }
    let batched = in_batches(&server, positions.len()).await;
    assert!(batched > MANY / 2, "{batched} of {MANY} came in batches");
}

#[tokio::test]
async fn few_are_not_made_a_batch() {
    let (server, bus) = written_through().await;
    publish_all(&bus, 0..32).await;
    assert_eq!(in_batches(&server, 32).await, 0);
}

#[tokio::test]
async fn a_batch_with_an_id_that_is_stored_is_said_singly() {
    let (_server, bus) = written_through().await;
    publish(&bus, event("300", "test")).await.unwrap();
    let acks = publish_all(&bus, 0..MANY).await;
    let repeated: Vec<usize> =
        (0..MANY).filter(|id| acks[*id].as_ref().is_ok_and(|ack| ack.duplicate)).collect();
    assert_eq!(repeated, [300]);
    assert!(acks.iter().all(Result::is_ok));
    assert_eq!(bus.stream_end().await.unwrap(), MANY as u64);
    // What a batch stored is known to be stored.
    let again = publish_all(&bus, 0..MANY).await;
    assert!(again.iter().all(|ack| ack.as_ref().is_ok_and(|ack| ack.duplicate)));
    assert_eq!(bus.stream_end().await.unwrap(), MANY as u64);
}

#[tokio::test]
async fn one_that_is_refused_refuses_no_other() {
    let (_server, bus) = written_through().await;
    let publisher = bus.publisher();
    let all = (0..MANY).map(|id| {
        let mut outgoing = event(&id.to_string(), "test");
        if id == 300 {
            outgoing.event_json = "x".repeat(1024 * 1024);
        }
        publisher.publish(outgoing)
    });
    let acks = soon("acknowledgements", join_all(all)).await;
    let refused: Vec<usize> = (0..MANY).filter(|id| acks[*id].is_err()).collect();
    assert_eq!(refused, [300], "{:?}", acks[300]);
    assert!(matches!(acks[300], Err(PublishError::TooLarge { .. })), "{:?}", acks[300]);
}

#[tokio::test]
async fn a_stream_without_batches_takes_each_alone() {
    let (server, bus) = written_through().await;
    let client = async_nats::connect(server.url()).await.unwrap();
    let jetstream = async_nats::jetstream::new(client);
    let stream = jetstream.get_stream("keptn").await.unwrap();
    let mut config = stream.cached_info().config.clone();
    config.allow_atomic_publish = false;
    jetstream.update_stream(config).await.unwrap();
    let acks = publish_all(&bus, 0..MANY).await;
    assert!(acks.iter().all(Result::is_ok));
    assert_eq!(in_batches(&server, MANY).await, 0);
}

#[tokio::test]
async fn what_nobody_waits_for_any_more_is_not_said() {
    let (_server, bus) = written_through().await;
    let publisher = bus.publisher();
    let mut unwanted: FuturesUnordered<_> =
        (0..MANY).map(|id| publisher.publish(event(&id.to_string(), "test"))).collect();
    // They are handed over, and dropped before the only thread gets to the one that sends them.
    assert!(unwanted.next().now_or_never().is_none());
    drop(unwanted);
    let last = publisher.publish(event("last", "test"));
    soon("acknowledgement", last).await.unwrap();
    assert_eq!(catch_up(&mut read_all(&bus)).await, ["last"]);
    assert_eq!(publisher.free(), bus::IN_FLIGHT_MAX);
}

#[tokio::test]
async fn a_batch_that_is_out_when_the_server_dies_is_in_doubt() {
    let (mut server, bus) = written_through().await;
    let publisher = bus.publisher();
    let mut acks: FuturesUnordered<_> =
        (0..MANY).map(|id| publisher.publish(event(&id.to_string(), "test"))).collect();
    soon("first acknowledgement", acks.next()).await.unwrap().unwrap();
    server.kill();
    let mut stored = 1;
    while let Some(ack) = soon("answer", acks.next()).await {
        match ack {
            Ok(_) => stored += 1,
            Err(error) => assert!(error.may_be_stored(), "{error}"),
        }
    }
    server.restart().unwrap();
    let found = catch_up(&mut read_all(&bus)).await;
    assert!(found.len() >= stored, "{stored} acknowledged, {} found", found.len());
    assert_eq!(found.iter().collect::<BTreeSet<_>>().len(), found.len(), "stored twice");
}
