//! All projects: one line each, with what their stages say.

use maud::{Markup, html};
use model::view::{Project, ProjectStage, ProjectsQuery, QueryError, SyncStatus};

use super::{
    acts,
    look::{Body, Look},
    place::{Place, StagesFilter},
    words::{Tone, chip, count, grouped},
};
use crate::answers;

/// Projects that are shown; who has more finds the rest by name.
const PROJECTS_MAX: usize = 200;

pub(super) fn body(look: &Look) -> Result<Body, QueryError> {
    let projects = answers::projects(&look.view, &ProjectsQuery::default())?.projects;
    let behind = projects.iter().filter(|project| is_behind(project)).count();
    let title = match behind {
        0 => "All projects are in sync".to_owned(),
        1 => "1 project is out of sync".to_owned(),
        more => format!("{} projects are out of sync", grouped(more as u64)),
    };
    let surplus = projects.len().saturating_sub(PROJECTS_MAX);
    let main = if projects.is_empty() {
        html! {
            h1 { "No project yet" }
            p.lead { "A project has stages, and services that are delivered to them." }
            (acts::command("keptn create project NAME --shipyard=FILE"))
        }
    } else {
        html! {
            h1 { (title) }
            p.lead { (count(projects.len(), "project")) "." }
            div.card {
                table {
                    thead { tr.dim { th scope="col" { "Project" } th scope="col" { "Services" } th scope="col" { "Stages" } } }
                    tbody { @for project in projects.iter().take(PROJECTS_MAX) { (row(project)) } }
                }
            }
            @if surplus > 0 { p.legend { (count(surplus, "more project")) ": " code { "keptn get project" } } }
        }
    };
    let title = if projects.is_empty() { "No project yet".to_owned() } else { title };
    Ok(Body { title: format!("{title} · Slipway"), main, project: None })
}

fn is_behind(project: &Project) -> bool {
    project.stages.iter().any(|stage| stage.sync_status == SyncStatus::OutOfSync)
}

fn row(project: &Project) -> Markup {
    let place =
        Place::Stages { project: project.project.to_string(), filter: StagesFilter::default() };
    html! {
        tr {
            th scope="row" { a href=(place.href()) { b { (project.project) } } }
            td { (grouped(project.services.len() as u64)) }
            td { ul.plain { @for stage in &project.stages { li { (stage.stage) " " (verdict(stage)) } } } }
        }
    }
}

/// Returns what a stage says: in sync or not, and whether something runs.
pub(super) fn verdict(stage: &ProjectStage) -> Markup {
    html! {
        @match stage.sync_status {
            SyncStatus::InSync => { (chip(Tone::Good, "in sync")) }
            SyncStatus::OutOfSync => {
                (chip(Tone::Behind, &format!("out of sync · {}", grouped(stage.differing as u64))))
            }
            SyncStatus::FirstStage => {
                @if stage.running == 0 { (chip(Tone::Quiet, "first stage")) }
            }
        }
        @if stage.running > 0 { " " (running(stage)) }
    }
}

/// Returns how much runs in a stage.
pub(super) fn running(stage: &ProjectStage) -> Markup {
    chip(Tone::Run, &format!("running · {}", grouped(stage.running as u64)))
}
