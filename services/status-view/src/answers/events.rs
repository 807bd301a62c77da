//! Which events a query is about: their positions. Reading them is the caller's.

use model::{
    Position,
    view::{EVENTS_PAGE, EVENTS_PAGE_MAX, EventsQuery, QueryError},
};

use super::{context, context::Wanted, names, page_size};
use crate::{View, history::PageQuery};

/// What every type begins with.
const ROOT: &str = "sh.keptn.";
/// What may be left out of a type.
const EVENT_PREFIX: &str = "sh.keptn.event.";

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
    /// The newest were asked for: what does not fit is left out at the beginning.
    pub is_newest: bool,
}

/// Returns where the events of a query stand.
///
/// # Errors
/// [`QueryError`] if a project or a context is unknown.
pub fn events(view: &View, query: &EventsQuery) -> Result<EventsPage, QueryError> {
    let project = query.project.as_deref().map(|name| names::project(view, name)).transpose()?;
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
        limit: page_size(query.limit, EVENTS_PAGE, EVENTS_PAGE_MAX),
    });
    Ok(EventsPage {
        position: view.position(),
        positions: page.positions,
        next_after: page.next_after,
        subject,
        is_newest: query.after.is_none(),
    })
}
