//! Text as a shipyard: never a panic, and every problem has its place inside the text.
#![no_main]

use fuzz::within_bound;
use libfuzzer_sys::fuzz_target;
use model::{Shipyard, document};

fuzz_target!(|text: &str| {
    let reading = within_bound(|| Shipyard::read(text));
    let lines = u64::try_from(document::lines(text).count()).unwrap_or(u64::MAX);
    let problems = reading.warnings.iter().chain(&reading.errors);
    for line in problems.filter_map(|problem| problem.line) {
        assert!(line <= lines, "line {line} of {lines}");
    }
});
