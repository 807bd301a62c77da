//! Names in queries: known, or refused with the nearest known one.

use std::{collections::BTreeSet, sync::Arc};

use fold::{
    catalog::Project,
    refusal::{Code, Refusal},
};
use model::{
    ProjectName, ServiceName, StageName, name::shortened, nearest::hint, view::QueryError,
};

use super::{bad_query, not_found};
use crate::View;

/// Finds a project.
///
/// # Errors
/// [`QueryError`] with the nearest known name.
pub fn project<'a>(view: &'a View, name: &str) -> Result<&'a Arc<Project>, QueryError> {
    view.world.catalog.project(name).ok_or_else(|| {
        let known: Vec<&str> = view.world.catalog.projects().map(|one| one.name.as_str()).collect();
        let hint = match known.as_slice() {
            [] => "create it: `keptn create project NAME --shipyard FILE`".to_owned(),
            [_, ..] => hint(name, known),
        };
        not_found(format!("project `{}` does not exist", shortened(name)), hint)
    })
}

/// Returns the projects that a query is about: the one that it names, else all.
pub(super) fn projects<'a>(
    view: &'a View,
    name: Option<&str>,
) -> Result<Vec<&'a Arc<Project>>, QueryError> {
    match name {
        Some(name) => project(view, name).map(|project| vec![project]),
        None => Ok(view.world.catalog.projects().collect()),
    }
}

pub(super) fn stage(project: &Project, name: &str) -> Result<StageName, QueryError> {
    let shipyard = &project.definition.shipyard;
    let known = shipyard.stages.iter().map(|stage| &stage.name);
    known.clone().find(|stage| stage.as_str() == name).cloned().ok_or_else(|| {
        let known: Vec<&str> = known.map(StageName::as_str).collect();
        not_found(
            format!("stage `{}` does not exist in {}", shortened(name), in_project(&project.name)),
            hint(name, known),
        )
    })
}

/// Finds a stage in any of these projects.
pub(super) fn stage_of_any(
    projects: &[&Arc<Project>],
    name: &str,
) -> Result<StageName, QueryError> {
    if let [project] = projects {
        return stage(project, name);
    }
    let stages = projects.iter().flat_map(|project| &project.definition.shipyard.stages);
    let known: BTreeSet<&StageName> = stages.map(|stage| &stage.name).collect();
    known.iter().find(|one| one.as_str() == name).copied().cloned().ok_or_else(|| {
        not_found(
            format!("stage `{}` does not exist in any project", shortened(name)),
            hint(name, known.iter().map(|name| name.as_str())),
        )
    })
}

/// Finds a service in any of these projects.
pub(super) fn service_of_any(
    projects: &[&Arc<Project>],
    name: &str,
) -> Result<ServiceName, QueryError> {
    let known: BTreeSet<&ServiceName> =
        projects.iter().flat_map(|project| project.services.keys()).collect();
    known.iter().find(|one| one.as_str() == name).copied().cloned().ok_or_else(|| {
        let place = match projects {
            [project] => in_project(&project.name),
            [] | [_, _, ..] => "any project".to_owned(),
        };
        let hint = match projects {
            [project] if known.is_empty() => {
                format!("create it: `keptn create service NAME --project {}`", project.name)
            }
            [] | [_, ..] => hint(name, known.iter().map(|name| name.as_str())),
        };
        not_found(format!("service `{}` does not exist in {place}", shortened(name)), hint)
    })
}

fn in_project(name: &ProjectName) -> String {
    format!("project `{name}`")
}

/// Puts the words of the law into those of a query.
pub(super) fn refused(refusal: &Refusal) -> QueryError {
    let (message, hint) = (refusal.message.as_ref(), refusal.hint.as_ref());
    match refusal.code {
        Code::NotFound => not_found(message, hint),
        Code::Exists | Code::Invalid | Code::Refused => bad_query(message, hint),
    }
}
