//! The catalog: projects, their documents, services, and the values that belong to a stage.
//!
//! Commands are events. Those of one project are decided one after the other, each when the answer
//! to the one before was seen; what the answer says is what holds. Decided by config-store, kept by
//! everybody who folds.
//!
//! | seen | effect |
//! |---|---|
//! | `{project,service,configuration,resource}.<verb>.triggered` | waits in the project's line |
//! | its `.finished` under the id that is owed | applied if it succeeded; the next one is owed |
//! | `update.triggered` | `update.started`, then `update.finished` are owed |
//! | `update.finished` under the id that is owed | sets the stage's own `image` |

mod answer;
mod decide;
mod resource;
mod update;

use std::sync::Arc;

use imbl::{OrdMap, Vector};
use model::{
    CommandObject, DerivedId, Event, EventId, EventType, KeptnContext, Kind, Payload, Position,
    ProjectName, ServiceName, StageName, Stored, StreamTime,
};
use serde::{Deserialize, Serialize};

pub(crate) use self::decide::{known_service, known_stage};
pub use self::{
    answer::SOURCE,
    decide::OWN_VALUES_BYTES_MAX,
    resource::{
        EARLIER_VERSIONS_MAX, Level, RESOURCES_PER_LEVEL_MAX, RESOURCES_PER_PROJECT_MAX, Resource,
        Version, digest,
    },
    update::{TASK as UPDATE, Update},
};
use crate::{
    Definition, Note,
    owed::{Owed, OwedTable, Owes, Waits},
    remembered::Remembered,
};

/// Commands that may wait in all lines together; one more is not taken and must be said again.
const COMMANDS_WAITING_MAX: usize = 10_000;

/// What everybody says about projects.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Catalog {
    projects: OrdMap<ProjectName, Arc<Project>>,
    /// By `data.project` as it was written, so that bad names are answered, too.
    lines: OrdMap<Arc<str>, Vector<Arc<Command>>>,
    waiting: usize,
    updates: OrdMap<DerivedId, Arc<Update>>,
    owed: OwedTable<CatalogDue>,
    handled: Remembered,
}

/// One project.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Project {
    /// Its name.
    pub name: ProjectName,
    /// When it was created.
    pub created_at: StreamTime,
    /// Position of the answer that created it.
    pub created: Position,
    /// Its documents as they are now.
    pub definition: Arc<Definition>,
    /// Its services and when each was created.
    pub services: OrdMap<ServiceName, StreamTime>,
    /// The stages' own values per service.
    pub values: OrdMap<StageName, OrdMap<ServiceName, Payload>>,
    /// Where its files stand in the stream.
    resources: resource::Resources,
}

/// A command that waits for its answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Command {
    id: EventId,
    context: KeptnContext,
    position: Position,
    #[serde(with = "object_word")]
    object: CommandObject,
    verb: Box<str>,
    data: Payload,
}

/// What the catalog owes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CatalogDue {
    /// The answer to the first command in the line of this project.
    Answer(Arc<str>),
    /// The next answer to the task `update` with this id.
    Update(DerivedId),
}

impl Project {
    /// Returns the values that belong to a stage, `{}` if it has none of its own.
    pub fn own(&self, stage: &StageName, service: &ServiceName) -> Payload {
        self.values
            .get(stage)
            .and_then(|services| services.get(service))
            .cloned()
            .unwrap_or_else(Payload::empty)
    }

    fn set_own(&mut self, stage: &StageName, service: &ServiceName, values: Payload) {
        self.values.entry(stage.clone()).or_default().insert(service.clone(), values);
    }
}

impl Catalog {
    /// Returns the project of that name.
    pub fn project(&self, name: &str) -> Option<&Arc<Project>> {
        self.projects.get(name)
    }

    /// Returns all projects, by name.
    pub fn projects(&self) -> impl Iterator<Item = &Arc<Project>> {
        self.projects.values()
    }

    /// Tells whether a command on `project` that stands before `position` is not answered yet.
    pub fn is_changing(&self, project: &str, position: Position) -> bool {
        self.lines
            .get(project)
            .and_then(|line| line.front())
            .is_some_and(|command| command.position < position)
    }

    /// Returns the project that the answer to a command deleted.
    pub(crate) fn deleted_by(&self, event: &Event) -> Option<ProjectName> {
        let EventType::Command(CommandObject::Project, verb, Kind::Finished) = &event.event_type
        else {
            return None;
        };
        let name = ProjectName::new(&answer::project_of(event)).ok()?;
        (verb.as_ref() == "delete" && self.project(name.as_str()).is_none()).then_some(name)
    }

