//! What a command is answered: accepted with what it makes true, or refused with rule and hint.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use model::{
    CommandObject, Payload, ProjectName, ServiceName, StageName, name::shortened, nearest::hint,
};
use serde_json::{Map, Value};

use super::{Catalog, Command, Project, answer::IMAGE};
use crate::{
    Definition,
    refusal::{Code, Refusal},
    sequence::DATA_BYTES_MAX,
    values::{Object, patch, take_object, text},
};

/// Most bytes of the values that a stage has of its own for a service, as JSON. Every task of the
/// stage is sent them, those of all services of a bracket together.
pub const OWN_VALUES_BYTES_MAX: usize = 64 * 1024;

impl Catalog {
    /// Decides a command on the catalog as it is. The answer holds the members of `data` that the
    /// command makes true.
    pub(super) fn decide(&self, command: &Command) -> Result<Object, Refusal> {
        let data = command.data.to_map();
        match (command.object, command.verb.as_ref()) {
            (CommandObject::Project, "create") => self.create_project(command, &data),
            (CommandObject::Project, "update") => self.update_project(command, &data),
            (CommandObject::Project, "delete") => self.known(&data).map(|_| Map::new()),
            (CommandObject::Service, "create") => self.create_service(&data),
            (CommandObject::Service, "delete") => {
                let project = self.known(&data)?;
                known_service(project, text(&data, "service").unwrap_or_default())?;
                Ok(Map::new())
            }
            (CommandObject::Configuration, "change") => self.change_values(data),
            (CommandObject::Resource, verb @ ("create" | "update" | "delete")) => {
                self.decide_resource(verb, &data)
            }
            (
                CommandObject::Project
                | CommandObject::Service
                | CommandObject::Configuration
                | CommandObject::Resource
                | CommandObject::Sequence,
                verb,
            ) => Err(Refusal::new(
                Code::Invalid,
                format!("`{}.{}` is no command", command.object.as_str(), shortened(verb)),
                "there is project.create, project.update, project.delete, service.create, \
                 service.delete, configuration.change, resource.create, resource.update, \
                 resource.delete",
            )),
        }
    }

    fn create_project(&self, command: &Command, data: &Object) -> Result<Object, Refusal> {
        let name = project_name(data)?;
        if self.project(name.as_str()).is_some() {
            return Err(Refusal::new(
                Code::Exists,
                format!("project `{name}` exists already"),
                "choose another name, or change it with `keptn update project`",
            ));
        }
        let definition = read_documents(command, data)?;
        let mut answer = documents(&definition);
        let mut created = Map::new();
        created.insert("projectName".to_owned(), name.as_str().into());
        let bytes: usize = answer.values().filter_map(Value::as_str).map(str::len).sum();
        let shipyard = answer.get("shipyard").cloned().unwrap_or_default();
        if bytes + shipyard.as_str().map_or(0, str::len) <= DATA_BYTES_MAX {
            created.insert("shipyard".to_owned(), shipyard);
        }
        answer.insert("createdProject".to_owned(), Value::Object(created));
        Ok(answer)
    }

    fn update_project(&self, command: &Command, data: &Object) -> Result<Object, Refusal> {
        let project = self.known(data)?;
        // What is not named stays; `"uniform": null` takes the uniform away.
        let mut data = data.clone();
        for (key, document) in documents(&project.definition) {
            data.entry(key).or_insert(document);
        }
        let definition = read_documents(command, &data)?;
        for stage in &project.definition.shipyard.stages {
            if definition.shipyard.stage(stage.name.as_str()).is_none() {
                return Err(Refusal::new(
                    Code::Invalid,
                    format!("stage `{}` cannot be renamed or removed", stage.name),
                    "keep the stage; its sequences may change",
                ));
            }
        }
        Ok(documents(&definition))
    }

    fn create_service(&self, data: &Object) -> Result<Object, Refusal> {
        let project = self.known(data)?;
        let name =
            ServiceName::new(text(data, "service").unwrap_or_default()).map_err(|error| {
                Refusal::new(Code::Invalid, error.to_string(), "choose another name")
            })?;
        if project.services.contains_key(&name) {
            return Err(Refusal::new(
                Code::Exists,
                format!("service `{name}` exists already in project `{}`", project.name),
                "nothing is left to do, or choose another name",
            ));
        }
        Ok(Map::new())
    }

