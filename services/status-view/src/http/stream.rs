//! Events as they come, as server-sent events: one for each stored event, its id is the position, so
//! that a client that was cut off goes on without a gap and without a repetition.

use std::{convert::Infallible, time::Duration};

use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{
        HeaderMap,
        header::{CACHE_CONTROL, CONTENT_TYPE},
    },
    response::{IntoResponse as _, Response},
};
use futures_util::stream::unfold;
use model::{
    Position,
    name::shortened,
    view::{EventEntry, Events, EventsQuery, QueryErrorCode, Refusal},
};
use service::http::{Problem, ProblemCode};
use tokio::{
    sync::{OwnedSemaphorePermit, watch},
    time::timeout,
};

use super::{
    Here,
    parameters::{Parameters, bad},
};
use crate::queries::{Asked, Counter};

/// Clients that follow events at the same time; one more is told to come back later.
pub const STREAMS_MAX: usize = 250;
/// Events that are held for one client; the next are read when it has taken these.
const EVENTS_HELD: usize = 50;
/// How often a client hears something although nothing happens: proxies cut what is silent.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// What a client hears then.
const COMMENT: &str = ": nothing new\n\n";
/// How long a client waits until it comes again.
const BEGINNING: &str = "retry: 1000\n\n";
/// Says that the positions of another stream follow, so the client must begin anew.
const RESTARTED: &str = "event: restarted\ndata: {}\n\n";

/// Stored events as they come, from `after` or `Last-Event-ID` on, else from now on.
#[utoipa::path(get, path = "/api/v1/events/stream", params(EventsQuery,
    ("Last-Event-ID" = Option<u64>, Header, description = "Position of the last event that was seen")),
    responses((status = 200, body = EventEntry, content_type = "text/event-stream"), Problem))]
pub(super) async fn events(
    State(here): State<Here>,
    headers: HeaderMap,
    Parameters(query): Parameters<EventsQuery>,
) -> Result<Response, Problem> {
    let position = here.position();
    let query = wanted(&headers, query, position).map_err(|problem| problem.at(position))?;
    let place = here.streams.try_acquire_owned().map_err(|_| busy(position))?;
    let (counter, seen) = (here.counter, here.seen);
    let mut following = Following {
        counter,
        seen,
        query,
        read: 0,
        text: BEGINNING.to_owned(),
        has_more: true,
        has_ended: false,
        _place: place,
    };
    // What cannot be answered at all is told as an error, not in a stream.
    following.read().await?;
    let body = Body::from_stream(unfold(following, Following::next));
    let headers = [(CONTENT_TYPE, "text/event-stream"), (CACHE_CONTROL, "no-store")];
    Ok((headers, body).into_response())
}

/// Returns what to ask for first.
fn wanted(
    headers: &HeaderMap,
    mut query: EventsQuery,
    position: Position,
) -> Result<EventsQuery, Problem> {
    if query.before.is_some() || query.limit > 0 {
        let message = "a stream of events has no `before` and no `limit`";
        return Err(bad(message, "name only where it begins: `after`"));
    }
    let last = headers.get("last-event-id").map(|last| last.to_str().unwrap_or("?").trim());
    if let Some(last) = last.filter(|last| !last.is_empty()) {
        let after = last.parse().map_err(|_| {
            let message = format!("Last-Event-ID must be a position, is `{}`", shortened(last));
            bad(message, "leave it out to begin now")
        })?;
        query.after = Some(after);
    }
    query.after.get_or_insert(position);
    query.limit = EVENTS_HELD;
    Ok(query)
}

fn busy(position: Position) -> Problem {
    let message = format!("at most {STREAMS_MAX} clients follow events at the same time");
    Problem::new(ProblemCode::Busy, message, "try again later, or ask /api/v1/events").at(position)
}

/// A client that follows.
struct Following {
    counter: Counter,
    seen: watch::Receiver<Position>,
    query: EventsQuery,
    /// Up to where everything was looked at.
    read: Position,
    /// What the client has not heard yet.
    text: String,
    /// There may be more without anything new happening.
    has_more: bool,
    has_ended: bool,
    _place: OwnedSemaphorePermit,
}

impl Following {
    /// Returns what the client hears next; none at the end.
    async fn next(mut self) -> Option<(Result<Bytes, Infallible>, Self)> {
        while self.text.is_empty() {
            if self.has_ended {
                return None;
            }
            if !self.has_more {
                match timeout(HEARTBEAT, self.seen.changed()).await {
                    Ok(Ok(())) => {}
                    Ok(Err(_)) => return None,
                    Err(_) => {
                        COMMENT.clone_into(&mut self.text);
                        continue;
                    }
                }
            }
            if let Err(refusal) = self.read().await {
                self.refused(&refusal);
            }
        }
        let text = std::mem::take(&mut self.text);
        Some((Ok(Bytes::from(text)), self))
    }

    /// Reads the next events.
    async fn read(&mut self) -> Result<(), Refusal> {
        self.seen.mark_unchanged();
        let page: Events = self.counter.read(Asked::Events(self.query.clone())).await?;
        if page.position < self.read {
            self.text.push_str(RESTARTED);
            self.has_ended = true;
            return Ok(());
        }
        self.read = page.position;
        for entry in &page.events {
            self.text.push_str(&written(entry));
        }
        let reached = page.next_after.unwrap_or(page.position);
        self.query.after = self.query.after.max(Some(reached));
        self.has_more = page.next_after.is_some();
        Ok(())
    }

    /// A view that is behind catches up; anything else ends the stream, and says why.
    fn refused(&mut self, refusal: &Refusal) {
        match refusal.error.code {
            QueryErrorCode::Behind => COMMENT.clone_into(&mut self.text),
            QueryErrorCode::BadQuery | QueryErrorCode::NotFound => {
                let json = serde_json::to_string(refusal).unwrap_or_default();
                self.text = format!("event: error\ndata: {json}\n\n");
                self.has_ended = true;
            }
        }
    }
}

/// Writes an event as one line: in JSON a line end is a blank, or it is escaped.
fn written(entry: &EventEntry) -> String {
    let json = serde_json::to_string(entry).unwrap_or_default().replace(['\n', '\r'], " ");
    format!("id: {}\ndata: {json}\n\n", entry.position)
}
