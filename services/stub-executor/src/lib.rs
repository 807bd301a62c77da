//! Plays the executors of every uniform.
//!
//! Reading order: [`roster`] (who plays what), [`script`] (what a stub does with a task),
//! [`plays`] (whom to leave out), [`config`], [`executor`] (the shell).

pub mod config;
pub mod executor;
pub mod plays;
pub mod roster;
pub mod script;

use std::{process::ExitCode, time::Duration};

use bus::names::STUB_EXECUTOR;
use service::{Component, Start, process};
use tokio::time::interval;

pub use config::Config;
use executor::{Executor, PlayError};

/// How often the loop turns when nothing happens; readiness wants it within five seconds.
const TURN_EVERY: Duration = Duration::from_secs(1);

/// Runs stub-executor as this process.
pub fn main() -> ExitCode {
    let component = Component { name: STUB_EXECUTOR, read: Config::read, corrects_subjects: false };
    process::run(&component, run)
}

/// Plays until it is told to stop.
///
/// # Errors
/// [`PlayError`] if the stream cannot be followed, or a rule wants a crash.
pub async fn run(start: Start<Config>) -> Result<(), PlayError> {
    let Start { bus, mut shutdown, progress, config } = start;
    let mut executor = Executor::start(&bus, config.rules, config.plays).await?;
    let mut turn = interval(TURN_EVERY);
    loop {
        tokio::select! {
            biased;
            () = shutdown.requested() => break,
            step = executor.step() => step?,
            _ = turn.tick() => {}
        }
        let follower = executor.follower();
        progress.turned(follower.read_up_to(), follower.is_caught_up());
    }
    executor.finish().await;
    Ok(())
}
