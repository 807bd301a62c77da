//! The simulation holds, and notices when a safeguard is missing.

use super::*;

/// Few, because nothing is optimised here; the checks of the repository play 20,000.
const SEEDS: u64 = 120;
/// A missing safeguard is noticed within these; most are within the first twenty.
const SEEDS_UNTIL_NOTICED: u64 = 300;

fn first_broken(off: Break, seeds: u64) -> Option<(u64, Broken)> {
    let prologue = Prologue::new().unwrap();
    (0..seeds).find_map(|seed| {
        let outcome = Run::new(&prologue, seed, Some(off), false).play();
        outcome.broken.map(|broken| (seed, broken))
    })
}

#[test]
fn nothing_is_lost_and_nothing_happens_twice() {
    let prologue = Prologue::new().unwrap();
    let mut faults = Faults::default();
    for seed in 0..SEEDS {
        let outcome = Run::new(&prologue, seed, None, false).play();
        assert_eq!(outcome.broken, None, "seed {seed}");
        faults.add(&outcome.faults);
    }
    let missing: Vec<_> = faults.each().filter(|(_, count)| *count == 0).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn a_seed_always_comes_to_the_same() {
    let prologue = Prologue::new().unwrap();
    let play = || Run::new(&prologue, 7, None, true).play();
    assert_eq!(play().trace, play().trace);
}

#[test]
fn every_missing_safeguard_is_noticed() {
    let unnoticed: Vec<_> = Break::ALL
        .into_iter()
        .filter(|off| first_broken(*off, SEEDS_UNTIL_NOTICED).is_none())
        .collect();
    assert!(unnoticed.is_empty(), "{unnoticed:?}");
}
