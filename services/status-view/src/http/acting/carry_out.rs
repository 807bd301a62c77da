//! From what somebody asks for to the event that says it, the same as the command line's.

use bus::{Outgoing, PublishError};
use model::{
    Event, KeptnContext, Position, ProjectName, ServiceName, TaskResult,
    name::shortened,
    nearest,
    view::{Project, ProjectStage, Projects, ProjectsQuery, SequenceQuery, StageQuery, SyncPlan},
    wire::{self, Request, SequenceVerb, Trigger},
};
use serde_json::Map;
use service::http::{Problem, ProblemCode};

use super::{
    commands,
    request::{Action, Done, Verb, needed},
};
use crate::{
    http::{Here, chance, parameters::bad},
    queries::Asked,
};

/// Does it; on return the view has seen it.
///
/// # Errors
/// [`Problem`] if it makes no sense, or is refused. Then nothing was changed.
pub(super) async fn carry_out(here: &Here, verb: Verb, action: Action) -> Result<Done, Problem> {
    match verb {
        Verb::Trigger => trigger(here, &action).await,
        Verb::Pause => commands::control(here, SequenceVerb::Pause, &action).await,
        Verb::Resume => commands::control(here, SequenceVerb::Resume, &action).await,
        Verb::Abort => commands::control(here, SequenceVerb::Abort, &action).await,
        Verb::Retry => commands::retry(here, &action).await,
        Verb::Approve => commands::answer(here, TaskResult::Pass, action).await,
        Verb::Decline => commands::answer(here, TaskResult::Fail, action).await,
    }
}

async fn trigger(here: &Here, action: &Action) -> Result<Done, Problem> {
    let project = project(here, needed(action.project.as_ref(), "project")?).await?;
    let stage = stage(&project, needed(action.stage.as_ref(), "stage")?)?;
    let sequence = match &action.sequence {
        Some(sequence) => sequence.clone(),
        None => planned_sequence(here, &project.project, stage, action).await?,
    };
    let known = stage.sequences.iter().find(|one| one.sequence.as_str() == sequence);
    let known = known.ok_or_else(|| {
        let names = stage.sequences.iter().map(|one| one.sequence.as_str());
        unknown("sequence", &sequence, names)
    })?;
    let service = action.service.as_deref().map(|name| service(&project, name)).transpose()?;
    let request = match (service, &action.artifact, known.delivers) {
        (Some(service), Some(artifact), _) => {
            Request::Service { service, artifact: Some(artifact.clone()), values: Map::new() }
        }
        (None, Some(_), _) => return Err(bad("an artifact is of one service", "send `service`")),
        (Some(service), None, false) => {
            Request::Service { service, artifact: None, values: Map::new() }
        }
        (None, None, false) => {
            let message = format!(
                "sequence `{sequence}` has no `deployment` and no `release` task, so it needs a service"
            );
            return Err(bad(message, "send `service`"));
        }
        (service, None, true) => sync(&project, stage, action, service)?,
    };
    let trigger = Trigger {
        project: project.project.clone(),
        stage: stage.stage.clone(),
        sequence: known.sequence.clone(),
        request,
        labels: Map::new(),
        data: Map::new(),
        git_commit_id: None,
    };
    let context = KeptnContext::of_trigger(&chance::new_id()?);
    let event = wire::trigger(&trigger, &context, chance::stamp()?);
    let position = store(here, &event).await?;
    seen(here, &context, position).await;
    Ok(Done { keptn_context: context.to_string(), position, decided: true, message: None })
}

fn sync(
    project: &Project,
    stage: &ProjectStage,
    action: &Action,
    service: Option<ServiceName>,
) -> Result<Request, Problem> {
    let from = match &action.from {
        Some(from) => Some(self::stage(project, from)?.stage.clone()),
        None => None,
    };
    if from.as_ref() == Some(&stage.stage) {
        let message = format!("stage `{}` cannot take over from itself", stage.stage);
        return Err(bad(message, "name another stage as `from`, or leave it out"));
    }
    if from.is_none() && stage.from.is_none() {
        let message =
            format!("stage `{}` is the first stage, there is none to take from", stage.stage);
        return Err(bad(message, "send `service` and `artifact` to deliver to it"));
    }
    Ok(Request::Sync { from, services: service.into_iter().collect() })
}

/// Returns the sequence that the plan of a stage names.
async fn planned_sequence(
    here: &Here,
    project: &ProjectName,
    stage: &ProjectStage,
    action: &Action,
) -> Result<String, Problem> {
    let query = StageQuery {
        project: project.to_string(),
        stage: stage.stage.to_string(),
        from: action.from.clone(),
        at_least: None,
    };
    let plan: SyncPlan = here.counter.read(Asked::Plan(query)).await?;
    plan.sequence.map(String::from).ok_or_else(|| {
        bad(format!("stage `{}` has no sequence", stage.stage), "add one to the shipyard")
    })
}

async fn project(here: &Here, name: &str) -> Result<Project, Problem> {
    let query = ProjectsQuery { project: Some(name.to_owned()), at_least: None };
    let found: Projects = here.counter.read(Asked::Projects(query)).await?;
    found.projects.into_iter().next().ok_or_else(|| unknown("project", name, []))
}

fn stage<'a>(project: &'a Project, name: &str) -> Result<&'a ProjectStage, Problem> {
    let known = project.stages.iter().map(|one| one.stage.as_str());
    let found = project.stages.iter().find(|one| one.stage.as_str() == name);
    found.ok_or_else(|| unknown("stage", name, known))
}

fn service(project: &Project, name: &str) -> Result<ServiceName, Problem> {
    let known = project.services.iter().map(|one| one.service.as_str());
    let found = project.services.iter().find(|one| one.service.as_str() == name);
    found.map(|one| one.service.clone()).ok_or_else(|| unknown("service", name, known))
}

pub(super) fn unknown<'a>(
    what: &str,
    name: &str,
    known: impl IntoIterator<Item = &'a str> + Clone,
) -> Problem {
    let message = format!("{what} `{}` does not exist", shortened(name));
    Problem::new(ProblemCode::NotFound, message, nearest::hint(name, known))
}

/// Stores an event, and returns where.
pub(super) async fn store(here: &Here, event: &Event) -> Result<Position, Problem> {
    let outgoing = Outgoing {
        subject: event.event_type.to_string(),
        event_json: event.to_json(),
        message_id: event.id.to_string(),
        expected_last_subject_sequence: None,
    };
    let stored = here.bus.publisher().publish(outgoing).await;
    stored.map(|ack| ack.position).map_err(|error| not_stored(&error))
}

fn not_stored(error: &PublishError) -> Problem {
    let text = error.to_string();
    let (message, hint) = text.rsplit_once("; ").unwrap_or((&text, "try again"));
    if error.may_be_stored() {
        let hint = "it may be stored all the same; look before trying again";
        return Problem::new(ProblemCode::Behind, message, hint);
    }
    let code = if error.retryable() { ProblemCode::Behind } else { ProblemCode::Refused };
    Problem::new(code, message, hint)
}

/// Waits until the view has read a position, as long as a query waits; where it goes next is worth
/// showing all the same.
pub(super) async fn seen(here: &Here, context: &KeptnContext, position: Position) {
    let query = SequenceQuery { keptn_context: context.to_string(), at_least: Some(position) };
    drop(here.counter.ask(Asked::Sequence(query)).await);
}
