//! Reads the rules by which a stub of an executor behaves.

use std::{rc::Rc, time::Duration};

use super::StubRule;
use crate::{
    TaskResult, TaskStatus,
    document::{
        reader::{Entry, Fields, Problems},
        tree::{Content, Node},
    },
    duration,
    name::shortened,
};

/// Most answers to one task: enough to try an executor that talks too much, too few to flood a
/// stream.
pub const ANSWERS_MAX: u32 = 100;
/// Longest delay of an answer; a stub that waits longer is meant to be silent.
pub const DELAY_MAX: Duration = Duration::from_hours(24);

const RULE: &[&str] = &[
    "task", "stage", "service", "artifact", "result", "status", "message", "delay", "answers",
    "silent", "crash",
];
const RESULTS: [(&str, TaskResult); 3] =
    [("pass", TaskResult::Pass), ("warning", TaskResult::Warning), ("fail", TaskResult::Fail)];
const STATUSES: [(&str, TaskStatus); 4] = [
    ("succeeded", TaskStatus::Succeeded),
    ("errored", TaskStatus::Errored),
    ("aborted", TaskStatus::Aborted),
    ("unknown", TaskStatus::Unknown),
];

/// Reads a text that is a list of rules, or a mapping with that list under `stub`.
pub(super) fn read_text(root: &Node, problems: &mut Problems) -> Option<Vec<StubRule>> {
    match &root.content {
        Content::List(items) => Some(read_list(items, problems)),
        Content::Null | Content::Scalar(_) | Content::Map(_) => {
            let fields = problems.fields(root, "the rules", &["stub"])?;
            Some(read_list(problems.list(fields.get("stub")), problems))
        }
    }
}

/// Reads a list of rules.
pub(super) fn read_list(items: &[Rc<Node>], problems: &mut Problems) -> Vec<StubRule> {
    items.iter().filter_map(|item| rule(item, problems)).collect()
}

fn rule(item: &Node, problems: &mut Problems) -> Option<StubRule> {
    let fields = problems.fields(item, "a rule of `stub`", RULE)?;
    let mut text = |key: &str| problems.text(fields.get(key)).map(str::to_owned);
    let rule = StubRule {
        task: text("task"),
        stage: text("stage"),
        service: text("service"),
        artifact: text("artifact"),
        message: text("message"),
        ..StubRule::default()
    };
    Some(StubRule {
        result: word(&fields, "result", &RESULTS, problems),
        status: word(&fields, "status", &STATUSES, problems),
        delay: fields.get("delay").and_then(|entry| delay(entry, problems)),
        answers: fields.get("answers").and_then(|entry| answers(entry, problems)),
        silent: fields.get("silent").is_some_and(|entry| flag(entry, problems)),
        crash: fields.get("crash").is_some_and(|entry| flag(entry, problems)),
        ..rule
    })
}

fn word<T: Copy>(
    fields: &Fields<'_>,
    key: &str,
    words: &[(&str, T)],
    problems: &mut Problems,
) -> Option<T> {
    let text = problems.text(fields.get(key))?;
    let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
    if found.is_none() {
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let message = format!("`{key}: {}` must be one of {}", shortened(text), known.join(", "));
        problems.error(fields.place(key), message);
    }
    found
}

fn delay(entry: Entry<'_>, problems: &mut Problems) -> Option<Duration> {
    match duration::parse(problems.text(Some(entry))?) {
        Ok(delay) if delay <= DELAY_MAX => Some(delay),
        Ok(_) => {
            let message = format!("`delay` must be at most {} hours", DELAY_MAX.as_secs() / 3600);
            problems.error_hint(entry.at, message, "write `silent: true` for no answer at all");
            None
        }
        Err(error) => {
            problems.error(entry.at, format!("`delay`: {error}"));
            None
        }
    }
}

fn answers(entry: Entry<'_>, problems: &mut Problems) -> Option<u32> {
    let text = problems.text(Some(entry))?;
    let number = text.parse().ok().filter(|number| (1..=ANSWERS_MAX).contains(number));
    if number.is_none() {
        let message = format!("`answers: {}` must be 1-{ANSWERS_MAX}", shortened(text));
        problems.error_hint(entry.at, message, "write `silent: true` for no answer at all");
    }
    number
}

fn flag(entry: Entry<'_>, problems: &mut Problems) -> bool {
    let text = problems.text(Some(entry));
    if !matches!(text, None | Some("true" | "false")) {
        problems.error(entry.at, format!("`{}` must be `true` or `false`", entry.key));
    }
    text == Some("true")
}
