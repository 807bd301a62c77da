//! The events with which a person asks: what the command line publishes, and what the page does on
//! somebody's behalf. Everything here is a value; id, time and source come from [`Stamp`].

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use serde_json::{Map, Value, json};

use crate::{
    CommandObject, Event, EventId, EventType, KeptnContext, Kind, Payload, ProjectName,
    ResourceUri, SequenceName, ServiceName, StageName, TaskName, TaskResult,
    trace::{SpanId, Trace},
    view::{Sequence, Task, TaskState},
};

/// Name of the task that waits for a person.
const APPROVAL: &str = "approval";

/// What makes one event different from another of the same content.
#[derive(Clone, Debug)]
pub struct Stamp {
    /// Id of the event.
    pub id: EventId,
    /// When it is said, RFC 3339.
    pub time: String,
    /// Who says it.
    pub source: &'static str,
}

/// A verb of `sequence.<verb>.triggered`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SequenceVerb {
    /// End it.
    Abort,
    /// Hold it before its next task.
    Pause,
    /// Go on.
    Resume,
}

impl SequenceVerb {
    /// Returns the word in the type.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Abort => "abort",
            Self::Pause => "pause",
            Self::Resume => "resume",
        }
    }

    /// Returns the word for what was done.
    pub const fn done(self) -> &'static str {
        match self {
            Self::Abort => "aborted",
            Self::Pause => "paused",
            Self::Resume => "resumed",
        }
    }
}

/// What a trigger of a sequence asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
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
pub struct Trigger {
    /// The project.
    pub project: ProjectName,
    /// The stage.
    pub stage: StageName,
    /// The sequence.
    pub sequence: SequenceName,
    /// What for.
    pub request: Request,
    /// Labels that travel with the delivery.
    pub labels: Map<String, Value>,
    /// Further members of its data.
    pub data: Map<String, Value>,
    /// Commit of the configuration that it is for.
    pub git_commit_id: Option<String>,
}

/// Returns the event of a trigger under `context`.
pub fn trigger(trigger: &Trigger, context: &KeptnContext, stamp: Stamp) -> Event {
    let mut data = trigger.data.clone();
    data.insert("project".to_owned(), json!(trigger.project));
    data.insert("stage".to_owned(), json!(trigger.stage));
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
                let mut change = data.remove("configurationChange").map(object).unwrap_or_default();
                let mut all = change.remove("values").map(object).unwrap_or_default();
                all.extend(values);
                change.insert("values".to_owned(), Value::Object(all));
                data.insert("configurationChange".to_owned(), Value::Object(change));
            }
        }
    }
    let stage = trigger.stage.clone();
    let kind = EventType::Sequence(stage, trigger.sequence.clone(), Kind::Triggered);
    let mut event = event(kind, &data, Some(context.clone()), stamp);
    event.git_commit_id = trigger.git_commit_id.as_deref().map(Into::into);
    event
}

