//! One cell of the matrix: what is released, and in at most two short lines why it is as it is.

use fold::{
    catalog::Project,
    stage::{Delivered, Newest},
};
use maud::{Markup, html};
use model::{
    ServiceName, TaskResult, TaskStatus,
    view::{Ongoing, SequenceState, ServiceState, ServiceStatus},
};

use super::Column;
use crate::page::{
    look::Look,
    words::{Shown, Tone, cut, run_path, time, version, versions},
};

/// Characters of a reason; the page of the run has all of it.
const REASON_CHARS_MAX: usize = 60;

pub(super) fn cell(
    look: &Look,
    project: &Project,
    column: &Column<'_>,
    service: &ServiceName,
) -> Markup {
    let stage = &column.stage.stage;
    let here = look.view.world.stages.delivered(&project.name, stage, service);
    let status = column.by_service.get(service.as_str());
    let running = column.ongoing.get(service.as_str());
    let released = here.and_then(|here| here.released.as_ref());
    if released.is_none() && status.is_none() && running.is_none() && here.is_none() {
        return html! { td.none-here { span.why { "not here" } } };
    }
    let failed = here.and_then(failed).filter(|_| running.is_none());
    let standing = match (&column.status.from, status) {
        (Some(from), Some(status)) => standing(from.as_str(), status),
        (None, _) if running.is_some() || here.is_none() => html! {},
        (None, _) | (Some(_), None) => {
            here.map(|here| evaluated(look, here, service)).unwrap_or_default()
        }
    };
    html! {
        td {
            @match released {
                Some(one) => { span.v { (version(service.as_str(), &one.artifact)) } }
                None => { span.v.dim { "–" } }
            }
            (standing)
            @if let Some(run) = running { (runs(look, service, run)) }
            @if let Some(newest) = failed { (failure(service, newest)) }
        }
    }
}

/// How the service stands to the stage before.
fn standing(from: &str, status: &ServiceStatus) -> Markup {
    let service = status.service.as_str();
    let word = |tone: Tone, word: &str| html! { b.(tone.class()) { (word) } };
    let ahead = status.evaluated.as_deref().map(|evaluated| match &status.released {
        Some(released) => versions(service, released, evaluated).1,
        None => version(service, evaluated),
    });
    html! {
        span.why {
            @match status.state {
                ServiceState::InSync => { (word(Tone::Good, "in sync")) }
                ServiceState::Behind => { (word(Tone::Behind, "behind")) " " (ahead.unwrap_or_default()) }
                ServiceState::Ahead => {
                    (word(Tone::Behind, "ahead")) " of " (ahead.unwrap_or_default()) ", never evaluated in " (from)
                }
                ServiceState::New => { (word(Tone::Behind, "new")) " " (ahead.unwrap_or_default()) }
                ServiceState::OnlyHere => { (word(Tone::Quiet, "only here")) }
                ServiceState::NotEligible => { (word(Tone::Quiet, "not evaluated yet")) " in " (from) }
            }
        }
    }
}

/// What the first stage has evaluated.
fn evaluated(look: &Look, here: &Delivered, service: &ServiceName) -> Markup {
    let Some(one) = here.evaluated() else {
        let is_tried = here.newest.as_ref().is_some_and(|newest| newest.outcome.is_some());
        return html! { @if !is_tried { span.why { b.none { "not evaluated yet" } } } };
    };
    let released = here.released.as_ref().map(|released| released.artifact.as_ref());
    let is_other = released.is_some_and(|released| released != one.artifact.as_ref());
    let is_warning = one.result == TaskResult::Warning;
    html! {
        span.why {
            @if is_other { (version(service.as_str(), &one.artifact)) " " }
            b.(Tone::of(one.result).class()) { "evaluated" }
            " " @if is_warning { "warning" } @else { "pass" } " · " (time(one.at, look.now, Shown::Ago))
        }
    }
}

/// A run that is under way.
fn runs(look: &Look, service: &ServiceName, run: &Ongoing) -> Markup {
    let at = run.services.iter().position(|one| one == service);
    // Without an artifact for each service, nobody can tell whose it is.
    let artifact = at.filter(|_| run.services.len() == run.artifacts.len());
    let artifact = artifact.and_then(|at| run.artifacts.get(at));
    let what =
        artifact.map_or_else(|| run.sequence.to_string(), |one| version(service.as_str(), one));
    let (tone, how) = match run.state {
        SequenceState::Waiting => (Tone::Quiet, "queued".to_owned()),
        SequenceState::WaitingForApproval => (Tone::Behind, "waits for an approval".to_owned()),
        SequenceState::Paused => (Tone::Behind, "paused".to_owned()),
        SequenceState::Triggered
        | SequenceState::Started
        | SequenceState::Aborted
        | SequenceState::TimedOut
        | SequenceState::Finished => (
            Tone::Run,
            run.task.as_ref().map_or_else(|| "running".to_owned(), |task| format!("in {task}")),
        ),
    };
    html! {
        span.why {
            b.(tone.class()) { (what) " " (how) } " · "
            a href=(run_path(&run.keptn_context)) { (time(run.since, look.now, Shown::For)) }
        }
    }
}

/// Returns the newest artifact of a stage if it did not pass.
pub(super) fn failed(here: &Delivered) -> Option<&Newest> {
    let newest = here.newest.as_ref()?;
    let is_fail = newest.outcome.as_ref().is_some_and(|one| one.result == TaskResult::Fail);
    let is_evaluated = here.evaluated().is_some_and(|one| one.artifact == newest.artifact);
    Some(newest).filter(|_| is_fail && !is_evaluated)
}

/// A newer artifact that did not pass, and what was said about it.
fn failure(service: &ServiceName, newest: &Newest) -> Markup {
    let Some(outcome) = &newest.outcome else { return html! {} };
    let is_aborted = outcome.status == TaskStatus::Aborted;
    let (tone, word) = if is_aborted { (Tone::Quiet, "aborted") } else { (Tone::Bad, "failed") };
    html! {
        span.why {
            a href=(run_path(&newest.context)) {
                b.(tone.class()) { (version(service.as_str(), &newest.artifact)) " " (word) }
            }
            @if !outcome.message.is_empty() && !is_aborted { ": " (cut(&outcome.message, REASON_CHARS_MAX)) }
        }
    }
}
