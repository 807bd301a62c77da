//! `keptn send event approval.finished`: Keptn's way to answer an open approval. Asks on a
//! terminal; in a pipe the answers are read as they come.

use clap::Args;
use model::{EventId, ProjectName, ServiceName, StageName, TaskResult, view::SequencesQuery};
use serde_json::{Map, Value};
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, BufReader, Lines};

use crate::{
    approvals::{self, Approval},
    client::Client,
    commands::approve,
    failure::{Exit, Failure},
    render::{self, Paint, sequences::Width},
    terminal,
    wire::{ApprovalAnswer, OpenApproval},
};

/// Lines that are read for one answer; who means something has said it by then.
const ASKED_MAX: usize = 10;

/// Arguments of `send event approval.finished`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ApprovalArgs {
    /// The project of the approval
    #[arg(short, long, value_name = "PROJECT", requires = "event_type")]
    pub(super) project: Option<ProjectName>,
    /// The stage of the approval
    #[arg(short, long, value_name = "STAGE", requires = "event_type")]
    pub(super) stage: Option<StageName>,
    /// Only what waits for this service
    #[arg(long, value_name = "SERVICE", requires = "event_type", conflicts_with = "id")]
    service: Option<ServiceName>,
    /// Id of the `approval.triggered`
    #[arg(long, value_name = "ID", requires = "event_type", value_parser = EventId::new)]
    id: Option<EventId>,
    /// Labels of the answer
    #[arg(short, long, value_name = "KEY=VALUE,…", requires = "event_type")]
    pub(super) labels: Vec<String>,
}

/// Finds the approval, asks for the answer, stores it, and prints the context.
///
/// # Errors
/// Exit code 2 if there is none, or no answer.
pub(super) async fn run(
    client: &Client,
    arguments: ApprovalArgs,
    labels: Map<String, Value>,
) -> Result<Exit, Failure> {
    let query = SequencesQuery {
        project: arguments.project.clone().map(String::from),
        stage: arguments.stage.clone().map(String::from),
        service: arguments.service.clone().map(String::from),
        ..SequencesQuery::default()
    };
    let is_meant =
        |open: &OpenApproval| arguments.id.as_ref().is_none_or(|id| *id == open.triggered_id);
    let runs = approvals::runs(client, query).await?;
    let (found, open): (Vec<Approval>, Vec<OpenApproval>) = runs
        .iter()
        .filter_map(|run| Some((Approval::of(run)?, OpenApproval::of(run)?)))
        .filter(|(_, open)| is_meant(open))
        .unzip();
    let mut answers = Answers::new(BufReader::new(tokio::io::stdin()), terminal::is_asking());
    if !found.is_empty() {
        let table = render::approvals::text(&found, client.now(), Width::Wide, Paint::new(false));
        terminal::talk(table.trim_end());
    }
    let open = answers.choose(&open).await?;
    let result = answers.decide(open).await?;
    approve::answer(client, open, &ApprovalAnswer { result, message: None, labels }).await?;
    terminal::data_line(open.context.as_str())?;
    Ok(Exit::Done)
}

/// Lines of a person, or of a pipe.
struct Answers<R> {
    lines: Lines<R>,
    is_asking: bool,
}

impl<R: AsyncBufRead + Unpin> Answers<R> {
    fn new(reader: R, is_asking: bool) -> Self {
        Self { lines: reader.lines(), is_asking }
    }

    /// Returns the one approval, or the one of several whose number is read.
    async fn choose<'a>(&mut self, open: &'a [OpenApproval]) -> Result<&'a OpenApproval, Failure> {
        let first = match open {
            [] => {
                return Err(Failure::usage("no such approval is open")
                    .hint("keptn get approvals lists all that are"));
            }
            [only] => return Ok(only),
            [first, ..] => first,
        };
        let question = format!("Which one of these, 1 to {}? ", open.len());
        let chosen = self.ask(&question, |line| {
            let number: usize = line.parse().ok()?;
            open.get(number.checked_sub(1)?)
        });
        chosen.await?.ok_or_else(|| {
            let message = format!("{} approvals are open, one must be chosen", open.len());
            Failure::usage(message).hint(format!("name it: --id={}", first.triggered_id))
        })
    }

    /// Reads the decision. A number before it chooses the only approval, as scripts of Keptn do.
    async fn decide(&mut self, open: &OpenApproval) -> Result<TaskResult, Failure> {
        let read = self.ask("(a)pprove or (d)ecline? ", |line| match line {
            "a" | "approve" => Some(TaskResult::Pass),
            "d" | "decline" => Some(TaskResult::Fail),
            _ => None,
        });
        read.await?.ok_or_else(|| {
            let message = "standard input must say `a` to approve or `d` to decline";
            let (context, stage) = (open.context.short(), &open.stage);
            Failure::usage(message).hint(format!("keptn approve -c {context} --stage={stage}"))
        })
    }

    /// Asks until a line has a meaning; none at the end of the lines, or after too many of them.
    async fn ask<T>(
        &mut self,
        question: &str,
        meaning: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, Failure> {
        for _ in 0..ASKED_MAX {
            if self.is_asking {
                terminal::talk_raw(question);
            }
            let line = self.lines.next_line().await.map_err(|error| {
                Failure::usage(format!("standard input must be readable: {error}"))
            })?;
            let Some(line) = line else { return Ok(None) };
            if let Some(meant) = meaning(line.trim()) {
                return Ok(Some(meant));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::testing::{run, task};

    fn open(number: usize) -> Vec<OpenApproval> {
        let mut run = run();
        run.tasks = vec![task("approval", model::view::TaskState::Triggered, 0, None)];
        let open = OpenApproval::of(&run).unwrap();
        (1..=number)
            .map(|at| OpenApproval {
                triggered_id: EventId::new(&format!("t-{at}")).unwrap(),
                ..open.clone()
            })
            .collect()
    }

    async fn answered(lines: &str, number: usize) -> Result<(String, TaskResult), Failure> {
        let open = open(number);
        let mut answers = Answers::new(lines.as_bytes(), false);
        let chosen = answers.choose(&open).await?;
        let result = answers.decide(chosen).await?;
        Ok((chosen.triggered_id.to_string(), result))
    }

    #[tokio::test]
    async fn answers_are_read_as_keptns_scripts_give_them() {
        for (lines, number, expected) in [
            ("a\n", 1, ("t-1", TaskResult::Pass)),
            ("1\nd\n", 1, ("t-1", TaskResult::Fail)),
            ("2\na\n", 2, ("t-2", TaskResult::Pass)),
            ("9\nx\n2\ndecline", 2, ("t-2", TaskResult::Fail)),
        ] {
            let (id, result) = answered(lines, number).await.unwrap();
            assert_eq!((id.as_str(), result), expected, "{lines:?}");
        }
    }

    #[tokio::test]
    async fn no_answer_and_no_approval_are_wrong_use() {
        for (lines, number, word) in [
            ("", 1, "standard input must say"),
            ("yes\n", 1, "hint: keptn approve -c c1f0a3d2 --stage=hardening"),
            ("3\n", 2, "hint: name it: --id=t-1"),
            ("a\n", 0, "keptn get approvals"),
        ] {
            let failure = answered(lines, number).await.unwrap_err();
            assert_eq!(failure.exit(), Exit::Usage);
            assert!(failure.to_string().contains(word), "{failure}");
        }
    }
}
