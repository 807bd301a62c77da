//! Runs of a project, newest first.

use maud::{Markup, html};
use model::{
    Position,
    view::{QueryError, Sequence, Sequences, SequencesQuery},
};

use super::{
    acts,
    look::{Body, Look},
    place::{Place, RunsFilter},
    words::{Shown, chip, delivered, exact, run_path, shell, state, time},
};
use crate::answers;

/// Runs of a page.
const ROWS: usize = 50;

pub(super) fn body(look: &Look, name: &str, filter: &RunsFilter) -> Result<Body, QueryError> {
    let project = answers::project(&look.view, name)?;
    let page = page(look, name, filter)?;
    let place = |filter| Place::Runs { project: name.to_owned(), filter };
    let open = page.sequences.iter().filter(|run| !run.state.is_ended()).count();
    let title = match open {
        0 => "No run is open".to_owned(),
        1 => "1 run is open".to_owned(),
        more => format!("{more} runs are open"),
    };
    let main = html! {
        h1 { "Runs" }
        p.lead { "What is delivered in " (project.name) ", newest first." }
        (form(filter, place))
        @if page.sequences.is_empty() { p { "No run fits." } } @else {
            div.card.scroll data-key="runs" {
                table {
                    thead { tr.dim {
                        th scope="col" { "Delivery" } th scope="col" { "Stage" }
                        th scope="col" { "State" } th scope="col" { "Started" } th scope="col" { "Took" }
                    } }
                    tbody { @for run in &page.sequences { (row(look, run)) } }
                }
            }
        }
        (older(page.next_before, filter, place))
        (acts::command(&command(name, filter)))
    };
    Ok(Body {
        title: format!("{title} · {}", project.name),
        main,
        project: Some(project.name.clone()),
    })
}

/// Returns a page of runs.
pub(super) fn page(
    look: &Look,
    project: &str,
    filter: &RunsFilter,
) -> Result<Sequences, QueryError> {
    let query = SequencesQuery {
        project: Some(project.to_owned()),
        stage: filter.stage.clone(),
        service: filter.service.clone(),
        open_only: filter.open,
        limit: ROWS,
        before: filter.before,
        ..SequencesQuery::default()
    };
    answers::sequences(&look.view, &query)
}

fn row(look: &Look, run: &Sequence) -> Markup {
    let (tone, word) = state(run);
    let what = delivered(run);
    html! {
        tr {
            th scope="row" {
                a href=(run_path(&run.keptn_context)) {
                    @if what.is_empty() { (run.sequence) } @else { (what) }
                }
                span.why { (run.sequence) }
            }
            td { (run.stage) }
            td { (chip(tone, &word)) }
            td { (time(run.triggered_at, look.now, Shown::Ago)) }
            td {
                @match run.finished_at {
                    Some(end) => { (exact(end.since(run.triggered_at))) }
                    None => { (time(run.triggered_at, look.now, Shown::For)) " so far" }
                }
            }
        }
    }
}

/// Returns the form of the filter.
pub(super) fn form(filter: &RunsFilter, place: impl Fn(RunsFilter) -> Place) -> Markup {
    let all = place(RunsFilter::default()).href();
    html! {
        form.bar.filter method="get" action=(all) role="search" {
            label { "Stage " input type="search" name="stage" value=[filter.stage.as_deref()]; }
            label { "Service " input type="search" name="service" value=[filter.service.as_deref()]; }
            label { input type="checkbox" name="open" value="1" checked[filter.open]; " only open ones" }
            button.quiet type="submit" { "Show" }
            @if *filter != RunsFilter::default() { a href=(all) { "newest of all" } }
        }
    }
}

/// Returns the link to the page of older ones.
pub(super) fn older(
    before: Option<Position>,
    filter: &RunsFilter,
    place: impl Fn(RunsFilter) -> Place,
) -> Markup {
    html! {
        @if before.is_some() {
            nav.bar aria-label="Pages" {
                a rel="next" href=(place(RunsFilter { before, ..filter.clone() }).href()) { "older" }
            }
        }
    }
}

fn command(project: &str, filter: &RunsFilter) -> String {
    let mut command = format!("keptn get sequence --project={project}");
    let mut add = |flag: &str, value: &Option<String>| {
        if let Some(value) = value {
            command.push_str(flag);
            command.push_str(&shell(value));
        }
    };
    add(" --stage=", &filter.stage);
    add(" --service=", &filter.service);
    if filter.open {
        command.push_str(" --open");
    }
    command
}
