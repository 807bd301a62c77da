//! What a sync of a stage would do: what changes, what does not and why, what stays, what follows.

mod ahead;

use fold::catalog::Project;
use maud::{Markup, html};
use model::{
    KeptnContext, StageName, TaskResult,
    view::{
        QueryError, ServiceState, ServiceStatus, StageQuery, StageStatus, SyncPlan, SyncStatus,
    },
};

use self::ahead::{Kept, kept, what_follows, what_runs};
use super::{
    acts::{self, Weight},
    look::{Body, Look},
    place::{Place, StagesFilter},
    words::{Shown, Tone, chip, count, cut, grouped, linked, run_path, time, version, versions},
};
use crate::answers;

/// Services of a page; what differs comes first.
const ROWS_MAX: usize = 300;
/// Characters of what an executor said; the page of the run has all of it.
const MESSAGE_CHARS_MAX: usize = 160;

pub(super) fn body(
    look: &Look,
    (project, stage): (&str, &str),
    from: Option<&str>,
) -> Result<Body, QueryError> {
    let query = StageQuery {
        project: project.to_owned(),
        stage: stage.to_owned(),
        from: from.map(str::to_owned),
        at_least: None,
    };
    let project = answers::project(&look.view, project)?;
    let status = answers::stage(&look.view, &query)?;
    let (title, main) = match &status.from {
        Some(from) => {
            let plan = answers::plan(&look.view, &query)?;
            compared(look, project, (&status, &plan), from)
        }
        None => first_stage(project, &status),
    };
    let title = format!("{title} · {}", project.name);
    Ok(Body { title, main, project: Some(project.name.clone()) })
}

fn first_stage(project: &Project, status: &StageStatus) -> (String, Markup) {
    let title = format!("{} is the first stage", status.stage);
    let main = html! {
        h1 { (title) }
        p.lead { "There is no stage before it to take over from. An artifact is delivered to it:" }
        (acts::command(&format!(
            "keptn trigger artifact-delivery --project={} --service=SERVICE --artifact=IMAGE",
            project.name
        )))
    };
    (title, main)
}

fn compared(
    look: &Look,
    project: &Project,
    (status, plan): (&StageStatus, &SyncPlan),
    from: &StageName,
) -> (String, Markup) {
    let stage = &status.stage;
    let differing = status.services.iter().filter(|one| one.differs).count();
    let taken = plan.services.iter().filter(|one| one.is_taken()).count();
    let mut services: Vec<&ServiceStatus> = status.services.iter().collect();
    services.sort_by_key(|one| !one.differs);
    let surplus = services.len().saturating_sub(ROWS_MAX);
    let sequence = answers::sync_sequence(&look.view, project, stage, from);
    let title = match status.sync_status {
        SyncStatus::OutOfSync => format!("Plan: sync {stage} with {from}"),
        SyncStatus::InSync | SyncStatus::FirstStage => format!("{stage} is in sync with {from}"),
    };
    let main = html! {
        h1 { @if differing > 0 { "Sync " (stage) " with " (from) } @else { (title) } }
        p.lead { (lead(stage, from, (differing, taken))) }
        div.card.scroll data-key="plan" {
            table {
                thead {
                    tr.dim {
                        th scope="col" { "Service" } th scope="col" { "In " (stage) }
                        th scope="col" { "After the sync" } th scope="col" { "Why" }
                    }
                }
                tbody { @for one in services.iter().take(ROWS_MAX) { (row(look, plan, from, one)) } }
            }
        }
        @if surplus > 0 { p.legend { (grouped(surplus as u64)) " more, all unchanged or not eligible." } }
        (stays(&kept(project, stage, &status.services), stage))
        @if let Some(spec) = sequence.as_ref().and_then(|name| project.definition.sequence(stage, name.as_str())) {
            h2 { "What will run" }
            p.flat { (what_runs(spec)) @if let Some(next) = what_follows(project, stage, &spec.name) { ", then " (next) " by itself" } }
        }
        @if let Some(command) = &plan.command { (acts::command(command)) }
        (bar(look, project, status, (from, taken), sequence.as_ref()))
    };
    (title, main)
}

fn lead(stage: &StageName, from: &StageName, (differing, taken): (usize, usize)) -> Markup {
    html! {
        @match taken {
            0 if differing > 0 => { "Nothing is left to do: what " (from) " has evaluated is on its way. " }
            0 => { "Nothing to do: " (stage) " has what " (from) " has evaluated." }
            1 => { "One run takes the service over, as " (from) " evaluated it. " }
            more => { "One run takes " (grouped(more as u64)) " services over, as " (from) " evaluated them. " }
        }
        @if differing > 0 { (stage) " keeps its own settings." }
    }
}

