//! What is done with a delivery that exists: control it, or answer its approval.

use std::time::Duration;

use model::{
    Event, EventId, KeptnContext, Position, ProjectName, SequenceName, StageName, TaskResult,
    TaskStatus,
    view::{Delivery, Events, EventsQuery, Sequence, SequenceQuery},
    wire::{self, ApprovalAnswer, OpenApproval, RetryFrom, SequenceVerb},
};
use serde::Deserialize;
use serde_json::Map;
use service::http::{Problem, ProblemCode};
use tokio::time::timeout;

use super::{
    carry_out::{seen, store, unknown},
    request::{Action, Done, needed},
};
use crate::{
    http::{Here, chance, parameters::bad},
    queries::Asked,
};

/// Longest time until a command is decided.
const ANSWER_WAIT: Duration = Duration::from_secs(10);

/// A delivery, and which of its runs are meant.
struct Meant {
    delivery: Delivery,
    stage: Option<StageName>,
}

/// Finds what is meant.
async fn meant(here: &Here, action: &Action) -> Result<Meant, Problem> {
    let keptn_context = needed(action.keptn_context.as_ref(), "keptnContext")?.to_owned();
    let query = SequenceQuery { keptn_context, at_least: None };
    let delivery: Delivery = here.counter.read(Asked::Sequence(query)).await?;
    let projects = delivery.sequences.iter().map(|run| run.project.as_str());
    if let Some(project) = &action.project
        && !projects.clone().any(|one| one == project)
    {
        return Err(unknown("project", project, projects));
    }
    let stages = || delivery.sequences.iter().map(|run| &run.stage);
    let stage = match &action.stage {
        None => None,
        Some(name) => {
            let found = stages().find(|one| one.as_str() == name).cloned();
            let names = stages().map(StageName::as_str);
            Some(found.ok_or_else(|| unknown("stage", name, names))?)
        }
    };
    Ok(Meant { delivery, stage })
}

/// Pauses, resumes or aborts.
///
/// # Errors
/// [`Problem`] if there is no such delivery, or the controller refuses.
pub(super) async fn control(
    here: &Here,
    verb: SequenceVerb,
    action: &Action,
) -> Result<Done, Problem> {
    let Meant { delivery, stage } = meant(here, action).await?;
    let (project, context) = (project_of(&delivery)?, &delivery.keptn_context);
    let stamp = chance::stamp()?;
    let event = wire::sequence(verb, project, stage.as_ref(), context, stamp);
    command(here, &event, (verb.as_str(), context)).await
}

/// Repeats what failed.
///
/// # Errors
/// [`Problem`] if there is no such delivery, or nothing of it can be repeated.
pub(super) async fn retry(here: &Here, action: &Action) -> Result<Done, Problem> {
    let Meant { delivery, stage } = meant(here, action).await?;
    let from = match action.from_failed_task.as_deref() {
        Some("true") => RetryFrom::FailedTask,
        None | Some("false") => RetryFrom::Start,
        Some(_) => {
            return Err(bad("`fromFailedTask` must be true or false", "leave it out for false"));
        }
    };
    let names = delivery.sequences.iter().map(|run| &run.sequence);
    let sequence = match &action.sequence {
        None => None,
        Some(name) => {
            let found = names.clone().find(|one| one.as_str() == name);
            let known = names.map(SequenceName::as_str);
            Some(found.ok_or_else(|| unknown("sequence", name, known))?)
        }
    };
    let (project, context) = (project_of(&delivery)?, &delivery.keptn_context);
    let place = (project, stage.as_ref(), sequence);
    let event = wire::retry(from, place, context, chance::stamp()?);
    command(here, &event, ("retry", context)).await
}

fn project_of(delivery: &Delivery) -> Result<&ProjectName, Problem> {
    let run = delivery.sequences.first();
    let context = delivery.keptn_context.as_str();
    run.map(|run| &run.project).ok_or_else(|| unknown("sequence", context, []))
}

/// Stores a command and waits until it is decided.
async fn command(
    here: &Here,
    event: &Event,
    (verb, context): (&str, &KeptnContext),
) -> Result<Done, Problem> {
    let position = store(here, event).await?;
    let asked = EventsQuery {
        keptn_context: Some(context.to_string()),
        event_type: Some(format!("sequence.{verb}.finished")),
        after: Some(position),
        ..EventsQuery::default()
    };
    let answered = timeout(ANSWER_WAIT, answer_to(here, asked, &event.id)).await;
    let (is_decided, message) = match answered {
        Ok(Some(answer)) => (true, decided(&answer)?),
        Err(_) | Ok(None) => {
            (false, Some(format!("stored at position {position}, will be carried out")))
        }
    };
    Ok(Done { keptn_context: context.to_string(), position, decided: is_decided, message })
}

/// Waits until the answer to a command is in the view.
async fn answer_to(here: &Here, query: EventsQuery, id: &EventId) -> Option<Event> {
    let mut view = here.seen.clone();
    loop {
        view.mark_unchanged();
        // A view that is behind is asked again when it has moved.
        let page = here.counter.read::<Events>(Asked::Events(query.clone())).await;
        let events = page.map(|page| page.events).unwrap_or_default();
        let events =
            events.iter().filter_map(|one| Event::from_json(one.event.get().as_bytes()).ok());
        if let Some(answer) = events.into_iter().find(|one| one.triggered_id.as_ref() == Some(id)) {
            return Some(answer);
        }
        view.changed().await.ok()?;
    }
}

/// What the answer to a command says about a refusal.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Answer {
    message: Option<String>,
    hint: Option<String>,
    code: Option<String>,
}

/// Tells the answer to a command that was carried out from one that was refused.
fn decided(answer: &Event) -> Result<Option<String>, Problem> {
    let said: Answer = answer.data.parse().unwrap_or_default();
    if TaskStatus::read(answer.data.head().status.as_deref()) == TaskStatus::Succeeded {
        return Ok(said.message);
    }
    let code = match said.code.as_deref() {
        Some("notFound") => ProblemCode::NotFound,
        Some("invalid") => ProblemCode::BadQuery,
        Some(_) | None => ProblemCode::Refused,
    };
    let message = said.message.unwrap_or_else(|| format!("{} refused", answer.event_type));
    Err(Problem::new(code, message, said.hint.unwrap_or_default()))
}

/// Answers the open approval of a delivery.
///
/// # Errors
/// [`Problem`] if it has none, or several.
pub(super) async fn answer(
    here: &Here,
    result: TaskResult,
    action: Action,
) -> Result<Done, Problem> {
    let Meant { delivery, stage } = meant(here, &action).await?;
    let is_meant = |run: &&Sequence| stage.as_ref().is_none_or(|stage| run.stage == *stage);
    let mut open = delivery.sequences.iter().filter(is_meant).filter_map(OpenApproval::of);
    let approval = match (open.next(), open.next()) {
        (Some(one), None) => one,
        (Some(one), Some(other)) => {
            let hint = format!("send `stage`: {} or {}", one.stage, other.stage);
            return Err(bad("the delivery waits for several approvals", hint));
        }
        (None, _) => {
            let message = "the delivery waits for no approval, or it is decided already";
            return Err(Problem::new(ProblemCode::Refused, message, "look at the run"));
        }
    };
    let said = ApprovalAnswer { result, message: action.message, labels: Map::new() };
    let event = wire::approval(&approval, &said, chance::stamp()?);
    let position: Position = store(here, &event).await?;
    seen(here, &delivery.keptn_context, position).await;
    let keptn_context = delivery.keptn_context.to_string();
    Ok(Done { keptn_context, position, decided: true, message: None })
}
