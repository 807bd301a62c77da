//! What holds for every history.

use fold::{World, plan};
use model::StreamTime;
use proptest::{collection::vec, prelude::*};

use crate::{
    random::{Op, Player, hostile_op, op},
    stream::{Stream, owed},
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
    fn a_snapshot_at_any_event_changes_nothing(ops in vec(hostile_op(), 1..50)) {
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
    fn a_stage_is_out_of_sync_exactly_when_something_differs(ops in vec(op(), 1..80)) {
        let mut player = Player::new();
        for op in &ops {
            player.play(op);
            look_at_status(&player.stream)?;
        }
    }
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

#[test]
fn tmp_stats() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let mut runner = TestRunner::deterministic();
    let mut counts = std::collections::BTreeMap::<String, usize>::new();
    for _ in 0..300 {
        let ops = vec(op(), 1..80).new_tree(&mut runner).unwrap().current();
        let mut player = Player::new();
        for op in &ops {
            player.play(op);
            let runs: Vec<_> = player.stream.world.sequences.runs().collect();
            if runs.iter().any(|run| run.is_in_line()) {
                *counts.entry("inline".into()).or_default() += 1;
            }
            if runs.iter().any(|run| run.is_paused) {
                *counts.entry("paused".into()).or_default() += 1;
            }
            if runs.iter().any(|run| run.is_ended() && run.open.is_some()) {
                *counts.entry("endedopen".into()).or_default() += 1;
            }
            if runs.iter().any(|run| run.phase == fold::sequence::Phase::Undecided) {
                *counts.entry("undecided".into()).or_default() += 1;
            }
            if runs.iter().any(|run| run.origin == fold::sequence::Origin::Sync) {
                *counts.entry("sync".into()).or_default() += 1;
            }
            if runs.iter().any(|run| run.services.len() > 1) {
                *counts.entry("bracket".into()).or_default() += 1;
            }
            *counts.entry("ops".into()).or_default() += 1;
        }
        for e in player.stream.said().skip(8) {
            *counts.entry(crate::stream::short(e)).or_default() += 1;
        }
        for n in &player.stream.notes {
            *counts.entry(format!("NOTE {n}")).or_default() += 1;
        }
    }
    for (k, v) in counts {
        println!("{v:6} {k}");
    }
}
