//! Converts the story's forms 0.1.1 and 0.1.2: `workflows` whose tasks are single-key mappings,
//! and `pull` of a stage.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use super::{
    TaskSpec, TriggeredOn,
    read::{self, Placed, PlacedSequence, PlacedStage},
};
use crate::{
    SequenceName, StageName,
    document::{
        reader::{Entry, Problems},
        tree::{Content, Node},
    },
    name::shortened,
};

const STAGE: &[&str] = &["name", "pull", "workflows"];

/// Reads the stages of the story's form.
pub(super) fn read(items: &[Rc<Node>], problems: &mut Problems) -> Vec<PlacedStage> {
    let mut seen = BTreeSet::new();
    let mut stages: Vec<PlacedStage> = Vec::with_capacity(items.len());
    for item in items {
        let preceding = stages.last().map(|stage| &stage.name);
        let Some((name, sequences)) = stage(item, preceding, problems) else { continue };
        if read::unique_stage(&name, &mut seen, problems) {
            stages.push(PlacedStage { name: name.value, sequences });
        }
    }
    stages
}

fn stage(
    item: &Node,
    preceding: Option<&StageName>,
    problems: &mut Problems,
) -> Option<(Placed<StageName>, Vec<PlacedSequence>)> {
    let fields = problems.fields(item, "a stage", STAGE)?;
    let name = read::stage_name(&fields, problems);
    let Some(workflows) = fields.get("workflows") else {
        let message = "a stage of this version must have `workflows`";
        let hint = "write `workflows:`, then `<name>:`, then a list of tasks";
        problems.error_hint(fields.at, message, hint);
        return None;
    };
    let workflows = problems.open_fields(workflows.value, "`workflows`")?;
    let mut sequences: Vec<PlacedSequence> =
        workflows.entries().iter().filter_map(|entry| workflow(*entry, problems)).collect();
    if let Some(pull) = fields.get("pull") {
        apply_pull(pull, preceding, &mut sequences, problems);
    }
    Some((name?, sequences))
}

fn workflow(entry: Entry<'_>, problems: &mut Problems) -> Option<PlacedSequence> {
    let name = SequenceName::new(entry.key)
        .map_err(|error| problems.error_hint(entry.at, error.to_string(), "rename the workflow"));
    let tasks = problems.list(Some(entry)).iter().filter_map(|item| task(item, problems)).collect();
    Some(PlacedSequence { name: name.ok()?, at: entry.at, triggered_on: Vec::new(), tasks })
}

/// Reads `- deployment: {strategy: direct}`, `- evaluation:` or `- evaluation`.
fn task(item: &Node, problems: &mut Problems) -> Option<TaskSpec> {
    let (at, text, entry) = match &item.content {
        Content::Scalar(scalar) => (item.at, scalar.text.as_str(), None),
        Content::Null | Content::List(_) | Content::Map(_) => {
            let entries = problems.entries(item);
            let [entry] = entries.as_slice() else {
                let message = format!(
                    "a task must be a mapping with one key, its name, has {}",
                    entries.len()
                );
                let hint = "indent what belongs to the task below its name";
                problems.error_hint(item.at, message, hint);
                return None;
            };
            (entry.at, entry.key, Some(*entry))
        }
    };
    let name = read::task_name(text, at, problems);
    let properties = entry.map(|entry| read::properties(entry, problems)).unwrap_or_default();
    Some(TaskSpec { name: name?, triggered_after: None, timeout: None, properties })
}

/// `pull: [x]` starts this stage's sequence `x`, and no other, when the preceding stage's has
/// finished.
fn apply_pull(
    pull: Entry<'_>,
    preceding: Option<&StageName>,
    sequences: &mut [PlacedSequence],
    problems: &mut Problems,
) {
    let items = problems.list(Some(pull));
    let Some(preceding) = preceding.filter(|_| !items.is_empty()) else {
        let hint = "remove it, or put a stage before this one";
        let message = "`pull` has no effect: there is nothing to follow";
        problems.warn(pull.at, message, Some(hint.to_owned()));
        return;
    };
    for item in items {
        let Some(name) = item.text() else {
            problems.error(item.at, "an entry of `pull` must be the name of a workflow");
            continue;
        };
        let Some(sequence) = sequences.iter_mut().find(|one| one.name.as_str() == name) else {
            let message = format!(
                "`pull: {}` has no effect: this stage has no such workflow",
                shortened(name)
            );
            problems.warn(item.at, message, None);
            continue;
        };
        let event = format!("{preceding}.{name}.finished");
        let value = TriggeredOn { event, selector: BTreeMap::new() };
        sequence.triggered_on.push(Placed { at: item.at, value });
    }
}
