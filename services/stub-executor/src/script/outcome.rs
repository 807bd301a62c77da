//! How a task ends by the rules of its stub.

use std::time::Duration;

use model::{StubRule, TaskResult, TaskStatus};

use super::task::{Part, TriggeredTask};

/// How a task ends.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Outcome {
    pub(super) status: TaskStatus,
    pub(super) result: TaskResult,
    pub(super) message: String,
    pub(super) delay: Duration,
    pub(super) answers: u32,
    pub(super) is_silent: bool,
    pub(super) crashes: bool,
    /// A rule says the status or the result.
    pub(super) is_decided: bool,
}

/// Returns how a task ends: the worst of what the rules say for each of its services.
pub(super) fn of(task: &TriggeredTask<'_>, rules: &[&StubRule]) -> Outcome {
    task.parts()
        .iter()
        .map(|part| {
            let rule = rules.iter().rev().find(|rule| matches(rule, task, part));
            rule.map_or_else(Outcome::default, |rule| Outcome::by(rule))
        })
        .reduce(Outcome::worse)
        .unwrap_or_default()
}

fn matches(rule: &StubRule, task: &TriggeredTask<'_>, part: &Part) -> bool {
    let holds = |wanted: &Option<String>, found: Option<&str>| {
        wanted.as_deref().is_none_or(|wanted| found == Some(wanted))
    };
    holds(&rule.task, Some(task.name()))
        && holds(&rule.stage, task.stage())
        && holds(&rule.service, Some(&part.service))
        && holds(&rule.artifact, part.artifact.as_deref())
}

impl Default for Outcome {
    fn default() -> Self {
        Self::by(&StubRule::default())
    }
}

impl Outcome {
    fn by(rule: &StubRule) -> Self {
        let status = rule.status.unwrap_or(TaskStatus::Succeeded);
        // Who could not work has nothing to pass.
        let default = match status {
            TaskStatus::Succeeded => TaskResult::Pass,
            TaskStatus::Errored | TaskStatus::Aborted | TaskStatus::Unknown => TaskResult::Fail,
        };
        Self {
            status,
            result: rule.result.unwrap_or(default),
            message: rule.message.clone().unwrap_or_default(),
            delay: rule.delay.unwrap_or_default(),
            answers: rule.answers.unwrap_or(1),
            is_silent: rule.silent,
            crashes: rule.crash,
            is_decided: rule.result.is_some() || rule.status.is_some(),
        }
    }

    /// Puts the outcomes of two services of a bracket together. The message is that of the worse.
    fn worse(self, other: Self) -> Self {
        let rank = |one: &Self| (severity(one.status), one.result, !one.message.is_empty());
        let other_is_worse = rank(&other) > rank(&self);
        let message = if other_is_worse { other.message } else { self.message };
        Self {
            status: if severity(other.status) > severity(self.status) {
                other.status
            } else {
                self.status
            },
            result: self.result.max(other.result),
            message,
            delay: self.delay.max(other.delay),
            answers: self.answers.max(other.answers),
            is_silent: self.is_silent || other.is_silent,
            crashes: self.crashes || other.crashes,
            is_decided: self.is_decided || other.is_decided,
        }
    }
}

fn severity(status: TaskStatus) -> u8 {
    match status {
        TaskStatus::Succeeded => 0,
        TaskStatus::Unknown => 1,
        TaskStatus::Aborted => 2,
        TaskStatus::Errored => 3,
    }
}
