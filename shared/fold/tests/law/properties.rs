//! What holds for every history.

use std::collections::BTreeSet;

use fold::{
    World, plan,
    sequence::{OpenTask, Origin, Phase, Reason},
};
use model::StreamTime;
use proptest::{collection::vec, prelude::*, strategy::ValueTree as _, test_runner::TestRunner};

use crate::{
    random::{Op, Player, hostile_op, op},
    stream::{Stream, owed, short},
    watch::Watch,
};

fn history(ops: &[Op]) -> Player {
    let mut player = Player::new();
    let mut watch = Watch::default();
    for op in ops {
        let is_late = player.play(op);
        watch.look(&player.stream, is_late);
    }
    player
}

fn played(ops: &[Op]) -> Player {
    let mut player = Player::new();
    for op in ops {
        player.play(op);
    }
    player
}

fn owed_texts(world: &World, time: i64) -> Vec<String> {
    owed(world, StreamTime::from_nanos(time)).iter().map(model::Event::to_json).collect()
}

fn through_a_snapshot(world: &World) -> World {
    postcard::from_bytes(&postcard::to_allocvec(world).unwrap()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nobody_overtakes_nothing_is_said_twice_and_everything_ends(ops in vec(op(), 1..80)) {
        let mut player = history(&ops);
        player.drain();
        prop_assert!(player.stream.is_empty());
        prop_assert!(player.stream.world.sequences.is_idle());
    }

    #[test]
    fn strangers_get_nothing_stuck(ops in vec(hostile_op(), 1..80)) {
        let mut player = played(&ops);
        player.drain();
        prop_assert!(player.stream.world.sequences.is_idle());
    }

    #[test]
    fn a_snapshot_at_any_event_changes_nothing(ops in vec(hostile_op(), 1..20)) {
        let player = played(&ops);
        let events = &player.stream.events;
        let mut whole = World::default();
        let mut halted = World::default();
        for stored in events {
            whole.apply(stored);
            halted = through_a_snapshot(&halted);
            halted.apply(stored);
            prop_assert_eq!(&whole, &halted);
        }
        prop_assert_eq!(&whole, &player.stream.world);
    }

    #[test]
    fn a_crash_at_any_event_owes_the_same(ops in vec(op(), 1..50), cut in any::<prop::sample::Index>()) {
        let mut player = Player::new();
        let mut said = Vec::new();
        for op in &ops {
            player.play(op);
            said.push((player.stream.events.len(), player.stream.time, owed_texts(&player.stream.world, player.stream.time)));
        }
        let (length, time, running) = cut.get(&said);
        let mut anew = World::default();
        for stored in &player.stream.events[..*length] {
            anew.apply(stored);
        }
        prop_assert_eq!(&owed_texts(&anew, *time), running);
    }

    #[test]
    fn every_open_run_waits_for_something_that_can_come(ops in vec(hostile_op(), 1..80)) {
        let mut player = Player::new();
        for op in &ops {
            player.play(op);
            look_at_waits(&player.stream.world, player.stream.time)?;
        }
    }

    #[test]
    fn a_stage_is_out_of_sync_exactly_when_something_differs(ops in vec(op(), 1..80)) {
        let mut player = Player::new();
        for op in &ops {
            player.play(op);
            look_at_status(&player.stream)?;
        }
    }
}

/// Checks that every open run says for what it waits, and that this can come: an owed step, a
/// deadline, the end of another run, the answer to a command, or a person.
fn look_at_waits(world: &World, time: i64) -> Result<(), TestCaseError> {
    let now = StreamTime::from_nanos(time);
    let owed_ids: BTreeSet<String> =
        owed(world, now).iter().map(|event| event.id.to_string()).collect();
    for run in world.sequences.runs().filter(|run| !run.is_ended()) {
        let Some(wait) = world.sequences.waiting(run) else {
            return Err(TestCaseError::fail(format!("waits for nothing: {run:?}")));
        };
        prop_assert!(wait.since <= world.now(), "{:?}", wait);
        match wait.reason {
            Reason::Controller => {
                prop_assert!(owed_ids.contains(&run.next_id().to_string()), "{:?}", run);
            }
            Reason::Delay => prop_assert_eq!(wait.until, run.deadline),
            Reason::Executor(_) => {
                prop_assert_eq!(wait.until, run.deadline);
                let is_bounded = run.open.as_ref().is_some_and(|task| task.finish_by.is_some());
                prop_assert_eq!(is_bounded, wait.until.is_some());
            }
            Reason::Queue(_, behind) => {
                let is_known = world
                    .sequences
                    .runs()
                    .any(|other| Some(&other.context) == behind.as_ref() && other.key != run.key);
                prop_assert!(is_known, "behind nobody: {:?}", run);
            }
            Reason::Command => {
                prop_assert!(world.catalog.is_changing(run.project.as_str(), run.key));
            }
            Reason::Approval => {
                prop_assert!(run.open.as_ref().is_some_and(OpenTask::is_approval));
            }
            Reason::Pause => prop_assert!(run.is_paused),
        }
    }
    Ok(())
}

/// Compares the list of differences with what the words of the status say.
fn look_at_status(stream: &Stream) -> Result<(), TestCaseError> {
    let Some(project) = stream.world.catalog.project("p") else { return Ok(()) };
    let stages = &stream.world.stages;
    for stage in &project.definition.shipyard.stages {
        let from = project.definition.shipyard.preceding(stage.name.as_str());
        let rows = plan::compare(stages, project, &stage.name, from);
        let differing: Vec<_> =
            rows.iter().filter(|row| row.differs()).map(|row| row.service.clone()).collect();
        let mut expected = Vec::new();
        for service in project.services.keys() {
            let Some(from) = from else { continue };
            let upstream = stages.delivered(&project.name, from, service);
            let here = stages.delivered(&project.name, &stage.name, service);
            let evaluated = upstream.and_then(|one| one.evaluated()).map(|one| &one.artifact);
            let released = here.and_then(|one| one.released.as_ref()).map(|one| &one.artifact);
            if evaluated.is_some() && evaluated != released {
                expected.push(service.clone());
            }
        }
        prop_assert_eq!(&differing, &expected);
        if let Some(from) = from {
            let planned = plan::candidates(stages, project, &stage.name, from);
            let planned: Vec<_> = planned.into_iter().map(|one| one.service).collect();
            prop_assert_eq!(differing, planned);
        }
    }
    Ok(())
}

/// What random histories must come to now and then, else they prove little.
const WANTED: [&str; 18] = [
    "queued",
    "paused",
    "undecided",
    "sync",
    "bracket",
    "held behind its end",
    "late task",
    "dev.d.finished succeeded/pass",
    "dev.d.finished aborted/pass",
    "hard.d.finished succeeded/pass",
    "hard.rollback.finished succeeded/pass",
    "prod.d.finished succeeded/pass",
    "dev.loop.finished succeeded/fail",
    "dev.slow.finished succeeded/pass",
    "dev.gate.finished succeeded/pass",
    "update.finished succeeded/pass",
    "project.delete.finished succeeded/pass",
    "sequence.resume.finished succeeded/pass",
];

#[test]
fn random_histories_get_everywhere() {
    let mut runner = TestRunner::deterministic();
    let mut seen = BTreeSet::new();
    for _ in 0..400 {
        let ops = vec(op(), 1..80).new_tree(&mut runner).unwrap().current();
        let mut player = Player::new();
        for op in &ops {
            player.play(op);
            seen.extend(sights(&player.stream));
        }
        seen.extend(player.stream.said().map(short));
    }
    let missing: Vec<_> = WANTED.iter().filter(|wanted| !seen.contains(**wanted)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

fn sights(stream: &Stream) -> impl Iterator<Item = String> {
    let mut seen = Vec::new();
    for run in stream.world.sequences.runs() {
        let has_task = run.open.as_ref().is_some_and(|task| !task.is_approval());
        let sights = [
            (run.is_in_line(), "queued"),
            (run.is_paused, "paused"),
            (run.phase == Phase::Undecided, "undecided"),
            (run.origin == Origin::Sync, "sync"),
            (run.services.len() > 1, "bracket"),
            (run.is_ended() && has_task, "held behind its end"),
            (run.is_paused && run.step == 2 && has_task && run.tasks_done == 0, "late task"),
        ];
        seen.extend(sights.iter().filter(|(is, _)| *is).map(|(_, what)| (*what).to_owned()));
    }
    seen.into_iter()
}
