//! Approvals that wait for a person: found in the runs that the view lists.

use model::{
    EventId, KeptnContext, ProjectName, SequenceName, StageName, StreamTime, TaskResult,
    view::{SEQUENCES, SEQUENCES_PAGE_MAX, Sequence, Sequences, SequencesQuery},
};
use serde::Serialize;

use crate::{client::Client, failure::Failure, terminal, wire};

/// Pages that are asked for: 10,000 approvals, more than anybody reads.
const PAGES_MAX: usize = 20;

/// An open approval. Shape: `{"project","stage","sequence","services":[{"service","artifact"}],
/// "result","waitingSince","keptnContext","triggeredId"}`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Approval {
    /// The project.
    pub(crate) project: ProjectName,
    /// The stage.
    pub(crate) stage: StageName,
    /// The sequence.
    pub(crate) sequence: SequenceName,
    /// What is to be approved.
    pub(crate) services: Vec<ApprovalService>,
    /// Result of the task before it; none if it is the first.
    pub(crate) result: Option<TaskResult>,
    /// When it was triggered.
    pub(crate) waiting_since: StreamTime,
    /// The delivery.
    pub(crate) keptn_context: KeptnContext,
    /// Id of its `approval.triggered`.
    pub(crate) triggered_id: EventId,
}

/// One service of an open approval.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct ApprovalService {
    /// The service.
    pub(crate) service: model::ServiceName,
    /// Its artifact, if the run has one for it.
    pub(crate) artifact: Option<String>,
}

impl Approval {
    /// Returns the open approval of a run.
    pub(crate) fn of(run: &Sequence) -> Option<Self> {
        let at =
            run.tasks.iter().position(wire::is_open_approval).filter(|_| !run.state.is_ended())?;
        let (before, task) = (run.tasks.get(..at)?, run.tasks.get(at)?);
        let services = run.services.iter().map(|one| ApprovalService {
            service: one.service.clone(),
            artifact: one.artifact.clone(),
        });
        Some(Self {
            project: run.project.clone(),
            stage: run.stage.clone(),
            sequence: run.sequence.clone(),
            services: services.collect(),
            result: before.iter().rev().find_map(|task| task.result),
            waiting_since: task.triggered_at.unwrap_or(run.triggered_at),
            keptn_context: run.keptn_context.clone(),
            triggered_id: task.triggered_id.clone()?,
        })
    }
}

/// Returns the runs with an open approval that the query is about, longest waiting first.
///
/// # Errors
/// Exit code 2 for unknown names, 3 if the view does not answer.
pub(crate) async fn runs(client: &Client, query: SequencesQuery) -> Result<Vec<Sequence>, Failure> {
    let mut query = SequencesQuery { approval_only: true, limit: SEQUENCES_PAGE_MAX, ..query };
    let mut runs = Vec::new();
    for _ in 0..PAGES_MAX {
        let page: Sequences = client.ask(SEQUENCES, &query).await?;
        runs.extend(page.sequences);
        query.before = page.next_before;
        if query.before.is_none() {
            break;
        }
    }
    if let Some(before) = query.before {
        terminal::talk(&format!("note: runs triggered before position {before} are not listed"));
    }
    runs.sort_by_key(|run| Approval::of(run).map(|approval| approval.waiting_since));
    Ok(runs)
}

#[cfg(test)]
mod tests {
    use model::view::TaskState;

    use super::*;
    use crate::render::testing::{run, task};

    #[test]
    fn an_approval_tells_what_came_before_it() {
        let mut waiting = run();
        assert_eq!(Approval::of(&waiting), None);
        waiting.tasks = vec![
            task("evaluation", TaskState::Finished, 0, Some(5)),
            task("approval", TaskState::Triggered, 7, None),
            task("release", TaskState::Pending, 0, None),
        ];
        let approval = Approval::of(&waiting).unwrap();
        assert_eq!(approval.result, Some(TaskResult::Pass));
        assert_eq!(approval.waiting_since, crate::render::testing::time_at(7));
        assert_eq!(approval.services.len(), 2);
        assert_eq!(wire::OpenApproval::of(&waiting).unwrap().service, None);
    }
}
