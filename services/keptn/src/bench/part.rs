//! What driver, executor, floor and bracket have in common: a process of this program that reads
//! one line of JSON for each order from standard input, answers it with a line on standard output,
//! and ends when standard input does.

use std::process::ExitCode;

use bus::{Outgoing, Publisher};
use clap::Subcommand;
use model::Event;
use serde::Serialize;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines, Stdin, stdin};

use super::{bed::profile, bracket, driver, executor, floor};
use crate::{
    arguments::ConnectionArgs,
    client::Client,
    failure::{Exit, Failure},
    terminal,
};

/// A part of a benchmark, as a process.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Part {
    /// Triggers sequences and waits for their ends
    Driver,
    /// Answers every task at once
    Executor,
    /// The least that a controller does
    Floor,
    /// Delivers one bracket after another
    Bracket,
}

impl Part {
    /// Returns the word of the command line, and of the results.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Driver => "driver",
            Self::Executor => "executor",
            Self::Floor => "floor",
            Self::Bracket => "bracket",
        }
    }
}

/// Runs a part until standard input ends.
pub(crate) fn run(part: &Part) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let Ok(runtime) = runtime else { return ExitCode::FAILURE };
    let ended = runtime.block_on(async {
        let client = Client::connect(&ConnectionArgs::default()).await?;
        let bus = client.bus();
        // Whatever works on it comes first.
        bus.ensure_stream(&bus::StreamSettings::default())
            .await
            .map_err(|error| Failure::unreachable(error.to_string()))?;
        let orders = BufReader::new(stdin()).lines();
        match part {
            Part::Driver => driver::run(bus, orders).await,
            Part::Executor => {
                bus.set_profile(profile().await);
                executor::run(bus, orders).await
            }
            Part::Floor => floor::run(bus, orders).await,
            Part::Bracket => bracket::run(bus, orders).await,
        }
    });
    runtime.shutdown_background();
    match ended {
        Ok(()) => Exit::Done.into(),
        Err(failure) => {
            terminal::talk_raw(&failure.to_string());
            failure.exit().into()
        }
    }
}

/// Orders as they come in.
pub(super) type Orders = Lines<BufReader<Stdin>>;

/// Answers an order.
///
/// # Errors
/// [`Failure`] if nobody reads the answer.
pub(super) fn answer(answer: &impl Serialize) -> Result<(), Failure> {
    let line = serde_json::to_string(answer)
        .map_err(|error| Failure::usage(format!("an answer cannot be written: {error}")))?;
    terminal::data_line(&line)
}

/// Returns what is published of an event.
pub(super) fn outgoing(event: &Event) -> Outgoing {
    Outgoing {
        subject: event.event_type.to_string(),
        event_json: event.to_json(),
        message_id: event.id.to_string(),
        expected_last_subject_sequence: None,
    }
}

/// Publishes until the stream has it, over any number of breaks.
///
/// # Errors
/// [`Failure`] with what no second try can cure.
pub(super) async fn say(publisher: &Publisher, outgoing: Outgoing) -> Result<(), Failure> {
    loop {
        match publisher.publish(outgoing.clone()).await {
            Ok(_) => return Ok(()),
            Err(error) if error.retryable() => tokio::time::sleep(AGAIN_PAUSE).await,
            Err(error) => return Err(Failure::unreachable(error.to_string())),
        }
    }
}

/// Pause before something is said again.
const AGAIN_PAUSE: std::time::Duration = std::time::Duration::from_millis(5);
