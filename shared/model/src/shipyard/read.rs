//! Reads a shipyard: its head, and the stages of the native form.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
    time::Duration,
};

use serde_json::{Map, Value};

use super::{
    SequenceSpec, Shipyard, StageSpec, TaskSpec, TriggeredOn, check, story,
    version::{self, Form},
};
use crate::{
    SequenceName, StageName, TaskName,
    document::{
        reader::{Entry, Fields, Problems},
        scalar,
        tree::{Content, Node, Place},
    },
    duration,
    name::shortened,
};

const KIND: &str = "Shipyard";
const HEAD: &[&str] = &["apiVersion", "kind", "metadata", "spec"];
const STORY_HEAD: &[&str] = &["version", "type", "kind", "metadata", "spec"];
const STAGE: &[&str] = &["name", "sequences"];
const SEQUENCE: &[&str] = &["name", "triggeredOn", "tasks"];
const TRIGGER: &[&str] = &["event", "selector"];
const TASK: &[&str] = &["name", "triggeredAfter", "timeout", "properties"];

/// A value that was read, and where: for the checks that need the whole document.
pub(super) struct Placed<T> {
    pub(super) at: Place,
    pub(super) value: T,
}

/// Reads a whole shipyard; none if something is missing without which it is none.
pub(super) fn read(root: &Node, problems: &mut Problems) -> Option<Shipyard> {
    let head = problems.open_fields(root, "a shipyard")?;
    let version = version::read(&head, problems);
    let form = version.as_ref().map(|(_, form)| *form);
    let known = if form == Some(Form::Story) { STORY_HEAD } else { HEAD };
    for entry in head.entries().iter().filter(|entry| !known.contains(&entry.key)) {
        if form.is_some() || entry.key != "version" {
            problems.unknown_key(*entry, "a shipyard", known);
        }
    }
    read_kind(&head, problems);
    read_metadata(&head, problems);
    let spec = head.get("spec");
    let spec_fields = match spec {
        Some(spec) => Some(problems.fields(spec.value, "`spec`", &["stages"])?),
        None => None,
    };
    let entry = spec_fields.as_ref().and_then(|fields| fields.get("stages"));
    let items = problems.list(entry);
    if items.is_empty() {
        let at = spec_fields.as_ref().map_or(head.place("spec"), |fields| fields.place("stages"));
        problems.error_hint(
            at,
            "a shipyard must have at least one stage",
            "list the stages under `spec.stages`",
        );
    }
    // Below a refused version the stages are read as well: their problems belong to the answer.
    let stages = match form {
        Some(Form::Story) => story::read(items, problems),
        Some(Form::Native) => read_stages(items, problems),
        None if head.get("apiVersion").is_some() => read_stages(items, problems),
        None => Vec::new(),
    };
    let (version, _) = version?;
    check::references(&stages, problems);
    let stages = stages.into_iter().map(PlacedStage::into_spec).collect();
    Some(Shipyard { version, stages })
}

/// A stage with the places of what may point to nothing.
pub(super) struct PlacedStage {
    pub(super) name: StageName,
    pub(super) sequences: Vec<PlacedSequence>,
}

/// A sequence with the places of its causes.
pub(super) struct PlacedSequence {
    pub(super) name: SequenceName,
    pub(super) at: Place,
    pub(super) triggered_on: Vec<Placed<TriggeredOn>>,
    pub(super) tasks: Vec<TaskSpec>,
}

impl PlacedStage {
    fn into_spec(self) -> StageSpec {
        let sequences = self.sequences.into_iter().map(|sequence| SequenceSpec {
            name: sequence.name,
            triggered_on: sequence.triggered_on.into_iter().map(|one| one.value).collect(),
            tasks: sequence.tasks,
        });
        StageSpec { name: self.name, sequences: sequences.collect() }
    }
}

fn read_kind(head: &Fields<'_>, problems: &mut Problems) {
    for key in ["kind", "type"] {
        let Some(entry) = head.get(key) else { continue };
        let Some(kind) = problems.text(Some(entry)) else { continue };
        if kind != KIND {
            let message = format!("`{key}: {}` should be `{KIND}`", shortened(kind));
            problems.warn(entry.at, message, Some(format!("write `{key}: {KIND}`")));
        }
    }
}

/// Keptn reads `metadata.name` as text and does nothing with it.
fn read_metadata(head: &Fields<'_>, problems: &mut Problems) {
    let Some(metadata) = head.get("metadata") else { return };
    if let Some(fields) = problems.fields(metadata.value, "`metadata`", &["name"]) {
        problems.text(fields.get("name"));
    }
}

fn read_stages(items: &[Rc<Node>], problems: &mut Problems) -> Vec<PlacedStage> {
    let mut seen = BTreeSet::new();
    let mut stages = Vec::with_capacity(items.len());
    for item in items {
        let Some((name, sequences)) = stage(item, problems) else { continue };
        if unique_stage(&name, &mut seen, problems) {
            stages.push(PlacedStage { name: name.value, sequences });
        }
    }
    stages
}

