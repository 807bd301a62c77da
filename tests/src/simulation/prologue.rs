//! The first events of every run: the fixed project with its services. They are folded once and
//! shared; the changing project is made anew in every run, under faults.

use std::sync::Arc;

use fold::{Catalog, Owes as _, Waits};
use model::{Event, EventId, EventType, Payload, Position, Stored};
use serde_json::{Value, json};
use service::State;
use status_view::View;

use super::{
    documents::{FIXED, project_data},
    keeper::Fold as _,
    stream::{Message, Server},
};

/// What the first events come to.
#[derive(Clone, Debug)]
pub struct Prologue {
    /// The stream.
    pub(super) server: Server,
    /// For config-stores.
    pub(super) catalog: Catalog,
    /// For the view, and with its world for controllers.
    pub(super) view: View,
}

impl Prologue {
    /// Plays the first events; none if the documents of this simulation are not accepted.
    pub fn new() -> Option<Self> {
        let mut prologue =
            Self { server: Server::default(), catalog: Catalog::default(), view: View::default() };
        prologue.command("project.create", &project_data(FIXED));
        for service in ["x", "y"] {
            prologue.command("service.create", &json!({"project": FIXED, "service": service}));
        }
        let services = prologue.view.world.catalog.project(FIXED)?.services.len();
        (services == 2).then_some(prologue)
    }

    /// Returns the last position.
    pub(super) fn end(&self) -> Position {
        self.server.last()
    }

    fn command(&mut self, kind: &str, data: &Value) {
        let id = format!("first-{}", self.end());
        let Some(event) = event(&format!("{kind}.triggered"), &id, data) else { return };
        self.store(&event);
        for owed in self.catalog.owed_after(0) {
            if let Some(answer) = self.catalog.event(&owed, Waits::default()) {
                self.store(&answer);
            }
        }
    }

    fn store(&mut self, event: &Event) {
        self.server.publish(&Message::of(event, None), 0);
        let Some(stored) = self.server.at(self.end()).map(Arc::clone) else { return };
        self.apply(&stored);
    }

    /// Returns what the whole of another stream that begins so comes to.
    pub(super) fn followed_by(&self, server: &Server) -> Self {
        let mut whole = self.clone();
        let behind = |one: &&Arc<Stored>| one.position > self.end();
        server.all().iter().filter(behind).for_each(|one| whole.apply(one));
        whole
    }

    fn apply(&mut self, stored: &Stored) {
        if Catalog::reads(&stored.subject) {
            State::apply(&mut self.catalog, stored);
        }
        self.view.apply(stored);
    }
}

/// Makes an event of somebody outside.
pub(super) fn event(kind: &str, id: &str, data: &Value) -> Option<Event> {
    let event_type = EventType::parse(&format!("sh.keptn.event.{kind}")).ok()?;
    let data = data.as_object().map_or_else(Payload::empty, Payload::from_map);
    Some(Event::new(EventId::new(id).ok()?, "somebody", event_type, data))
}
