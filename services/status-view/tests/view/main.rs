//! The view over the story's stream. Without NATS: everything that is owed is said, executors are
//! played, and the answers are looked at. With NATS: the same answers come over the wire.
#![cfg(test)]

mod delivery;
mod lists;
mod nats;
mod status;
mod stream;
mod views;
