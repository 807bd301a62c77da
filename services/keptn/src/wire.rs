//! The events that the command line publishes. Everything here is a value; ids and time come from
//! [`Stamp`].

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use model::{
    CommandObject, Event, EventId, EventType, KeptnContext, Kind, Payload, ProjectName,
    SequenceName, ServiceName, StageName, TaskName, TaskResult,
};
use serde_json::{Map, Value, json};

/// `source` of every event of the command line.
pub(crate) const SOURCE: &str = "keptn-cli";

/// What makes one event different from another of the same content.
#[derive(Clone, Debug)]
pub(crate) struct Stamp {
    /// Id of the event.
    pub(crate) id: EventId,
    /// When it is said, RFC 3339.
    pub(crate) time: String,
}

/// A verb of `sequence.<verb>.triggered`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SequenceVerb {
    /// End it.
    Abort,
    /// Hold it before its next task.
    Pause,
    /// Go on.
    Resume,
}

impl SequenceVerb {
    /// Returns the word in the type.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Abort => "abort",
            Self::Pause => "pause",
            Self::Resume => "resume",
        }
    }

    /// Returns the word for what was done.
    pub(crate) const fn done(self) -> &'static str {
        match self {
            Self::Abort => "aborted",
            Self::Pause => "paused",
            Self::Resume => "resumed",
        }
    }
}

/// What a trigger of a sequence asks for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Request {
    /// Bring the stage up to date with the one before it, or with `from`.
    Sync {
        /// Compare with this stage instead.
        from: Option<StageName>,
        /// Only these services; empty = all that differ.
        services: Vec<ServiceName>,
    },
    /// Run for one service.
    Service {
        /// The service.
        service: ServiceName,
        /// Its artifact, if one is delivered.
        artifact: Option<String>,
        /// Values on top of the stage's own.
        values: Map<String, Value>,
    },
}

/// A sequence to trigger.
#[derive(Clone, Debug)]
pub(crate) struct Trigger {
    /// The project.
    pub(crate) project: ProjectName,
    /// The stage.
    pub(crate) stage: StageName,
    /// The sequence.
    pub(crate) sequence: SequenceName,
    /// What for.
    pub(crate) request: Request,
    /// Labels that travel with the delivery.
    pub(crate) labels: Map<String, Value>,
}

/// Returns the event of a trigger under `context`.
pub(crate) fn trigger(trigger: &Trigger, context: &KeptnContext, stamp: Stamp) -> Event {
    let mut data = object(json!({"project": trigger.project, "stage": trigger.stage}));
    if !trigger.labels.is_empty() {
        data.insert("labels".to_owned(), Value::Object(trigger.labels.clone()));
    }
    match &trigger.request {
        Request::Sync { from, services } => {
            let mut sync = Map::new();
            if let Some(from) = from {
                sync.insert("from".to_owned(), json!(from));
            }
            if !services.is_empty() {
                sync.insert("services".to_owned(), json!(services));
            }
            if !sync.is_empty() {
                data.insert("sync".to_owned(), Value::Object(sync));
            }
        }
        Request::Service { service, artifact, values } => {
            let mut values = values.clone();
            if let Some(artifact) = artifact {
                values.insert("image".to_owned(), json!(artifact));
            }
            data.insert("service".to_owned(), json!(service));
            if !values.is_empty() {
                data.insert("configurationChange".to_owned(), json!({ "values": values }));
            }
        }
    }
    let stage = trigger.stage.clone();
    let kind = EventType::Sequence(stage, trigger.sequence.clone(), Kind::Triggered);
    event(kind, &data, Some(context.clone()), stamp)
}

/// Returns `project.<verb>.triggered` with the documents in base64.
pub(crate) fn project(
    verb: &str,
    project: &ProjectName,
    shipyard: &str,
    uniform: Option<&str>,
    stamp: Stamp,
) -> Event {
    let mut data =
        object(json!({"project": project, "shipyard": BASE64.encode(shipyard.as_bytes())}));
    if let Some(uniform) = uniform {
        data.insert("uniform".to_owned(), json!(BASE64.encode(uniform.as_bytes())));
    }
    command(CommandObject::Project, verb, &data, stamp)
}

