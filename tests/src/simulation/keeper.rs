//! A fold in a process: what it keeps, its snapshots, and what it has again after a crash.

use fold::{Catalog, World};
use model::{Position, Stored};
use service::State;
use status_view::View;

use super::{Prologue, faults::Fault};

/// Snapshots that are kept; a start may find that the newest is not readable.
const SNAPSHOTS_MAX: usize = 2;

/// A state that a process folds.
pub(super) trait Fold: State + PartialEq {
    /// Tells whether the process reads this subject.
    fn reads(subject: &str) -> bool;
    /// Tells whether it is what folding the whole stream anew comes to.
    fn is(&self, anew: &Prologue) -> bool;
}

impl Fold for World {
    fn is(&self, anew: &Prologue) -> bool {
        *self == anew.view.world
    }

    fn reads(_subject: &str) -> bool {
        true
    }
}

impl Fold for View {
    fn is(&self, anew: &Prologue) -> bool {
        *self == anew.view
    }

    fn reads(_subject: &str) -> bool {
        true
    }
}

impl Fold for Catalog {
    fn is(&self, anew: &Prologue) -> bool {
        *self == anew.catalog
    }

    fn reads(subject: &str) -> bool {
        let object =
            subject.strip_prefix("sh.keptn.event.").and_then(|rest| rest.split('.').next());
        ["project", "service", "configuration", "resource", "update"]
            .iter()
            .any(|read| object == Some(read))
    }
}

/// How a process starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// With nothing.
    Cold,
    /// From the snapshot that is this many before the newest.
    Snapshot(usize),
    /// The same, through its written form.
    Written(usize),
}

/// A state and its snapshots.
#[derive(Clone, Debug)]
pub(super) struct Keeper<S> {
    /// The state behind the last applied event.
    pub(super) state: S,
    base: (Position, S),
    snapshots: Vec<(Position, S)>,
}

impl<S: Fold> Keeper<S> {
    /// Starts with what the first events of every run come to.
    pub(super) fn new(base: (Position, S)) -> Self {
        Self { state: base.1.clone(), base, snapshots: Vec::new() }
    }

    /// Applies an event, if the process reads it.
    pub(super) fn apply(&mut self, stored: &Stored) {
        if S::reads(&stored.subject) {
            State::apply(&mut self.state, stored);
        }
    }

    /// Keeps a copy of the state as of a position.
    pub(super) fn snapshot(&mut self, position: Position) {
        self.snapshots.push((position, self.state.clone()));
        if self.snapshots.len() > SNAPSHOTS_MAX {
            self.snapshots.remove(0);
        }
    }

    /// Loses the state and starts again; returns where it reads on, and how it started.
    pub(super) fn start(&mut self, start: Start) -> (Position, Fault) {
        let (position, state, fault) = match start {
            Start::Cold => (self.base.0, self.base.1.clone(), Fault::Cold),
            Start::Snapshot(age) => match self.found(age) {
                Some((position, state)) => (position, state, Fault::FromSnapshot),
                None => (self.base.0, self.base.1.clone(), Fault::Cold),
            },
            Start::Written(age) => match self.found(age).and_then(through_its_written_form) {
                Some((position, state)) => (position, state, Fault::FromWrittenSnapshot),
                None => (self.base.0, self.base.1.clone(), Fault::Cold),
            },
        };
        self.state = state;
        (position, fault)
    }

    fn found(&self, age: usize) -> Option<(Position, S)> {
        self.snapshots.iter().rev().nth(age).or(self.snapshots.last()).cloned()
    }
}

fn through_its_written_form<S: Fold>((position, state): (Position, S)) -> Option<(Position, S)> {
    let written = postcard::to_allocvec(&state).ok()?;
    Some((position, postcard::from_bytes(&written).ok()?))
}
