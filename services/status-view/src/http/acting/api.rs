//! Acting as a program: JSON, with a bearer token.

use axum::{
    Json,
    extract::{FromRequest as _, Request, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
};
use serde::Serialize;
use service::http::Problem;
use utoipa::ToSchema;

use super::{
    carry_out::carry_out,
    request::{Action, Done, Verb},
};
use crate::http::{
    Here,
    parameters::{Names, bad},
};

/// Whether who asks may act. Shape: `{"possible":true,"loggedIn":false}`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct Session {
    /// Somebody may act here at all.
    possible: bool,
    /// The request carries the cookie of a session that lasts.
    logged_in: bool,
}

/// Whether somebody may act here, and whether who asks is logged in.
#[utoipa::path(get, path = "/api/v1/session", responses((status = 200, body = Session), Problem))]
pub(in crate::http) async fn session(
    State(here): State<Here>,
    headers: HeaderMap,
) -> Json<Session> {
    let logged_in = here.acting.is_logged_in(&headers);
    Json(Session { possible: here.acting.is_possible(), logged_in })
}

/// Does what a person could do on the command line: publishes the same event, and waits for what
/// becomes of it.
#[utoipa::path(post, path = "/api/v1/actions/{verb}", request_body = Action,
    params(("verb" = String, Path,
        description = "trigger, pause, resume, abort, retry, approve or decline")),
    security(("token" = [])),
    responses((status = 200, body = Done, description = "Done"),
        (status = 202, body = Done, description = "Stored, not decided within ten seconds"),
        (status = 409, body = Problem, description = "Refused, with the reason"), Problem))]
pub(in crate::http) async fn act(
    State(here): State<Here>,
    Names(verb): Names<String>,
    request: Request,
) -> Result<Response, Problem> {
    let position = here.position();
    let done = async {
        here.acting.check_bearer(request.headers())?;
        let verb: Verb = verb.parse()?;
        let Json(action) = Json::<Action>::from_request(request, &here)
            .await
            .map_err(|error| bad(error.body_text(), "send a JSON object as application/json"))?;
        carry_out(&here, verb, action.cleaned()).await
    };
    let done = done.await.map_err(|problem| problem.at(position))?;
    let status = if done.decided { StatusCode::OK } else { StatusCode::ACCEPTED };
    Ok((status, Json(done)).into_response())
}
