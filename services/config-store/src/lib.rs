//! Owns projects, shipyards, uniforms, services and stage configuration: answers the commands on
//! them, and plays the task `update`; owns resources, and answers queries about them. All of the
//! deciding is in [`fold::catalog`]; the walk of one event is [`service::Speaker`].
//!
//! Reading order: [`run`], `queries` (when), `answers` (what).

mod answers;
mod queries;

use std::process::ExitCode;

use bus::names::{CATALOG_FILTERS, CONFIG_STORE};
use fold::{Catalog, Waits};
use service::{Component, FollowError, Follower, Settings, Speaker, Start, process};
use tokio::sync::watch;

pub use self::{answers::PAGE_SIZE_MAX, queries::AT_LEAST_WAIT};

/// Runs config-store as this process.
pub fn main() -> ExitCode {
    fn no_settings(_: &mut Settings<'_>) {}
    let component = Component { name: CONFIG_STORE, read: no_settings, corrects_subjects: false };
    process::run(&component, run)
}

/// Folds the commands, says what the catalog owes, and answers queries, until it is told to stop.
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
    let (seen, look) = watch::channel(queries::Seen::default());
    let queries = queries::answer(bus.clone(), look);
    let speaker = Speaker::new(bus, follower, (lease, Waits::default()), progress).shown_to(
        move |catalog, position, is_caught_up| {
            seen.send_if_modified(|seen| seen.follow(catalog, position, is_caught_up));
        },
    );
    tokio::select! {
        ended = speaker.run(shutdown) => ended,
        () = queries => Ok(()),
    }
}
