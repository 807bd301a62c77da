//! The description of the interface, made from the routes and types themselves.

use axum::{Router, http::header::CONTENT_TYPE, routing::get};
use service::http::Problem;
use utoipa::{
    Modify, OpenApi,
    openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Here, acting, api, stream};

/// What is said once.
#[derive(OpenApi)]
#[openapi(
    info(title = "Slipway", description = "Which stage has fallen behind, and what is being done about it. \
        The answers are those of the NATS service `status-view`."),
    components(schemas(Problem)),
    modifiers(&Token)
)]
struct Described;

/// The token of who may act.
struct Token;

impl Modify for Token {
    fn modify(&self, described: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer);
        let scheme = scheme.description(Some("The content of UI_TOKEN_FILE.")).build();
        let components = described.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(scheme));
    }
}

/// Returns the routes under `/api/v1`, the description among them.
pub(super) fn routes() -> Router<Here> {
    let (routes, described) = OpenApiRouter::with_openapi(Described::openapi())
        .routes(routes!(api::projects))
        .routes(routes!(api::project))
        .routes(routes!(api::status))
        .routes(routes!(api::plan))
        .routes(routes!(api::sequences))
        .routes(routes!(api::sequence))
        .routes(routes!(api::events))
        .routes(routes!(stream::events))
        .routes(routes!(acting::api::session))
        .routes(routes!(acting::api::act))
        .split_for_parts();
    let text = described.to_pretty_json().unwrap_or_default();
    let answer = move || async move { ([(CONTENT_TYPE, "application/json")], text) };
    routes.route("/api/v1/openapi.json", get(answer))
}
