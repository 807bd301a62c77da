//! What the tests stand on: a private NATS, the services as processes, the stream as a list.
//!
//! Reading order: [`stack`] (everything together), [`stream`] (what happened), [`story`] (the
//! project that most tests use), then the parts.

#[cfg(feature = "docker")]
pub(crate) mod compose;
#[cfg(feature = "docker")]
pub(crate) mod docker;
pub(crate) mod event;
pub(crate) mod nats_client;
pub(crate) mod nats_server;
pub(crate) mod process;
pub(crate) mod stack;
pub(crate) mod story;
pub(crate) mod stream;
pub(crate) mod user;
pub(crate) mod wait;
