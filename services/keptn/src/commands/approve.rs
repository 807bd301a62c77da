//! `keptn approve` and `keptn decline`: a person's answer to an open approval.

use std::time::Duration;

use clap::Args;
use model::{
    Position, TaskResult,
    view::{Delivery, SEQUENCE, Sequence, SequenceQuery, TaskState},
};
use serde_json::Map;
use tokio::time::{Instant, sleep};

use crate::{
    arguments::{ConnectionArgs, DeliveryArgs},
    client::{ANSWER_WAIT, Client, not_answered},
    failure::{Exit, Failure},
    lookup, stamp, terminal,
    wire::{self, ApprovalAnswer, OpenApproval},
};

/// Pause between two looks whether the approval is closed.
const LOOK_PAUSE: Duration = Duration::from_millis(50);

/// Arguments of `approve` and `decline`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ApproveArgs {
    #[command(flatten)]
    delivery: DeliveryArgs,
    /// Why; everybody sees it
    #[arg(short, long, value_name = "TEXT")]
    message: Option<String>,
}

/// Answers the open approval of a delivery.
///
/// # Errors
/// Exit code 2 if there is none to answer, or several; 5 if it is answered already.
pub(crate) async fn run(
    arguments: ApproveArgs,
    result: TaskResult,
    connection: &ConnectionArgs,
) -> Result<Exit, Failure> {
    let DeliveryArgs { context, stage, project } = arguments.delivery;
    let client = Client::connect(connection).await?;
    let delivery = lookup::delivery(&client, &context).await?;
    lookup::project_of(&delivery, project.as_ref())?;
    lookup::run_in(&delivery, stage.as_ref())?;
    let is_wanted = |run: &&Sequence| stage.as_ref().is_none_or(|stage| run.stage == *stage);
    let runs: Vec<&Sequence> = delivery.sequences.iter().filter(is_wanted).collect();
    let open = find_open(&delivery, &runs)?;
    let said = ApprovalAnswer { result, message: arguments.message, labels: Map::new() };
    answer(&client, &open, &said).await?;
    Ok(Exit::Done)
}

/// Stores the answer to an approval, and waits until the view shows it closed.
///
/// # Errors
/// Exit code 3 if that does not happen in time.
pub(super) async fn answer(
    client: &Client,
    open: &OpenApproval,
    said: &ApprovalAnswer,
) -> Result<(), Failure> {
    let position = client.store(&wire::approval(open, said, stamp::stamp()?)).await?;
    wait_until_closed(client, open, position).await?;
    let word = match said.result {
        TaskResult::Pass | TaskResult::Warning => "approved",
        TaskResult::Fail => "declined",
    };
    terminal::talk(&format!("{word} {} in {}", open.context.short(), open.stage));
    Ok(())
}

fn find_open(delivery: &Delivery, runs: &[&Sequence]) -> Result<OpenApproval, Failure> {
    let context = delivery.keptn_context.short();
    let mut open = runs.iter().filter_map(|run| OpenApproval::of(run));
    match (open.next(), open.next()) {
        (Some(one), None) => Ok(one),
        (Some(one), Some(other)) => {
            let (first, second) = (one.stage, other.stage);
            Err(Failure::usage(format!("delivery `{context}` waits for several approvals"))
                .hint(format!("name one stage: --stage={first} or --stage={second}")))
        }
        (None, _) => Err(none_open(context, runs)),
    }
}

fn none_open(context: &str, runs: &[&Sequence]) -> Failure {
    let closed = runs
        .iter()
        .flat_map(|run| run.tasks.iter().map(move |task| (run, task)))
        .rfind(|(_, task)| wire::is_approval(task) && task.state == TaskState::Finished);
    match closed {
        Some((run, task)) => {
            let result = task.result.map_or("finished", TaskResult::as_str);
            Failure::refused(format!(
                "the approval of `{context}` in `{}` is decided already: {result}",
                run.stage
            ))
        }
        None => Failure::usage(format!("delivery `{context}` waits for no approval"))
            .hint(format!("keptn get sequence {context}")),
    }
}

/// Waits until the view shows the approval closed.
async fn wait_until_closed(
    client: &Client,
    open: &OpenApproval,
    position: Position,
) -> Result<(), Failure> {
    let query = SequenceQuery { keptn_context: open.context.to_string(), at_least: Some(position) };
    let until = Instant::now() + ANSWER_WAIT;
    while Instant::now() < until {
        if let Ok(delivery) = client.ask::<Delivery>(SEQUENCE, &query).await
            && is_closed(&delivery, open)
        {
            return Ok(());
        }
        sleep(LOOK_PAUSE).await;
    }
    Err(not_answered(position))
}

fn is_closed(delivery: &Delivery, open: &OpenApproval) -> bool {
    let mut tasks = delivery.sequences.iter().flat_map(|run| &run.tasks);
    let task = tasks.find(|task| task.triggered_id.as_ref() == Some(&open.triggered_id));
    task.is_some_and(|task| task.state == TaskState::Finished)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::testing::{delivery, run, task};

    fn approval_in(stage: &str, how: TaskState, until: Option<i64>) -> Sequence {
        let mut run = run();
        run.stage = stage.parse().unwrap();
        run.tasks = vec![task("approval", how, 0, until)];
        run
    }

    fn found(runs: Vec<Sequence>) -> Result<OpenApproval, Failure> {
        let delivery = delivery(runs);
        find_open(&delivery, &delivery.sequences.iter().collect::<Vec<_>>())
    }

    #[test]
    fn the_one_open_approval_is_found() {
        let open = found(vec![run(), approval_in("production", TaskState::Started, None)]).unwrap();
        assert_eq!(open.stage.as_str(), "production");
        assert_eq!(open.service, None);
    }

    #[test]
    fn several_need_a_stage() {
        let both = vec![
            approval_in("a", TaskState::Triggered, None),
            approval_in("b", TaskState::Started, None),
        ];
        let failure = found(both).unwrap_err();
        assert_eq!(failure.exit(), Exit::Usage);
        assert!(failure.to_string().contains("--stage=a or --stage=b"), "{failure}");
    }

    #[test]
    fn one_that_is_decided_is_refused() {
        let decided = found(vec![approval_in("a", TaskState::Finished, Some(3))]).unwrap_err();
        assert_eq!(decided.exit(), Exit::Refused);
        assert_eq!(found(vec![run()]).unwrap_err().exit(), Exit::Usage);
    }
}
