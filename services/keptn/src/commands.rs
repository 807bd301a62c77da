//! One file a command. A command reads its arguments, asks or tells NATS, and prints.

pub(crate) mod approve;
pub(crate) mod bench;
pub(crate) mod completion;
pub(crate) mod configure;
pub(crate) mod convert;
pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod demo;
pub(crate) mod dev;
pub(crate) mod doctor;
pub(crate) mod get;
pub(crate) mod lint;
pub(crate) mod resource;
pub(crate) mod retry;
pub(crate) mod send;
pub(crate) mod sequence;
pub(crate) mod serve;
pub(crate) mod trigger;
pub(crate) mod update;
pub(crate) mod view;

use std::process::ExitCode;

use model::TaskResult;

use crate::{
    arguments::{Arguments, Command, ConnectionArgs, TopCommand},
    failure::{Exit, Failure},
    terminal,
    wire::SequenceVerb,
};

/// Runs a command and tells how it ended.
pub(crate) fn run(arguments: Arguments) -> ExitCode {
    terminal::set_loudness(arguments.talk.loudness());
    arguments.inert.tell();
    // The services bring their own runtime, settings and exit codes.
    let ended = match arguments.command {
        TopCommand::Serve(serve) => return serve::run(&serve),
        TopCommand::Completion(shell) => completion::run(shell),
        TopCommand::Version => version(),
        TopCommand::Lint(command) => lint::run(command),
        TopCommand::Convert(command) => convert::run(command),
        TopCommand::Waiting(command) => in_runtime(command, &arguments.connection),
    };
    match ended {
        Ok(exit) => exit.into(),
        Err(failure) => {
            terminal::talk_raw(&failure.to_string());
            failure.exit().into()
        }
    }
}

fn version() -> Result<Exit, Failure> {
    terminal::data_line(concat!("keptn ", env!("CARGO_PKG_VERSION")))?;
    Ok(Exit::Done)
}

fn in_runtime(command: Command, connection: &ConnectionArgs) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::unreachable(format!("no runtime can be started: {error}")))?;
    let ended = runtime.block_on(dispatch(command, connection));
    // What is still on its way in the background must not hold the prompt.
    runtime.shutdown_background();
    ended
}

async fn dispatch(command: Command, connection: &ConnectionArgs) -> Result<Exit, Failure> {
    match command {
        Command::Dev(arguments) => dev::run(arguments).await,
        Command::Demo => demo::run(connection).await,
        Command::Bench(arguments) => bench::run(arguments, connection).await,
        Command::Doctor(arguments) => doctor::run(arguments, connection).await,
        Command::Create(command) => create::run(command, connection).await,
        Command::Update(command) => update::run(command, connection).await,
        Command::Delete(command) => delete::run(command, connection).await,
        Command::AddResource(arguments) => resource::add(arguments, connection).await,
        Command::Configure(command) => configure::run(command, connection).await,
        Command::View(command) => view::run(command, connection).await,
        Command::Trigger(arguments) => trigger::run(*arguments, connection).await,
        Command::Get(command) => get::run(command, connection).await,
        Command::Send(command) => send::run(command, connection).await,
        Command::Approve(arguments) => approve::run(arguments, TaskResult::Pass, connection).await,
        Command::Decline(arguments) => approve::run(arguments, TaskResult::Fail, connection).await,
        Command::Abort(command) => sequence::run(command, SequenceVerb::Abort, connection).await,
        Command::Pause(command) => sequence::run(command, SequenceVerb::Pause, connection).await,
        Command::Resume(command) => sequence::run(command, SequenceVerb::Resume, connection).await,
        Command::Retry(command) => retry::run(command, connection).await,
    }
}
