//! Snapshots and leases.

use bus::{Bus, Digest, Mark};
use model::StreamTime;

use super::{event, publish, soon, stream};

fn mark(position: u64) -> Mark {
    let time = StreamTime::from_nanos(position.cast_signed());
    Mark {
        position,
        digest: Digest::of(time, "s", b"b"),
        stream_created: StreamTime::from_nanos(7),
    }
}

async fn positions(snapshots: &bus::Snapshots) -> Vec<(u32, u64)> {
    let list = snapshots.list().await.unwrap();
    list.iter().map(|info| (info.format, info.mark.position)).collect()
}

#[tokio::test]
async fn the_last_two_snapshots_of_a_format_are_kept() {
    let (_server, bus) = stream().await;
    let snapshots = bus.snapshots("status-view").await.unwrap();
    assert_eq!(positions(&snapshots).await, []);
    snapshots.put(1, &mark(5), "old format".into()).await.unwrap();
    for position in [10, 20, 30] {
        let state = format!("state at {position}").repeat(50_000);
        snapshots.put(2, &mark(position), state.into()).await.unwrap();
    }
    assert_eq!(positions(&snapshots).await, [(2, 30), (2, 20), (1, 5)]);
    let list = snapshots.list().await.unwrap();
    let latest = snapshots.get(&list[0]).await.unwrap();
    assert_eq!(&latest[..], "state at 30".repeat(50_000).as_bytes());
    assert_eq!(list[0].mark, mark(30));
    assert_eq!(list[0].bytes, latest.len() as u64);
}

#[tokio::test]
async fn a_snapshot_is_never_overwritten_by_the_same_and_replaced_by_another_stream() {
    let (_server, bus) = stream().await;
    let snapshots = bus.snapshots("a").await.unwrap();
    snapshots.put(1, &mark(10), "first".into()).await.unwrap();
    snapshots.put(1, &mark(10), "second".into()).await.unwrap();
    let list = snapshots.list().await.unwrap();
    assert_eq!(&snapshots.get(&list[0]).await.unwrap()[..], b"first");
    let mut other = mark(10);
    other.stream_created = StreamTime::from_nanos(8);
    snapshots.put(1, &mark(20), "later".into()).await.unwrap();
    snapshots.put(1, &other, "third".into()).await.unwrap();
    let list = snapshots.list().await.unwrap();
    assert_eq!(list.len(), 1, "those of the stream that is no more are gone");
    assert_eq!(list[0].mark, other);
    assert_eq!(&snapshots.get(&list[0]).await.unwrap()[..], b"third");
}

#[tokio::test]
async fn snapshots_are_objects_that_other_clients_read() {
    use tokio::io::AsyncReadExt as _;
    let (server, bus) = stream().await;
    let snapshots = bus.snapshots("a").await.unwrap();
    snapshots.put(3, &mark(12), "state".into()).await.unwrap();
    let client = async_nats::connect(server.url()).await.unwrap();
    let store =
        async_nats::jetstream::new(client).get_object_store("keptn-snapshots-a").await.unwrap();
    let mut text = String::new();
    let mut object = store.get("v3-00000000000000000012").await.unwrap();
    object.read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "state");
    assert_eq!(object.info().metadata["position"], "12");
}

#[tokio::test]
async fn a_lease_is_held_by_one_and_taken_over_when_it_is_given_back() {
    let (_server, bus) = stream().await;
    let first = bus.lease("shipyard-controller", "one");
    soon("lease", until(|| first.holds())).await;
    let second = bus.lease("shipyard-controller", "two");
    let other = bus.lease("config-store", "two");
    soon("other lease", until(|| other.holds())).await;
    assert!(!second.holds());
    first.release().await;
    soon("takeover", until(|| second.holds())).await;
}

#[tokio::test]
async fn a_lease_of_a_dead_holder_runs_out() {
    let (server, bus) = stream().await;
    let other: Bus = server.bus().await.unwrap();
    let first = other.lease("shipyard-controller", "one");
    soon("lease", until(|| first.holds())).await;
    let second = bus.lease("shipyard-controller", "two");
    drop(first);
    soon("takeover", until(|| second.holds())).await;
}

#[tokio::test]
async fn a_lease_is_held_on_over_a_restart_of_the_server() {
    let (mut server, bus) = stream().await;
    let lease = bus.lease("shipyard-controller", "one");
    soon("lease", until(|| lease.holds())).await;
    server.restart().unwrap();
    super::publish_surely(&bus, event("a", "test")).await;
    publish(&bus, event("b", "test")).await.unwrap();
    soon("lease again", until(|| lease.holds())).await;
}

async fn until(level: impl Fn() -> bool) {
    while !level() {
        tokio::task::yield_now().await;
    }
}
