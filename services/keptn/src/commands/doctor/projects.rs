//! Projects: whether each has a service, and whether its uniform names somebody for every task.

use std::collections::BTreeSet;

use fold::{Catalog, catalog::Project as Documents, sequence::APPROVAL};
use model::view::{PROJECTS, Project, Projects, ProjectsQuery};
use tokio::time::{Instant, timeout_at};

use super::finding::Finding;
use crate::client::Client;

/// Project events that are read at most; each is one question to NATS.
const EVENTS_MAX: usize = 20_000;
/// Names that are shown; behind them the number of the others.
const SHOWN_MAX: usize = 5;

/// Returns all projects, or why they are not known.
pub(super) async fn known(client: &Client, until: Instant) -> Result<Vec<Project>, String> {
    let left = until.saturating_duration_since(Instant::now());
    let query = ProjectsQuery::default();
    let answer: Result<Projects, _> = client.bus().request_json(PROJECTS, &query, left).await;
    answer.map(|answer| answer.projects).map_err(|error| error.to_string())
}

/// Looks for projects that cannot deliver anything.
pub(super) fn services(projects: &[Project]) -> Finding {
    let empty: Vec<String> = projects
        .iter()
        .filter(|one| one.services.is_empty())
        .map(|one| one.project.to_string())
        .collect();
    let Some(first) = empty.first() else {
        return Finding::ok("projects", format!("{} known, each has a service", projects.len()));
    };
    Finding::warning("projects", format!("without a service: {}", shown(&empty)))
        .hint(format!("keptn create service NAME --project={first}"))
}

/// Looks for tasks for which a uniform names nobody.
pub(super) async fn look_at_documents(client: &Client, until: Instant) -> Vec<Finding> {
    let mut catalog = Catalog::default();
    match timeout_at(until, read(client, &mut catalog)).await {
        Ok(Ok(())) => vec![executors(&catalog)],
        Ok(Err(error)) => vec![not_read(&error.to_string())],
        Err(_) => vec![not_read("there was no time for it")],
    }
}

fn not_read(reason: &str) -> Finding {
    Finding::warning("uniforms", format!("not looked at: {reason}"))
        .hint("look again when the stream is as it must be")
}

/// Folds the project events one after the other, without a consumer: nothing is left behind.
async fn read(client: &Client, catalog: &mut Catalog) -> Result<(), bus::ApiError> {
    let [filter] = bus::names::UNIFORM_FILTERS;
    let mut from = 1;
    for _ in 0..EVENTS_MAX {
        let Some(message) = client.bus().next_on_subject(filter, from).await? else { break };
        from = message.position + 1;
        // What an event does not change is nothing to say here.
        drop(catalog.apply(&message.stored()));
    }
    Ok(())
}

fn executors(catalog: &Catalog) -> Finding {
    let unnamed: Vec<String> = catalog.projects().flat_map(|one| unnamed(one)).collect();
    let Some(first) = unnamed.first() else {
        let with_uniform =
            catalog.projects().filter(|one| one.definition.uniform.is_some()).count();
        let message = format!("{with_uniform} known, each names somebody for every task");
        return Finding::ok("uniforms", message);
    };
    let project = first.split(':').next().unwrap_or_default();
    let message = format!("tasks for which nobody is named: {}", shown(&unnamed));
    Finding::warning("uniforms", message).hint(format!(
        "keptn update project {project} --uniform=FILE, or run an executor that the uniform does not name"
    ))
}

/// Returns the tasks of a project, as `project: task`, for which its uniform names nobody.
fn unnamed(project: &Documents) -> BTreeSet<String> {
    let definition = &project.definition;
    let Some(uniform) = &definition.uniform else { return BTreeSet::new() };
    let sequences = definition.shipyard.stages.iter().flat_map(|stage| &stage.sequences);
    sequences
        .flat_map(|sequence| &sequence.tasks)
        .filter(|task| ![APPROVAL, fold::catalog::UPDATE].contains(&task.name.as_str()))
        .filter(|task| uniform.executors(&task.name, &task.properties).next().is_none())
        .map(|task| format!("{}: {}", project.name, task.name))
        .collect()
}

/// Returns the first names, and how many more there are.
pub(super) fn shown(names: &[String]) -> String {
    let first = names.iter().take(SHOWN_MAX).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(SHOWN_MAX) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use testing::Stream;

    use super::*;

    fn created(shipyard: &str, uniform: &str) -> Catalog {
        Stream::with_documents(shipyard, Some(uniform), &[]).config
    }

    const SHIPYARD: &str = "{apiVersion: spec.keptn.sh/0.2.3, kind: Shipyard, metadata: {name: s}, spec: {stages: [{name: dev, sequences: [{name: d, tasks: [{name: build}, {name: approval}, {name: test}]}]}]}}";

    #[test]
    fn a_task_that_the_uniform_does_not_name_is_told() {
        let one = "spec: {services: [{name: one, events: [build.triggered]}]}";
        let text = super::super::finding::text(
            &[executors(&created(SHIPYARD, one))],
            crate::render::Paint::PLAIN,
        );
        assert!(text.contains("nobody is named: p: test\n"), "{text}");
        let both = "spec: {services: [{name: one, events: [build.triggered, test.triggered]}]}";
        let message = "1 known, each names somebody for every task";
        assert_eq!(executors(&created(SHIPYARD, both)), Finding::ok("uniforms", message));
    }

    #[test]
    fn many_names_are_counted() {
        let names: Vec<String> = (1..=7).map(|number| number.to_string()).collect();
        assert_eq!(shown(&names), "1, 2, 3, 4, 5 and 2 more");
    }
}
