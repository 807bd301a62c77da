//! Events: of a project, newest first, with filters; and the list that the page of a run has, too.

use maud::{Markup, html};
use model::{
    Event, Kind, Position, TaskResult, TaskStatus,
    view::{EventEntry, Events, QueryError},
};
use serde_json::Value;

use super::{
    acts,
    look::{Body, Look},
    place::{EventsFilter, Place},
    words::{Shown, Tone, chip, cut, grouped, run_path, shell, short, time},
};
use crate::answers;

/// Characters of an event that the page holds; the command shows all of it.
const EVENT_CHARS_MAX: usize = 6_000;
/// Bytes of all events of a page, written out; the rest are named without.
const WRITTEN_BYTES_MAX: usize = 90_000;
/// Characters of a type and of a source: longer ones are nobody's.
const TYPE_CHARS_MAX: usize = 120;
const SOURCE_CHARS_MAX: usize = 60;
/// What most types begin with.
const EVENT_PREFIX: &str = "sh.keptn.event.";

pub(super) fn body(look: &Look, name: &str, filter: &EventsFilter) -> Result<Body, QueryError> {
    let project = answers::project(&look.view, name)?;
    let events = look.events.as_deref();
    let older = events.and_then(|events| events.next_before);
    let main = html! {
        h1 { "Events" }
        p.lead { "What happened in " (project.name) ", newest first." }
        (form(name, filter))
        @match events {
            Some(events) if events.events.is_empty() => { p { "No event here fits." } }
            _ => { (list(look, events)) }
        }
        (pager(name, filter, older))
        (acts::command(&command(name, filter)))
    };
    Ok(Body {
        title: format!("Events · {}", project.name),
        main,
        project: Some(project.name.clone()),
    })
}

fn form(project: &str, filter: &EventsFilter) -> Markup {
    let all = Place::Events { project: project.to_owned(), filter: EventsFilter::default() };
    let is_filtered = *filter != EventsFilter::default();
    html! {
        form.bar.filter method="get" action=(all.href()) role="search" {
            label { "Type " input type="search" name="type" placeholder="test.finished" value=[filter.event_type.as_deref()]; }
            label { "Context " input type="search" name="context" value=[filter.context.as_deref()]; }
            label { "Stage " input type="search" name="stage" value=[filter.stage.as_deref()]; }
            button.quiet type="submit" { "Show" }
            @if is_filtered { a href=(all.href()) { "newest of all" } }
        }
    }
}

fn pager(project: &str, filter: &EventsFilter, before: Option<Position>) -> Markup {
    if before.is_none() {
        return html! {};
    }
    let filter = EventsFilter { before, ..filter.clone() };
    let older = Place::Events { project: project.to_owned(), filter };
    html! { nav.bar aria-label="Pages" { a rel="next" href=(older.href()) { "older" } } }
}

fn command(project: &str, filter: &EventsFilter) -> String {
    let event_type = filter.event_type.iter().map(|name| format!(" {}", shell(name)));
    let context = filter.context.iter().map(|one| format!(" -c {}", shell(one)));
    let stage = filter.stage.iter().map(|stage| format!(" --stage={}", shell(stage)));
    let arguments: String = event_type.chain(context).chain(stage).collect();
    format!("keptn get event{arguments} --project={project}")
}

/// Lists events, newest first, each with its JSON.
pub(super) fn list(look: &Look, events: Option<&Events>) -> Markup {
    let Some(events) = events else { return html! { p.dim { "The events cannot be read now." } } };
    let mut written = 0;
    html! {
        ol.events {
            @for entry in events.events.iter().rev() { (row(look, entry, &mut written)) }
        }
    }
}

fn row(look: &Look, entry: &EventEntry, written: &mut usize) -> Markup {
    let event = Event::from_json(entry.event.get().as_bytes()).ok();
    let json = pretty(entry.event.get());
    *written += json.len();
    let has_room = *written <= WRITTEN_BYTES_MAX;
    html! {
        li id={ "event-" (entry.position) } {
            details data-key={ "event-" (entry.position) } {
                summary {
                    (time(entry.time, look.now, Shown::Clock))
                    @match &event {
                        Some(event) => { (said(event)) }
                        None => { b.bad { "unreadable" } }
                    }
                }
                @if let Some(context) = event.as_ref().and_then(|event| event.context.as_ref()) {
                    p.dim { "event " (grouped(entry.position)) ", delivery " a.mono href=(run_path(context)) { (context.short()) "…" } }
                }
                @if has_room { pre tabindex="0" { (json) } } @else {
                    p.dim {
                        "The page is full: " code {
                            "keptn get event"
                            @if let Some(context) = event.as_ref().and_then(|event| event.context.as_ref()) { " -c " (short(context)) }
                            " -o json"
                        }
                    }
                }
            }
        }
    }
}

/// Says in one line what an event says.
fn said(event: &Event) -> Markup {
    let name = event.event_type.to_string();
    let name = name.strip_prefix(EVENT_PREFIX).unwrap_or(&name);
    let head = event.data.head();
    let is_finished = event.event_type.kind() == Some(Kind::Finished);
    let status = TaskStatus::read(head.status.as_deref());
    let result = TaskResult::read(head.result.as_deref());
    html! {
        span.mono { (cut(name, TYPE_CHARS_MAX)) }
        span.dim { (cut(event.executor(), SOURCE_CHARS_MAX)) }
        span {
            @if is_finished && status == TaskStatus::Aborted { (chip(Tone::Quiet, "aborted")) }
            @else if is_finished && status == TaskStatus::Errored { (chip(Tone::Bad, "errored")) }
            @else if is_finished && head.result.is_some() { (chip(Tone::of(result), result.as_str())) }
        }
    }
}

/// Writes JSON so that a person can read it.
fn pretty(json: &str) -> String {
    let value = serde_json::from_str::<Value>(json).ok();
    let text = value.and_then(|value| serde_json::to_string_pretty(&value).ok());
    cut(text.as_deref().unwrap_or(json), EVENT_CHARS_MAX)
}