/// Returns `project.delete.triggered`.
pub(crate) fn project_delete(project: &ProjectName, stamp: Stamp) -> Event {
    command(CommandObject::Project, "delete", &object(json!({ "project": project })), stamp)
}

/// Returns `service.<verb>.triggered`.
pub(crate) fn service(
    verb: &str,
    project: &ProjectName,
    service: &ServiceName,
    stamp: Stamp,
) -> Event {
    let data = object(json!({"project": project, "service": service}));
    command(CommandObject::Service, verb, &data, stamp)
}

/// Returns `configuration.change.triggered`; `values` is a merge patch.
pub(crate) fn configuration_change(
    project: &ProjectName,
    stage: &StageName,
    service: &ServiceName,
    values: &Map<String, Value>,
    stamp: Stamp,
) -> Event {
    let data = object(json!({
        "project": project, "stage": stage, "service": service,
        "configurationChange": {"values": values},
    }));
    command(CommandObject::Configuration, "change", &data, stamp)
}

/// Returns `sequence.<verb>.triggered` for the runs of a delivery, or for the one in `stage`.
pub(crate) fn sequence(
    verb: SequenceVerb,
    project: &ProjectName,
    stage: Option<&StageName>,
    context: &KeptnContext,
    stamp: Stamp,
) -> Event {
    let mut data = object(json!({ "project": project }));
    if let Some(stage) = stage {
        data.insert("stage".to_owned(), json!(stage));
    }
    let kind = EventType::Command(CommandObject::Sequence, verb.as_str().into(), Kind::Triggered);
    event(kind, &data, Some(context.clone()), stamp)
}

/// An approval that waits for a person.
#[derive(Clone, Debug)]
pub(crate) struct OpenApproval {
    /// The project.
    pub(crate) project: ProjectName,
    /// The stage.
    pub(crate) stage: StageName,
    /// The service, if the run has exactly one.
    pub(crate) service: Option<ServiceName>,
    /// The delivery.
    pub(crate) context: KeptnContext,
    /// Id of `approval.triggered`.
    pub(crate) triggered_id: EventId,
    /// Name of the task: `approval`.
    pub(crate) task: TaskName,
}

/// Returns `approval.finished`: the answer of a person.
pub(crate) fn approval(
    open: &OpenApproval,
    result: TaskResult,
    message: Option<&str>,
    stamp: Stamp,
) -> Event {
    let mut data = object(json!({
        "project": open.project, "stage": open.stage, "status": "succeeded", "result": result,
    }));
    if let Some(service) = &open.service {
        data.insert("service".to_owned(), json!(service));
    }
    if let Some(message) = message {
        data.insert("message".to_owned(), json!(message));
    }
    let kind = EventType::Task(open.task.clone(), Kind::Finished);
    let mut event = event(kind, &data, Some(open.context.clone()), stamp);
    event.triggered_id = Some(open.triggered_id.clone());
    event
}

fn command(what: CommandObject, verb: &str, data: &Map<String, Value>, stamp: Stamp) -> Event {
    event(EventType::Command(what, verb.into(), Kind::Triggered), data, None, stamp)
}

/// Makes the event; without a context its id is the context, as for any trigger.
fn event(
    kind: EventType,
    data: &Map<String, Value>,
    context: Option<KeptnContext>,
    stamp: Stamp,
) -> Event {
    let context = context.unwrap_or_else(|| KeptnContext::of_trigger(&stamp.id));
    let mut event = Event::new(stamp.id, SOURCE, kind, Payload::from_map(data));
    event.time = Some(stamp.time.into());
    event.context = Some(context);
    event
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Map::new()
        }
    }
}

#[cfg(test)]
mod tests;
