//! From one version to the next and back: what a snapshot looks like is fixed per format, and what
//! another version wrote is neither read nor overwritten.
#![cfg(test)]

use std::{fmt::Debug, fs, future::Future, path::Path, time::Duration};

use bus::{Bus, Outgoing, SnapshotInfo, StreamSettings, test_server::TestServer};
use fold::{Applied, Catalog, Owes as _, World};
use model::Stored;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use service::{FollowError, Follower, State};
use testing::{Stream, history};

/// Bound of every wait in these tests.
const LIMIT: Duration = Duration::from_mins(1);
/// Sequences in flight while one version takes over from another.
const IN_FLIGHT: usize = 64;
/// Filler of an event that changes nothing, so that a hundred of them are more log than a snapshot waits for.
const FILLER_BYTES: usize = 160_000;
/// Enough fillers for a snapshot.
const FILLERS: usize = 100;
const COMPONENT: &str = "shipyard-controller";
/// The oldest format of which there is a fixture.
const FORMAT_FIRST: u32 = 2;
const REGENERATE: &str = "cargo run -p service --example fixtures";

/// The world of the next version: written in another way.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct NextWorld {
    added: Option<String>,
    world: World,
}

impl State for NextWorld {
    const FORMAT: u32 = <World as State>::FORMAT + 1;
    type Notes = Applied;

    fn apply(&mut self, stored: &Stored) -> Applied {
        State::apply(&mut self.world, stored)
    }
}

fn check_fixture<S: State + PartialEq + Debug>(name: &str, folded: &S) {
    let file = format!("{name}-{}.bin", S::FORMAT);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(&file);
    let fixture = fs::read(&path).unwrap_or_else(|error| {
        panic!("{file} must be there: {error}; a new format needs a fixture: {REGENERATE}")
    });
    let bytes = postcard::to_allocvec(folded).unwrap();
    assert!(
        bytes == fixture,
        "a snapshot is written differently than {file} ({} bytes, {} there), under the same format: \
         raise FORMAT in shared/service/src/states.rs, then {REGENERATE}",
        bytes.len(),
        fixture.len()
    );
    let read: S = decode(&fixture);
    assert_eq!(read, *folded, "{file} must be read as what the stream comes to");
}

fn decode<S: DeserializeOwned>(bytes: &[u8]) -> S {
    postcard::from_bytes(bytes).unwrap()
}

#[test]
fn a_snapshot_of_this_format_is_the_fixture_and_is_read_as_the_fold() {
    let stream = history::fixed();
    check_fixture("world", &stream.world);
    check_fixture("catalog", &stream.config);
}

#[test]
fn the_fixture_of_every_format_is_kept() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let formats = [("world", <World as State>::FORMAT), ("catalog", <Catalog as State>::FORMAT)];
    for (name, newest) in formats {
        for format in FORMAT_FIRST..=newest {
            let file = folder.join(format!("{name}-{format}.bin"));
            assert!(file.is_file(), "{} must be kept", file.display());
        }
    }
}

#[test]
fn the_fixture_holds_something_of_everything() {
    let stream = history::fixed();
    let waits: Vec<String> = stream
        .world
        .sequences
        .runs()
        .filter_map(|run| stream.world.sequences.waiting(run))
        .map(|wait| format!("{:?}", wait.reason))
        .collect();
    for word in ["Executor", "Queue", "Approval", "Pause", "Command"] {
        assert!(waits.iter().any(|wait| wait.starts_with(word)), "{word} is missing: {waits:?}");
    }
    assert!(!stream.owed_events().is_empty());
}

#[test]
fn what_the_next_version_wrote_is_not_what_this_one_writes() {
    let world = history::fixed().world;
    let next = NextWorld { added: None, world: world.clone() };
    assert_ne!(postcard::to_allocvec(&next).unwrap(), postcard::to_allocvec(&world).unwrap());
}

async fn soon<T>(what: &str, wait: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, wait).await.unwrap_or_else(|_| panic!("no {what} in {LIMIT:?}"))
}

async fn publish(bus: &Bus, subject: &str, id: &str, event_json: String) {
    let outgoing = Outgoing {
        subject: subject.to_owned(),
        event_json,
        message_id: id.to_owned(),
        expected_last_subject_sequence: None,
    };
    soon("ack", bus.publisher().publish(outgoing)).await.unwrap();
}

