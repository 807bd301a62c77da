//! The view over the story's stream. Without NATS: everything that is owed is said, executors are
//! played, and the answers are looked at. With NATS: the same answers come over the wire.
#![cfg(test)]

mod acting;
mod buttons;
mod client;
mod delivery;
mod forms;
mod http;
mod lists;
mod nats;
mod page;
mod page_hostile;
mod page_live;
mod page_size;
mod plan;
mod running;
mod scene;
mod status;
mod stream;
mod views;
