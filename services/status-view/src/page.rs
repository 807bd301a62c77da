//! The live page: HTML drawn from the view, whole without a script, kept up to date with one.
//!
//! Reading order: [`Place`] (which page), [`Look`] (what it is drawn from), `frame` (the whole
//! document), then a page each: `projects`, `stages`, `plan`, `run`, `runs`, `events`, `history`,
//! `graph`; at last `live` (what is sent when the view has moved). A page reads the view between
//! two events, so all of it holds at one position; drawing happens beside the loop.

mod acts;
mod assets;
mod events;
mod frame;
mod graph;
mod history;
mod live;
mod look;
mod place;
mod plan;
mod projects;
mod run;
mod runs;
mod source;
mod stages;
mod words;

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, header::CACHE_CONTROL},
    response::{IntoResponse as _, Redirect, Response},
    routing::get,
};
use model::Position;
use tokio::{
    sync::{Semaphore, watch},
    task::spawn_blocking,
};

pub(crate) use self::{frame::still, words::part};
pub use self::{
    frame::{Document, document, refused},
    live::{HEARTBEAT, LISTENERS_MAX, MOVE_PAUSE},
    look::{Acting, Look},
    place::{EventsFilter, Parameters, Place, RunsFilter, StagesFilter},
};
use self::{live::Hub, source::Source};
use crate::queries::Counter;

/// What a browser that keeps a page must ask before it shows it again.
const ASK_AGAIN: &str = "no-cache";

/// Pages that are drawn at the same time; others wait for their turn. One takes a few milliseconds.
const DRAWN_AT_ONCE: usize = 2;

/// What every route needs.
#[derive(Clone, Debug)]
struct Here {
    source: Source,
    hub: Arc<Hub>,
    turns: Arc<Semaphore>,
}

/// Returns the routes of the pages. If they act, they have buttons that post to `/actions/{verb}`;
/// else they show the commands alone.
pub fn routes(counter: Counter, seen: watch::Receiver<Position>, acts: bool) -> Router {
    let source = Source::new(counter, acts);
    let hub = Arc::new(Hub::new(source.clone(), seen));
    let mut router = Router::new()
        .route("/", get(home))
        .route("/projects", get(projects))
        .route("/projects/{project}", get(stages))
        .route("/projects/{project}/stages/{stage}/plan", get(plan))
        .route("/projects/{project}/graph", get(graph))
        .route("/projects/{project}/runs", get(runs))
        .route("/projects/{project}/events", get(events))
        .route("/projects/{project}/history", get(history))
        .route("/runs/{context}", get(run));
    for asset in [assets::STYLE, assets::SCRIPT, assets::ICON] {
        router = router.route(&asset.path(), get(move || async move { asset.response() }));
    }
    router.with_state(Here { source, hub, turns: Arc::new(Semaphore::new(DRAWN_AT_ONCE)) })
}

type Asked = Query<Parameters>;

/// The projects; with only one of them there is nothing to choose.
async fn home(here: State<Here>, asked: Asked, headers: HeaderMap) -> Response {
    let Ok(sight) = here.source.sight().await else {
        return answer(&here, Place::Projects, &asked, &headers).await;
    };
    let mut all = sight.view.world.catalog.projects();
    match (all.next(), all.next()) {
        (Some(only), None) => {
            let project = only.name.to_string();
            let place = Place::Stages { project, filter: StagesFilter::default() };
            Redirect::to(&place.href()).into_response()
        }
        (_, _) => answer(&here, Place::Projects, &asked, &headers).await,
    }
}

async fn projects(here: State<Here>, asked: Asked, headers: HeaderMap) -> Response {
    answer(&here, Place::Projects, &asked, &headers).await
}

async fn stages(
    here: State<Here>,
    Path(project): Path<String>,
    asked: Asked,
    headers: HeaderMap,
) -> Response {
    let place = Place::Stages { project, filter: StagesFilter::read(&asked) };
    answer(&here, place, &asked, &headers).await
}

async fn plan(
    here: State<Here>,
    Path((project, stage)): Path<(String, String)>,
    asked: Asked,
    headers: HeaderMap,
) -> Response {
    let place = place::plan(&asked, project, stage);
    answer(&here, place, &asked, &headers).await
}

async fn graph(
    here: State<Here>,
    Path(project): Path<String>,
    asked: Asked,
    headers: HeaderMap,
) -> Response {
    answer(&here, Place::Graph { project }, &asked, &headers).await
}

async fn runs(
    here: State<Here>,
    Path(project): Path<String>,
    asked: Asked,
    headers: HeaderMap,
) -> Response {
    let place = Place::Runs { project, filter: RunsFilter::read(&asked) };
    answer(&here, place, &asked, &headers).await
}

async fn events(
    here: State<Here>,
    Path(project): Path<String>,
    asked: Asked,
    headers: HeaderMap,
) -> Response {
    let place = Place::Events { project, filter: EventsFilter::read(&asked) };
    answer(&here, place, &asked, &headers).await
}

async fn history(
    here: State<Here>,
    Path(project): Path<String>,
    asked: Asked,
    headers: HeaderMap,
) -> Response {
    let place = Place::History { project, filter: RunsFilter::read(&asked) };
    answer(&here, place, &asked, &headers).await
}

async fn run(
    here: State<Here>,
    Path(context): Path<String>,
    asked: Asked,
    headers: HeaderMap,
) -> Response {
    answer(&here, Place::Run { context }, &asked, &headers).await
}

/// Answers with the page, or with a stream of its changes.
async fn answer(here: &Here, place: Place, asked: &Parameters, headers: &HeaderMap) -> Response {
    if let Some(since) = asked.get("live") {
        let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()).unwrap_or(since);
        return live::stream(&here.hub, place, last.parse().ok());
    }
    let document = match here.source.look(&place, &mut None).await {
        Ok(look) => {
            // So that the loop finds time, however many ask.
            let turn = here.turns.acquire().await;
            let drawn = spawn_blocking(move || document(&place, &look)).await.ok();
            drop(turn);
            drawn
        }
        Err(refusal) => Some(refused(&refusal.error)),
    };
    match document {
        Some(document) => ([(CACHE_CONTROL, ASK_AGAIN)], document).into_response(),
        None => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
