//! Owns projects, shipyards, uniforms, services and stage configuration: answers the commands on
//! them, and plays the task `update`. All of the deciding is in [`fold::catalog`]; the walk of one
//! event is [`service::Speaker`].

use std::process::ExitCode;

use bus::names::{CATALOG_FILTERS, CONFIG_STORE};
use fold::{Catalog, Waits};
use service::{Component, FollowError, Follower, Settings, Speaker, Start, process};

/// Runs config-store as this process.
pub fn main() -> ExitCode {
    fn no_settings(_: &mut Settings<'_>) {}
    let component = Component { name: CONFIG_STORE, read: no_settings, corrects_subjects: false };
    process::run(&component, run)
}

/// Folds the commands and says what the catalog owes, until it is told to stop.
///
/// # Errors
/// [`FollowError`] when the stream cannot be folded from its beginning.
pub async fn run(start: Start<()>) -> Result<(), FollowError> {
    let Start { bus, mut shutdown, progress, config: () } = start;
    let follower = tokio::select! {
        follower = Follower::<Catalog>::start(&bus, CONFIG_STORE, &CATALOG_FILTERS) => follower?,
        () = shutdown.requested() => return Ok(()),
    };
    let lease = bus.lease(CONFIG_STORE, &process::instance_id());
    Speaker::new(bus, follower, (lease, Waits::default()), progress).run(shutdown).await
}