fn row(look: &Look, plan: &SyncPlan, from: &StageName, one: &ServiceStatus) -> Markup {
    let name = one.service.as_str();
    let (here, after) = match (&one.released, one.evaluated.as_ref().filter(|_| one.differs)) {
        (Some(here), Some(after)) => versions(name, here, after),
        (Some(here), None) => (version(name, here), version(name, here)),
        (None, Some(after)) => ("–".to_owned(), version(name, after)),
        (None, None) => ("–".to_owned(), "–".to_owned()),
    };
    let (tone, word) = match (one.state, one.differs) {
        (ServiceState::New, _) => (Tone::Behind, "new"),
        (ServiceState::NotEligible, _) => (Tone::Quiet, "not eligible"),
        (ServiceState::OnlyHere, _) => (Tone::Quiet, "only here"),
        (ServiceState::Behind | ServiceState::Ahead | ServiceState::InSync, true) => {
            (Tone::Behind, "changed")
        }
        (ServiceState::Behind | ServiceState::Ahead | ServiceState::InSync, false) => {
            (Tone::Quiet, "unchanged")
        }
    };
    html! {
        tr.dim[!one.differs] {
            th scope="row" { @if one.differs { b { (name) } } @else { (name) } }
            td.v { (here) }
            td.v { (after) }
            td {
                (chip(tone, word))
                @if let Some(context) = under_way(plan, one) {
                    " " a href=(run_path(context)) { (chip(Tone::Run, "on its way")) }
                }
                (why(look, from, one))
            }
        }
    }
}

/// Returns the delivery that brings a service already.
fn under_way<'a>(plan: &'a SyncPlan, one: &ServiceStatus) -> Option<&'a KeptnContext> {
    let mut planned = plan.services.iter().filter(|planned| planned.service == one.service);
    planned.find_map(|planned| planned.under_way.as_ref())
}

/// Why a service changes, or does not.
fn why(look: &Look, from: &StageName, one: &ServiceStatus) -> Markup {
    let name = one.service.as_str();
    html! {
        @if one.state == ServiceState::Ahead {
            span.why { "what runs here was never evaluated in " (from) }
        }
        @if one.state == ServiceState::OnlyHere {
            span.why { (from) " does not have it; it is left alone" }
        }
        @if let (Some(at), Some(result), Some(context)) = (one.evaluated_at, one.evaluated_result, &one.evaluated_context) {
            span.why {
                a href=(run_path(context)) { (from) " evaluated it" } " " (time(at, look.now, Shown::Ago)) ": " (result.as_str())
            }
        }
        @if let Some(newest) = &one.not_eligible {
            span.why {
                a href=(run_path(&newest.keptn_context)) { (version(name, &newest.artifact)) }
                @if one.evaluated.is_some() { " is newer but " } @else { " " }
                @match newest.result {
                    Some(TaskResult::Fail) => { b.bad { "failed" } " its evaluation" }
                    Some(TaskResult::Pass | TaskResult::Warning) | None => { "is not evaluated yet" }
                }
                @if let Some(message) = &newest.message { ": " (linked(&cut(message, MESSAGE_CHARS_MAX))) }
            }
        } @else if one.state == ServiceState::NotEligible {
            span.why { "nothing of it is evaluated in " (from) " yet" }
        }
    }
}

fn stays(kept: &[Kept], stage: &StageName) -> Markup {
    html! {
        @if !kept.is_empty() {
            h2 { "Stays as it is in " (stage) }
            ul.plain {
                @for one in kept { li { code { (one.value) } " for " (one.services) } }
            }
        }
    }
}

fn bar(
    look: &Look,
    project: &Project,
    status: &StageStatus,
    (from, taken): (&StageName, usize),
    sequence: Option<&model::SequenceName>,
) -> Markup {
    let back = Place::Stages { project: project.name.to_string(), filter: StagesFilter::default() };
    let mut fields = vec![("project", project.name.as_str()), ("stage", status.stage.as_str())];
    fields.extend(sequence.map(|sequence| ("sequence", sequence.as_str())));
    if project.definition.shipyard.preceding(status.stage.as_str()) != Some(from) {
        fields.push(("from", from.as_str()));
    }
    let label = format!("Sync {}", count(taken, "service"));
    html! {
        div.bar {
            @if taken > 0 && sequence.is_some() {
                (acts::button(look.acting.as_ref(), ("trigger", &label), Weight::Filled, &fields))
            }
            a.button.quiet href=(back.href()) { "Back" }
        }
    }
}
