//! Names against what the view knows, before anything is published: unknown ones are refused with
//! the nearest known name.

use model::{
    ProjectName, SequenceName, ServiceName, StageName, nearest,
    view::{
        Delivery, PROJECTS, Project, ProjectSequence, ProjectStage, Projects, ProjectsQuery,
        SEQUENCE, STAGE, SequenceQuery, StageQuery, StageStatus,
    },
};

use crate::{client::Client, failure::Failure};

/// The sequence that every stage has, as in Keptn: one task of the same name.
const IMPLICIT_SEQUENCE: &str = "evaluation";

/// Returns all projects, by name.
///
/// # Errors
/// What the view says, or that it does not answer.
pub(crate) async fn projects(client: &Client) -> Result<Vec<Project>, Failure> {
    let answer: Projects = client.ask(PROJECTS, &ProjectsQuery::default()).await?;
    Ok(answer.projects)
}

/// Returns a project.
///
/// # Errors
/// Exit code 2 if it is unknown.
pub(crate) async fn project(client: &Client, name: &ProjectName) -> Result<Project, Failure> {
    let query = ProjectsQuery { project: Some(name.to_string()), at_least: None };
    let answer: Projects = client.ask(PROJECTS, &query).await?;
    let found = answer.projects.into_iter().find(|one| one.project == *name);
    found.ok_or_else(|| Failure::usage(format!("project `{name}` is unknown")))
}

/// Returns a stage of a project.
///
/// # Errors
/// Exit code 2 if it is unknown.
pub(crate) fn stage<'a>(
    project: &'a Project,
    name: &StageName,
) -> Result<&'a ProjectStage, Failure> {
    project.stages.iter().find(|one| one.stage == *name).ok_or_else(|| {
        let known = project.stages.iter().map(|one| one.stage.as_str());
        Failure::usage(format!("project `{}` has no stage `{name}`", project.project))
            .hint(nearest::hint(name.as_str(), known))
    })
}

/// Returns the first stage of a project.
///
/// # Errors
/// Exit code 2 if there is none.
pub(crate) fn first_stage(project: &Project) -> Result<&ProjectStage, Failure> {
    project
        .stages
        .first()
        .ok_or_else(|| Failure::usage(format!("project `{}` has no stage", project.project)))
}

/// Tells whether a sequence of a stage can be a sync; the implicit one cannot.
///
/// # Errors
/// Exit code 2 if it is unknown.
pub(crate) fn delivers(stage: &ProjectStage, name: &SequenceName) -> Result<bool, Failure> {
    let found: Option<&ProjectSequence> = stage.sequences.iter().find(|one| one.sequence == *name);
    match found {
        Some(sequence) => Ok(sequence.delivers),
        None if name.as_str() == IMPLICIT_SEQUENCE => Ok(false),
        None => {
            let known = stage.sequences.iter().map(|one| one.sequence.as_str());
            Err(Failure::usage(format!("stage `{}` has no sequence `{name}`", stage.stage))
                .hint(nearest::hint(name.as_str(), known)))
        }
    }
}

/// Checks that a project has a service.
///
/// # Errors
/// Exit code 2 if it has not.
pub(crate) fn service(project: &Project, name: &ServiceName) -> Result<(), Failure> {
    if project.services.iter().any(|one| one.service == *name) {
        return Ok(());
    }
    let known = project.services.iter().map(|one| one.service.as_str());
    let failure = Failure::usage(format!("project `{}` has no service `{name}`", project.project));
    Err(match nearest::nearest(name.as_str(), known.clone()) {
        Some(_) => failure.hint(nearest::hint(name.as_str(), known)),
        None => failure.hint(format!("keptn create service {name} --project={}", project.project)),
    })
}

/// Returns the status of a stage.
///
/// # Errors
/// Exit code 2 if the view does not know a name.
pub(crate) async fn stage_status(
    client: &Client,
    project: &ProjectName,
    stage: &StageName,
    from: Option<&StageName>,
) -> Result<StageStatus, Failure> {
    let query = StageQuery {
        project: project.to_string(),
        stage: stage.to_string(),
        from: from.map(ToString::to_string),
        at_least: None,
    };
    client.ask(STAGE, &query).await
}

/// Returns a delivery by its context, or by the beginning of it.
///
/// # Errors
/// Exit code 2 if it is unknown or ambiguous.
pub(crate) async fn delivery(client: &Client, context: &str) -> Result<Delivery, Failure> {
    let query = SequenceQuery { keptn_context: context.to_owned(), at_least: None };
    client.ask(SEQUENCE, &query).await
}

/// Returns the project of a delivery, and checks it against the one that was given.
///
/// # Errors
/// Exit code 2 if they differ.
pub(crate) fn project_of(
    delivery: &Delivery,
    given: Option<&ProjectName>,
) -> Result<ProjectName, Failure> {
    let context = delivery.keptn_context.short();
    let Some(run) = delivery.sequences.first() else {
        return Err(Failure::usage(format!("delivery `{context}` has no run")));
    };
    match given {
        Some(project) if *project != run.project => Err(Failure::usage(format!(
            "delivery `{context}` belongs to project `{}`, not `{project}`",
            run.project
        ))),
        Some(_) | None => Ok(run.project.clone()),
    }
}

/// Checks that a delivery has a run in `stage`.
///
/// # Errors
/// Exit code 2 if it has none.
pub(crate) fn run_in(delivery: &Delivery, stage: Option<&StageName>) -> Result<(), Failure> {
    let Some(stage) = stage else { return Ok(()) };
    if delivery.sequences.iter().any(|run| run.stage == *stage) {
        return Ok(());
    }
    let known = delivery.sequences.iter().map(|run| run.stage.as_str());
    let context = delivery.keptn_context.short();
    Err(Failure::usage(format!("delivery `{context}` has no run in stage `{stage}`"))
        .hint(nearest::hint(stage.as_str(), known)))
}
