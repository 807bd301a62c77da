//! The matrix of a project: services and stages, what is released where, and why it is as it is.

mod cell;

use std::collections::BTreeMap;

use fold::catalog::Project;
use maud::{Markup, html};
use model::{
    KeptnContext, ServiceName,
    view::{
        Ongoing, ProjectStage, ProjectsQuery, QueryError, ServiceStatus, StageQuery, StageStatus,
        SyncStatus,
    },
};

use self::cell::cell;
use super::{
    acts,
    look::{Body, Look},
    place::{Place, StagesFilter},
    projects::{running, verdict},
    words::{Tone, chip, count, grouped, run_path},
};
use crate::answers;

/// Cells of a page: 50 rows of ten stages, about 100 kB.
const CELLS_MAX: usize = 500;
/// Rows of a page.
const ROWS_MAX: usize = 100;

/// Stages that get the same width; more are as wide as they must be.
const EVEN_MAX: usize = 5;

/// One stage.
struct Column<'a> {
    stage: ProjectStage,
    status: StageStatus,
    by_service: BTreeMap<&'a str, ServiceStatus>,
    ongoing: BTreeMap<String, Ongoing>,
    /// It follows the stage before it by itself.
    follows: bool,
}

pub(super) fn body(look: &Look, name: &str, filter: &StagesFilter) -> Result<Body, QueryError> {
    let project = answers::project(&look.view, name)?;
    let columns = columns(look, project)?;
    let wanted = |service: &&ServiceName| {
        filter.service.as_ref().is_none_or(|part| service.as_str().contains(part.as_str()))
            && (!filter.differs || columns.iter().any(|column| column.differs(service.as_str())))
    };
    let services: Vec<&ServiceName> = project.services.keys().filter(wanted).collect();
    let size = (CELLS_MAX / columns.len().max(1)).clamp(1, ROWS_MAX);
    let pages = services.len().div_ceil(size).max(1);
    let page = filter.page.min(pages - 1);
    let rows = services.iter().skip(page * size).take(size);
    let main = html! {
        h1 { (project.name) }
        (lead(project, &columns))
        (search(project, filter, size))
        div.card.scroll data-key="matrix" {
            table.matrix.even[columns.len() <= EVEN_MAX] {
                caption.hidden { "What is released in the stages of " (project.name) }
                thead { tr { td {} @for column in &columns { (header(look, project, column)) } } }
                tbody {
                    @for service in rows {
                        tr {
                            th scope="row" { (service) }
                            @for column in &columns { (cell(look, project, column, service)) }
                        }
                    }
                }
            }
        }
        @if services.is_empty() { (nothing(project, filter)) }
        (pager(project, filter, (page, pages)))
        p.legend {
            "A cell shows what is released in the stage. A stage is out of sync when the stage before it has evaluated something else."
        }
        (commands(&columns))
    };
    Ok(Body { title: title(project, &columns), main, project: Some(project.name.clone()) })
}

fn columns<'a>(look: &Look, project: &'a Project) -> Result<Vec<Column<'a>>, QueryError> {
    let query = ProjectsQuery { project: Some(project.name.to_string()), at_least: None };
    let answer = answers::projects(&look.view, &query)?.projects;
    let stages = answer.into_iter().flat_map(|project| project.stages);
    stages.map(|stage| column(look, project, stage)).collect()
}

fn column<'a>(
    look: &Look,
    project: &'a Project,
    stage: ProjectStage,
) -> Result<Column<'a>, QueryError> {
    let query = StageQuery {
        project: project.name.to_string(),
        stage: stage.stage.to_string(),
        from: None,
        at_least: None,
    };
    let mut status = answers::stage(&look.view, &query)?;
    let mut by_service = BTreeMap::new();
    for one in std::mem::take(&mut status.services) {
        if let Some((name, _)) = project.services.get_key_value(&one.service) {
            by_service.insert(name.as_str(), one);
        }
    }
    let mut ongoing = BTreeMap::new();
    for run in &status.ongoing {
        for service in &run.services {
            // The oldest is the one that works; the others stand behind it.
            ongoing.entry(service.to_string()).or_insert_with(|| run.clone());
        }
    }
    let follows = status.from.as_ref().is_some_and(|from| {
        let prefix = format!("{from}.");
        let spec = project.definition.shipyard.stage(stage.stage.as_str());
        let mut causes =
            spec.into_iter().flat_map(|spec| &spec.sequences).flat_map(|one| &one.triggered_on);
        causes.any(|on| on.event.starts_with(&prefix))
    });
    Ok(Column { stage, status, by_service, ongoing, follows })
}

impl Column<'_> {
    /// Returns the delivery that brings everything that differs, if one does.
    fn on_its_way(&self) -> Option<&KeptnContext> {
        let mut differing = self.by_service.values().filter(|one| one.differs).peekable();
        differing.peek()?;
        let brings = |run: &&Ongoing| {
            differing.clone().all(|one| {
                let artifact = one.evaluated.as_ref();
                run.services.contains(&one.service)
                    && artifact.is_some_and(|artifact| run.artifacts.contains(artifact))
            })
        };
        self.status.ongoing.iter().find(brings).map(|run| &run.keptn_context)
    }

    fn differs(&self, service: &str) -> bool {
        self.by_service.get(service).is_some_and(|one| one.differs)
    }
}

