//! The stages of a project, their sequences, and what follows what: a drawing with what holds now.

mod drawing;

use std::collections::BTreeMap;

use maud::{Markup, html};
use model::{
    SequenceName, Shipyard, StageName, TriggeredOn,
    view::{ProjectStage, ProjectsQuery, QueryError, SyncStatus},
};

use self::drawing::{Mark, Says, draw};
use super::{
    look::{Body, Look},
    projects::verdict,
    words::{Tone, count},
};
use crate::answers;

/// A sequence of a stage.
type Node<'a> = (&'a StageName, &'a SequenceName);

/// One `triggeredOn` that points to something.
pub(super) struct Edge<'a> {
    /// What must end.
    pub(super) from: Node<'a>,
    /// What follows.
    pub(super) to: Node<'a>,
    /// It follows if everything passes.
    pub(super) if_passed: bool,
    /// What must hold, e.g. `result = fail`; empty = pass or warning.
    pub(super) condition: String,
}

pub(super) fn body(look: &Look, name: &str) -> Result<Body, QueryError> {
    let project = answers::project(&look.view, name)?;
    let query = ProjectsQuery { project: Some(name.to_owned()), at_least: None };
    let stages: Vec<_> = answers::projects(&look.view, &query)?
        .projects
        .into_iter()
        .flat_map(|one| one.stages)
        .collect();
    let shipyard = &project.definition.shipyard;
    let edges = edges(shipyard);
    let mut marks: BTreeMap<Node<'_>, Mark> = BTreeMap::new();
    for spec in &shipyard.stages {
        for run in look.view.world.sequences.open_in_stage(&project.name, &spec.name) {
            if let Some(sequence) = spec.sequence(run.sequence.as_str()) {
                marks.entry((&spec.name, &sequence.name)).or_default().running += 1;
            }
        }
    }
    let behind = stages.iter().filter(|one| one.sync_status == SyncStatus::OutOfSync).count();
    let says: Vec<Says> = stages.iter().map(says).collect();
    let main = html! {
        h1 { "Graph" }
        p.lead { (count(stages.len(), "stage")) " from left to right: each is compared with the one before. A whole line leads from what ends to what follows by itself." }
        div.card.scroll data-key="graph" { (draw(shipyard, &edges, &marks, &says)) }
        h2 { "In words" }
        ul.plain {
            @for stage in &stages {
                li { b { (stage.stage) } " " (verdict(stage)) @if let Some(from) = &stage.from { " compared with " (from) } }
            }
        }
        (in_words(&edges))
    };
    let title = match behind {
        0 => format!("{} is in sync · graph", project.name),
        _ => format!("{} is out of sync · graph", project.name),
    };
    Ok(Body { title, main, project: Some(project.name.clone()) })
}

/// Says in a word how a stage is.
fn says(stage: &ProjectStage) -> Says {
    let running = stage.running > 0;
    let (tone, word) = match stage.sync_status {
        SyncStatus::OutOfSync => (Tone::Behind, "out of sync"),
        SyncStatus::InSync | SyncStatus::FirstStage if running => (Tone::Run, "running"),
        SyncStatus::InSync => (Tone::Good, "in sync"),
        SyncStatus::FirstStage => (Tone::Quiet, "first stage"),
    };
    Says { tone, word }
}

fn in_words(edges: &[Edge<'_>]) -> Markup {
    /// Lines that are listed.
    const SHOWN_MAX: usize = 100;
    html! {
        ul.plain {
            @for edge in edges.iter().take(SHOWN_MAX) {
                li {
                    (edge.to.0) "." (edge.to.1) " follows " (edge.from.0) "." (edge.from.1)
                    @if !edge.condition.is_empty() { span.dim { " if " (edge.condition) } }
                }
            }
        }
    }
}

/// Returns what follows what in a shipyard, in its order; what points to nothing is left out.
pub(super) fn edges(shipyard: &Shipyard) -> Vec<Edge<'_>> {
    let mut edges = Vec::new();
    for stage in &shipyard.stages {
        for sequence in &stage.sequences {
            for on in &sequence.triggered_on {
                if let Some(from) = source(shipyard, on) {
                    edges.push(Edge {
                        from,
                        to: (&stage.name, &sequence.name),
                        if_passed: is_for_pass(on),
                        condition: condition(on),
                    });
                }
            }
        }
    }
    edges
}

fn source<'a>(shipyard: &'a Shipyard, on: &TriggeredOn) -> Option<Node<'a>> {
    let (stage, sequence) = on.event.strip_suffix(".finished")?.split_once('.')?;
    let stage = shipyard.stage(stage)?;
    Some((&stage.name, &stage.sequence(sequence)?.name))
}

fn is_for_pass(on: &TriggeredOn) -> bool {
    on.selector.is_empty()
        || on.selector.iter().any(|(key, value)| key.ends_with("result") && value == "pass")
}

fn condition(on: &TriggeredOn) -> String {
    let all: Vec<String> =
        on.selector.iter().map(|(key, value)| format!("{key} = {value}")).collect();
    all.join(" or ")
}
