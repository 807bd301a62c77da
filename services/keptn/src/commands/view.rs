//! `keptn view status`: has the stage fallen behind?

use clap::{Args, Subcommand};
use model::{StageName, view::SyncStatus};

use crate::{
    arguments::{ConnectionArgs, Document, StageArgs},
    client::Client,
    failure::{Exit, Failure},
    lookup,
    render::{document, status},
    terminal,
};

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
    let StageArgs { project, stage } = &arguments.stage;
    let client = Client::connect(connection).await?;
    let found = lookup::stage_status(&client, project, stage, arguments.from.as_ref()).await?;
    let text = match arguments.output {
        None => status::text(&found, client.now()),
        Some(Document::Json) => document::json(&found)?,
        Some(Document::Yaml) => document::yaml(&found)?,
    };
    terminal::data(&text)?;
    if arguments.output.is_none() {
        for note in status::notes(&found) {
            terminal::talk(&note);
        }
    }
    Ok(match found.sync_status {
        SyncStatus::OutOfSync if arguments.exit_code => Exit::OutOfSync,
        SyncStatus::OutOfSync | SyncStatus::InSync | SyncStatus::FirstStage => Exit::Done,
    })
}
