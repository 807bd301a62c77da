//! How runs ended, in words, and which exit code that is.

use model::{
    TaskResult, TaskStatus,
    view::{Delivery, Sequence, SequenceState, TaskState},
};

use super::{Tone, ago};
use crate::failure::Exit;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    /// It has not.
    Open,
    /// With pass.
    Passed,
    /// With a warning.
    Warned,
    /// By a person.
    Aborted,
    /// Nobody answered in time.
    TimedOut,
    /// With fail.
    Failed,
}

impl Outcome {
    /// Reads how a run ended.
    pub(crate) fn of(run: &Sequence) -> Self {
        match run.state {
            SequenceState::Triggered
            | SequenceState::Started
            | SequenceState::Waiting
            | SequenceState::WaitingForApproval
            | SequenceState::Paused => Self::Open,
            SequenceState::Aborted => Self::Aborted,
            SequenceState::TimedOut => Self::TimedOut,
            SequenceState::Finished if run.status == Some(TaskStatus::Aborted) => Self::Aborted,
            SequenceState::Finished => match run.result {
                Some(TaskResult::Pass) => Self::Passed,
                Some(TaskResult::Warning) => Self::Warned,
                Some(TaskResult::Fail) | None => Self::Failed,
            },
        }
    }

    const fn tone(self) -> Tone {
        match self {
            Self::Open => Tone::Running,
            Self::Passed => Tone::Good,
            Self::Warned => Tone::Behind,
            Self::Aborted => Tone::Quiet,
            Self::TimedOut | Self::Failed => Tone::Bad,
        }
    }
}

/// Returns the exit code of a delivery whose runs have all ended: failed goes before aborted.
pub(crate) fn exit(delivery: &Delivery) -> Exit {
    let outcomes: Vec<Outcome> = delivery.sequences.iter().map(Outcome::of).collect();
    let some = |wanted: &[Outcome]| outcomes.iter().any(|one| wanted.contains(one));
    if some(&[Outcome::Failed, Outcome::TimedOut]) {
        Exit::RunFailed
    } else if some(&[Outcome::Aborted]) {
        Exit::RunAborted
    } else {
        Exit::Done
    }
}

/// Says how a run ended, without its stage: `passed in 51.2 s`, `failed at evaluation: …`.
pub(crate) fn sentence(run: &Sequence) -> Option<(String, Tone)> {
    let outcome = Outcome::of(run);
    let text = match outcome {
        Outcome::Open => return None,
        Outcome::Passed if run.nothing_to_do => {
            run.message.clone().unwrap_or_else(|| "nothing to do".to_owned())
        }
        Outcome::Passed => format!("passed{}", took(run)),
        Outcome::Warned => format!("passed with a warning{}", took(run)),
        Outcome::Aborted => with_message(format!("aborted{}", at_task(run)), run),
        Outcome::TimedOut => with_message(format!("timed out{}", at_task(run)), run),
        Outcome::Failed => with_message(format!("failed{}", at_task(run)), run),
    };
    Some((text, outcome.tone()))
}

/// Returns ` in 51.2 s`, from the first task to the end.
fn took(run: &Sequence) -> String {
    let from = run.started_at.unwrap_or(run.triggered_at);
    let span = run.finished_at.map(|until| until.since(from));
    span.map(|span| format!(" in {}", ago::exact(span))).unwrap_or_default()
}

/// Returns ` at evaluation`: the last task that was reached.
fn at_task(run: &Sequence) -> String {
    let reached = run.tasks.iter().rev().find(|task| task.state != TaskState::Pending);
    reached.map(|task| format!(" at {}", task.label)).unwrap_or_default()
}

fn with_message(text: String, run: &Sequence) -> String {
    let reached = run.tasks.iter().rev().find(|task| task.state != TaskState::Pending);
    let said = reached.and_then(|task| task.message.as_deref());
    let said = said.or(run.message.as_deref()).filter(|message| !message.is_empty());
    match said {
        Some(message) => format!("{text}: {message}"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::testing::{delivery, passed_run, run};

    fn failed() -> Sequence {
        let mut run = passed_run();
        run.result = Some(TaskResult::Fail);
        run.tasks.truncate(4);
        run.tasks[3].message = Some("p95 is over 600 ms".to_owned());
        run
    }

    #[test]
    fn the_end_of_a_run_is_one_sentence() {
        let said = |run: &Sequence| sentence(run).map(|(text, _)| text);
        assert_eq!(said(&run()), None);
        assert_eq!(said(&passed_run()).as_deref(), Some("passed in 51.2 s"));
        assert_eq!(said(&failed()).as_deref(), Some("failed at evaluation: p95 is over 600 ms"));
    }

    #[test]
    fn failed_goes_before_aborted() {
        let mut aborted = passed_run();
        aborted.state = SequenceState::Aborted;
        assert_eq!(exit(&delivery(vec![passed_run()])), Exit::Done);
        assert_eq!(exit(&delivery(vec![passed_run(), aborted.clone()])), Exit::RunAborted);
        assert_eq!(exit(&delivery(vec![aborted, failed()])), Exit::RunFailed);
    }
}
