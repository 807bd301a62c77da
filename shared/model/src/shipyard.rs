//! A project's stages, their sequences and the tasks of those: the shipyard.
//!
//! Reading order: the types, then `version` (which form), `read` (Keptn's own form), `story` (the
//! forms 0.1.1 and 0.1.2), `check` (what points to nothing), `convert` (back to text). The verdict is
//! Keptn's (1.4.5), but for names that could not be told apart or could not be part of a subject.

mod check;
mod convert;
mod read;
mod story;
#[cfg(test)]
mod tests;
mod version;

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Map, Value};

use crate::{Reading, SequenceName, StageName, TaskName, document};

/// What Keptn writes before the version.
const SPEC_PREFIX: &str = "spec.keptn.sh/";

/// A shipyard, read and found valid.
#[derive(Clone, Debug, PartialEq)]
pub struct Shipyard {
    /// `spec.keptn.sh/0.2.x`, or the story's `0.1.1` / `0.1.2`, as written.
    pub version: String,
    /// In the order of the document, at least one.
    pub stages: Vec<StageSpec>,
}

/// One stage.
#[derive(Clone, Debug, PartialEq)]
pub struct StageSpec {
    /// Unique in the shipyard.
    pub name: StageName,
    /// In the order of the document; may be empty.
    pub sequences: Vec<SequenceSpec>,
}

/// An ordered list of tasks.
#[derive(Clone, Debug, PartialEq)]
pub struct SequenceSpec {
    /// Unique in its stage, else the first of that name counts.
    pub name: SequenceName,
    /// What starts it besides a person.
    pub triggered_on: Vec<TriggeredOn>,
    /// Tasks are positions: two may have the same name.
    pub tasks: Vec<TaskSpec>,
}

/// One cause that starts a sequence.
#[derive(Clone, Debug, PartialEq)]
pub struct TriggeredOn {
    /// `<stage>.<sequence>.finished`, as written.
    pub event: String,
    /// `selector.match`, `failed` read as `fail`; empty = pass or warning.
    pub selector: BTreeMap<String, String>,
}

/// One task of a sequence.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskSpec {
    /// What executors subscribe to.
    pub name: TaskName,
    /// Delay before it is triggered.
    pub triggered_after: Option<Duration>,
    /// Longest time until it is done; ours, Keptn ignores it.
    pub timeout: Option<Duration>,
    /// Passed to executors under the task's name.
    pub properties: Map<String, Value>,
}

impl Shipyard {
    /// Reads a shipyard whole: all its errors, and warnings for what has no effect.
    pub fn read(text: &str) -> Reading<Self> {
        document::read(text, read::read)
    }

    /// Reads a shipyard as events carry it.
    pub fn from_base64(text: &str) -> Reading<Self> {
        document::read_base64(text, Self::read)
    }

    /// Returns the stage of that name.
    pub fn stage(&self, name: &str) -> Option<&StageSpec> {
        self.stages.iter().find(|stage| stage.name.as_str() == name)
    }

    /// Returns the stage before `name` in the document; the first stage has none.
    pub fn preceding(&self, name: &str) -> Option<&StageName> {
        let at = self.stages.iter().position(|stage| stage.name.as_str() == name)?;
        self.stages.get(at.checked_sub(1)?).map(|stage| &stage.name)
    }
}

impl StageSpec {
    /// Returns the sequence of that name.
    pub fn sequence(&self, name: &str) -> Option<&SequenceSpec> {
        self.sequences.iter().find(|sequence| sequence.name.as_str() == name)
    }
}

impl SequenceSpec {
    /// Tells whether some task has that name.
    pub fn has_task(&self, name: &str) -> bool {
        self.tasks.iter().any(|task| task.name.as_str() == name)
    }

    /// Tells whether a run of it brings an artifact into a stage.
    pub fn delivers(&self) -> bool {
        self.has_task("deployment") || self.has_task("release")
    }

    /// Returns the label of the task at `index`: its name, plus ` (value)` of the first property
    /// in which tasks of the same name differ.
    pub fn task_label(&self, index: usize) -> Option<String> {
        let task = self.tasks.get(index)?;
        let same: Vec<&TaskSpec> =
            self.tasks.iter().filter(|other| other.name == task.name).collect();
        let differing = task.properties.iter().find(|(key, value)| {
            same.iter().any(|other| other.properties.get(*key) != Some(value))
        });
        Some(match differing {
            Some((_, Value::String(value))) => format!("{} ({value})", task.name),
            Some((_, value)) => format!("{} ({value})", task.name),
            None => task.name.to_string(),
        })
    }
}
