//! An open task and the answers to it.
//!
//! Answers are paired per source, by sets of ids, never by counting: a repeated answer changes
//! nothing. A source is done when it has finished and has no more started than finished; an
//! executor that the uniform names is done at its first finished. A task is done when somebody
//! finished, every source seen is done and every named executor is done; `approval` at the first
//! finished from anybody.

use std::cmp::Reverse;

use model::{DerivedId, Event, Payload, ServiceName, StreamTime, TaskName, TaskResult, TaskStatus};
use serde::{Deserialize, Serialize};

use super::run::Outcome;
use crate::Note;

/// Answers that a task takes; more of them change nothing.
const ANSWERS_MAX: usize = 1_000;

/// The task that a person answers.
pub const APPROVAL: &str = "approval";

/// A task that was triggered and is not closed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpenTask {
    /// Id of its `.triggered`.
    pub id: DerivedId,
    /// Its name.
    pub name: TaskName,
    /// Number of the step that it is.
    pub number: u32,
    /// When it was triggered, by the stream.
    pub at: StreamTime,
    /// The data it was sent with.
    pub sent: Payload,
    /// Until anybody must answer; none = no bound.
    pub start_by: Option<StreamTime>,
    /// Until it must be done; none = no bound.
    pub finish_by: Option<StreamTime>,
    /// Executors that the uniform names.
    pub named: Vec<ServiceName>,
    /// Who answered what, in the order of the first answer.
    pub sources: Vec<Source>,
}

/// Everything that one source said about a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// `source` of its answers.
    pub source: Box<str>,
    /// Ids of its started.
    pub started: Vec<DerivedId>,
    /// Its finished.
    pub finished: Vec<Verdict>,
    /// Its last progress message.
    pub progress: Option<Box<str>>,
}

/// One finished.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// Hash of its id.
    pub id: DerivedId,
    /// What it says.
    pub outcome: Outcome,
}

impl Source {
    /// Returns the executor's name: the last segment of the source.
    pub fn executor(&self) -> &str {
        executor(&self.source)
    }

    fn is_done(&self, is_named: bool) -> bool {
        !self.finished.is_empty() && (is_named || self.started.len() <= self.finished.len())
    }
}

fn executor(source: &str) -> &str {
    let trimmed = source.trim_end_matches('/');
    trimmed.rsplit('/').next().unwrap_or(trimmed)
}

/// Returns the id under which an answer is remembered; foreign ids are any text.
fn answer_id(event: &Event) -> DerivedId {
    DerivedId::of(&["answer", event.id.as_str()])
}

impl OpenTask {
    /// Tells whether a person closes it.
    pub fn is_approval(&self) -> bool {
        self.name.as_str() == APPROVAL
    }

    /// Tells whether anybody has started or finished.
    pub fn is_answered(&self) -> bool {
        self.sources.iter().any(|one| !one.started.is_empty() || !one.finished.is_empty())
    }

    fn is_named(&self, source: &str) -> bool {
        self.named.iter().any(|name| name.as_str() == executor(source))
    }

    fn source(&mut self, source: &str) -> Option<&mut Source> {
        let at = self.sources.iter().position(|one| one.source.as_ref() == source);
        let at = at.unwrap_or_else(|| {
            self.sources.push(Source {
                source: source.into(),
                started: Vec::new(),
                finished: Vec::new(),
                progress: None,
            });
            self.sources.len() - 1
        });
        self.sources.get_mut(at)
    }

    fn answers(&self) -> usize {
        self.sources.iter().map(|one| one.started.len() + one.finished.len()).sum()
    }

    /// Notes a started; says why if it changes nothing.
    pub(super) fn note_started(&mut self, event: &Event) -> Result<(), Note> {
        let id = answer_id(event);
        self.check_room()?;
        let is_named = self.is_named(&event.source);
        let Some(source) = self.source(&event.source) else { return Ok(()) };
        if source.started.contains(&id) {
            return Err(Note::new("this started was seen already"));
        }
        if is_named && source.is_done(true) {
            return Err(Note::new("this executor has answered already"));
        }
        source.started.push(id);
        Ok(())
    }

