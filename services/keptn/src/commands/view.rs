//! `keptn view status`: has the stage fallen behind?

use std::time::Duration;

use clap::{Args, Subcommand};
use model::{
    StageName, StreamTime, duration,
    view::{StageStatus, SyncStatus},
};
use tokio::time::{Instant, sleep};

use crate::{
    arguments::{ConnectionArgs, Document, StageArgs},
    client::Client,
    failure::{Exit, Failure},
    lookup,
    render::{document, status},
    screen::{Line, Screen},
    terminal,
};

/// Pause between two looks of `--watch`.
const LOOK_PAUSE: Duration = Duration::from_millis(250);

/// What can be looked at.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum ViewCommand {
    /// Show what is released in a stage, and what it has not yet
    Status(StatusArgs),
}

/// Arguments of `view status`.
#[derive(Clone, Debug, Args)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    stage: StageArgs,
    /// Compare with this stage instead of the preceding one
    #[arg(long, value_name = "STAGE")]
    from: Option<StageName>,
    /// Print a document instead of text
    #[arg(short, long, value_name = "FORM")]
    output: Option<Document>,
    /// End with exit code 1 if the stage is out of sync
    #[arg(long)]
    exit_code: bool,
    /// Look again and again: in place on a terminal, at each change in a pipe
    #[arg(short, long, conflicts_with = "output")]
    watch: bool,
    /// Longest time to watch
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = duration::parse)]
    timeout: Duration,
}

/// Prints the status: the story's text or a document on standard output, notes on standard error.
///
/// # Errors
/// Exit code 2 for unknown names, 3 if the view does not answer.
pub(crate) async fn run(
    command: ViewCommand,
    connection: &ConnectionArgs,
) -> Result<Exit, Failure> {
    let ViewCommand::Status(arguments) = command;
    let client = Client::connect(connection).await?;
    let found = if arguments.watch {
        watch(&client, &arguments).await?
    } else {
        let found = look(&client, &arguments).await?;
        show(&client, &arguments, &found)?;
        found
    };
    Ok(match found.sync_status {
        SyncStatus::OutOfSync if arguments.exit_code => Exit::OutOfSync,
        SyncStatus::OutOfSync | SyncStatus::InSync | SyncStatus::FirstStage => Exit::Done,
    })
}

async fn look(client: &Client, arguments: &StatusArgs) -> Result<StageStatus, Failure> {
    let StageArgs { project, stage } = &arguments.stage;
    lookup::stage_status(client, project, stage, arguments.from.as_ref()).await
}

fn show(client: &Client, arguments: &StatusArgs, found: &StageStatus) -> Result<(), Failure> {
    match arguments.output {
        None => {
            terminal::data(&status::text(found, client.now()))?;
            for note in status::notes(found) {
                terminal::talk(&note);
            }
            Ok(())
        }
        Some(Document::Json) => terminal::data(&document::json(found)?),
        Some(Document::Yaml) => terminal::data(&document::yaml(found)?),
    }
}

/// Shows the status until the time is over, and returns the last one.
async fn watch(client: &Client, arguments: &StatusArgs) -> Result<StageStatus, Failure> {
    let since = Instant::now();
    let is_interactive = terminal::is_interactive();
    let mut screen = Screen::default();
    let mut told = String::new();
    loop {
        let found = look(client, arguments).await?;
        let is_last = since.elapsed() >= arguments.timeout;
        if is_interactive {
            let text = status::text(&found, client.now());
            let notes = status::notes(&found);
            let lines = text.lines().chain(notes.iter().map(String::as_str));
            let lines = lines.map(Line::plain).collect();
            terminal::data(&screen.redraw(lines, terminal::size(), is_last))?;
        } else {
            // At one fixed moment, so that the passing of time is no change.
            let substance = status::text(&found, StreamTime::default());
            if substance != told {
                let gap = if told.is_empty() { "" } else { "\n" };
                told = substance;
                terminal::data(&format!("{gap}{}", status::text(&found, client.now())))?;
            }
        }
        if is_last {
            return Ok(found);
        }
        sleep(LOOK_PAUSE).await;
    }
}
