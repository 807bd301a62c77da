//! A task as the specification has it: who must answer, when it is done, and how it ended.

use std::collections::{BTreeMap, BTreeSet};

use model::{DerivedId, EventType, Kind, Position, StreamTime, TaskName, TaskResult, TaskStatus};

use super::log::{Entry, Log};
use crate::simulation::documents::{FIXED, NAMED};

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct End {
    /// Where it was closed.
    pub(super) position: Position,
    pub(super) result: TaskResult,
    pub(super) status: TaskStatus,
}

impl End {
    /// Tells whether the sequence goes on behind it.
    pub(super) fn goes_on(self) -> bool {
        self.result != TaskResult::Fail && self.status != TaskStatus::Errored
    }
}

/// What one source said, as sets of ids.
#[derive(Default)]
struct Said<'a> {
    started: BTreeSet<&'a str>,
    finished: BTreeSet<&'a str>,
}

/// A task that was triggered: the answers to it, one after the other.
struct Task<'a> {
    name: &'a TaskName,
    named: Vec<&'static str>,
    said: BTreeMap<&'a str, Said<'a>>,
    results: Vec<(TaskResult, TaskStatus)>,
}

/// Returns how a task ended, if it did. `time_out` is the id of a time-out of this kind.
pub(super) fn end<'a>(
    log: &'a Log<'_>,
    triggered: &'a Entry<'_>,
    time_out: impl Fn(&str) -> DerivedId,
) -> Option<End> {
    let EventType::Task(name, _) = &triggered.event.event_type else { return None };
    let mut task =
        Task { name, named: named(name, triggered), said: BTreeMap::new(), results: Vec::new() };
    let by = |secs: Option<u64>| {
        let secs = secs.filter(|secs| *secs > 0)?;
        Some(triggered.time.after(std::time::Duration::from_secs(secs)))
    };
    let start_by = by(triggered.event.start_within_secs);
    let finish_by = by(triggered.event.finish_within_secs);
    for answer in log.answers(triggered.event.id.as_str()) {
        let EventType::Task(of, kind) = &answer.event.event_type else { continue };
        let is_its = of == name && answer.event.context == triggered.event.context;
        if !is_its || answer.position < triggered.position {
            continue;
        }
        let position = answer.position;
        if answer.event.source == fold::sequence::SOURCE {
            let id = DerivedId::parse(answer.event.id.as_str());
            let passed = |at: Option<StreamTime>| at.is_some_and(|at| answer.time >= at);
            let is_start = id == Some(time_out("start")) && !task.is_answered() && passed(start_by);
            if is_start || id == Some(time_out("finish")) && passed(finish_by) {
                let (result, status) = (TaskResult::Fail, TaskStatus::Errored);
                return Some(End { position, result, status });
            }
            continue;
        }
        task.note(answer, *kind);
        if *kind == Kind::Finished && task.is_done() {
            let (result, status) = task.outcome();
            return Some(End { position, result, status });
        }
    }
    None
}

fn named(name: &TaskName, triggered: &Entry<'_>) -> Vec<&'static str> {
    match name.as_str() {
        "update" => vec![fold::catalog::SOURCE],
        "test" if triggered.text("project").as_deref() == Some(FIXED) => NAMED.to_vec(),
        _ => Vec::new(),
    }
}

impl<'a> Task<'a> {
    fn is_answered(&self) -> bool {
        !self.said.is_empty()
    }

    fn note(&mut self, answer: &'a Entry<'_>, kind: Kind) {
        let (source, id) = (answer.event.source.as_ref(), answer.event.id.as_str());
        let is_named = self.named.contains(&source);
        if kind == Kind::StatusChanged || kind == Kind::Triggered {
            return;
        }
        let said = self.said.entry(source).or_default();
        if is_named && !said.finished.is_empty() {
            return;
        }
        if kind == Kind::Started {
            said.started.insert(id);
        } else if said.finished.insert(id) {
            let text = |key| answer.text(key);
            let result = TaskResult::read(text("result").as_deref());
            self.results.push((result, TaskStatus::read(text("status").as_deref())));
        }
    }

    fn is_done(&self) -> bool {
        if self.name.as_str() == "approval" {
            return true;
        }
        let has_finished =
            |name: &&str| self.said.get(*name).is_some_and(|one| !one.finished.is_empty());
        self.named.iter().all(has_finished)
            && self.said.iter().all(|(source, said)| {
                let is_named = self.named.contains(source);
                !said.finished.is_empty() && (is_named || said.started.len() <= said.finished.len())
            })
    }

    /// Keptn's table: the worst result; errored before aborted before unknown, which is a fail.
    fn outcome(&self) -> (TaskResult, TaskStatus) {
        let any = |wanted| self.results.iter().any(|(_, status)| *status == wanted);
        let worst = self.results.iter().map(|(result, _)| *result).max();
        let worst = worst.unwrap_or(TaskResult::Fail);
        if any(TaskStatus::Errored) {
            (worst, TaskStatus::Errored)
        } else if any(TaskStatus::Aborted) {
            (worst, TaskStatus::Aborted)
        } else if any(TaskStatus::Unknown) {
            (TaskResult::Fail, TaskStatus::Unknown)
        } else {
            (worst, TaskStatus::Succeeded)
        }
    }
}
