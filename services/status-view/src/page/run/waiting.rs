//! For what a run waits: for whom, since when, until when, and what a person can do about it.

use maud::{Markup, html};
use model::view::{Sequence, SequenceState, WaitingFor, WaitingReason};

use crate::page::{
    acts,
    look::Look,
    words::{Shown, current, run_path, short, time},
};

/// Executors that are named.
const EXECUTORS_NAMED: usize = 5;

/// Says for what a run waits, if it waits.
pub(super) fn note(look: &Look, run: &Sequence, names_stage: bool) -> Markup {
    let Some(waiting) = &run.waiting_for else { return html! {} };
    html! {
        div.wait {
            @if run.state == SequenceState::Paused && waiting.reason != WaitingReason::Pause {
                b { "Paused" } " by a person: nothing more is started. "
            }
            (whom(run, waiting))
            @if names_stage { " in " (run.stage) }
            ": for " (time(waiting.since, look.now, Shown::For))
            @match waiting.until {
                Some(until) => { ", at most " (time(until, look.now, Shown::Left)) "." }
                None => { ", until a person acts." }
            }
            @if waiting.reason == WaitingReason::Approval { (approval(look, run)) }
        }
    }
}

fn whom(run: &Sequence, waiting: &WaitingFor) -> Markup {
    let task = current(run).map(|task| task.label.as_str());
    let next =
        || run.tasks.iter().find(|task| task.triggered_at.is_none() && task.result.is_none());
    html! {
        @match waiting.reason {
            WaitingReason::Executor => {
                "Waiting for " b { (executors(waiting)) }
                @if let Some(task) = task { " to finish " b { (task) } }
            }
            WaitingReason::Queue => {
                "In the queue"
                @if let Some(service) = waiting.services.first() { " for " b { (service) } }
                @if let Some(behind) = &waiting.behind {
                    ", behind " a.mono href=(run_path(behind)) { (behind.short()) "…" }
                }
            }
            WaitingReason::Approval => { "Waiting for a person to " b { "approve" } }
            WaitingReason::Delay => {
                "Waiting for the delay before " b { (next().map_or("the next task", |task| task.label.as_str())) }
            }
            WaitingReason::Pause => { b { "Paused" } " by a person" }
            WaitingReason::Command => { "Waiting for the answer to a command on the project" }
            WaitingReason::Controller => { "Waiting for " b { "shipyard-controller" } }
        }
    }
}

fn executors(waiting: &WaitingFor) -> String {
    match waiting.executors.as_slice() {
        [] => "an executor".to_owned(),
        some => {
            let named: Vec<&str> = some.iter().take(EXECUTORS_NAMED).map(String::as_str).collect();
            named.join(", ")
        }
    }
}

fn approval(look: &Look, run: &Sequence) -> Markup {
    let context = run.keptn_context.as_str();
    let fields = [
        ("project", run.project.as_str()),
        ("stage", run.stage.as_str()),
        ("keptnContext", context),
    ];
    let id = format!("message-{}", run.position);
    let acting = look.acting.as_ref();
    html! {
        div.bar {
            (acts::answer(acting, [("approve", "Approve"), ("decline", "Decline")], &id, &fields))
            @if acting.is_some() { span.dim { "or" } }
            code { "keptn approve -c " (short(&run.keptn_context)) " -s " (run.stage) }
        }
    }
}
