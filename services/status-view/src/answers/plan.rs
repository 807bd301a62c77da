//! What a sync of a stage would take: the same comparison as its status, less what is under way.

use fold::plan::{self, Candidate, Comparison};
use model::{
    ProjectName, StageName,
    view::{PlannedChange, PlannedService, QueryError, ServiceState, StageQuery, SyncPlan},
};

use super::{
    command::{command, sequence},
    follows, names,
    stage::not_eligible,
};
use crate::View;

/// Returns what a sync would take at the view's position.
///
/// # Errors
/// [`QueryError`] if a name is unknown, or if there is no stage to take from.
pub fn plan(view: &View, query: &StageQuery) -> Result<SyncPlan, QueryError> {
    let project = names::project(view, &query.project)?;
    let stage = names::stage(project, &query.stage)?;
    let from = plan::source_stage(project, &stage, query.from.as_deref())
        .map_err(|refusal| names::refused(&refusal))?;
    let compared = plan::compare(&view.world.stages, project, &stage, Some(&from));
    let sequence = sequence(view, project, &stage, (&from, &compared)).cloned();
    let command = command(view, project, &stage, (&from, &compared));
    let services: Vec<PlannedService> =
        compared.into_iter().map(|one| planned(view, (&project.name, &stage), one)).collect();
    let is_idle = !services.iter().any(PlannedService::is_taken);
    let follows = sequence.as_ref().filter(|_| !is_idle);
    Ok(SyncPlan {
        project: project.name.clone(),
        follows: follows.map_or_else(Vec::new, |name| follows::behind(project, &stage, name)),
        command: command.filter(|_| !is_idle),
        position: view.position(),
        stage,
        from,
        sequence,
        services,
    })
}

fn planned(
    view: &View,
    (project, stage): (&ProjectName, &StageName),
    compared: Comparison,
) -> PlannedService {
    let differs = compared.differs();
    let candidate = compared.evaluated.map(|(artifact, _, context, _, position)| Candidate {
        service: compared.service.clone(),
        artifact,
        context,
        position,
    });
    let under_way = candidate
        .as_ref()
        .filter(|_| differs)
        .and_then(|candidate| view.world.sequences.under_way(project, stage, candidate));
    let change = match compared.state {
        ServiceState::InSync => PlannedChange::Unchanged,
        ServiceState::OnlyHere => PlannedChange::OnlyHere,
        ServiceState::NotEligible => PlannedChange::NotEligible,
        ServiceState::New | ServiceState::Behind | ServiceState::Ahead if under_way.is_some() => {
            PlannedChange::UnderWay
        }
        ServiceState::New => PlannedChange::New,
        ServiceState::Behind | ServiceState::Ahead => PlannedChange::Changed,
    };
    PlannedService {
        change,
        released: compared.released.map(Into::into),
        under_way: under_way.cloned(),
        evaluated_context: candidate.as_ref().map(|candidate| candidate.context.clone()),
        artifact: candidate.map(|candidate| candidate.artifact.into()),
        not_eligible: compared.not_eligible.map(not_eligible),
        service: compared.service,
    }
}
