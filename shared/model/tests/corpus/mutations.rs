//! No damage to a real file makes reading panic, or last.

use std::time::{Duration, Instant};

use model::{Event, Shipyard};

use crate::{rows, said};

/// Bound for one text. A busy machine may stop a reading in its middle, so the best of three
/// counts.
const READ_MAX: Duration = Duration::from_millis(100);
const TRIES: usize = 3;
/// Damaged texts that are made of each file.
const MUTATIONS: u64 = 25;
/// Bytes of a scalar that grew, and depth of a nesting; far beyond what a file has.
const SCALAR_BYTES: usize = 64 * 1024;
const NESTING: usize = 2_000;

/// A deterministic source of numbers (splitmix64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let z = usize::try_from((z ^ (z >> 31)) >> 1).unwrap();
        z % bound.max(1)
    }
}

/// Returns a text with one or two kinds of damage.
fn damaged(text: &str, seed: u64) -> String {
    let mut numbers = Numbers(seed);
    let mut text = text.to_owned();
    for _ in 0..=numbers.below(2) {
        text = match numbers.below(8) {
            0..4 => lines_damaged(&text, &mut numbers),
            4..6 => characters_damaged(&text, &mut numbers),
            _ => grown(&text, &mut numbers),
        };
    }
    text
}

/// Deletes, doubles or swaps lines, or indents one.
fn lines_damaged(text: &str, numbers: &mut Numbers) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    if lines.is_empty() {
        return String::new();
    }
    let (one, other) = (numbers.below(lines.len()), numbers.below(lines.len()));
    match numbers.below(4) {
        0 => drop(lines.remove(one)),
        1 => lines.insert(other, lines[one].clone()),
        2 => lines.swap(one, other),
        _ => lines[one].insert_str(0, "  "),
    }
    lines.join("\n")
}

/// Cuts the text off, or changes or deletes characters.
fn characters_damaged(text: &str, numbers: &mut Numbers) -> String {
    const SIGNS: [char; 16] =
        [':', '-', '{', '}', '[', ']', '"', '\'', '&', '*', '\t', '\n', '0', '\\', '\u{0}', 'é'];
    let mut characters: Vec<char> = text.chars().collect();
    let at = numbers.below(characters.len());
    if numbers.below(3) == 0 || characters.is_empty() {
        characters.truncate(at);
    } else {
        for _ in 0..=numbers.below(4) {
            let at = numbers.below(characters.len());
            characters[at] = SIGNS[numbers.below(SIGNS.len())];
        }
    }
    characters.into_iter().collect()
}

/// Puts something huge in the place of a value: a scalar, a nesting, aliases of aliases.
fn grown(text: &str, numbers: &mut Numbers) -> String {
    let values: Vec<usize> = text.match_indices(": ").map(|(at, _)| at + 2).collect();
    let at = values.get(numbers.below(values.len())).copied().unwrap_or(text.len());
    let (before, rest) = text.split_at(at);
    let after = rest.split_once('\n').map_or("", |(_, after)| after);
    let huge = match numbers.below(4) {
        0 => format!("\"{}\"", "x".repeat(SCALAR_BYTES)),
        1 => format!("{}{}", "[".repeat(NESTING), "]".repeat(NESTING)),
        2 => format!("{}1{}", "{\"a\": ".repeat(NESTING), "}".repeat(NESTING)),
        _ => aliases(),
    };
    format!("{before}{huge}\n{after}")
}

/// Aliases that stand for ten to the ninth scalars.
fn aliases() -> String {
    let levels = (1..10).map(|level| {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        format!("&a{level} [{aliases}]")
    });
    format!("[&a0 x, {}]", levels.collect::<Vec<_>>().join(", "))
}

fn in_time(file: &str, text: &str, read: impl Fn(&str)) {
    let mut best = Duration::MAX;
    for _ in 0..TRIES {
        let began = Instant::now();
        read(text);
        best = best.min(began.elapsed());
        if best <= READ_MAX {
            return;
        }
    }
    panic!("{file}: {best:?} for {} bytes: {:.300}", text.len(), text);
}

fn every_mutation(kind: &str, read: impl Fn(&str)) {
    let Some(rows) = rows(kind) else { return };
    let mut count = 0;
    for (number, row) in (0_u64..).zip(&rows) {
        for mutation in 0..MUTATIONS {
            in_time(&row.file, &damaged(&row.text, number * MUTATIONS + mutation), &read);
            count += 1;
        }
    }
    said(&format!("damaged {kind} read in time"), count, count);
}

#[test]
fn a_damaged_shipyard_is_read_or_refused_in_time() {
    every_mutation("shipyards", |text| {
        let reading = Shipyard::read(text);
        assert_eq!(reading.value.is_some(), reading.errors.is_empty(), "{text:.300}");
    });
}

#[test]
fn a_damaged_event_is_read_or_refused_in_time() {
    every_mutation("events", |text| {
        let reading = Event::lint(text);
        assert_eq!(reading.value.is_some(), reading.errors.is_empty(), "{text:.300}");
        assert!(reading.value.is_none() || Event::from_json(text.as_bytes()).is_ok());
    });
}

#[test]
fn a_damaged_shipyard_that_is_accepted_says_the_same_when_it_is_converted() {
    let Some(rows) = rows("shipyards") else { return };
    let mut converted = 0;
    for (number, row) in (0_u64..).zip(&rows) {
        for mutation in 0..MUTATIONS {
            let text = damaged(&row.text, number * MUTATIONS + mutation);
            let Ok(shipyard) = Shipyard::read(&text).into_result() else { continue };
            let Ok(yaml) = Shipyard::convert(&text).into_result() else { continue };
            let again = Shipyard::read(&yaml).into_result();
            let again = again.unwrap_or_else(|errors| panic!("{errors:?}\n{yaml:.2000}"));
            assert_eq!(again.stages, shipyard.stages, "{yaml:.2000}");
            converted += 1;
        }
    }
    said("damaged shipyards that are accepted, converted", converted, converted);
    assert!(converted > 0);
}
