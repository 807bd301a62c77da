//! The command line as clap reads it: all commands, and the arguments that several of them share.

mod talk;

use std::{process::ExitCode, time::Duration};

use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum};
use model::{
    ProjectName, ServiceName, StageName,
    duration::{self, InvalidDuration},
};

use self::talk::{InertArgs, TalkArgs};
use crate::{commands, examples, failure::Exit, terminal};

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
    /// How much is said.
    #[command(flatten)]
    pub(crate) talk: TalkArgs,
    /// What Keptn's scripts give, too.
    #[command(flatten)]
    pub(crate) inert: InertArgs,
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

impl ConnectionArgs {
    /// Returns the same as settings of a process.
    pub(crate) fn settings(&self) -> Vec<(&'static str, String)> {
        let server = self.server.clone().map(|server| ("NATS_URL", server));
        let context = self.nats_context.clone().map(|context| ("NATS_CONTEXT", context));
        server.into_iter().chain(context).collect()
    }

    /// Tells whether a server was named by a flag.
    pub(crate) const fn names_server(&self) -> bool {
        self.server.is_some() || self.nats_context.is_some()
    }
}

/// All commands, by what they need.
#[derive(Debug, Subcommand)]
pub(crate) enum TopCommand {
    /// What needs NATS and waits.
    #[command(flatten)]
    Waiting(Command),
    /// Check shipyards, uniforms or events, without a server
    #[command(subcommand)]
    Lint(commands::lint::LintCommand),
    /// Write an old shipyard in Keptn's present form, without a server
    #[command(subcommand)]
    Convert(commands::convert::ConvertCommand),
    /// Print the completion script of a shell
    Completion(commands::completion::CompletionArgs),
    /// Print the version
    Version,
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
    /// Measure how fast this machine runs sequences, beside the bare loop of NATS
    Bench(commands::bench::BenchArgs),
    /// Look for what is wrong, and say what to do about it; changes nothing
    Doctor(commands::doctor::DoctorArgs),
    /// Create a project or a service
    #[command(subcommand)]
    Create(commands::create::CreateCommand),
    /// Replace a project's shipyard
    #[command(subcommand)]
    Update(commands::update::UpdateCommand),
    /// Delete a project, a service or a resource
    #[command(subcommand)]
    Delete(commands::delete::DeleteCommand),
    /// Add a file to a project, a stage or a service, or replace it there
    AddResource(commands::resource::AddResourceArgs),
    /// Set a service's own values in a stage
    #[command(subcommand)]
    Configure(commands::configure::ConfigureCommand),
    /// Look at a stage
    #[command(subcommand)]
    View(commands::view::ViewCommand),
    /// Start a sequence: bring a stage up to date, or deliver one artifact
    Trigger(Box<commands::trigger::TriggerArgs>),
    /// List projects, stages, services, runs, open approvals, events or resources
    #[command(subcommand)]
    Get(commands::get::GetCommand),
    /// Send an event
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
    /// Run again what has failed in a delivery
    #[command(subcommand)]
    Retry(commands::retry::RetryCommand),
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

/// How long to follow what happens.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct FollowArgs {
    /// Go on with what happens, until Ctrl-C
    #[arg(short, long)]
    pub(crate) watch: bool,
    /// Longest time to go on; a number alone is seconds
    #[arg(long, value_name = "DURATION", value_parser = watch_time, requires = "watch")]
    pub(crate) watch_time: Option<Duration>,
}

/// Reads a duration, or Keptn's number of seconds.
///
/// # Errors
/// [`InvalidDuration`] for what is neither.
pub(crate) fn watch_time(text: &str) -> Result<Duration, InvalidDuration> {
    match text.parse() {
        Ok(secs) => Ok(Duration::from_secs(secs)),
        Err(_) => duration::parse(text),
    }
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

/// Returns the command line's definition, with examples for each command.
pub(crate) fn definition() -> clap::Command {
    examples::add_to(Arguments::command())
}

/// Reads what was typed.
///
/// # Errors
/// Help that was asked for, or why the arguments cannot be read.
pub(crate) fn read() -> Result<Arguments, clap::Error> {
    let definition = definition();
    let matches = definition.clone().try_get_matches()?;
    // What the matches lack is told with the usage.
    Arguments::from_arg_matches(&matches).map_err(|error| error.format(&mut definition.clone()))
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
    use super::*;
    use crate::terminal::Loudness;

    #[test]
    fn the_definition_is_sound() {
        definition().debug_assert();
    }

    #[test]
    fn quiet_and_verbose_exclude_each_other() {
        let read = |line: &str| Arguments::try_parse_from(line.split(' '));
        assert_eq!(read("keptn get project -q").unwrap().talk.loudness(), Loudness::Quiet);
        assert_eq!(read("keptn --verbose demo").unwrap().talk.loudness(), Loudness::Verbose);
        assert!(read("keptn get project -q -v").is_err());
    }

    #[test]
    fn what_keptns_scripts_give_to_every_command_is_accepted() {
        let line = "keptn get projects -y -n keptn --config-file=c";
        assert!(Arguments::try_parse_from(line.split(' ')).is_ok());
        let unknown = Arguments::try_parse_from(["keptn", "get", "projects", "--mock"]);
        assert!(unknown.unwrap_err().to_string().contains("unexpected argument '--mock'"));
    }

    #[test]
    fn a_watch_time_is_seconds_or_a_duration() {
        assert_eq!(watch_time("90"), Ok(Duration::from_secs(90)));
        assert_eq!(watch_time("2m"), Ok(Duration::from_mins(2)));
        assert!(watch_time("soon").is_err());
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
