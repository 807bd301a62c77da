//! Who delivered what to where, when, from where and why.

use maud::{Markup, html};
use model::view::{QueryError, Sequence, SequenceService};

use super::{
    look::{Body, Look},
    place::{Place, RunsFilter},
    runs,
    words::{Shown, chip, count, cut, linked, run_path, state, time, version, versions},
};
use crate::answers;

/// Who says what follows by itself.
const CONTROLLER: &str = "shipyard-controller";
/// Services of a run that are named.
const SERVICES_MAX: usize = 5;
/// Labels of a run that are shown, and characters of each.
const LABELS_MAX: usize = 5;
const LABEL_CHARS_MAX: usize = 60;
/// Characters of a message.
const MESSAGE_CHARS_MAX: usize = 200;

pub(super) fn body(look: &Look, name: &str, filter: &RunsFilter) -> Result<Body, QueryError> {
    let project = answers::project(&look.view, name)?;
    let page = runs::page(look, name, filter)?;
    let place = |filter| Place::History { project: name.to_owned(), filter };
    let main = html! {
        h1 { "History" }
        p.lead { "Who delivered what to where, when and why; newest first." }
        (runs::form(filter, place))
        @if page.sequences.is_empty() { p { "No run fits." } } @else {
            div.card.scroll data-key="history" {
                table {
                    thead { tr.dim {
                        th scope="col" { "When" } th scope="col" { "What" } th scope="col" { "Stage" }
                        th scope="col" { "End" } th scope="col" { "Who and why" }
                    } }
                    tbody { @for run in &page.sequences { (row(look, run)) } }
                }
            }
        }
        (runs::older(page.next_before, filter, place))
    };
    Ok(Body {
        title: format!("History · {}", project.name),
        main,
        project: Some(project.name.clone()),
    })
}

fn row(look: &Look, run: &Sequence) -> Markup {
    let (tone, word) = state(run);
    let surplus = run.services.len().saturating_sub(SERVICES_MAX);
    html! {
        tr {
            td { a href=(run_path(&run.keptn_context)) { (time(run.triggered_at, look.now, Shown::Date)) } }
            td {
                @for one in run.services.iter().take(SERVICES_MAX) { span.item { (change(one)) } }
                @if surplus > 0 { span.why { "and " (count(surplus, "more service")) } }
                @if run.services.is_empty() { (run.sequence) }
            }
            td { (run.stage) }
            td {
                (chip(tone, &word))
                @if let Some(end) = run.finished_at { span.why { (time(end, look.now, Shown::Clock)) } }
            }
            td { (why(run)) }
        }
    }
}

fn change(one: &SequenceService) -> Markup {
    let name = one.service.as_str();
    html! {
        (name) " "
        span.mono {
            @match (&one.released, &one.artifact) {
                (Some(old), Some(new)) if old == new => { (version(name, new)) }
                (Some(old), Some(new)) => {
                    @let (old, new) = versions(name, old, new);
                    (old) " → " (new)
                }
                (None, Some(new)) => { (version(name, new)) }
                (_, None) => {}
            }
        }
    }
}

fn why(run: &Sequence) -> Markup {
    // What follows by itself carries on where the first stage's came from.
    let follows = run.source.as_deref() == Some(CONTROLLER);
    html! {
        @match run.source.as_deref() {
            Some(_) if follows => { "follows by itself" }
            Some(source) => { (cut(source, LABEL_CHARS_MAX)) }
            None => { span.dim { "not known" } }
        }
        span.why {
            (run.sequence)
            @if let Some(from) = run.from.as_ref().filter(|_| !follows) { ", taken over from " (from) }
        }
        @for (name, value) in run.labels.iter().take(LABELS_MAX) {
            span.why { (cut(name, LABEL_CHARS_MAX)) ": " (linked(&cut(value, LABEL_CHARS_MAX))) }
        }
        @if let Some(message) = &run.message { span.why { (linked(&cut(message, MESSAGE_CHARS_MAX))) } }
    }
}
