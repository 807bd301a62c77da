//! The follower against real servers: snapshots, other streams, and streams without a beginning.
#![cfg(test)]

use std::{future::Future, time::Duration};

use bus::{Bus, Outgoing, SnapshotInfo, StreamSettings, test_server::TestServer};
use imbl::OrdMap;
use model::Stored;
use serde::{Deserialize, Serialize};
use service::{FollowError, Followed, Follower, State};

/// Bound of every wait in these tests.
const LIMIT: Duration = Duration::from_secs(20);
/// Filler of an event, so that a hundred of them are more log than a snapshot waits for.
const FILLER_BYTES: usize = 160_000;
const COMPONENT: &str = "test-component";

/// Remembers every event; copies share what did not change.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Seen {
    ids: OrdMap<u64, String>,
}

impl State for Seen {
    const FORMAT: u32 = 2;
    type Notes = ();

    fn apply(&mut self, stored: &Stored) {
        let id = stored.body.as_ref().map_or("", |event| event.id.as_str());
        self.ids.insert(stored.position, id.to_owned());
    }
}

/// The same state in a version that nobody knows yet.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Newer {
    seen: Seen,
}

impl State for Newer {
    const FORMAT: u32 = 3;
    type Notes = ();

    fn apply(&mut self, stored: &Stored) {
        self.seen.apply(stored);
    }
}

async fn soon<T>(what: &str, wait: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, wait).await.unwrap_or_else(|_| panic!("no {what} in {LIMIT:?}"))
}

async fn stream() -> (TestServer, Bus) {
    let server = TestServer::start().await.unwrap();
    let bus = server.bus().await.unwrap();
    bus.ensure_stream(&StreamSettings::default()).await.unwrap();
    (server, bus)
}

