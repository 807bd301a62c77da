//! `keptn view status`: the story's text, and the notes that stand beside it.

use model::{
    StreamTime, TaskResult,
    view::{NotEligible, Ongoing, ServiceState, ServiceStatus, StageStatus, SyncStatus},
};

use super::{ago, artifact};

/// What an empty list shows.
const NOTHING: &str = "N/A";

/// Draws the status of a stage, byte for byte as the story has it.
pub(crate) fn text(status: &StageStatus, now: StreamTime) -> String {
    let mut blocks = vec![released(status), ongoing(status, now), verdict(status)];
    blocks.extend(execute(status));
    blocks.join("\n")
}

fn released(status: &StageStatus) -> String {
    let lines = status.services.iter().filter_map(|one| {
        one.released.as_deref().map(|released| artifact::named(one.service.as_str(), released))
    });
    format!("> Released services in {}:\n{}", status.stage, list(lines))
}

fn ongoing(status: &StageStatus, now: StreamTime) -> String {
    let lines = status.ongoing.iter().map(|run| ongoing_line(run, now));
    format!("> Ongoing deployments/tests/evaluations:\n{}", list(lines))
}

fn ongoing_line(run: &Ongoing, now: StreamTime) -> String {
    let services: Vec<&str> = run.services.iter().map(model::ServiceName::as_str).collect();
    let mut line = if services.is_empty() { String::new() } else { services.join(", ") + ": " };
    line.push_str(run.task.as_deref().unwrap_or(run.sequence.as_str()));
    if !run.artifacts.is_empty() {
        line = format!("{line} of {}", run.artifacts.join(", "));
    }
    line = format!("{line}, for {}", ago::coarse(now.since(run.since)));
    match &run.waiting_for {
        Some(waiting) => format!("{line}, waiting for {waiting}"),
        None => line,
    }
}

fn verdict(status: &StageStatus) -> String {
    let stage = &status.stage;
    let Some(from) = &status.from else {
        return format!("> Sync status: {stage} is the first stage.\n");
    };
    let word = match status.sync_status {
        SyncStatus::InSync => "IN-SYNC",
        SyncStatus::OutOfSync => "OUT-OF-SYNC",
        SyncStatus::FirstStage => return format!("> Sync status: {stage} is the first stage.\n"),
    };
    let lines = status.services.iter().filter_map(|one| {
        let evaluated = one.evaluated.as_deref()?;
        let suffix = match one.evaluated_result {
            Some(TaskResult::Warning) => " (warning)",
            Some(TaskResult::Pass | TaskResult::Fail) | None => "",
        };
        Some(artifact::named(one.service.as_str(), evaluated) + suffix)
    });
    format!(
        "> Sync status: {stage} is {word} with {from}.\nLast successfully evaluated configuration:\n{}",
        list(lines)
    )
}

fn execute(status: &StageStatus) -> Option<String> {
    let command = status.command.as_deref()?;
    let lines: Vec<String> =
        status.services.iter().filter_map(|one| difference(status, one)).collect();
    (!lines.is_empty()).then(|| format!("> Execute: `{command}` to update:\n{}", list(lines)))
}

fn difference(status: &StageStatus, one: &ServiceStatus) -> Option<String> {
    let evaluated = one.evaluated.as_deref().filter(|_| one.differs)?;
    let line = artifact::change(one.service.as_str(), one.released.as_deref(), evaluated);
    Some(match (one.state, &status.from) {
        (ServiceState::Ahead, Some(from)) => format!("{line} (ahead: never evaluated in {from})"),
        (
            ServiceState::Ahead
            | ServiceState::InSync
            | ServiceState::Behind
            | ServiceState::New
            | ServiceState::OnlyHere
            | ServiceState::NotEligible,
            _,
        ) => line,
    })
}

/// Draws a list of lines, or that it is empty.
fn list(lines: impl IntoIterator<Item = String>) -> String {
    let mut text = lines.into_iter().fold(String::new(), |text, line| text + "- " + &line + "\n");
    if text.is_empty() {
        text = format!("- {NOTHING}\n");
    }
    text
}

/// Says why newer artifacts do not count, one line each, for standard error.
pub(crate) fn notes(status: &StageStatus) -> Vec<String> {
    let Some(from) = &status.from else { return Vec::new() };
    let note = |one: &ServiceStatus| {
        let reason = one.not_eligible.as_ref()?;
        let place = if one.evaluated.is_some() { "is newer in" } else { "is in" };
        let subject = artifact::named(one.service.as_str(), &reason.artifact);
        Some(format!("note: {subject} {place} {from} but {}", why(reason)))
    };
    status.services.iter().filter_map(note).collect()
}

fn why(reason: &NotEligible) -> String {
    if reason.result.is_none() {
        return "is not evaluated yet".to_owned();
    }
    match &reason.message {
        Some(message) if !message.is_empty() => format!("failed its evaluation: {message}"),
        Some(_) | None => "failed its evaluation".to_owned(),
    }
}

#[cfg(test)]
mod tests;