/// Says the first thing that is to be done.
fn title(project: &Project, columns: &[Column<'_>]) -> String {
    let behind = columns.iter().find(|column| column.status.sync_status == SyncStatus::OutOfSync);
    let running = columns.iter().find(|column| column.stage.running > 0);
    match (behind, running) {
        (Some(column), _) => format!("{} is out of sync · {}", column.stage.stage, project.name),
        (None, Some(column)) => format!("{} is running · {}", column.stage.stage, project.name),
        (None, None) => format!("{} is in sync", project.name),
    }
}

fn lead(project: &Project, columns: &[Column<'_>]) -> Markup {
    let behind: Vec<&Column<'_>> = columns
        .iter()
        .filter(|column| column.status.sync_status == SyncStatus::OutOfSync)
        .collect();
    html! {
        p.lead {
            (count(project.services.len(), "service")) " in " (count(columns.len(), "stage")) ". "
            @for column in &behind {
                b { (column.stage.stage) } " is " (count(column.stage.differing, "service")) " behind"
                @if let Some(from) = &column.status.from { " " (from) } ". "
            }
            @if behind.is_empty() && columns.len() > 1 { "Every stage has what the stage before it has evaluated." }
        }
    }
}

fn header(look: &Look, project: &Project, column: &Column<'_>) -> Markup {
    let stage = &column.stage;
    let has_failed = |service: &&ServiceName| {
        let here = look.view.world.stages.delivered(&project.name, &stage.stage, service);
        here.is_some_and(|here| cell::failed(here).is_some())
    };
    let failed = project.services.keys().filter(has_failed).count();
    let plan = Place::Plan {
        project: project.name.to_string(),
        stage: stage.stage.to_string(),
        from: None,
    };
    html! {
        th scope="col" {
            span.stage { (stage.stage) }
            @if stage.sync_status == SyncStatus::FirstStage {
                @if failed > 0 { (chip(Tone::Bad, &format!("failed · {}", grouped(failed as u64)))) " " }
                @if stage.running > 0 { (running(stage)) }
            } @else { (verdict(stage)) }
            span.from {
                @match (&stage.from, column.follows) {
                    (None, _) => { "first stage" }
                    (Some(from), true) => { "follows " (from) " by itself" }
                    (Some(from), false) => { "takes over from " (from) }
                }
            }
            @match column.on_its_way() {
                Some(context) => { a.button.quiet href=(run_path(context)) { "On its way" } }
                None => {
                    @if stage.differing > 0 {
                        a.button href=(plan.href()) { "Sync " (count(stage.differing, "service")) }
                    }
                }
            }
        }
    }
}

fn search(project: &Project, filter: &StagesFilter, size: usize) -> Markup {
    let all = Place::Stages { project: project.name.to_string(), filter: StagesFilter::default() };
    let is_filtered = filter.service.is_some() || filter.differs;
    html! {
        @if is_filtered || project.services.len() > size.min(FILTER_FROM) {
            form.bar.filter method="get" action=(all.href()) role="search" {
                label { "Service " input type="search" name="service" value=[filter.service.as_deref()]; }
                label { input type="checkbox" name="differs" value="1" checked[filter.differs]; " only what differs" }
                button.quiet type="submit" { "Show" }
                @if is_filtered { a href=(all.href()) { "all services" } }
            }
        }
    }
}

/// With so many services a person begins to search.
const FILTER_FROM: usize = 10;

fn nothing(project: &Project, filter: &StagesFilter) -> Markup {
    html! {
        @if filter.service.is_some() || filter.differs {
            p { "No service fits." }
        } @else {
            p { "No service yet." }
            (acts::command(&format!("keptn create service NAME --project={}", project.name)))
        }
    }
}

fn pager(project: &Project, filter: &StagesFilter, (page, pages): (usize, usize)) -> Markup {
    let at = |page: usize| {
        let filter = StagesFilter { page, ..filter.clone() };
        Place::Stages { project: project.name.to_string(), filter }.href()
    };
    html! {
        @if pages > 1 {
            nav.bar aria-label="Pages" {
                @if page > 0 { a rel="prev" href=(at(page - 1)) { "before" } }
                span.dim { "page " (grouped(page as u64 + 1)) " of " (grouped(pages as u64)) }
                @if page + 1 < pages { a rel="next" href=(at(page + 1)) { "next" } }
            }
        }
    }
}

/// The commands that bring stages up to date; for the first stage the one that delivers to it.
fn commands(columns: &[Column<'_>]) -> Markup {
    let is_to_do = |column: &&Column<'_>| column.on_its_way().is_none();
    let out_of_sync: Vec<&str> = columns
        .iter()
        .filter(is_to_do)
        .filter_map(|column| column.status.command.as_deref())
        .collect();
    html! {
        @if out_of_sync.is_empty() {
            @if let Some((first, name)) = columns.first().and_then(|first| Some((first, deliverer(first)?))) {
                h2 { "Deliver to " (first.stage.stage) }
                (acts::command(&format!(
                    "keptn trigger {name} --project={} --service=SERVICE --artifact=IMAGE",
                    first.status.project
                )))
            }
        } @else {
            h2 { @if out_of_sync.len() == 1 { "The command that does the same" } @else { "The commands that do the same" } }
            @for command in out_of_sync { (acts::command(command)) }
        }
    }
}

fn deliverer<'a>(column: &'a Column<'_>) -> Option<&'a model::SequenceName> {
    column.stage.sequences.iter().find(|one| one.delivers).map(|one| &one.sequence)
}
