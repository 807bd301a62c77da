//! Decides which task comes next. All of the deciding is in [`fold::sequence`]; the walk of one
//! event is [`service::Speaker`]. What is here: the settings, what ends as spans of a
//! trace, and how the parts are put together.

mod config;
mod spans;

use std::process::ExitCode;

use bus::names::SHIPYARD_CONTROLLER;
use fold::{Applied, World};
use service::{Component, FollowError, Follower, Speaker, Start, process, traces::Exporter};

pub use crate::config::{Config, Traces};

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
    let held = lease.held();
    let speaker = Speaker::new(bus, follower, (lease, config.waits), progress.clone());
    let Some(traces) = config.traces else { return speaker.run(shutdown).await };
    let holds = move || held.holds();
    let (exporter, sink) = Exporter::start(traces.collector, traces.service_name, holds);
    progress.measure_also(Exporter::figures());
    let speaker = speaker.heard_by(move |world, applied: &Applied| {
        for span in spans::ended(world, &applied.facts) {
            sink.take(span);
        }
    });
    let ended = speaker.run(shutdown).await;
    exporter.finish().await;
    ended
}
