//! The data of a `<task>.triggered` event, as far as a stub reads it.

use model::{Event, EventType, Kind, TaskName};
use serde_json::{Map, Value};

/// A task that was triggered.
#[derive(Debug)]
pub struct TriggeredTask<'a> {
    event: &'a Event,
    name: &'a TaskName,
    data: Map<String, Value>,
    parts: Vec<Part>,
    problem: Option<&'static str>,
}

/// A service that is delivered, and what of it.
#[derive(Debug, PartialEq)]
pub(super) struct Part {
    pub(super) service: String,
    pub(super) artifact: Option<String>,
}

const NO_STAGE: &str = "`data.stage` must name a stage";
const NO_SERVICE: &str = "`data.service` or `data.services` must name what is delivered";

impl<'a> TriggeredTask<'a> {
    /// Reads a task; none if the event triggers none.
    pub fn read(event: &'a Event) -> Option<Self> {
        let EventType::Task(name, Kind::Triggered) = &event.event_type else { return None };
        let data = event.data.to_map();
        let parts = parts(&data);
        let problem = if text(&data, "stage").is_none() {
            Some(NO_STAGE)
        } else if parts.is_empty() {
            Some(NO_SERVICE)
        } else {
            None
        };
        Some(Self { event, name, data, parts, problem })
    }

    /// Returns the event.
    pub fn event(&self) -> &Event {
        self.event
    }

    /// Returns the task.
    pub fn task_name(&self) -> &TaskName {
        self.name
    }

    /// Returns the project, if it is named.
    pub fn project(&self) -> Option<&str> {
        text(&self.data, "project")
    }

    /// Returns the task's properties; none reads as `{}`.
    pub fn properties(&self) -> Option<&Map<String, Value>> {
        self.data.get(self.name.as_str()).and_then(Value::as_object)
    }

    pub(super) fn name(&self) -> &str {
        self.name.as_str()
    }

    pub(super) fn stage(&self) -> Option<&str> {
        text(&self.data, "stage")
    }

    pub(super) fn parts(&self) -> &[Part] {
        &self.parts
    }

    pub(super) fn problem(&self) -> Option<&'static str> {
        self.problem
    }

    /// Returns what is known of the result so far: that of the data, else of the evaluation.
    pub(super) fn result_so_far(&self) -> Option<&str> {
        let evaluation = self.data.get("evaluation").and_then(Value::as_object);
        text(&self.data, "result").or_else(|| text(evaluation?, "result"))
    }

    /// Returns what an answer repeats: who and where, never the configuration.
    pub(super) fn echo(&self) -> Map<String, Value> {
        ["project", "stage", "service", "labels"]
            .into_iter()
            .filter_map(|key| Some((key.to_owned(), self.data.get(key)?.clone())))
            .collect()
    }
}

/// Returns what is delivered: the services of a bracket, else the one service.
fn parts(data: &Map<String, Value>) -> Vec<Part> {
    if let Some(services) = data.get("services").and_then(Value::as_object) {
        let part = |(service, content): (&String, &Value)| Part {
            service: service.clone(),
            artifact: image(content),
        };
        return services.iter().map(part).collect();
    }
    let service = text(data, "service").map(str::to_owned);
    let artifact = data.get("configurationChange").and_then(image);
    service.map(|service| Part { service, artifact }).into_iter().collect()
}

fn image(content: &Value) -> Option<String> {
    Some(content.get("values")?.get("image")?.as_str()?.to_owned())
}

fn text<'a>(data: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    data.get(key)?.as_str().filter(|text| !text.is_empty())
}
