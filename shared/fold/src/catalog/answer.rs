//! Answers to commands: how they are said, and what they make true once they are seen.

use std::sync::Arc;

use imbl::OrdMap;
use model::{
    CommandObject, DerivedId, Event, EventType, Kind, Payload, ProjectName, ServiceName, StageName,
    Stored, StreamTime, TaskStatus,
};
use serde_json::Value;

use super::{Catalog, Command, Project, decide::decoded};
use crate::{
    Definition, Note,
    values::{Object, take_object, text},
};

/// `source` of what config-store says.
pub const SOURCE: &str = "config-store";
/// The value that the task `update` alone sets.
pub(super) const IMAGE: &str = "image";

/// Returns the project that a command names, as it is written; Keptn's `projectName` counts too.
pub(super) fn project_of(event: &Event) -> String {
    let data = event.data.to_map();
    text(&data, "project").or_else(|| text(&data, "projectName")).unwrap_or_default().to_owned()
}

impl Catalog {
    /// Says the answer to a command.
    pub(super) fn answer(&self, command: &Command, id: DerivedId, since: StreamTime) -> Event {
        let mut data = echo(command);
        match self.decide(command) {
            Ok(mut members) => {
                data.insert("status".to_owned(), "succeeded".into());
                data.insert("result".to_owned(), "pass".into());
                data.insert("message".to_owned(), "".into());
                data.append(&mut members);
            }
            Err(refusal) => {
                data.insert("status".to_owned(), "errored".into());
                data.insert("result".to_owned(), "fail".into());
                data.insert("message".to_owned(), refusal.message.as_ref().into());
                data.insert("hint".to_owned(), refusal.hint.as_ref().into());
                data.insert("code".to_owned(), refusal.code.as_str().into());
            }
        }
        let event_type = EventType::Command(command.object, command.verb.clone(), Kind::Finished);
        let mut event = Event::new(id.event_id(), SOURCE, event_type, Payload::from_map(&data));
        event.time = Some(since.to_string().into());
        event.context = Some(command.context.clone());
        event.triggered_id = Some(command.id.clone());
        event
    }

    /// Makes true what an answer says. What is in the stream stands.
    pub(super) fn take_effect(
        &mut self,
        command: &Command,
        event: &Event,
        stored: &Stored,
    ) -> Option<Note> {
        let data = event.data.to_map();
        if TaskStatus::read(text(&data, "status")) != TaskStatus::Succeeded {
            return None;
        }
        let effect = match command.object {
            CommandObject::Project => self.project_effect(&command.verb, &data, stored),
            CommandObject::Service => self.service_effect(&command.verb, &data, stored),
            CommandObject::Configuration => self.values_effect(data),
            CommandObject::Resource => self.resource_effect(command, &data),
            CommandObject::Sequence => None,
        };
        if effect.is_none() {
            Some(Note::new("the answer to a command says nothing usable"))
        } else {
            None
        }
    }

    fn project_effect(&mut self, verb: &str, data: &Object, stored: &Stored) -> Option<()> {
        let name =
            ProjectName::new(text(data, "project").or_else(|| text(data, "projectName"))?).ok()?;
        if verb == "delete" {
            self.projects.remove(&name);
            return Some(());
        }
        let shipyard = decoded(data, "shipyard").ok()??;
        let uniform = decoded(data, "uniform").ok()?;
        let definition =
            Arc::new(Definition::read(stored.position, &shipyard, uniform.as_deref()).ok()?);
        if let Some(project) = self.projects.get_mut(&name) {
            Arc::make_mut(project).definition = definition;
            return Some(());
        }
        let project = Project {
            name: name.clone(),
            created_at: stored.time,
            created: stored.position,
            definition,
            services: OrdMap::new(),
            values: OrdMap::new(),
            resources: OrdMap::new(),
        };
        self.projects.insert(name, Arc::new(project));
        Some(())
    }

    fn service_effect(&mut self, verb: &str, data: &Object, stored: &Stored) -> Option<()> {
        let project = Arc::make_mut(self.projects.get_mut(text(data, "project")?)?);
        let service = ServiceName::new(text(data, "service")?).ok()?;
        if verb == "delete" {
            project.services.remove(&service);
            project.forget_resources_of(&service);
            let stages: Vec<StageName> = project.values.keys().cloned().collect();
            for stage in stages {
                if let Some(services) = project.values.get_mut(&stage) {
                    services.remove(&service);
                }
            }
        } else {
            project.services.insert(service, stored.time);
        }
        Some(())
    }

    fn values_effect(&mut self, mut data: Object) -> Option<()> {
        let mut values = take_object(&mut take_object(&mut data, "configurationChange"), "values");
        let project = Arc::make_mut(self.projects.get_mut(text(&data, "project")?)?);
        let stage = StageName::new(text(&data, "stage")?).ok()?;
        let service = ServiceName::new(text(&data, "service")?).ok()?;
        values.remove(IMAGE);
        if let Some(image) = project.own(&stage, &service).to_map().remove(IMAGE) {
            values.insert(IMAGE.to_owned(), image);
        }
        project.set_own(&stage, &service, Payload::from_map(&values));
        Some(())
    }
}

/// The members of a command that its answer repeats: names as they are, anything else shortened.
fn echo(command: &Command) -> Object {
    let data = command.data.to_map();
    let project = text(&data, "project").or_else(|| text(&data, "projectName"));
    let (stage, service) = (text(&data, "stage"), text(&data, "service"));
    let named = [
        ("project", project, project.is_some_and(|name| ProjectName::new(name).is_ok())),
        ("stage", stage, stage.is_some_and(|name| StageName::new(name).is_ok())),
        ("service", service, service.is_some_and(|name| ServiceName::new(name).is_ok())),
    ];
    let mut echoed = Object::new();
    for (key, value, is_name) in named {
        let Some(value) = value else { continue };
        let value = if is_name { value.to_owned() } else { model::name::shortened(value) };
        echoed.insert(key.to_owned(), Value::String(value));
    }
    echoed
}
