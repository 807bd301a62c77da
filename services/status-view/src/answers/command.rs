//! The command that brings a stage up to date.

use fold::{
    catalog::Project,
    plan::{self, Comparison},
};
use model::{SequenceName, StageName};

use crate::View;

/// Name of the task that brings an artifact into a stage.
const DEPLOYMENT: &str = "deployment";

/// Returns the command that brings a stage up to date; none if the stage has no sequence.
pub(super) fn command(
    view: &View,
    project: &Project,
    stage: &StageName,
    (from, compared): (&StageName, &[Comparison]),
) -> Option<String> {
    let sequence = sequence(view, project, stage, (from, compared))?;
    let mut command =
        format!("keptn trigger {sequence} --project={} --stage={stage}", project.name);
    if project.definition.shipyard.preceding(stage.as_str()) != Some(from) {
        command.push_str(" --from=");
        command.push_str(from.as_str());
    }
    Some(command)
}

/// Returns the sequence that the command triggers; none if the stage has none.
pub fn sync_sequence(
    view: &View,
    project: &Project,
    stage: &StageName,
    from: &StageName,
) -> Option<SequenceName> {
    let compared = plan::compare(&view.world.stages, project, stage, Some(from));
    sequence(view, project, stage, (from, &compared)).cloned()
}

/// Chooses the sequence for a sync: the one that evaluated the newest candidate if this stage has
/// one of that name that can be a sync, else the first that deploys, else the first.
pub(super) fn sequence<'a>(
    view: &View,
    project: &'a Project,
    stage: &StageName,
    (from, compared): (&StageName, &[Comparison]),
) -> Option<&'a SequenceName> {
    let known = &project.definition.shipyard.stage(stage.as_str())?.sequences;
    let evaluated_by = evaluated_by(view, project, from, compared);
    let same = known
        .iter()
        .find(|one| one.delivers() && evaluated_by.as_ref().is_some_and(|by| *by == one.name));
    same.or_else(|| known.iter().find(|one| one.has_task(DEPLOYMENT)))
        .or_else(|| known.first())
        .map(|one| &one.name)
}

/// Returns the sequence whose run evaluated the newest candidate.
fn evaluated_by(
    view: &View,
    project: &Project,
    from: &StageName,
    compared: &[Comparison],
) -> Option<SequenceName> {
    let candidates = compared.iter().filter(|one| one.differs());
    let (service, context, position) = candidates
        .filter_map(|one| {
            let (_, _, context, _, position) = one.evaluated.as_ref()?;
            Some((&one.service, context, *position))
        })
        .max_by_key(|(_, _, position)| *position)?;
    let runs = view.history.runs_of(context).iter().rev().filter(|key| **key <= position);
    runs.filter_map(|key| view.history.run(*key))
        .find(|run| {
            run.project == project.name
                && run.stage == *from
                && run.services.iter().any(|one| one.service == *service)
        })
        .map(|run| run.sequence)
}
