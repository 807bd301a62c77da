//! NATS: connect, read, publish, buckets, requests; the only crate that knows async-nats.
//!
//! Reading order: [`names`] (every subject, stream and bucket), [`options`] and [`Bus`]
//! (connections are thrown away whole when they break), [`stream`] (the one stream),
//! [`RawMessage`] (a stored message and its decoding), [`Reader`] (in stream order, and who we
//! read is who we read), [`Publisher`] (many in flight, stored once), [`Snapshots`], [`Lease`],
//! [`ServerClock`], [`Queries`] (answering), [`Bus::request_json`] (asking), [`TaskConsumer`]
//! (executors), [`profile`] (how durable the server is).

pub mod names;
pub mod options;

mod api;
mod binary_mode;
mod boot_clock;
mod connect_error;
mod connection;
mod consumer;
mod consumers;
mod dial;
mod direct;
mod discover;
pub mod http;
mod lease;
mod mark;
mod message;
pub mod profile;
mod publisher;
mod queries;
mod reader;
mod removal;
mod request;
pub mod server_binary;
mod server_clock;
mod snapshots;
pub mod stream;
mod task_consumer;
#[cfg(feature = "test-server")]
pub mod test_server;
mod verify;

pub use api::ApiError;
pub use boot_clock::BootTime;
pub use connect_error::ConnectError;
pub use connection::Bus;
pub use discover::ServiceInstance;
pub use lease::{Held, Lease};
pub use mark::{Digest, Mark};
pub use message::RawMessage;
pub use options::ConnectOptions;
pub use publisher::{IN_FLIGHT_MAX, Outgoing, PublishAck, PublishCounts, PublishError, Publisher};
pub use queries::{Queries, Query};
pub use reader::{Read, ReadFrom, Reader, ReaderOptions};
pub use request::RequestError;
pub use server_clock::ServerClock;
pub use snapshots::{SnapshotError, SnapshotInfo, Snapshots};
pub use stream::{Difference, StreamInfo, StreamSettings};
pub use task_consumer::{Delivery, IN_PROGRESS_EVERY, TaskConsumer, TaskConsumerOptions};

/// Oldest nats-server that works: older ones lack features and have published holes.
pub const SERVER_VERSION_MIN: &str = "2.15.0";
