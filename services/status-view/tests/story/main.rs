//! The view over the story's stream, without NATS: everything that is owed is said, executors are
//! played, and the answers are looked at.
#![cfg(test)]

mod delivery;
mod lists;
mod status;
mod stream;
mod views;
