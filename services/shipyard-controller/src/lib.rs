//! Decides which task comes next. All of the deciding is in [`fold::sequence`]; the walk of one
//! event is [`service::Speaker`]. What is here: the settings, and how the parts are put together.

mod config;

use std::process::ExitCode;

use bus::names::SHIPYARD_CONTROLLER;
use fold::World;
use service::{Component, FollowError, Follower, Speaker, Start, process};

pub use crate::config::Config;

/// Runs the controller as this process.
pub fn main() -> ExitCode {
    let component =
        Component { name: SHIPYARD_CONTROLLER, read: Config::read, corrects_subjects: true };
    process::run(&component, run)
}

/// Folds the whole stream and says what its sequences owe, until it is told to stop.
///
/// # Errors
/// [`FollowError`] when the stream cannot be folded from its beginning.
pub async fn run(start: Start<Config>) -> Result<(), FollowError> {
    let Start { bus, mut shutdown, progress, config } = start;
    let follower = tokio::select! {
        follower = Follower::<World>::start(&bus, SHIPYARD_CONTROLLER, &[]) => follower?,
        () = shutdown.requested() => return Ok(()),
    };
    let lease = bus.lease(SHIPYARD_CONTROLLER, &process::instance_id());
    Speaker::new(bus, follower, (lease, config.waits), progress).run(shutdown).await
}
