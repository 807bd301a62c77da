//! The answers to queries as JSON: byte for byte what clients get over NATS.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse as _, Response},
};
use model::view::{
    Delivery, Events, EventsQuery, Projects, ProjectsQuery, SequenceQuery, Sequences,
    SequencesQuery, StageQuery, StageStatus, SyncPlan,
};
use service::http::Problem;

use super::{
    Here,
    parameters::{Comparison, Freshness, Names, Parameters},
};
use crate::queries::{Asked, Reply};

/// All projects, by name, with their stages at a glance.
#[utoipa::path(get, path = "/api/v1/projects", params(Freshness),
    responses((status = 200, body = Projects), Problem))]
pub(super) async fn projects(
    State(here): State<Here>,
    Parameters(Freshness { at_least }): Parameters<Freshness>,
) -> Response {
    let query = ProjectsQuery { project: None, at_least };
    answered(here.counter.ask(Asked::Projects(query)).await)
}

/// One project, as the only one of a list.
#[utoipa::path(get, path = "/api/v1/projects/{project}",
    params(("project" = String, Path, description = "Its name"), Freshness),
    responses((status = 200, body = Projects), Problem))]
pub(super) async fn project(
    State(here): State<Here>,
    Names(project): Names<String>,
    Parameters(Freshness { at_least }): Parameters<Freshness>,
) -> Response {
    let query = ProjectsQuery { project: Some(project), at_least };
    answered(here.counter.ask(Asked::Projects(query)).await)
}

/// What a stage has and lacks, what runs in it, and the command that brings it up to date.
#[utoipa::path(get, path = "/api/v1/projects/{project}/stages/{stage}/status",
    params(("project" = String, Path, description = "The project"),
        ("stage" = String, Path, description = "The stage"), Comparison),
    responses((status = 200, body = StageStatus), Problem))]
pub(super) async fn status(
    State(here): State<Here>,
    Names((project, stage)): Names<(String, String)>,
    Parameters(Comparison { from, at_least }): Parameters<Comparison>,
) -> Response {
    let query = StageQuery { project, stage, from, at_least };
    answered(here.counter.ask(Asked::Stage(query)).await)
}

/// What a sync of a stage would take at this position.
#[utoipa::path(get, path = "/api/v1/projects/{project}/stages/{stage}/plan",
    params(("project" = String, Path, description = "The project"),
        ("stage" = String, Path, description = "The stage"), Comparison),
    responses((status = 200, body = SyncPlan), Problem))]
pub(super) async fn plan(
    State(here): State<Here>,
    Names((project, stage)): Names<(String, String)>,
    Parameters(Comparison { from, at_least }): Parameters<Comparison>,
) -> Response {
    let query = StageQuery { project, stage, from, at_least };
    answered(here.counter.ask(Asked::Plan(query)).await)
}

/// Runs, newest first.
#[utoipa::path(get, path = "/api/v1/sequences", params(SequencesQuery),
    responses((status = 200, body = Sequences), Problem))]
pub(super) async fn sequences(
    State(here): State<Here>,
    Parameters(query): Parameters<SequencesQuery>,
) -> Response {
    answered(here.counter.ask(Asked::Sequences(query)).await)
}

/// All runs of one delivery.
#[utoipa::path(get, path = "/api/v1/sequences/{keptnContext}",
    params(("keptnContext" = String, Path,
        description = "The context, or an unambiguous beginning of at least 8 characters"),
        Freshness),
    responses((status = 200, body = Delivery), Problem))]
pub(super) async fn sequence(
    State(here): State<Here>,
    Names(keptn_context): Names<String>,
    Parameters(Freshness { at_least }): Parameters<Freshness>,
) -> Response {
    let query = SequenceQuery { keptn_context, at_least };
    answered(here.counter.ask(Asked::Sequence(query)).await)
}

/// Stored events, oldest first; without `after` the newest.
#[utoipa::path(get, path = "/api/v1/events", params(EventsQuery),
    responses((status = 200, body = Events), Problem))]
pub(super) async fn events(
    State(here): State<Here>,
    Parameters(query): Parameters<EventsQuery>,
) -> Response {
    answered(here.counter.ask(Asked::Events(query)).await)
}

/// Turns an answer into a response; a refusal has the form that it has over NATS.
fn answered(reply: Reply) -> Response {
    match reply {
        Ok(json) => Json(json).into_response(),
        Err(refusal) => Problem::from(refusal).into_response(),
    }
}
