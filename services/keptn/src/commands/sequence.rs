//! `keptn abort|pause|resume sequence`.

use clap::Subcommand;

use crate::{
    arguments::{ConnectionArgs, DeliveryArgs},
    client::Client,
    failure::{Exit, Failure},
    lookup, stamp, terminal,
    wire::{self, SequenceVerb},
};

/// What the verb is for.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum SequenceCommand {
    /// The runs of a delivery, or the one in a stage
    Sequence(DeliveryArgs),
}

/// Says the command and waits until it is decided.
///
/// # Errors
/// Exit code 2 for an unknown delivery, 5 if the controller refuses.
pub(crate) async fn run(
    command: SequenceCommand,
    verb: SequenceVerb,
    connection: &ConnectionArgs,
) -> Result<Exit, Failure> {
    let SequenceCommand::Sequence(DeliveryArgs { context, stage, project }) = command;
    let client = Client::connect(connection).await?;
    let delivery = lookup::delivery(&client, &context).await?;
    let project = lookup::project_of(&delivery, project.as_ref())?;
    lookup::run_in(&delivery, stage.as_ref())?;
    let context = &delivery.keptn_context;
    let event = wire::sequence(verb, &project, stage.as_ref(), context, stamp::stamp()?);
    let answer = client.carry_out(&event).await?;
    let place = stage.map(|stage| format!(" in {stage}")).unwrap_or_default();
    // The answer knows how many there were; where nothing changed it says so.
    let said = answer.data.head().message.map_or_else(|| verb.done().to_owned(), String::from);
    terminal::talk(&format!("{}{place}: {said}", context.short()));
    Ok(Exit::Done)
}