async fn publish(bus: &Bus, task: &str, ids: std::ops::Range<u32>) {
    let publisher = bus.publisher();
    for id in ids {
        let subject = format!("sh.keptn.event.{task}.triggered");
        let filler = "x".repeat(FILLER_BYTES);
        let outgoing = Outgoing {
            event_json: format!(
                r#"{{"id":"{id}","source":"t","type":"{subject}","data":{{"x":"{filler}"}}}}"#
            ),
            subject,
            message_id: format!("{task}-{id}"),
            expected_last_subject_sequence: None,
        };
        soon("ack", async {
            while let Err(error) = publisher.publish(outgoing.clone()).await {
                assert!(error.retryable(), "{error}");
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
}

/// Follows until the end of the stream was read.
async fn follow_to_end<S: State>(bus: &Bus, follower: &mut Follower<S>) {
    let end = bus.stream_end().await.unwrap();
    soon("the end", async {
        while follower.read_up_to() < end || !follower.is_caught_up() {
            follower.next().await.unwrap();
        }
    })
    .await;
}

/// Waits until a snapshot is in the list.
async fn snapshot(bus: &Bus) -> SnapshotInfo {
    let snapshots = bus.snapshots(COMPONENT).await.unwrap();
    soon("snapshot", async {
        loop {
            if let Some(info) = snapshots.list().await.unwrap().first() {
                return info.clone();
            }
        }
    })
    .await
}

/// Follows live until there is a snapshot, and returns the state at the end.
async fn write_snapshot(bus: &Bus) -> (Seen, SnapshotInfo) {
    let mut follower = Follower::<Seen>::start(bus, COMPONENT, &[]).await.unwrap();
    follow_to_end(bus, &mut follower).await;
    publish(bus, "test", 1_000..1_100).await;
    follow_to_end(bus, &mut follower).await;
    let info = snapshot(bus).await;
    let state = follower.state().clone();
    follower.finish().await;
    (state, info)
}

#[tokio::test]
async fn a_fold_starts_from_its_snapshot_and_ends_in_the_same_state() {
    let (_server, bus) = stream().await;
    let (before, info) = write_snapshot(&bus).await;
    assert!(info.mark.position > 50 && info.mark.position < 101, "{info:?}");
    let mut again = Follower::<Seen>::start(&bus, COMPONENT, &[]).await.unwrap();
    assert_eq!(again.position(), info.mark.position);
    assert_eq!(again.state().ids.len(), usize::try_from(info.mark.position).unwrap());
    follow_to_end(&bus, &mut again).await;
    assert_eq!(*again.state(), before);
    let mut cold = Follower::<Seen>::start(&bus, "another-component", &[]).await.unwrap();
    follow_to_end(&bus, &mut cold).await;
    assert_eq!(*cold.state(), before);
}

#[tokio::test]
async fn a_snapshot_of_another_format_is_not_read_and_not_removed() {
    let (_server, bus) = stream().await;
    let (_, info) = write_snapshot(&bus).await;
    let newer = Follower::<Newer>::start(&bus, COMPONENT, &[]).await.unwrap();
    assert_eq!(newer.position(), 0);
    let snapshots = bus.snapshots(COMPONENT).await.unwrap();
    assert_eq!(snapshots.list().await.unwrap(), [info]);
}

#[tokio::test]
async fn without_the_beginning_and_without_a_snapshot_nothing_is_followed() {
    let (_server, bus) = stream().await;
    let (before, info) = write_snapshot(&bus).await;
    bus.trim_below(info.mark.position + 1).await.unwrap();
    let mut follower = Follower::<Seen>::start(&bus, COMPONENT, &[]).await.unwrap();
    assert_eq!(follower.position(), info.mark.position);
    follow_to_end(&bus, &mut follower).await;
    assert_eq!(*follower.state(), before);
    let refused = Follower::<Newer>::start(&bus, COMPONENT, &[]).await.unwrap_err();
    assert!(matches!(refused, FollowError::BeginningGone { format: 3, .. }), "{refused}");
    bus.trim_below(info.mark.position + 5).await.unwrap();
    let refused = Follower::<Seen>::start(&bus, COMPONENT, &[]).await.unwrap_err();
    assert!(matches!(refused, FollowError::BeginningGone { format: 2, .. }), "{refused}");
}

#[tokio::test]
async fn another_stream_is_folded_from_its_beginning() {
    let (mut server, bus) = stream().await;
    let mut follower = Follower::<Seen>::start(&bus, COMPONENT, &[]).await.unwrap();
    publish(&bus, "test", 0..3).await;
    follow_to_end(&bus, &mut follower).await;
    assert_eq!(follower.state().ids.len(), 3);
    server.restart_empty().unwrap();
    soon("restart", async {
        while !matches!(follower.next().await.unwrap(), Followed::Restarted) {}
    })
    .await;
    assert_eq!(*follower.state(), Seen::default());
    publish(&bus, "test", 7..8).await;
    follow_to_end(&bus, &mut follower).await;
    assert_eq!(follower.state().ids, OrdMap::unit(1, "7".to_owned()));
}

#[tokio::test]
async fn snapshots_of_a_stream_that_is_no_more_are_removed() {
    let (_server, bus) = stream().await;
    let (before, info) = write_snapshot(&bus).await;
    let snapshots = bus.snapshots(COMPONENT).await.unwrap();
    let mut beyond = info.mark;
    beyond.position = 5_000;
    snapshots.put(Seen::FORMAT, &beyond, "of an end that was lost".into()).await.unwrap();
    let mut follower = Follower::<Seen>::start(&bus, COMPONENT, &[]).await.unwrap();
    assert_eq!(follower.position(), info.mark.position);
    assert_eq!(snapshots.list().await.unwrap(), [info]);
    follow_to_end(&bus, &mut follower).await;
    assert_eq!(*follower.state(), before);
}

#[tokio::test]
async fn a_damaged_snapshot_is_passed_over() {
    let (_server, bus) = stream().await;
    publish(&bus, "test", 0..2).await;
    let mut follower = Follower::<Seen>::start(&bus, COMPONENT, &[]).await.unwrap();
    follow_to_end(&bus, &mut follower).await;
    let mark = {
        let from = bus::ReadFrom::Beginning;
        let mut reader = bus.reader(bus::ReaderOptions { filters: Vec::new(), from });
        soon("message", async {
            while !matches!(reader.next().await, bus::Read::Message(_)) {}
            reader.mark().unwrap()
        })
        .await
    };
    let snapshots = bus.snapshots(COMPONENT).await.unwrap();
    snapshots.put(Seen::FORMAT, &mark, vec![0xff; 40].into()).await.unwrap();
    let mut again = Follower::<Seen>::start(&bus, COMPONENT, &[]).await.unwrap();
    assert_eq!(again.position(), 0);
    follow_to_end(&bus, &mut again).await;
    assert_eq!(again.state(), follower.state());
}

#[tokio::test]
async fn a_filtered_fold_starts_from_its_snapshot_too() {
    let (_server, bus) = stream().await;
    let filters = ["sh.keptn.event.project.>"];
    let mut follower = Follower::<Seen>::start(&bus, COMPONENT, &filters).await.unwrap();
    follow_to_end(&bus, &mut follower).await;
    publish(&bus, "project.create", 0..60).await;
    publish(&bus, "test", 0..3).await;
    soon("the filtered end", async {
        while follower.position() < 60 {
            follower.next().await.unwrap();
        }
    })
    .await;
    let info = snapshot(&bus).await;
    let mut again = Follower::<Seen>::start(&bus, COMPONENT, &filters).await.unwrap();
    assert_eq!(again.position(), info.mark.position);
    soon("catching up", async {
        while !again.is_caught_up() {
            again.next().await.unwrap();
        }
    })
    .await;
    assert_eq!(again.state(), follower.state());
    assert_eq!(again.state().ids.len(), 60);
}
