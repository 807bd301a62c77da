//! Which executor plays which task: the uniform.
//!
//! Reading order: the types, then `read` (services and what they answer), `selector`, `stub`.

mod read;
mod selector;
mod stub;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Map, Value};

use crate::{Reading, ServiceName, TaskName, TaskResult, TaskStatus, document};

pub use stub::{ANSWERS_MAX, DELAY_MAX};

/// A uniform, read and found valid.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Uniform {
    /// In the order of the document.
    pub services: Vec<UniformService>,
}

/// One executor of a uniform.
#[derive(Clone, Debug, PartialEq)]
pub struct UniformService {
    /// Its name, which is the last segment of the `source` of its answers.
    pub name: ServiceName,
    /// The tasks it answers, each with the properties it wants.
    pub subscriptions: Vec<Subscription>,
    /// How the stub of it behaves; later entries win.
    pub stub: Vec<StubRule>,
}

/// A task that an executor answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Subscription {
    /// The task.
    pub task: TaskName,
    /// Requirements on the task's properties; all must hold.
    pub selector: Selector,
}

/// Requirements on a task's properties, as Kubernetes label selectors.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selector {
    /// `matchLabels`: property = value.
    pub match_labels: BTreeMap<String, String>,
    /// `matchExpressions`.
    pub match_expressions: Vec<Expression>,
}

/// One requirement on one property.
#[derive(Clone, Debug, PartialEq)]
pub struct Expression {
    /// The property.
    pub key: String,
    /// What must hold.
    pub operator: Operator,
    /// For `In` and `NotIn`.
    pub values: Vec<String>,
}

/// Operators of `matchExpressions`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// The property is one of the values.
    In,
    /// The property is absent or none of the values.
    NotIn,
    /// The property is there.
    Exists,
    /// The property is absent.
    DoesNotExist,
}

/// How a stub answers; every condition that is present must hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StubRule {
    /// Condition: the task's name.
    pub task: Option<String>,
    /// Condition: the stage.
    pub stage: Option<String>,
    /// Condition: the service that is delivered.
    pub service: Option<String>,
    /// Condition: the artifact.
    pub artifact: Option<String>,
    /// Answer: result, default pass.
    pub result: Option<TaskResult>,
    /// Answer: status, default succeeded.
    pub status: Option<TaskStatus>,
    /// Answer: message.
    pub message: Option<String>,
    /// Time between started and finished.
    pub delay: Option<Duration>,
    /// Number of started/finished pairs, default 1.
    pub answers: Option<u32>,
    /// No answer at all.
    pub silent: bool,
    /// The process exits after `started`, at the first delivery only.
    pub crash: bool,
}

impl Uniform {
    /// Reads a uniform whole: all its errors, and warnings for what has no effect.
    pub fn read(text: &str) -> Reading<Self> {
        document::read(text, read::read)
    }

    /// Reads a uniform as events carry it.
    pub fn from_base64(text: &str) -> Reading<Self> {
        document::read_base64(text, Self::read)
    }

    /// Returns the executors that answer a task with these properties.
    pub fn executors<'a>(
        &'a self,
        task: &'a TaskName,
        properties: &'a Map<String, Value>,
    ) -> impl Iterator<Item = &'a UniformService> {
        self.services.iter().filter(move |service| service.answers(task, properties))
    }
}

impl StubRule {
    /// Reads a file of rules: a list, or a mapping with the list under `stub`.
    pub fn read_list(text: &str) -> Reading<Vec<Self>> {
        document::read(text, stub::read_text)
    }
}

impl UniformService {
    /// Tells whether this executor answers a task with these properties.
    pub fn answers(&self, task: &TaskName, properties: &Map<String, Value>) -> bool {
        self.subscriptions.iter().any(|one| one.task == *task && one.selector.matches(properties))
    }
}

impl Selector {
    /// Tells whether all requirements hold.
    pub fn matches(&self, properties: &Map<String, Value>) -> bool {
        let text = |key: &str| properties.get(key).map(as_text);
        self.match_labels.iter().all(|(key, value)| text(key).as_ref() == Some(value))
            && self.match_expressions.iter().all(|expression| {
                let found = text(&expression.key);
                let listed = found.as_ref().is_some_and(|text| expression.values.contains(text));
                match expression.operator {
                    Operator::In => listed,
                    Operator::NotIn => !listed,
                    Operator::Exists => found.is_some(),
                    Operator::DoesNotExist => found.is_none(),
                }
            })
    }
}

/// Returns a property as the text that a selector compares with.
fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            value.to_string()
        }
    }
}
