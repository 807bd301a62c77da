//! What a stub does with a task: pure, from the rules and the triggered event to a list of steps.
//!
//! The last rule that matches wins, those of the file stand behind those of the uniform; a bracket
//! takes the worst of its services. No rule: one answer, succeeded, pass, at once. `approval`
//! follows its own properties unless a rule says how it ends.

mod approval;
mod outcome;
mod task;
#[cfg(test)]
mod tests;

use std::time::Duration;

use model::{DerivedId, Event, EventType, Kind, Payload, StubRule, TaskResult, TaskStatus};
use serde_json::{Map, Value};

pub use task::TriggeredTask;

/// One thing to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Publish an answer.
    Say(Box<Event>),
    /// Let time pass.
    Wait(Duration),
    /// End the process.
    Crash,
}

/// Which time a task is delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// The first time.
    First,
    /// After a crash, or because an acknowledgement was lost.
    Later,
}

/// What one answer says.
struct Verdict<'a> {
    status: TaskStatus,
    result: TaskResult,
    message: &'a str,
}

const STARTED: Verdict<'static> =
    Verdict { status: TaskStatus::Succeeded, result: TaskResult::Pass, message: "" };

/// Returns what the executor `source` does with a task.
pub fn script(
    task: &TriggeredTask<'_>,
    source: &str,
    rules: &[&StubRule],
    attempt: Attempt,
) -> Vec<Step> {
    let author = Author { task, source };
    if let Some(problem) = task.problem() {
        let verdict =
            Verdict { status: TaskStatus::Errored, result: TaskResult::Fail, message: problem };
        return vec![
            author.say(Kind::Started, 0, &STARTED),
            author.say(Kind::Finished, 0, &verdict),
        ];
    }
    let outcome = outcome::of(task, rules);
    if outcome.is_silent {
        return Vec::new();
    }
    let mut steps = Vec::new();
    let pending = match task.name() {
        approval::TASK if !outcome.is_decided => Some(approval::decide(task)),
        _ => None,
    };
    let started = Verdict { message: pending.as_ref().map_or("", |one| one.message), ..STARTED };
    for number in 0..outcome.answers {
        steps.push(author.say(Kind::Started, number, &started));
    }
    if outcome.crashes && attempt == Attempt::First {
        steps.push(Step::Crash);
        return steps;
    }
    let result = match pending {
        Some(approval::Decision { result: None, .. }) => return steps,
        Some(approval::Decision { result: Some(result), .. }) => result,
        None => outcome.result,
    };
    if outcome.delay > Duration::ZERO {
        steps.push(Step::Wait(outcome.delay));
    }
    let finished = Verdict { status: outcome.status, result, message: &outcome.message };
    for number in 0..outcome.answers {
        steps.push(author.say(Kind::Finished, number, &finished));
    }
    steps
}

/// Returns the id of an answer: the same for the same task, executor, kind and number.
pub fn answer_id(triggered_id: &str, source: &str, kind: Kind, number: u32) -> DerivedId {
    DerivedId::of(&[triggered_id, source, kind.as_str(), &number.to_string()])
}

/// Who answers what.
struct Author<'a> {
    task: &'a TriggeredTask<'a>,
    source: &'a str,
}

impl Author<'_> {
    fn say(&self, kind: Kind, number: u32, verdict: &Verdict<'_>) -> Step {
        let triggered = self.task.event();
        let id = answer_id(triggered.id.as_str(), self.source, kind, number).event_id();
        let event_type = EventType::Task(self.task.task_name().clone(), kind);
        let mut answer = Event::new(id, self.source, event_type, self.data(verdict));
        answer.context.clone_from(&triggered.context);
        answer.triggered_id = Some(triggered.id.clone());
        answer.traceparent.clone_from(&triggered.traceparent);
        Step::Say(Box::new(answer))
    }

    fn data(&self, verdict: &Verdict<'_>) -> Payload {
        let mut data = self.task.echo();
        let text = |text: &str| Value::String(text.to_owned());
        data.insert("status".to_owned(), text(verdict.status.as_str()));
        data.insert("result".to_owned(), text(verdict.result.as_str()));
        data.insert("message".to_owned(), text(verdict.message));
        data.insert(self.task.name().to_owned(), Value::Object(Map::new()));
        Payload::from_map(&data)
    }
}
