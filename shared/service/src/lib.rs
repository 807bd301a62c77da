//! The doors that every service has: settings, telemetry, health, shutdown; and the way of those
//! who fold the stream.
//!
//! Reading order: [`process`] (one process from start to end), [`settings`], [`Follower`] (folds),
//! [`Speaker`] (folds and speaks), [`voice`], [`outbox`] and [`attention`] (what it says when; pure),
//! [`http`] and [`metrics`] (what every component shows), [`traces`] (what a collector is told),
//! [`log`] (what a line about an event names).

pub mod attention;
pub mod follower;
pub mod health;
pub mod http;
pub mod log;
pub mod metrics;
pub mod outbox;
pub mod process;
pub mod process_usage;
mod room;
pub mod settings;
pub mod shutdown;
pub mod speaker;
mod states;
mod telemetry;
pub mod traces;
pub mod voice;

pub use follower::{FollowError, Followed, Follower, State};
pub use health::Progress;
pub use process::{Component, Start};
pub use settings::{Common, Settings, SettingsError};
pub use shutdown::Shutdown;
pub use speaker::Speaker;
