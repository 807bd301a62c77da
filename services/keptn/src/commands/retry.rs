//! `keptn retry sequence`.

use clap::{Args, Subcommand};
use model::SequenceName;

use crate::{
    arguments::{ConnectionArgs, DeliveryArgs},
    client::Client,
    failure::{Exit, Failure},
    lookup, stamp, terminal,
    wire::{self, RetryFrom},
};

/// What can be retried.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum RetryCommand {
    /// The failed run of a delivery
    Sequence(RetryArgs),
}

/// Arguments of `retry sequence`.
#[derive(Clone, Debug, Args)]
pub(crate) struct RetryArgs {
    #[command(flatten)]
    delivery: DeliveryArgs,
    /// Only this sequence, if several have failed in the stage
    #[arg(long, value_name = "SEQUENCE")]
    sequence: Option<SequenceName>,
    /// Begin with the task that failed instead of the first one
    #[arg(long)]
    from_failed_task: bool,
}

/// Says the command and waits until it is decided.
///
/// # Errors
/// Exit code 2 for an unknown delivery, 5 if nothing of it can be retried.
pub(crate) async fn run(
    command: RetryCommand,
    connection: &ConnectionArgs,
) -> Result<Exit, Failure> {
    let RetryCommand::Sequence(RetryArgs { delivery, sequence, from_failed_task }) = command;
    let DeliveryArgs { context, stage, project } = delivery;
    let client = Client::connect(connection).await?;
    let delivery = lookup::delivery(&client, &context).await?;
    let project = lookup::project_of(&delivery, project.as_ref())?;
    lookup::run_in(&delivery, stage.as_ref())?;
    let from = if from_failed_task { RetryFrom::FailedTask } else { RetryFrom::Start };
    let place = (&project, stage.as_ref(), sequence.as_ref());
    let event = wire::retry(from, place, &delivery.keptn_context, stamp::stamp()?);
    let answer = client.carry_out(&event).await?;
    let said = answer.data.head().message.unwrap_or_default();
    terminal::talk(&format!("{}: {said}", delivery.keptn_context.short()));
    terminal::data_line(delivery.keptn_context.as_str())?;
    Ok(Exit::Done)
}
