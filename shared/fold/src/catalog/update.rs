//! The task `update`: the configuration that is taken over is written into the stage.

use std::sync::Arc;

use model::{
    DerivedId, Event, EventId, EventType, KeptnContext, Kind, Payload, StageName, Stored,
    StreamTime, TaskName,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Catalog, CatalogDue, answer::SOURCE};
use crate::{
    Note,
    refusal::Refusal,
    values::{Object, take_object, text},
};

/// Name of the task; it is never an executor's.
pub const TASK: &str = "update";

/// An open task `update`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Update {
    id: EventId,
    context: Option<KeptnContext>,
    /// Trace context of its `.triggered`.
    traceparent: Option<Box<str>>,
    data: Payload,
    started: bool,
}

impl Catalog {
    pub(super) fn apply_update(
        &mut self,
        kind: Kind,
        event: &Event,
        stored: &Stored,
    ) -> Option<Note> {
        match kind {
            Kind::Triggered => self.open_update(event, stored.time),
            Kind::Started | Kind::Finished => self.close_update(kind, event, stored.time),
            Kind::StatusChanged => None,
        }
    }

    fn open_update(&mut self, event: &Event, at: StreamTime) -> Option<Note> {
        let task = DerivedId::of(&[TASK, event.id.as_str()]);
        if self.handled.contains(task) {
            return Some(Note::new("an update with this id was handled already"));
        }
        self.handled.insert(task);
        let update = Update {
            id: event.id.clone(),
            context: event.context.clone(),
            traceparent: event.traceparent.clone(),
            data: event.data.clone(),
            started: false,
        };
        self.owed.insert(update.answer_id(Kind::Started), at, CatalogDue::Update(task));
        self.updates.insert(task, Arc::new(update));
        None
    }

    fn close_update(&mut self, kind: Kind, event: &Event, at: StreamTime) -> Option<Note> {
        let id = DerivedId::parse(event.id.as_str())?;
        let Some(CatalogDue::Update(task)) = self.owed.get(id).cloned() else {
            return None;
        };
        let update = self.updates.get_mut(&task)?;
        if id != update.answer_id(kind) {
            return Some(Note::new("an update's answer has the id of its other answer"));
        }
        self.owed.remove(id);
        if kind == Kind::Started {
            let update = Arc::make_mut(update);
            update.started = true;
            let next = update.answer_id(Kind::Finished);
            self.owed.insert(next, at, CatalogDue::Update(task));
        } else {
            self.updates.remove(&task);
            self.write_images(&event.data.to_map());
        }
        None
    }

    /// Sets the stage's own `image` of every service that the update names.
    fn write_images(&mut self, data: &Object) -> Option<()> {
        let project = Arc::make_mut(self.projects.get_mut(text(data, "project")?)?);
        let stage = StageName::new(text(data, "stage")?).ok()?;
        let services = data.get(TASK)?.get("services")?.as_object()?;
        for (service, written) in services {
            let known = project.services.get_key_value(service.as_str());
            let (Some((service, _)), Some(image)) = (known, written.get("image")) else { continue };
            let service = service.clone();
            let mut values = project.own(&stage, &service).to_map();
            values.insert("image".to_owned(), image.clone());
            project.set_own(&stage, &service, Payload::from_map(&values));
        }
        Some(())
    }

    /// Says `update.started` or `update.finished`, whichever is next.
    pub(super) fn update_event(
        &self,
        task: DerivedId,
        id: DerivedId,
        since: StreamTime,
    ) -> Option<Event> {
        let update = self.updates.get(&task)?;
        let kind = if update.started { Kind::Finished } else { Kind::Started };
        let sent = update.data.to_map();
        let mut data = Object::new();
        for key in ["project", "stage", "service", "labels"] {
            if let Some(value) = sent.get(key) {
                data.insert(key.to_owned(), value.clone());
            }
        }
        let written = self.images(&sent);
        let refusal = written.as_ref().err();
        let word = |good: &str, bad: &str| Value::from(if refusal.is_some() { bad } else { good });
        data.insert("status".to_owned(), word("succeeded", "errored"));
        data.insert("result".to_owned(), word("pass", "fail"));
        data.insert("message".to_owned(), refusal.map_or("", |refusal| &refusal.message).into());
        if let (Kind::Finished, Ok(images)) = (kind, written) {
            data.insert(TASK.to_owned(), json!({ "services": images }));
        }
        let event_type = EventType::Task(TaskName::new(TASK).ok()?, kind);
        let mut event = Event::new(id.event_id(), SOURCE, event_type, Payload::from_map(&data));
        event.time = Some(since.to_string().into());
        event.context.clone_from(&update.context);
        event.traceparent.clone_from(&update.traceparent);
        event.triggered_id = Some(update.id.clone());
        Some(event)
    }

    /// Returns `{"carts":{"image":"carts:0.10.17"}}` for the services that bring an artifact.
    fn images(&self, sent: &Object) -> Result<Object, Refusal> {
        let name = text(sent, "project").unwrap_or_default();
        if self.project(name).is_none() {
            return Err(Refusal::new(
                crate::refusal::Code::NotFound,
                "the project of this update does not exist",
                "create it",
            ));
        }
        let mut images = Map::new();
        for (service, mut values) in values_by_service(sent.clone()) {
            if let Some(image) = values.remove("image") {
                images.insert(service, json!({ "image": image }));
            }
        }
        Ok(images)
    }
}

/// Reads the values that a task was sent with, per service.
fn values_by_service(mut sent: Object) -> Vec<(String, Object)> {
    let services = take_object(&mut sent, "services");
    if !services.is_empty() {
        return services
            .into_iter()
            .map(|(name, mut service)| {
                let values = service.as_object_mut().map(|one| take_object(one, "values"));
                (name, values.unwrap_or_default())
            })
            .collect();
    }
    let Some(service) = text(&sent, "service").map(str::to_owned) else { return Vec::new() };
    let values = take_object(&mut take_object(&mut sent, "configurationChange"), "values");
    vec![(service, values)]
}

impl Update {
    fn answer_id(&self, kind: Kind) -> DerivedId {
        let context = self.context.as_ref().map_or("", KeptnContext::as_str);
        DerivedId::of(&[TASK, context, self.id.as_str(), kind.as_str()])
    }
}
