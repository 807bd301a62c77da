//! What the tests stand on: a private NATS, the services as processes, the stream as a list.
//!
//! Reading order: [`stack`] (everything together), [`stream`] (what happened), [`story`] (the
//! project that most tests use), then the parts.

pub mod collector;
#[cfg(feature = "docker")]
pub mod compose;
#[cfg(feature = "docker")]
pub mod docker;
pub mod event;
pub mod nats_client;
pub mod nats_server;
pub mod process;
pub mod python;
pub mod stack;
pub mod story;
pub mod stream;
pub mod user;
pub mod wait;
