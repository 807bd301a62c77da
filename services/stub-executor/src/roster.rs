//! Who plays what: the uniforms of all projects, as the stream told them, and where each pair of
//! executor and task was first named. Pure.
//!
//! A pair stays for ever: its consumer must drain what is triggered for others, too, and a project
//! that names the pair again must not find old tasks waiting in it.

#[cfg(test)]
mod tests;

use fold::{Catalog, Note};
use imbl::OrdMap;
use model::{Event, Position, ServiceName, Stored, StreamTime, TaskName, UniformService};
use serde::{Deserialize, Serialize};

/// The task that config-store answers; a uniform may name a service for it, which is not played.
pub const UPDATE: &str = fold::catalog::UPDATE;
/// Most pairs that are played. Each has a consumer in NATS; more than this is no uniform but a
/// mistake, and its later pairs are not played.
pub const PAIRS_MAX: usize = 1_000;

/// An executor and a task that it answers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Pair {
    /// The executor's name in a uniform.
    pub service: ServiceName,
    /// The task.
    pub task: TaskName,
}

/// What the stream said so far.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Roster {
    catalog: Catalog,
    pairs: OrdMap<Pair, Position>,
    position: Position,
}

/// What changed.
#[derive(Debug, Default, PartialEq)]
pub struct Change {
    /// Pairs that were named for the first time.
    pub new_pairs: Vec<Pair>,
    /// Pairs that are one too many.
    pub refused_pairs: Vec<Pair>,
    /// Why the event had no effect, if it is worth a line.
    pub note: Option<Note>,
}

impl Roster {
    /// Applies one event of a project.
    pub fn apply(&mut self, stored: &Stored) -> Change {
        self.position = stored.position;
        let note = self.catalog.apply(stored);
        let mut change = Change { note, ..Change::default() };
        let Ok(event) = &stored.body else { return change };
        for pair in self.named_by(event) {
            if self.pairs.contains_key(&pair) {
                continue;
            }
            if self.pairs.len() >= PAIRS_MAX {
                change.refused_pairs.push(pair);
            } else {
                self.pairs.insert(pair.clone(), stored.position);
                change.new_pairs.push(pair);
            }
        }
        change
    }

    /// Returns the pairs of the project that an event is about, as its uniform is now.
    fn named_by(&self, event: &Event) -> Vec<Pair> {
        let head = event.data.head();
        let project = head.project.as_deref().and_then(|name| self.catalog.project(name));
        let Some(uniform) = project.and_then(|project| project.definition.uniform.as_ref()) else {
            return Vec::new();
        };
        let pairs = uniform.services.iter().flat_map(|service| {
            service.subscriptions.iter().map(|subscription| Pair {
                service: service.name.clone(),
                task: subscription.task.clone(),
            })
        });
        pairs.filter(|pair| pair.task.as_str() != UPDATE).collect()
    }

    /// Returns all pairs and the position of the event that first named each.
    pub fn pairs(&self) -> impl Iterator<Item = (&Pair, Position)> {
        self.pairs.iter().map(|(pair, position)| (pair, *position))
    }

    /// Returns the position of the last event that was applied.
    pub fn position(&self) -> Position {
        self.position
    }

    /// Returns the executor of that name in a project's uniform, for a task that was triggered at
    /// `time`. A project that was created later is another one of the same name.
    pub fn executor(
        &self,
        project: &str,
        service: &ServiceName,
        time: StreamTime,
    ) -> Option<&UniformService> {
        let project = self.catalog.project(project).filter(|one| one.created_at <= time)?;
        let uniform = project.definition.uniform.as_ref()?;
        uniform.services.iter().find(|one| one.name == *service)
    }
}
