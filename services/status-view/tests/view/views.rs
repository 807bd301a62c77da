//! The view as a whole: snapshots, and what must hold behind every history.

use model::view::{SequencesQuery, SyncStatus};
use proptest::{prelude::*, test_runner::Config};
use serde_json::json;
use status_view::{View, answers};

use crate::stream::{Open, Stream, Verdict, pass};

/// Something that people and executors do.
#[derive(Clone, Debug)]
enum Deed {
    Deliver(usize, usize, u8),
    Sync(usize),
    Answer(usize, bool),
    Control(&'static str, usize),
}

const STAGES: [&str; 3] = ["dev", "hardening", "production"];
const SERVICES: [&str; 3] = ["carts", "carts-db", "catalogue"];

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        3 => (0..3_usize, 0..3_usize, 0..4_u8).prop_map(|(s, n, v)| Deed::Deliver(s, n, v)),
        2 => (1..3_usize).prop_map(Deed::Sync),
        9 => (0..4_usize, any::<bool>(), 0..4_u8).prop_map(|(n, good, luck)| Deed::Answer(n, good || luck > 0)),
        3 => (prop::sample::select(vec!["abort", "pause", "resume"]), 0..4_usize)
            .prop_map(|(verb, nth)| Deed::Control(verb, nth)),
    ]
}

fn after(deeds: &[Deed]) -> Stream {
    let mut stream = Stream::story();
    for deed in deeds {
        act(&mut stream, deed);
    }
    stream
}

fn act(stream: &mut Stream, deed: &Deed) {
    let context = |stream: &Stream, nth: usize| {
        stream.view.world.sequences.runs().nth(nth).map(|run| run.context.clone())
    };
    match deed {
        Deed::Deliver(stage, service, version) => {
            let service = SERVICES[*service];
            stream.trigger(STAGES[*stage], service, &format!("{service}:{version}"));
        }
        Deed::Sync(stage) => {
            stream.sync(STAGES[*stage]);
        }
        Deed::Answer(nth, is_good) => {
            let open = stream.open_tasks();
            if let Some(task) = open.get(nth % open.len().max(1)) {
                let (result, message) = verdict(task, *is_good);
                stream.answer(
                    &task.clone(),
                    "finished",
                    &json!({"status": "succeeded", "result": result, "message": message}),
                );
            }
        }
        Deed::Control(verb, nth) => {
            if let Some(context) = context(stream, *nth) {
                stream.control(verb, &context);
            }
        }
    }
}

fn verdict(_: &Open, is_good: bool) -> Verdict {
    if is_good { ("pass", "") } else { ("fail", "no") }
}

#[test]
fn a_year_of_deliveries_stays_small() {
    /// Bytes per event that history may weigh in a snapshot; in memory it is twice that.
    const BYTES_MAX: usize = 55;
    /// Deliveries, enough for what is shared not to count.
    const DELIVERIES: usize = 300;
    let mut stream = Stream::story();
    for n in 0..DELIVERIES {
        stream.deliver("dev", SERVICES[n % 3], &format!("{}:0.{n}", SERVICES[n % 3]));
    }
    stream.sync("hardening");
    stream.play(pass);
    let bytes = postcard::to_stdvec(&stream.view.history).unwrap().len();
    let per_event = bytes / stream.events.len();
    assert!(per_event <= BYTES_MAX, "{per_event} bytes per event");
    assert_eq!(stream.view.world.sequences.runs().count(), 0);
}

proptest! {
    #![proptest_config(Config { cases: 48, failure_persistence: None, ..Config::default() })]

    #[test]
    fn a_stage_is_out_of_sync_exactly_if_some_service_differs(deeds in prop::collection::vec(deed(), 1..60)) {
        let stream = after(&deeds);
        for stage in &STAGES[1..] {
            let status = stream.status(stage);
            let differing = status.services.iter().filter(|one| one.differs).count();
            prop_assert_eq!(status.sync_status == SyncStatus::OutOfSync, differing > 0);
            prop_assert_eq!(status.command.is_some(), differing > 0);
            for one in &status.services {
                prop_assert_eq!(one.differs, one.evaluated.is_some() && one.evaluated != one.released);
            }
        }
    }

    #[test]
    fn the_history_agrees_with_the_law_about_what_is_open(deeds in prop::collection::vec(deed(), 1..60)) {
        let stream = after(&deeds);
        let query = SequencesQuery { limit: 500, ..SequencesQuery::default() };
        let all = answers::sequences(&stream.view, &query).unwrap().sequences;
        for run in &all {
            let law = stream.view.world.sequences.run(run.position);
            let is_open = law.is_some_and(|run| !run.is_ended());
            prop_assert_eq!(run.finished_at.is_none(), is_open);
            prop_assert_eq!(run.state.is_ended(), !is_open);
        }
        let open = answers::sequences(&stream.view, &SequencesQuery { open_only: true, ..query }).unwrap();
        let expected: Vec<_> = all.iter().filter(|run| !run.state.is_ended()).cloned().collect();
        prop_assert_eq!(open.sequences, expected);
    }

    #[test]
    fn folding_in_two_pieces_through_a_snapshot_equals_folding_in_one(
        deeds in prop::collection::vec(deed(), 1..40), cut in any::<prop::sample::Index>(),
    ) {
        let stream = after(&deeds);
        let (before, behind) = stream.events.split_at(cut.index(stream.events.len()));
        let mut view = View::default();
        for stored in before {
            view.apply(stored);
        }
        let snapshot = postcard::to_stdvec(&view).unwrap();
        let mut view: View = postcard::from_bytes(&snapshot).unwrap();
        for stored in behind {
            view.apply(stored);
        }
        prop_assert_eq!(&view, &stream.view);
        for stored in behind {
            view.apply(stored);
        }
        prop_assert_eq!(&view, &stream.view);
    }
}