    /// Applies one stored event. What does not concern the catalog changes nothing.
    pub fn apply(&mut self, stored: &Stored) -> Option<Note> {
        let event = stored.body.as_ref().ok()?;
        match &event.event_type {
            EventType::Command(CommandObject::Sequence, _, _) => None,
            EventType::Command(object, verb, Kind::Triggered) => {
                self.wait(*object, verb, event, stored)
            }
            EventType::Command(_, _, Kind::Finished) => self.settle(event, stored),
            EventType::Task(task, kind) if task.as_str() == UPDATE => {
                self.apply_update(*kind, event, stored)
            }
            EventType::Command(_, _, Kind::Started | Kind::StatusChanged)
            | EventType::Task(_, _)
            | EventType::Sequence(_, _, _)
            | EventType::LogError
            | EventType::Other(_) => None,
        }
    }

    /// Puts a command into its project's line.
    fn wait(
        &mut self,
        object: CommandObject,
        verb: &str,
        event: &Event,
        stored: &Stored,
    ) -> Option<Note> {
        let data = match object {
            CommandObject::Resource => resource::without_content(&event.data),
            CommandObject::Project
            | CommandObject::Service
            | CommandObject::Configuration
            | CommandObject::Sequence => event.data.clone(),
        };
        let command = Command {
            id: event.id.clone(),
            context: event.context.clone().unwrap_or_else(|| KeptnContext::of_trigger(&event.id)),
            position: stored.position,
            object,
            verb: verb.into(),
            data,
        };
        let known = command.answer_id();
        if self.handled.contains(known) {
            return Some(Note::new("this command was seen already"));
        }
        if self.waiting >= COMMANDS_WAITING_MAX {
            return Some(Note::new("too many commands wait for an answer; say it again later"));
        }
        self.handled.insert(known);
        self.waiting += 1;
        let project: Arc<str> = answer::project_of(event).into();
        let line = self.lines.entry(project.clone()).or_default();
        line.push_back(Arc::new(command));
        if line.len() == 1 {
            self.owe_answer(&project, stored.time);
        }
        None
    }

    fn owe_answer(&mut self, project: &Arc<str>, since: StreamTime) {
        if let Some(command) = self.lines.get(project).and_then(|line| line.front()) {
            self.owed.insert(command.answer_id(), since, CatalogDue::Answer(project.clone()));
        }
    }

    /// Takes the answer to the first command of a line.
    fn settle(&mut self, event: &Event, stored: &Stored) -> Option<Note> {
        let id = DerivedId::parse(event.id.as_str());
        let due = id.and_then(|id| Some((id, self.owed.get(id)?.clone())));
        let Some((id, CatalogDue::Answer(project))) = due else {
            return Some(Note::new("nobody waits for an answer with this id"));
        };
        self.owed.remove(id);
        self.waiting = self.waiting.saturating_sub(1);
        let line = self.lines.get_mut(&project)?;
        let command = line.pop_front()?;
        if line.is_empty() {
            self.lines.remove(&project);
        }
        let note = self.take_effect(&command, event, stored);
        self.owe_answer(&project, stored.time);
        note
    }
}

impl Command {
    fn answer_id(&self) -> DerivedId {
        let verb = self.verb.as_ref();
        let object = self.object.as_str();
        DerivedId::of(&["answer", self.context.as_str(), self.id.as_str(), object, verb])
    }
}

impl Owes for Catalog {
    type Due = CatalogDue;

    fn owed_after(&self, number: u64) -> Vec<Owed<CatalogDue>> {
        self.owed.after(number)
    }

    fn due_by(&self, _now: StreamTime) -> Vec<Owed<CatalogDue>> {
        Vec::new()
    }

    fn next_deadline(&self) -> Option<StreamTime> {
        None
    }

    fn is_owed(&self, owed: &Owed<CatalogDue>, _now: StreamTime) -> bool {
        self.owed.get(owed.id).is_some()
    }

    fn event(&self, owed: &Owed<CatalogDue>, _waits: Waits) -> Option<Event> {
        let since = self.owed.since(owed.id)?;
        match self.owed.get(owed.id)? {
            CatalogDue::Answer(project) => {
                let command = self.lines.get(project)?.front()?;
                Some(self.answer(command, owed.id, since))
            }
            CatalogDue::Update(task) => self.update_event(*task, owed.id, since),
        }
    }
}

/// A command's object as the word in its type, for snapshots.
mod object_word {
    use model::{CommandObject, EventType};
    use serde::{Deserialize, Deserializer, Serializer};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
    pub(super) fn serialize<S: Serializer>(
        object: &CommandObject,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(object.as_str())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<CommandObject, D::Error> {
        let word = String::deserialize(deserializer)?;
        match EventType::parse(&format!("sh.keptn.event.{word}.x.triggered")) {
            Ok(EventType::Command(object, _, _)) => Ok(object),
            Ok(_) | Err(_) => Err(serde::de::Error::custom("unknown command object")),
        }
    }
}
