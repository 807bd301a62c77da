//! What lies ahead of a sync: the values that stay with the stage, the tasks, and what follows.

use std::collections::{BTreeMap, BTreeSet};

use fold::catalog::Project;
use model::{SequenceName, SequenceSpec, StageName, view::ServiceStatus};

use crate::page::{
    graph::edges,
    words::{count, cut},
};

/// Characters of a value; configuration is short.
const VALUE_CHARS_MAX: usize = 100;
/// Values that are listed.
const VALUES_MAX: usize = 50;
/// Services that are named; more are counted.
const NAMED_MAX: usize = 5;
/// The value that a sync does change.
const IMAGE: &str = "image";

/// A value of the stage's own.
pub(super) struct Kept {
    /// `replicaCount: 3`.
    pub(super) value: String,
    /// For which services.
    pub(super) services: String,
}

/// Returns the values that belong to the stage, those of services that a sync changes first.
pub(super) fn kept(project: &Project, stage: &StageName, services: &[ServiceStatus]) -> Vec<Kept> {
    let mut by_value: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for one in services {
        for (name, value) in project.own(stage, &one.service).to_map() {
            if name != IMAGE {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                let shown = format!("{name}: {text}");
                let services = by_value.entry(cut(&shown, VALUE_CHARS_MAX)).or_default();
                services.push(one.service.as_str());
            }
        }
    }
    let line = |(value, named): (String, Vec<&str>)| {
        let services = if named.len() == services.len() && named.len() > 1 {
            "every service".to_owned()
        } else if named.len() > NAMED_MAX {
            count(named.len(), "service")
        } else {
            named.join(", ")
        };
        Kept { value, services }
    };
    by_value.into_iter().take(VALUES_MAX).map(line).collect()
}

/// Returns the tasks in their order.
pub(super) fn what_runs(spec: &SequenceSpec) -> String {
    let labels: Vec<String> =
        (0..spec.tasks.len()).filter_map(|index| spec.task_label(index)).collect();
    labels.join(" → ")
}

/// Returns the stages that follow when everything passes, in order.
pub(super) fn what_follows(
    project: &Project,
    stage: &StageName,
    sequence: &SequenceName,
) -> Option<String> {
    let edges = edges(&project.definition.shipyard);
    let mut seen = BTreeSet::from([(stage, sequence)]);
    let mut found: Vec<String> = Vec::new();
    let mut at = vec![(stage, sequence)];
    while let Some(here) = at.pop() {
        for edge in edges.iter().filter(|edge| edge.from == here && edge.if_passed) {
            if seen.insert(edge.to) {
                let is_same_name = edge.to.1 == sequence;
                found.push(if is_same_name {
                    edge.to.0.to_string()
                } else {
                    format!("{} ({})", edge.to.0, edge.to.1)
                });
                at.insert(0, edge.to);
            }
        }
    }
    (!found.is_empty()).then(|| found.join(", then "))
}
