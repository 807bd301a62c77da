//! The command line as clap reads it: all commands, and the arguments that several of them share.

use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};
use model::{ProjectName, ServiceName, StageName};

use crate::{commands, failure::Exit, terminal};

/// Exit codes, at the end of the help.
const AFTER_HELP: &str = "\
Exit codes:
  0  done, or nothing to do
  1  a stage is out of sync (only with --exit-code)
  2  wrong use, or an unknown name
  3  NATS or a service is not reachable
  4  not allowed
  5  refused
  6  a run failed
  7  a run was aborted
  8  a run is still running at the time-out

NATS is found by --server, NATS_URL and the other NATS_* variables, or a context of the nats command.";

/// Shows which stage has fallen behind the stage before it, and brings it up to date
#[derive(Debug, Parser)]
#[command(name = "keptn", version, propagate_version = true, after_help = AFTER_HELP)]
pub(crate) struct Arguments {
    /// How to reach NATS.
    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: TopCommand,
}

/// How to reach NATS.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct ConnectionArgs {
    /// Address of NATS, instead of `NATS_URL`
    #[arg(long, global = true, value_name = "URL", help_heading = "Connection")]
    pub(crate) server: Option<String>,
    /// Context of the nats command to take the connection from
    #[arg(long, global = true, value_name = "NAME", help_heading = "Connection")]
    pub(crate) nats_context: Option<String>,
}

/// All commands, by what they need.
#[derive(Debug, Subcommand)]
pub(crate) enum TopCommand {
    /// What needs NATS and waits.
    #[command(flatten)]
    Waiting(Command),
    /// Check a shipyard or a uniform, without a server
    #[command(subcommand)]
    Lint(commands::lint::LintCommand),
    /// Print the completion script of a shell
    Completion(commands::completion::CompletionArgs),
    /// Run one part of the stack
    #[command(hide = true)]
    Serve(commands::serve::ServeArgs),
}

/// The commands that talk to NATS.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the whole stack here, NATS included
    Dev(commands::dev::DevArgs),
    /// Play the demo's history: project `sockshop`, with hardening behind dev
    Demo,
    /// Create a project or a service
    #[command(subcommand)]
    Create(commands::create::CreateCommand),
    /// Replace a project's shipyard
    #[command(subcommand)]
    Update(commands::update::UpdateCommand),
    /// Delete a project or a service
    #[command(subcommand)]
    Delete(commands::delete::DeleteCommand),
    /// Set a service's own values in a stage
    #[command(subcommand)]
    Configure(commands::configure::ConfigureCommand),
    /// Look at a stage
    #[command(subcommand)]
    View(commands::view::ViewCommand),
    /// Start a sequence: bring a stage up to date, or deliver one artifact
    Trigger(commands::trigger::TriggerArgs),
    /// List projects, stages, services, runs or events
    #[command(subcommand)]
    Get(commands::get::GetCommand),
    /// Send an event from a file
    #[command(subcommand)]
    Send(commands::send::SendCommand),
    /// Approve what waits for it
    Approve(commands::approve::ApproveArgs),
    /// Decline what waits for approval
    Decline(commands::approve::ApproveArgs),
    /// End the runs of a delivery
    #[command(subcommand)]
    Abort(commands::sequence::SequenceCommand),
    /// Hold the runs of a delivery before their next task
    #[command(subcommand)]
    Pause(commands::sequence::SequenceCommand),
    /// Go on with paused runs
    #[command(subcommand)]
    Resume(commands::sequence::SequenceCommand),
}

/// The project, required.
#[derive(Clone, Debug, Args)]
pub(crate) struct ProjectArg {
    /// The project
    #[arg(short, long, value_name = "PROJECT")]
    pub(crate) project: ProjectName,
}

/// The project and the stage, both required.
#[derive(Clone, Debug, Args)]
pub(crate) struct StageArgs {
    /// The project
    #[arg(short, long, value_name = "PROJECT")]
    pub(crate) project: ProjectName,
    /// The stage
    #[arg(short, long, value_name = "STAGE")]
    pub(crate) stage: StageName,
}

/// A delivery, and perhaps one stage of it.
#[derive(Clone, Debug, Args)]
pub(crate) struct DeliveryArgs {
    /// Keptn context of the delivery, or at least 8 characters of its beginning
    #[arg(short = 'c', long = "keptn-context", value_name = "CONTEXT")]
    pub(crate) context: String,
    /// Only in this stage
    #[arg(short, long, value_name = "STAGE")]
    pub(crate) stage: Option<StageName>,
    /// The project; it is looked up if left out
    #[arg(short, long, value_name = "PROJECT")]
    pub(crate) project: Option<ProjectName>,
}

/// The service by name, as a positional argument.
#[derive(Clone, Debug, Args)]
pub(crate) struct ServiceArg {
    /// The service
    #[arg(value_name = "SERVICE")]
    pub(crate) service: ServiceName,
}

/// Form of an answer that is no table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Document {
    /// JSON, one document.
    Json,
    /// YAML, one document.
    Yaml,
}

/// Form of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ListForm {
    /// A table.
    Table,
    /// A table with more columns.
    Wide,
    /// JSON, one document.
    Json,
    /// YAML, one document.
    Yaml,
}

/// Prints the help that was asked for, or why the arguments cannot be read.
pub(crate) fn refuse(error: &clap::Error) -> ExitCode {
    if error.use_stderr() {
        terminal::talk_raw(&as_hints(&error.to_string()));
        return Exit::Usage.into();
    }
    // Help on a closed pipe has no reader to miss it.
    drop(error.print());
    Exit::Done.into()
}

/// Gives clap's advice the form that all hints have.
fn as_hints(text: &str) -> String {
    text.replace("\n  tip: ", "\nhint: ")
        .replace("For more information, try '--help'.", "hint: add --help for all arguments")
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn advice_has_the_form_of_a_hint() {
        let line = "keptn view status --project=p --stages=s";
        let error = Arguments::try_parse_from(line.split(' ')).unwrap_err();
        let text = as_hints(&error.to_string());
        assert!(text.starts_with("error: unexpected argument '--stages'"), "{text}");
        assert!(text.contains("\nhint: a similar argument exists: '--stage'"), "{text}");
    }

    #[test]
    fn the_commands_of_the_story_are_read_verbatim() {
        for line in [
            "keptn view status --stage=hardening --project=sockshop",
            "keptn trigger artifact-delivery --project=sockshop --stage=hardening",
            "keptn trigger artifact-delivery --project=sockshop --stage=hardening --from=dev",
        ] {
            let read = Arguments::try_parse_from(line.split(' '));
            assert!(read.is_ok(), "{line}: {read:?}");
        }
    }
}