    /// Notes a finished; says why if it changes nothing.
    pub(super) fn note_finished(&mut self, event: &Event) -> Result<(), Note> {
        let id = answer_id(event);
        self.check_room()?;
        let is_named = self.is_named(&event.source);
        let Some(source) = self.source(&event.source) else { return Ok(()) };
        if source.finished.iter().any(|verdict| verdict.id == id) {
            return Err(Note::new("this finished was seen already"));
        }
        if is_named && source.is_done(true) {
            return Err(Note::new("this executor has answered already"));
        }
        source.finished.push(Verdict { id, outcome: Outcome::read(&event.data.head()) });
        Ok(())
    }

    /// Notes what an executor says about how it goes.
    pub(super) fn note_progress(&mut self, event: &Event) -> Result<(), Note> {
        self.check_room()?;
        let message = event.data.head().message.as_deref().map(model::name::shortened);
        if let Some(source) = self.source(&event.source) {
            source.progress = message.map(Into::into);
        }
        Ok(())
    }

    fn check_room(&self) -> Result<(), Note> {
        if self.answers() + self.sources.len() >= ANSWERS_MAX {
            return Err(Note::new("this task has too many answers"));
        }
        Ok(())
    }

    /// Tells whether everybody who must answer has.
    pub fn is_done(&self) -> bool {
        let somebody_finished = self.sources.iter().any(|one| !one.finished.is_empty());
        if !somebody_finished || self.is_approval() {
            return somebody_finished;
        }
        let seen_are_done = self
            .sources
            .iter()
            .filter(|one| !one.started.is_empty() || !one.finished.is_empty())
            .all(|one| one.is_done(self.is_named(&one.source)));
        seen_are_done && self.awaited().next().is_none()
    }

    /// Returns the named executors that have not finished.
    pub fn awaited(&self) -> impl Iterator<Item = &ServiceName> {
        self.named.iter().filter(|name| {
            !self
                .sources
                .iter()
                .any(|one| one.executor() == name.as_str() && !one.finished.is_empty())
        })
    }

    /// Returns the sources that have started and not finished.
    pub fn working(&self) -> impl Iterator<Item = &Source> {
        self.sources
            .iter()
            .filter(|one| !one.started.is_empty() && !one.is_done(self.is_named(&one.source)))
    }

    fn worst_message(&self) -> Box<str> {
        let all = self.sources.iter().flat_map(|source| {
            source.finished.iter().map(|one| (&one.outcome, Reverse(&source.source)))
        });
        all.filter(|(outcome, _)| !outcome.message.is_empty())
            .max_by_key(|(outcome, source)| {
                (outcome.result, outcome.status == TaskStatus::Errored, *source)
            })
            .map(|(outcome, _)| outcome.message.clone())
            .unwrap_or_default()
    }

    /// Aggregates the answers (Keptn 1.4.5, `sequence_execution.go`): any fail is fail, else any
    /// warning is warning; any errored is errored, any aborted is aborted, all succeeded is
    /// succeeded, and anything else is unknown and fail. The message is that of the worst answer;
    /// of equal ones, that of the first source by name, so that the order of answers is no matter.
    pub fn outcome(&self) -> Outcome {
        let all = || self.sources.iter().flat_map(|one| &one.finished).map(|one| &one.outcome);
        let result = all().map(|one| one.result).max().unwrap_or(TaskResult::Fail);
        let any = |status| all().any(|one| one.status == status);
        let message = self.worst_message();
        if any(TaskStatus::Errored) {
            Outcome { result, status: TaskStatus::Errored, message }
        } else if any(TaskStatus::Aborted) {
            Outcome { result, status: TaskStatus::Aborted, message }
        } else if any(TaskStatus::Unknown) || all().next().is_none() {
            Outcome { result: TaskResult::Fail, status: TaskStatus::Unknown, message }
        } else {
            Outcome { result, status: TaskStatus::Succeeded, message }
        }
    }
}
