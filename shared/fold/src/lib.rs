//! What the stream says. Pure: the state after message *n* is a function of messages *1…n*.
//!
//! Reading order: [`World`] (all of it), [`Catalog`], [`sequence`] (the law), [`stage`] (the
//! status), [`plan`] (what differs), [`owed`].

pub mod catalog;
pub mod definition;
mod few;
pub mod note;
pub mod owed;
pub mod plan;
pub mod refusal;
mod remembered;
pub mod sequence;
pub mod stage;
mod values;
pub mod world;

pub use catalog::Catalog;
pub use definition::Definition;
pub use note::Note;
pub use owed::{Owed, Owes, Waits};
pub use sequence::{Fact, Run, RunKey, Sequences, What};
pub use stage::Stages;
pub use world::{Applied, World};
