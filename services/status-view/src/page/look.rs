//! What a page is drawn from, and which page draws what.

use std::sync::Arc;

use maud::Markup;
use model::{
    Position, ProjectName, StreamTime,
    view::{Events, QueryError},
};

use super::{events, graph, history, place::Place, plan, projects, run, runs, stages};
use crate::View;

/// What the forms of a page carry. It is the same for everybody, so that a page is drawn once for
/// all who look at it; who presses is known by the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acting {
    /// Path of the page that they stand on.
    pub(super) back: String,
}

impl Acting {
    /// Returns what the forms of a page carry.
    pub fn on(place: &Place) -> Self {
        Self { back: place.href() }
    }
}

/// What a page is drawn from; it holds at one position.
#[derive(Clone, Debug)]
pub struct Look {
    /// The view.
    pub view: View,
    /// The time by the server's clock.
    pub now: StreamTime,
    /// The events that [`Place::events`] asks for.
    pub events: Option<Arc<Events>>,
    /// Set if the page may act; else it shows the commands alone.
    pub acting: Option<Acting>,
}

/// The part of a page that changes.
#[derive(Debug)]
pub(super) struct Body {
    /// Says the state, so that a browser tab is a status light.
    pub(super) title: String,
    /// The inside of `<main>`.
    pub(super) main: Markup,
    /// The project, for the links at the top.
    pub(super) project: Option<ProjectName>,
}

impl Look {
    /// Returns the position at which it holds.
    pub fn position(&self) -> Position {
        self.view.position()
    }
}

/// Draws the part of a page that changes.
///
/// # Errors
/// [`QueryError`] if a name or a context is unknown.
pub(super) fn body(place: &Place, look: &Look) -> Result<Body, QueryError> {
    match place {
        Place::Projects => projects::body(look),
        Place::Stages { project, filter } => stages::body(look, project, filter),
        Place::Plan { project, stage, from } => plan::body(look, (project, stage), from.as_deref()),
        Place::Run { context } => run::body(look, context),
        Place::Graph { project } => graph::body(look, project),
        Place::Runs { project, filter } => runs::body(look, project, filter),
        Place::Events { project, filter } => events::body(look, project, filter),
        Place::History { project, filter } => history::body(look, project, filter),
    }
}
