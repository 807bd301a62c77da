//! Plays the executors of every uniform.
//!
//! Reading order: [`roster`] (who plays what), [`script`] (what a stub does with a task),
//! [`plays`] (whom to leave out).

pub mod plays;
pub mod roster;
pub mod script;
