//! One delivery: its runs and tasks on a time line, what it waits for, where it failed, what a
//! person can do, and its events.

mod deeds;
mod timeline;
mod waiting;

use maud::{Markup, html};
use model::{
    TaskResult, TaskStatus,
    view::{Delivery, QueryError, Sequence, SequenceQuery, SequenceState, Task, TaskState},
};

use super::{
    acts, events,
    look::{Body, Look},
    place::{EventsFilter, Place, RunsFilter},
    words::{Shown, Tone, chip, count, delivered, grouped, linked, short, state, time},
};
use crate::answers;

/// Runs of a delivery that are drawn, the newest; a loop of follow-ups has more.
const RUNS_MAX: usize = 20;
/// Services of which the artifacts are listed.
const SERVICES_MAX: usize = 50;

pub(super) fn body(look: &Look, context: &str) -> Result<Body, QueryError> {
    let query = SequenceQuery { keptn_context: context.to_owned(), at_least: None };
    let mut delivery = answers::delivery(&look.view, &query)?;
    let earlier = delivery.sequences.len().saturating_sub(RUNS_MAX);
    delivery.sequences.drain(..earlier);
    let Some(lead) = leading(&delivery) else {
        return Ok(Body { title: "Nothing ran".to_owned(), main: html! {}, project: None });
    };
    let (_, word) = state(lead);
    let several = delivery.sequences.len() > 1;
    let main = html! {
        h1 { (headline(delivery.sequences.first().unwrap_or(lead))) }
        (summary(look, &delivery, lead))
        @for run in &delivery.sequences {
            (waiting::note(look, run, several))
            (failure(run))
        }
        @if earlier > 0 {
            p.legend { (count(earlier, "earlier run")) " of this delivery: " code { "keptn get sequence -c " (short(&delivery.keptn_context)) } }
        }
        (timeline::draw(look, &delivery))
        (deeds::bar(look, &delivery))
        (details(look, lead))
        h2 { "Events" }
        (events::list(look, look.events.as_deref()))
        (more(look, &delivery, lead))
    };
    Ok(Body {
        title: format!("{word} in {} · {}", lead.stage, lead.project),
        main,
        project: Some(lead.project.clone()),
    })
}

/// Returns the run that says how the delivery is: the first that is open, else the newest.
fn leading(delivery: &Delivery) -> Option<&Sequence> {
    let open = delivery.sequences.iter().find(|run| !run.state.is_ended());
    open.or_else(|| delivery.sequences.last())
}

fn headline(run: &Sequence) -> Markup {
    let what = delivered(run);
    html! {
        @if what.is_empty() { (run.sequence) " in " (run.stage) } @else { (what) " to " (run.stage) }
    }
}

fn summary(look: &Look, delivery: &Delivery, lead: &Sequence) -> Markup {
    let (tone, word) = state(lead);
    let first = delivery.sequences.first().unwrap_or(lead);
    html! {
        p.lead {
            (chip(tone, &word)) " "
            @if delivery.sequences.len() > 1 { "in " (lead.stage) " " }
            "· " (first.sequence) " · started " (time(first.triggered_at, look.now, Shown::Ago))
            @if let Some(source) = &first.source { " by " (source) }
            " · " span.mono title=(delivery.keptn_context) { (delivery.keptn_context.short()) "…" }
        }
        @if let Some(problem) = &first.problem_title { p { "Problem: " (linked(problem)) } }
    }
}

/// Says where a run failed, with the words of who said so.
fn failure(run: &Sequence) -> Markup {
    let is_failed = state(run).0 == Tone::Bad;
    if !is_failed {
        return html! {};
    }
    let task = failed_task(run);
    let said = task.and_then(|task| task.message.as_ref()).or(run.message.as_ref());
    let by = task.map(|task| {
        let guilty = |one: &&model::view::Executor| one.result == Some(TaskResult::Fail);
        task.executors.iter().find(guilty)
    });
    html! {
        div.wait.failed {
            @match (run.state, task) {
                (SequenceState::TimedOut, Some(task)) => { "Timed out at " b { (task.label) } }
                (_, Some(task)) => { "Failed at " b { (task.label) } }
                (_, None) => { "Failed" }
            }
            " in " (run.stage)
            @if let Some(executor) = by.flatten() { ", says " (executor.name) }
            @match said { Some(message) => { ": " (linked(message)) } None => { "." } }
            @if let Some(hint) = &run.hint { p.hint { (hint) } }
        }
    }
}

/// Returns the task at which a run failed, if it is known.
fn failed_task(run: &Sequence) -> Option<&Task> {
    run.tasks.iter().rev().find(|task| failed(task))
}

fn failed(task: &Task) -> bool {
    task.state == TaskState::Finished
        && (task.result == Some(TaskResult::Fail) || task.status == Some(TaskStatus::Errored))
}

/// What the run works with, in full.
fn details(look: &Look, run: &Sequence) -> Markup {
    let surplus = run.services.len().saturating_sub(SERVICES_MAX);
    html! {
        details data-key="with" {
            summary { "What it runs with" }
            dl {
                @for one in run.services.iter().take(SERVICES_MAX) {
                    dt { (one.service) }
                    dd.mono {
                        (one.released.as_deref().unwrap_or("–")) " → "
                        (one.artifact.as_deref().unwrap_or("no artifact yet"))
                    }
                }
                @if surplus > 0 { dt { "and" } dd { (count(surplus, "more service")) } }
                @if let Some(from) = &run.from { dt { "taken over from" } dd { (from) } }
                @if let Some(hash) = &run.git_commit_id { dt { "configuration" } dd.mono { (hash) } }
                @for (name, value) in &run.labels { dt { (name) } dd { (linked(value)) } }
                dt { "context" } dd.mono { (run.keptn_context) }
                dt { "triggered" } dd { (time(run.triggered_at, look.now, Shown::Date)) ", event " (grouped(run.position)) }
            }
        }
    }
}

/// Where there is more of it.
fn more(look: &Look, delivery: &Delivery, run: &Sequence) -> Markup {
    let context = &delivery.keptn_context;
    let is_cut = look
        .events
        .as_ref()
        .is_some_and(|events| events.events.len() >= super::place::EVENTS_SHOWN);
    let filter = EventsFilter { context: Some(context.to_string()), ..EventsFilter::default() };
    let events = Place::Events { project: run.project.to_string(), filter };
    let runs = Place::Runs { project: run.project.to_string(), filter: RunsFilter::default() };
    html! {
        @if is_cut { p { a href=(events.href()) { "All events of this delivery" } } }
        (acts::command(&format!("keptn get event -c {} -o json", short(context))))
        p { a href=(runs.href()) { "All runs" } }
    }
}