/// A server on which the events of a stream are stored.
async fn stored(stream: &Stream) -> (TestServer, Bus) {
    let server = TestServer::start().await.unwrap();
    let bus = server.bus().await.unwrap();
    bus.ensure_stream(&StreamSettings::default()).await.unwrap();
    for event in stream.events.iter().filter_map(|stored| stored.body.as_ref().ok()) {
        let subject = event.event_type.to_string();
        publish(&bus, &subject, event.id.as_str(), event.to_json()).await;
    }
    (server, bus)
}

async fn start<S: State>(bus: &Bus) -> Follower<S> {
    Follower::start(bus, COMPONENT, &[]).await.unwrap()
}

async fn follow_to_end<S: State>(bus: &Bus, follower: &mut Follower<S>) {
    let end = bus.stream_end().await.unwrap();
    soon("the end", async {
        while follower.read_up_to() < end || !follower.is_caught_up() {
            follower.next().await.unwrap();
        }
    })
    .await;
}

async fn snapshots(bus: &Bus) -> Vec<SnapshotInfo> {
    bus.snapshots(COMPONENT).await.unwrap().list().await.unwrap()
}

/// Runs a version until it has written a snapshot; returns its state.
async fn run_version<S: State>(bus: &Bus, name: &str) -> S {
    let mut follower = start::<S>(bus).await;
    follow_to_end(bus, &mut follower).await;
    for number in 0..FILLERS {
        let subject = "sh.keptn.event.nobody.finished";
        let id = format!("{name}-{number}");
        let filler = "x".repeat(FILLER_BYTES);
        let event =
            format!(r#"{{"id":"{id}","source":"t","type":"{subject}","data":{{"x":"{filler}"}}}}"#);
        publish(bus, subject, &id, event).await;
    }
    follow_to_end(bus, &mut follower).await;
    let state = follower.state().clone();
    follower.finish().await;
    soon("snapshot", async {
        while snapshots(bus).await.iter().all(|one| one.format != S::FORMAT) {}
    })
    .await;
    state
}

#[tokio::test]
async fn an_upgrade_and_the_way_back_lose_nothing_with_64_sequences_in_flight() {
    let stream = history::in_flight(IN_FLIGHT);
    let (_server, bus) = stored(&stream).await;
    let open = |world: &World| world.sequences.runs().filter(|run| run.open.is_some()).count();

    let before: World = run_version(&bus, "this").await;
    assert_eq!(open(&before), IN_FLIGHT);
    let ours = snapshots(&bus).await;
    assert_eq!(start::<NextWorld>(&bus).await.position(), 0, "the next version folds anew");

    let next: NextWorld = run_version(&bus, "next").await;
    assert_eq!(open(&next.world), IN_FLIGHT);
    let both = snapshots(&bus).await;
    let kept: Vec<&SnapshotInfo> =
        both.iter().filter(|one| one.format == <World as State>::FORMAT).collect();
    assert_eq!(kept, ours.iter().collect::<Vec<_>>(), "ours are as they were");
    assert!(both.len() > ours.len());

    let mut back = start::<World>(&bus).await;
    let newest = ours.first().map(|one| one.mark.position);
    assert_eq!(Some(back.position()), newest, "back from our own snapshot");
    follow_to_end(&bus, &mut back).await;
    assert_eq!(*back.state(), next.world, "both versions come to the same");
    let owed = |world: &World| world.owed_after(0);
    assert_eq!(owed(back.state()), owed(&next.world), "and owe the same");
    assert_eq!(snapshots(&bus).await, both, "nothing is overwritten");
}

#[tokio::test]
async fn who_can_read_neither_beginning_nor_snapshot_refuses_and_writes_nothing() {
    let (_server, bus) = stored(&history::in_flight(1)).await;
    let _: NextWorld = run_version(&bus, "next").await;
    let written = snapshots(&bus).await;
    let newest = written.first().map(|one| one.mark.position).unwrap();
    bus.trim_below(newest + 1).await.unwrap();
    let end = bus.stream_end().await.unwrap();
    let refused = Follower::<World>::start(&bus, COMPONENT, &[]).await.unwrap_err();
    let FollowError::BeginningGone { first, format } = &refused;
    assert_eq!((*first, *format), (newest + 1, <World as State>::FORMAT));
    assert!(refused.to_string().contains("run the version that wrote the snapshots"), "{refused}");
    assert_eq!(bus.stream_end().await.unwrap(), end, "no event is written");
    assert_eq!(snapshots(&bus).await, written, "no snapshot is written or removed");
}
