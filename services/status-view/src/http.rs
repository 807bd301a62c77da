//! What the view knows, over HTTP, beside the health endpoints on their port.
//!
//! Reading order: `api` (the answers to queries as JSON), `stream` (events as they come), `badge`,
//! the pages, `acting` (what a person does), `figures` (for `/metrics`).

mod acting;
mod api;
mod badge;
mod chance;
mod figures;
mod openapi;
mod parameters;
mod stream;

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    http::Method,
    routing::get,
};
use bus::Bus;
use model::{Position, name::shortened};
use service::http::{Problem, ProblemCode};
use tokio::sync::{Semaphore, watch};

pub use self::{
    acting::{Acting, Token, TokenError},
    figures::figures,
    stream::STREAMS_MAX,
};
use crate::{page, queries::Counter};

/// What every route needs.
#[derive(Clone, Debug)]
struct Here {
    counter: Counter,
    /// Up to where the view has read, once it has caught up.
    seen: watch::Receiver<Position>,
    bus: Bus,
    acting: Arc<Acting>,
    /// Places for those who follow events.
    streams: Arc<Semaphore>,
}

impl Here {
    fn position(&self) -> Position {
        *self.seen.borrow()
    }
}

/// Returns the routes.
pub fn routes(
    counter: Counter,
    seen: watch::Receiver<Position>,
    bus: Bus,
    acting: Arc<Acting>,
) -> Router {
    let pages = page::routes(counter.clone(), seen.clone(), acting.is_possible());
    let here = Here { counter, seen, bus, acting, streams: Arc::new(Semaphore::new(STREAMS_MAX)) };
    Router::new()
        .merge(openapi::routes())
        .route("/badge/{project}/{file}", get(badge::badge))
        .merge(acting::routes())
        .fallback(nothing)
        .method_not_allowed_fallback(wrong_method)
        .with_state(here)
        .merge(pages)
}

async fn nothing(State(here): State<Here>, request: Request) -> Problem {
    let message = format!("there is nothing at `{}`", shortened(request.uri().path()));
    Problem::new(ProblemCode::NotFound, message, "/api/v1/openapi.json lists what there is")
        .at(here.position())
}

async fn wrong_method(State(here): State<Here>, method: Method, request: Request) -> Problem {
    let path = shortened(request.uri().path());
    let message = format!("`{path}` does not take {}", shortened(method.as_str()));
    Problem::new(ProblemCode::WrongMethod, message, "/api/v1/openapi.json says what it takes")
        .at(here.position())
}