    fn change_values(&self, mut data: Object) -> Result<Object, Refusal> {
        let project = self.known(&data)?;
        let stage = known_stage(project, text(&data, "stage").unwrap_or_default())?;
        let service = known_service(project, text(&data, "service").unwrap_or_default())?;
        let changes = take_object(&mut take_object(&mut data, "configurationChange"), "values");
        if changes.is_empty() {
            return Err(Refusal::new(
                Code::Invalid,
                "`configurationChange.values` must name at least one value",
                "for instance {\"replicaCount\":3}",
            ));
        }
        if changes.contains_key(IMAGE) {
            return Err(Refusal::new(
                Code::Invalid,
                "`image` is no value of a stage",
                "an artifact comes with a delivery: `keptn trigger … --artifact`",
            ));
        }
        let mut values = project.own(&stage, &service).to_map();
        values.remove(IMAGE);
        patch(&mut values, &changes);
        let bytes = Payload::from_map(&values).as_str().len();
        if bytes > OWN_VALUES_BYTES_MAX {
            return Err(Refusal::new(
                Code::Invalid,
                format!(
                    "the values of a service in a stage must be at most {OWN_VALUES_BYTES_MAX} \
                     bytes of JSON, would be {bytes}"
                ),
                "keep what is large where executors can fetch it",
            ));
        }
        let mut answer = Map::new();
        answer.insert("configurationChange".to_owned(), serde_json::json!({ "values": values }));
        Ok(answer)
    }

    pub(super) fn known(&self, data: &Object) -> Result<&Project, Refusal> {
        self.named(text(data, "project").or_else(|| text(data, "projectName")).unwrap_or_default())
    }

    /// Finds a project by its name.
    pub(super) fn named(&self, name: &str) -> Result<&Project, Refusal> {
        let name = parsed_project_name(name)?;
        self.project(name.as_str()).map(AsRef::as_ref).ok_or_else(|| self.unknown_project(&name))
    }

    /// Says that a project is unknown, with the nearest one.
    pub(crate) fn unknown_project(&self, name: &ProjectName) -> Refusal {
        let known: Vec<&str> = self.projects.keys().map(ProjectName::as_str).collect();
        Refusal::new(
            Code::NotFound,
            format!("project `{name}` does not exist"),
            hint(name.as_str(), known),
        )
    }
}

/// Finds a stage of a project.
pub(crate) fn known_stage(project: &Project, name: &str) -> Result<StageName, Refusal> {
    let shipyard = &project.definition.shipyard;
    shipyard.stage(name).map(|stage| stage.name.clone()).ok_or_else(|| {
        let known: Vec<&str> = shipyard.stages.iter().map(|stage| stage.name.as_str()).collect();
        Refusal::new(
            Code::NotFound,
            format!("stage `{}` does not exist in project `{}`", shortened(name), project.name),
            hint(name, known),
        )
    })
}

/// Finds a service of a project.
pub(crate) fn known_service(project: &Project, name: &str) -> Result<ServiceName, Refusal> {
    project.services.get_key_value(name).map(|(name, _)| name.clone()).ok_or_else(|| {
        let known: Vec<&str> = project.services.keys().map(ServiceName::as_str).collect();
        Refusal::new(
            Code::NotFound,
            format!("service `{}` does not exist in project `{}`", shortened(name), project.name),
            if known.is_empty() {
                format!("create it: `keptn create service NAME --project {}`", project.name)
            } else {
                hint(name, known)
            },
        )
    })
}

fn project_name(data: &Object) -> Result<ProjectName, Refusal> {
    let name = text(data, "project").or_else(|| text(data, "projectName")).unwrap_or_default();
    parsed_project_name(name)
}

fn parsed_project_name(name: &str) -> Result<ProjectName, Refusal> {
    ProjectName::new(name)
        .map_err(|error| Refusal::new(Code::Invalid, error.to_string(), "choose another name"))
}

fn read_documents(command: &Command, data: &Object) -> Result<Definition, Refusal> {
    let shipyard = decoded(data, "shipyard")?.ok_or_else(|| {
        Refusal::new(Code::Invalid, "`shipyard` is missing", "send the document in base64")
    })?;
    let uniform = decoded(data, "uniform")?;
    Definition::read(command.position, &shipyard, uniform.as_deref()).map_err(|error| {
        Refusal::new(Code::Invalid, error, "`keptn lint shipyard FILE` names every problem")
    })
}

/// Reads a document that travels in base64.
pub(super) fn decoded(data: &Object, key: &str) -> Result<Option<String>, Refusal> {
    let Some(encoded) = text(data, key) else { return Ok(None) };
    let bytes = BASE64.decode(encoded.trim()).ok();
    bytes.and_then(|bytes| String::from_utf8(bytes).ok()).map(Some).ok_or_else(|| {
        Refusal::new(
            Code::Invalid,
            format!("could not decode `{key}`"),
            "send the UTF-8 document in base64",
        )
    })
}

fn documents(definition: &Definition) -> Object {
    let mut members = Map::new();
    let encode = |text: &str| Value::String(BASE64.encode(text));
    members.insert("shipyard".to_owned(), encode(definition.shipyard_text()));
    if let Some(uniform) = definition.uniform_text() {
        members.insert("uniform".to_owned(), encode(uniform));
    }
    members
}
