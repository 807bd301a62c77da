//! Writes a shipyard in Keptn's own form, whichever form it was read from.

use std::time::Duration;

use super::{SequenceSpec, Shipyard, StageSpec, TaskSpec, read, version};
use crate::{
    Reading,
    document::{
        self, DOCUMENT_BYTES_MAX,
        reader::Problems,
        tree::{Node, Place},
        write::{self, Tree},
    },
    duration,
};

/// Version that is written for the forms before 0.2.
const VERSION: &str = "spec.keptn.sh/0.2.3";
/// Name that is written if the document has none; nobody reads it.
const NAME: &str = "shipyard";

impl Shipyard {
    /// Reads a shipyard of any form and writes it in Keptn's own, as YAML. What was written is
    /// accepted and says the same; comments and keys without effect are left out.
    pub fn convert(text: &str) -> Reading<String> {
        document::read(text, |root, problems| {
            let name = metadata_name(root);
            let shipyard = read::read(root, problems)?;
            let text = shipyard.to_yaml(name.as_deref().unwrap_or(NAME));
            if text.len() > DOCUMENT_BYTES_MAX {
                let message = format!(
                    "the converted text must be at most {DOCUMENT_BYTES_MAX} bytes, would be {}",
                    text.len()
                );
                problems.error(Place::START, message);
                return None;
            }
            Some(text)
        })
    }

    /// Writes the shipyard with this `metadata.name`.
    pub fn to_yaml(&self, name: &str) -> String {
        let is_old = version::STORY_VERSIONS.contains(&self.version.as_str());
        let version = if is_old { VERSION } else { &self.version };
        let stages = self.stages.iter().map(stage).collect();
        write::yaml(&Tree::Map(vec![
            entry("apiVersion", Tree::text(version)),
            entry("kind", Tree::text("Shipyard")),
            entry("metadata", Tree::Map(vec![entry("name", Tree::text(name))])),
            entry("spec", Tree::Map(vec![entry("stages", Tree::List(stages))])),
        ]))
    }
}

/// Returns `metadata.name`; what is wrong with it is told by the reading.
fn metadata_name(root: &Node) -> Option<String> {
    let mut ignored = Problems::default();
    let head = ignored.open_fields(root, "")?;
    let metadata = ignored.open_fields(head.get("metadata")?.value, "")?;
    let name = metadata.get("name")?.value.text();
    name.map(str::to_owned)
}

fn entry(key: &str, tree: Tree) -> (String, Tree) {
    (key.to_owned(), tree)
}

fn stage(stage: &StageSpec) -> Tree {
    let mut entries = vec![entry("name", Tree::text(stage.name.as_str()))];
    if !stage.sequences.is_empty() {
        entries
            .push(entry("sequences", Tree::List(stage.sequences.iter().map(sequence).collect())));
    }
    Tree::Map(entries)
}

fn sequence(sequence: &SequenceSpec) -> Tree {
    let mut entries = vec![entry("name", Tree::text(sequence.name.as_str()))];
    let causes: Vec<Tree> = sequence.triggered_on.iter().map(cause).collect();
    if !causes.is_empty() {
        entries.push(entry("triggeredOn", Tree::List(causes)));
    }
    if !sequence.tasks.is_empty() {
        entries.push(entry("tasks", Tree::List(sequence.tasks.iter().map(task).collect())));
    }
    Tree::Map(entries)
}

fn cause(cause: &super::TriggeredOn) -> Tree {
    let mut entries = vec![entry("event", Tree::text(&cause.event))];
    if !cause.selector.is_empty() {
        let wanted = cause.selector.iter().map(|(key, value)| entry(key, Tree::text(value)));
        let selector = vec![entry("match", Tree::Map(wanted.collect()))];
        entries.push(entry("selector", Tree::Map(selector)));
    }
    Tree::Map(entries)
}

fn task(task: &TaskSpec) -> Tree {
    let mut entries = vec![entry("name", Tree::text(task.name.as_str()))];
    let spans = [("triggeredAfter", task.triggered_after), ("timeout", task.timeout)];
    for (key, span) in spans {
        entries.extend(span.map(|span: Duration| entry(key, Tree::text(&duration::written(span)))));
    }
    if !task.properties.is_empty() {
        entries.push(entry("properties", Tree::of_object(&task.properties)));
    }
    Tree::Map(entries)
}
