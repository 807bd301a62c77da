//! Projects: their stages at a glance, their sequences and services.

use fold::{catalog::Project, plan};
use model::{
    StageSpec,
    view::{
        self, ProjectSequence, ProjectService, ProjectStage, Projects, ProjectsQuery, QueryError,
    },
};

use super::{names, stage::verdict};
use crate::View;

/// Returns all projects, or the one that the query names.
///
/// # Errors
/// [`QueryError`] if it is unknown.
pub fn projects(view: &View, query: &ProjectsQuery) -> Result<Projects, QueryError> {
    let projects = names::projects(view, query.project.as_deref())?;
    Ok(Projects {
        position: view.position(),
        projects: projects.into_iter().map(|project| answer(view, project)).collect(),
    })
}

fn answer(view: &View, project: &Project) -> view::Project {
    let shipyard = &project.definition.shipyard;
    view::Project {
        project: project.name.clone(),
        created_at: project.created_at,
        shipyard_version: shipyard.version.clone(),
        stages: shipyard.stages.iter().map(|spec| stage(view, project, spec)).collect(),
        services: project
            .services
            .iter()
            .map(|(service, created_at)| ProjectService {
                service: service.clone(),
                created_at: *created_at,
            })
            .collect(),
    }
}

fn stage(view: &View, project: &Project, spec: &StageSpec) -> ProjectStage {
    let from = project.definition.shipyard.preceding(spec.name.as_str()).cloned();
    let compared = plan::compare(&view.world.stages, project, &spec.name, from.as_ref());
    ProjectStage {
        stage: spec.name.clone(),
        sync_status: verdict(from.as_ref(), &compared),
        differing: compared.iter().filter(|one| one.differs()).count(),
        running: view.world.sequences.open_in_stage(&project.name, &spec.name).count(),
        sequences: spec
            .sequences
            .iter()
            .map(|sequence| ProjectSequence {
                sequence: sequence.name.clone(),
                tasks: (0..sequence.tasks.len())
                    .filter_map(|index| sequence.task_label(index))
                    .collect(),
                delivers: sequence.delivers(),
            })
            .collect(),
        from,
    }
}
