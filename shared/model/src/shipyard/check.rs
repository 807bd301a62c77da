//! Warns of what is accepted but cannot have the effect that it seems to have.

use std::collections::{BTreeMap, BTreeSet};

use super::read::{Placed, PlacedSequence, PlacedStage};
use crate::{
    TriggeredOn,
    document::{reader::Problems, tree::Place},
    name::{TASK_NAME_BYTES_MAX, shortened},
    nearest::hint,
};

/// The one sequence that every stage has without defining it (Keptn 1.4.5).
const IMPLICIT_SEQUENCE: &str = "evaluation";
/// Most known names that a hint is looked up in; a document may hold thousands.
const NAMES_COMPARED_MAX: usize = 100;

/// Returns the value of a selector: `failed`, which the specification shows, is read as `fail`,
/// which results are called.
pub(super) fn selector_value(at: Place, text: String, problems: &mut Problems) -> String {
    match text.as_str() {
        "pass" | "warning" | "fail" => text,
        "failed" => {
            let hint = "write `fail`".to_owned();
            problems.warn(at, "selector value `failed` is read as `fail`", Some(hint));
            "fail".to_owned()
        }
        _ => {
            let message = format!(
                "selector value `{}` never matches: results are pass, warning and fail",
                shortened(&text)
            );
            problems.warn(at, message, None);
            text
        }
    }
}

/// The sequences of each stage, each with the tasks that may be its last.
type Known<'a> = BTreeMap<&'a str, BTreeMap<&'a str, BTreeSet<&'a str>>>;

/// Warns of sequences without effect and of causes that never come.
pub(super) fn references(stages: &[PlacedStage], problems: &mut Problems) {
    let mut known = Known::new();
    for stage in stages {
        let sequences = known.entry(stage.name.as_str()).or_default();
        for sequence in &stage.sequences {
            let tasks = sequence.tasks.iter().map(|task| task.name.as_str()).collect();
            sequences.entry(sequence.name.as_str()).or_insert(tasks);
        }
        sequences.entry(IMPLICIT_SEQUENCE).or_insert_with(|| BTreeSet::from([IMPLICIT_SEQUENCE]));
    }
    for stage in stages {
        let mut seen = BTreeSet::new();
        for sequence in &stage.sequences {
            if !seen.insert(&sequence.name) {
                let message = format!(
                    "sequence `{}` is there twice in stage `{}`: only the first counts",
                    sequence.name, stage.name
                );
                problems.warn(sequence.at, message, Some("rename one of the two".to_owned()));
            }
            check_sequence(sequence, &known, problems);
        }
    }
}

fn check_sequence(sequence: &PlacedSequence, known: &Known<'_>, problems: &mut Problems) {
    if sequence.tasks.is_empty() {
        let message = format!("sequence `{}` has no tasks and cannot be triggered", sequence.name);
        problems.warn(sequence.at, message, Some("add `tasks:`".to_owned()));
    }
    for cause in &sequence.triggered_on {
        match source_of(&cause.value.event, known) {
            Ok(tasks) => check_selector(cause, tasks, problems),
            Err(Dangling { why, advice }) => {
                let event = shortened(&cause.value.event);
                let message = format!("triggeredOn `{event}` never happens: {why}");
                problems.warn(cause.at, message, Some(advice));
            }
        }
    }
}

/// Why an event of `triggeredOn` never happens, and what to do.
struct Dangling {
    why: String,
    advice: String,
}

/// Returns the tasks of the sequence that an event names.
fn source_of<'a>(event: &str, known: &'a Known<'a>) -> Result<&'a BTreeSet<&'a str>, Dangling> {
    let parts: Vec<&str> = event.splitn(4, '.').collect();
    let [stage, sequence, "finished"] = parts.as_slice() else {
        return Err(Dangling {
            why: "it must be of the form `<stage>.<sequence>.finished`".to_owned(),
            advice: "write `event: <stage>.<sequence>.finished`".to_owned(),
        });
    };
    let sequences = known.get(*stage).ok_or_else(|| {
        let names: Vec<&str> = known.keys().copied().take(NAMES_COMPARED_MAX).collect();
        let why = format!("there is no stage `{}`", shortened(stage));
        Dangling { why, advice: advice(stage, &names) }
    })?;
    sequences.get(*sequence).ok_or_else(|| {
        let names: Vec<&str> = sequences.keys().copied().take(NAMES_COMPARED_MAX).collect();
        let why = format!("stage `{stage}` has no sequence `{}`", shortened(sequence));
        Dangling { why, advice: advice(sequence, &names) }
    })
}

/// Returns the hint for an unknown name; what is too long for a name is not looked up.
fn advice(wanted: &str, names: &[&str]) -> String {
    let wanted = if wanted.len() > TASK_NAME_BYTES_MAX { "" } else { wanted };
    hint(wanted, names.iter().copied())
}

/// Keptn looks at `result` and `<last task>.result`, and at nothing else.
fn check_selector(cause: &Placed<TriggeredOn>, tasks: &BTreeSet<&str>, problems: &mut Problems) {
    for key in cause.value.selector.keys() {
        let task = key.strip_suffix(".result");
        if key != "result" && !task.is_some_and(|task| tasks.contains(task)) {
            let message = format!("selector key `{}` never matches", shortened(key));
            let hint = "the key is `result`, or `<last task>.result`".to_owned();
            problems.warn(cause.at, message, Some(hint));
        }
    }
}
