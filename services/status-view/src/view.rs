//! Everything that status-view keeps: the world as of the last event, and what led to it.

use fold::{Note, World};
use model::{Position, Stored};
use serde::{Deserialize, Serialize};
use service::State;

use crate::history::History;

/// The state after the last applied event; a clone shares everything that does not change.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct View {
    /// What holds.
    pub world: World,
    /// What happened.
    pub history: History,
}

impl View {
    /// Applies the next event of the stream; returns why something did not change.
    pub fn apply(&mut self, stored: &Stored) -> Vec<Note> {
        let before = self.world.position();
        let applied = self.world.apply(stored);
        if stored.position > before {
            self.history.apply(stored, &self.world, &applied.facts);
        }
        applied.notes
    }

    /// Returns the position of the last applied event.
    pub fn position(&self) -> Position {
        self.world.position()
    }
}

/// Version of how the history is written.
const HISTORY_FORMAT: u32 = 3;
/// What a version of the world counts as in a version of the view, which holds both.
const WORLD_COUNTS: u32 = 1_000;

impl State for View {
    const FORMAT: u32 = <World as State>::FORMAT * WORLD_COUNTS + HISTORY_FORMAT;
    type Notes = Vec<Note>;

    fn apply(&mut self, stored: &Stored) -> Vec<Note> {
        Self::apply(self, stored)
    }
}