/// Returns `project.<verb>.triggered` with the documents in base64.
pub fn project(
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
pub fn project_delete(project: &ProjectName, stamp: Stamp) -> Event {
    command(CommandObject::Project, "delete", &object(json!({ "project": project })), stamp)
}

/// Returns `service.<verb>.triggered`.
pub fn service(verb: &str, project: &ProjectName, service: &ServiceName, stamp: Stamp) -> Event {
    let data = object(json!({"project": project, "service": service}));
    command(CommandObject::Service, verb, &data, stamp)
}

/// Returns `resource.<verb>.triggered` for a level: the project, a stage, or a service in a stage.
/// The content is in base64.
pub fn resource(
    verb: &str,
    (project, stage, service): (&ProjectName, Option<&StageName>, Option<&ServiceName>),
    (uri, content): (&ResourceUri, Option<&str>),
    stamp: Stamp,
) -> Event {
    let mut data = object(json!({"project": project, "resourceURI": uri}));
    let members = [
        ("stage", stage.map(StageName::as_str)),
        ("service", service.map(ServiceName::as_str)),
        ("resourceContent", content),
    ];
    for (key, value) in members {
        data.extend(value.map(|value| (key.to_owned(), json!(value))));
    }
    command(CommandObject::Resource, verb, &data, stamp)
}

/// Returns `configuration.change.triggered`; `values` is a merge patch.
pub fn configuration_change(
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
pub fn sequence(
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
    sequence_command(verb.as_str(), &data, context, stamp)
}

/// Where a retry begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryFrom {
    /// At the first task.
    Start,
    /// At the task that failed.
    FailedTask,
}

/// Returns `sequence.retry.triggered` for the failed run of a delivery, narrowed to a stage and a
/// sequence.
pub fn retry(
    from: RetryFrom,
    (project, stage, sequence): (&ProjectName, Option<&StageName>, Option<&SequenceName>),
    context: &KeptnContext,
    stamp: Stamp,
) -> Event {
    let mut data = object(json!({ "project": project }));
    if let Some(stage) = stage {
        data.insert("stage".to_owned(), json!(stage));
    }
    if let Some(sequence) = sequence {
        data.insert("sequence".to_owned(), json!(sequence));
    }
    if from == RetryFrom::FailedTask {
        data.insert("from".to_owned(), json!("failedTask"));
    }
    sequence_command("retry", &data, context, stamp)
}

fn sequence_command(
    verb: &str,
    data: &Map<String, Value>,
    context: &KeptnContext,
    stamp: Stamp,
) -> Event {
    let kind = EventType::Command(CommandObject::Sequence, verb.into(), Kind::Triggered);
    event(kind, data, Some(context.clone()), stamp)
}

/// An approval that waits for a person.
#[derive(Clone, Debug)]
pub struct OpenApproval {
    /// The project.
    pub project: ProjectName,
    /// The stage.
    pub stage: StageName,
    /// The service, if the run has exactly one.
    pub service: Option<ServiceName>,
    /// The delivery.
    pub context: KeptnContext,
    /// Id of `approval.triggered`.
    pub triggered_id: EventId,
    /// Name of the task: `approval`.
    pub task: TaskName,
}

impl OpenApproval {
    /// Returns what an answer to the open approval of a run needs; none if it has none.
    pub fn of(run: &Sequence) -> Option<Self> {
        let open = |task: &&Task| is_open_approval(task);
        let task = run.tasks.iter().find(open).filter(|_| !run.state.is_ended())?;
        let service = match run.services.as_slice() {
            [only] => Some(only.service.clone()),
            [] | [_, _, ..] => None,
        };
        Some(Self {
            project: run.project.clone(),
            stage: run.stage.clone(),
            service,
            context: run.keptn_context.clone(),
            triggered_id: task.triggered_id.clone()?,
            task: task.name.clone(),
        })
    }
}

/// Tells whether a task is one that a person answers.
pub fn is_approval(task: &Task) -> bool {
    task.name.as_str() == APPROVAL
}

/// Tells whether a task waits for a person's answer.
pub fn is_open_approval(task: &Task) -> bool {
    is_approval(task) && matches!(task.state, TaskState::Triggered | TaskState::Started)
}

/// What a person says to an approval.
#[derive(Clone, Debug)]
pub struct ApprovalAnswer {
    /// Pass or fail.
    pub result: TaskResult,
    /// Why.
    pub message: Option<String>,
    /// Labels of the answer.
    pub labels: Map<String, Value>,
}

/// Returns `approval.finished`: the answer of a person.
pub fn approval(open: &OpenApproval, answer: &ApprovalAnswer, stamp: Stamp) -> Event {
    let mut data = object(json!({
        "project": open.project, "stage": open.stage, "status": "succeeded",
        "result": answer.result,
    }));
    if let Some(service) = &open.service {
        data.insert("service".to_owned(), json!(service));
    }
    if let Some(message) = &answer.message {
        data.insert("message".to_owned(), json!(message));
    }
    if !answer.labels.is_empty() {
        data.insert("labels".to_owned(), Value::Object(answer.labels.clone()));
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
    let mut event = Event::new(stamp.id, stamp.source, kind, Payload::from_map(data));
    event.time = Some(stamp.time.into());
    event.traceparent = Some(Trace::of(None, &context).parent(SpanId::of_delivery(&context)));
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
