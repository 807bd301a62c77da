//! The folds that services keep, as states that a [`Follower`](crate::Follower) can keep.
//!
//! A format number changes with every change to what a snapshot holds; a snapshot of another
//! format is not read.

use fold::{Applied, Catalog, Note, World};
use model::Stored;

use crate::follower::State;

impl State for World {
    const FORMAT: u32 = 3;
    type Notes = Applied;

    fn apply(&mut self, stored: &Stored) -> Applied {
        World::apply(self, stored)
    }
}

impl State for Catalog {
    const FORMAT: u32 = 2;
    type Notes = Vec<Note>;

    fn apply(&mut self, stored: &Stored) -> Vec<Note> {
        Catalog::apply(self, stored).into_iter().collect()
    }
}
