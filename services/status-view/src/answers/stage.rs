//! The status of a stage: what differs from the stage before it, what runs, and what to do.

use fold::{
    catalog::Project,
    plan::{self, Comparison},
    stage::Newest,
};
use model::{
    ProjectName, StageName, TaskResult,
    view::{NotEligible, Ongoing, QueryError, ServiceStatus, StageQuery, StageStatus, SyncStatus},
};

use super::{command::command, names, run};
use crate::{
    View,
    history::{TEXT_CHARS_MAX, bounded},
};

/// Returns the status of a stage.
///
/// # Errors
/// [`QueryError`] if a name is unknown or the stage is to be compared with itself.
pub fn stage(view: &View, query: &StageQuery) -> Result<StageStatus, QueryError> {
    let project = names::project(view, &query.project)?;
    let stage = names::stage(project, &query.stage)?;
    let from = source(project, &stage, query.from.as_deref())?;
    let compared = plan::compare(&view.world.stages, project, &stage, from.as_ref());
    let sync_status = verdict(from.as_ref(), &compared);
    let command = match (&from, sync_status) {
        (Some(from), SyncStatus::OutOfSync) => command(view, project, &stage, (from, &compared)),
        (Some(_) | None, SyncStatus::InSync | SyncStatus::FirstStage | SyncStatus::OutOfSync) => {
            None
        }
    };
    Ok(StageStatus {
        project: project.name.clone(),
        ongoing: ongoing(view, &project.name, &stage),
        services: compared.into_iter().map(service).collect(),
        position: view.position(),
        stage,
        from,
        sync_status,
        command,
    })
}

/// Returns the stage to compare with; none for the first one.
fn source(
    project: &Project,
    stage: &StageName,
    from: Option<&str>,
) -> Result<Option<StageName>, QueryError> {
    let from = from.filter(|name| !name.is_empty());
    if from.is_none() && project.definition.shipyard.preceding(stage.as_str()).is_none() {
        return Ok(None);
    }
    plan::source_stage(project, stage, from).map(Some).map_err(|refusal| names::refused(&refusal))
}

/// Returns the verdict on a comparison.
pub(super) fn verdict(from: Option<&StageName>, compared: &[Comparison]) -> SyncStatus {
    if from.is_none() {
        SyncStatus::FirstStage
    } else if compared.iter().any(Comparison::differs) {
        SyncStatus::OutOfSync
    } else {
        SyncStatus::InSync
    }
}

fn service(compared: Comparison) -> ServiceStatus {
    let differs = compared.differs();
    let not_eligible = compared.not_eligible.map(not_eligible);
    let mut status = ServiceStatus {
        service: compared.service,
        released: compared.released.map(Into::into),
        evaluated: None,
        evaluated_result: None,
        evaluated_context: None,
        evaluated_at: None,
        state: compared.state,
        differs,
        not_eligible,
    };
    if let Some((artifact, result, context, at, _)) = compared.evaluated {
        status.evaluated = Some(artifact.into());
        status.evaluated_result = Some(result);
        status.evaluated_context = Some(context);
        status.evaluated_at = Some(at);
    }
    status
}

/// A run that was aborted has no verdict on its artifact, whatever its result says.
pub(super) fn not_eligible(newest: Newest) -> NotEligible {
    let outcome = newest.outcome;
    NotEligible {
        artifact: newest.artifact.into(),
        result: outcome.as_ref().map(|one| one.result).filter(|one| *one == TaskResult::Fail),
        message: outcome.and_then(|one| bounded(&one.message, TEXT_CHARS_MAX)),
        keptn_context: newest.context,
    }
}

/// Returns the runs of a stage that have not ended, oldest trigger first.
fn ongoing(view: &View, project: &ProjectName, stage: &StageName) -> Vec<Ongoing> {
    let sequences = &view.world.sequences;
    let ongoing = sequences.open_in_stage(project, stage).map(|run| {
        let waiting = sequences.waiting(run);
        let mut services: Vec<_> = run.services.iter().map(|one| one.name.clone()).collect();
        if services.is_empty() {
            // What the trigger names, until it is decided.
            let record = view.history.run(run.key);
            let named = record.into_iter().flat_map(|record| record.services);
            services.extend(named.map(|one| one.service));
        }
        let artifacts = run.services.iter().filter_map(|one| one.artifact.as_deref());
        Ongoing {
            services,
            sequence: run.sequence.clone(),
            task: run::task_label(view, run),
            artifacts: artifacts.map(str::to_owned).collect(),
            since: waiting.as_ref().map_or(run.cause, |waiting| waiting.since),
            waiting_for: waiting.as_ref().and_then(run::waiting_text),
            keptn_context: run.context.clone(),
            state: run::state(run, waiting.as_ref()),
        }
    });
    ongoing.collect()
}
