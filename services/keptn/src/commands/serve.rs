//! `keptn serve NAME`: one part of the stack in this process. `keptn dev` runs itself so.

use std::process::ExitCode;

use clap::{Args, Subcommand};

use crate::{
    bench,
    stack::nats_wrapper::{self, NatsServerArgs},
};

/// Arguments of `serve`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ServeArgs {
    #[command(subcommand)]
    part: Part,
}

/// What can be served.
#[derive(Clone, Debug, Subcommand)]
enum Part {
    /// Decides which task comes next
    ShipyardController,
    /// Owns projects, services and configuration
    ConfigStore,
    /// Answers queries
    StatusView,
    /// Plays the executors of every uniform
    StubExecutor,
    /// Runs nats-server until standard input ends
    NatsServer(NatsServerArgs),
    /// A part of a benchmark, until standard input ends
    #[command(subcommand)]
    Bench(bench::part::Part),
}

/// Runs the part until it ends.
pub(crate) fn run(arguments: &ServeArgs) -> ExitCode {
    match &arguments.part {
        Part::ShipyardController => shipyard_controller::main(),
        Part::ConfigStore => config_store::main(),
        Part::StatusView => status_view::main(),
        Part::StubExecutor => stub_executor::main(),
        Part::NatsServer(arguments) => nats_wrapper::run(arguments),
        Part::Bench(part) => bench::part::run(part),
    }
}
