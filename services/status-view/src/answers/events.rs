//! Which events a query is about: their positions. Reading them is the caller's.

use model::{
    Event, EventType, Position, ServiceName, StageName,
    view::{EVENTS_PAGE, EVENTS_PAGE_MAX, EventsQuery, QueryError},
};
use serde_json::Value;

use super::{context, context::Wanted, names, page_size};
use crate::{View, history::PageQuery};

/// What every type begins with.
const ROOT: &str = "sh.keptn.";
/// What may be left out of a type.
const EVENT_PREFIX: &str = "sh.keptn.event.";
/// Events that one query reads when only those of a stage or a service are meant, because they
/// must be read to know; the rest is on the next page.
const EXAMINED_MAX: usize = 2_000;

/// Where the events of an answer stand, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventsPage {
    /// Position at which this holds.
    pub position: Position,
    /// Positions of the events.
    pub positions: Vec<Position>,
    /// The value for `after` that continues, if there may be more behind.
    pub next_after: Option<Position>,
    /// Only events on this subject are meant; an old one is listed without looking at it.
    pub subject: Option<String>,
    /// Only events that say this stage are meant.
    pub stage: Option<StageName>,
    /// Only events that say this service are meant.
    pub service: Option<ServiceName>,
    /// Most events to return.
    pub limit: usize,
    /// The newest were asked for: what does not fit is left out at the beginning.
    pub is_newest: bool,
    /// The value for `before` that continues, if there may be older ones.
    pub next_before: Option<Position>,
}

impl EventsPage {
    /// Tells whether an event is meant; what is no event says no stage and no service.
    pub fn is_about(&self, subject: &str, event: impl FnOnce() -> Option<Event>) -> bool {
        if self.subject.as_deref().is_some_and(|wanted| wanted != subject) {
            return false;
        }
        if self.stage.is_none() && self.service.is_none() {
            return true;
        }
        event().is_some_and(|event| {
            self.stage.as_ref().is_none_or(|stage| says_stage(&event, stage))
                && self.service.as_ref().is_none_or(|service| says_service(&event, service))
        })
    }
}

/// A sequence's event may leave its stage to its type.
fn says_stage(event: &Event, stage: &StageName) -> bool {
    match event.data.head().stage.filter(|said| !said.is_empty()) {
        Some(said) => said == stage.as_str(),
        None => match &event.event_type {
            EventType::Sequence(said, _, _) => said == stage,
            EventType::Task(_, _)
            | EventType::Command(_, _, _)
            | EventType::LogError
            | EventType::Other(_) => false,
        },
    }
}

/// A bracket says all its services.
fn says_service(event: &Event, service: &ServiceName) -> bool {
    let data = event.data.to_map();
    let is_said = data.get("service").and_then(Value::as_str) == Some(service.as_str());
    let bracket = data.get("services").and_then(Value::as_object);
    is_said || bracket.is_some_and(|services| services.contains_key(service.as_str()))
}

/// Returns where the events of a query stand.
///
/// # Errors
/// [`QueryError`] if a project, a stage, a service or a context is unknown.
pub fn events(view: &View, query: &EventsQuery) -> Result<EventsPage, QueryError> {
    let projects = names::projects(view, query.project.as_deref())?;
    let project = query.project.as_ref().and(projects.first());
    let stage = query.stage.as_deref().map(|name| names::stage_of_any(&projects, name));
    let service = query.service.as_deref().map(|name| names::service_of_any(&projects, name));
    let (stage, service) = (stage.transpose()?, service.transpose()?);
    let limit = page_size(query.limit, EVENTS_PAGE, EVENTS_PAGE_MAX);
    let context = query.keptn_context.as_deref();
    let context = context.map(|text| context::find(view, text, Wanted::Events)).transpose()?;
    let subject = query.event_type.as_deref().filter(|name| !name.is_empty()).map(|name| {
        if name.starts_with(ROOT) { name.to_owned() } else { format!("{EVENT_PREFIX}{name}") }
    });
    let page = view.history.events().page(&PageQuery {
        project: project.map(|project| &project.name),
        among: context.map(|context| view.history.events_of(&context)),
        subject: subject.as_deref(),
        after: query.after,
        before: query.before,
        limit: if stage.is_some() || service.is_some() { EXAMINED_MAX } else { limit },
    });
    Ok(EventsPage {
        position: view.position(),
        positions: page.positions,
        next_after: page.next_after,
        subject,
        stage,
        service,
        limit,
        is_newest: query.after.is_none(),
        next_before: page.next_before,
    })
}