/// Notes a stage that is there twice.
pub(super) fn unique_stage(
    name: &Placed<StageName>,
    seen: &mut BTreeSet<StageName>,
    problems: &mut Problems,
) -> bool {
    let is_new = seen.insert(name.value.clone());
    if !is_new {
        let message = format!("stage name `{}` must be unique", name.value);
        problems.error_hint(name.at, message, "rename one of the two");
    }
    is_new
}

fn stage(item: &Node, problems: &mut Problems) -> Option<(Placed<StageName>, Vec<PlacedSequence>)> {
    let fields = problems.fields(item, "a stage", STAGE)?;
    let name = stage_name(&fields, problems);
    let sequences = problems
        .list(fields.get("sequences"))
        .iter()
        .filter_map(|item| sequence(item, problems))
        .collect();
    Some((name?, sequences))
}

/// Reads the name of a stage.
pub(super) fn stage_name(
    fields: &Fields<'_>,
    problems: &mut Problems,
) -> Option<Placed<StageName>> {
    let entry = fields.get("name");
    let text = problems.text(entry);
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        problems.error_hint(fields.place("name"), "every stage must have a name", "add `name: …`");
        return None;
    };
    let at = fields.place("name");
    match StageName::new(text) {
        Ok(value) => Some(Placed { at, value }),
        Err(error) => {
            problems.error_hint(at, error.to_string(), "rename the stage");
            None
        }
    }
}

fn sequence(item: &Node, problems: &mut Problems) -> Option<PlacedSequence> {
    let fields = problems.fields(item, "a sequence", SEQUENCE)?;
    let at = fields.place("name");
    let name = SequenceName::new(problems.text(fields.get("name")).unwrap_or_default());
    let triggered_on = problems
        .list(fields.get("triggeredOn"))
        .iter()
        .filter_map(|item| triggered_on(item, problems))
        .collect();
    let tasks =
        problems.list(fields.get("tasks")).iter().filter_map(|item| task(item, problems)).collect();
    match name {
        Ok(name) => Some(PlacedSequence { name, at, triggered_on, tasks }),
        Err(error) => {
            problems.error_hint(at, error.to_string(), "rename the sequence");
            None
        }
    }
}

fn triggered_on(item: &Node, problems: &mut Problems) -> Option<Placed<TriggeredOn>> {
    let fields = problems.fields(item, "an entry of `triggeredOn`", TRIGGER)?;
    let event = problems.text(fields.get("event")).unwrap_or_default().to_owned();
    let mut value = TriggeredOn { event, selector: BTreeMap::new() };
    if let Some(selector) = fields.get("selector")
        && let Some(fields) = problems.fields(selector.value, "`selector`", &["match"])
    {
        for (at, key, text) in problems.text_map(fields.get("match")) {
            let text = check::selector_value(at, text, problems);
            value.selector.insert(key, text);
        }
    }
    Some(Placed { at: fields.place("event"), value })
}

fn task(item: &Node, problems: &mut Problems) -> Option<TaskSpec> {
    let fields = problems.fields(item, "a task", TASK)?;
    let text = problems.text(fields.get("name")).unwrap_or_default();
    let name = task_name(text, fields.place("name"), problems);
    let triggered_after_text = problems.text(fields.get("triggeredAfter"));
    let triggered_after = span(fields.get("triggeredAfter"), triggered_after_text, problems);
    let timeout = fields.get("timeout");
    let timeout = span(timeout, timeout.and_then(|entry| entry.value.text()), problems);
    let properties =
        fields.get("properties").map(|entry| properties(entry, problems)).unwrap_or_default();
    Some(TaskSpec { name: name?, triggered_after, timeout, properties })
}

/// Reads the name of a task.
pub(super) fn task_name(text: &str, at: Place, problems: &mut Problems) -> Option<TaskName> {
    TaskName::new(text)
        .map_err(|error| problems.error_hint(at, error.to_string(), "rename the task"))
        .ok()
}

/// Reads properties; what is no mapping is left out.
pub(super) fn properties(entry: Entry<'_>, problems: &mut Problems) -> Map<String, Value> {
    if matches!(entry.value.content, Content::Scalar(_) | Content::List(_)) {
        let message = format!("`{}` should be a mapping and is left out", shortened(entry.key));
        problems.warn(entry.at, message, Some("write it as `key: value`".to_owned()));
    }
    scalar::to_object(entry.value, problems)
}

/// Reads a duration; Keptn only logs one that it cannot read.
fn span(entry: Option<Entry<'_>>, text: Option<&str>, problems: &mut Problems) -> Option<Duration> {
    let entry = entry.filter(|entry| !entry.value.is_null())?;
    match duration::parse(text.unwrap_or_default()) {
        Ok(duration) => Some(duration),
        Err(error) => {
            let message = format!("`{}` has no effect: {error}", entry.key);
            problems.warn(entry.at, message, None);
            None
        }
    }
}
