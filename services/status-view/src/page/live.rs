//! Live pages: when the view has moved, the page is drawn again and sent to all who look at it.
//!
//! A page is drawn once for all its listeners, and sent only if it has changed by more than the
//! passing of time. Pages are drawn one after the other, and the drawing rests as long as it took,
//! so that thousands of listeners take at most half of a core. A listener that is slow misses
//! drawings, never the newest one.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    http::{StatusCode, header},
    response::{
        IntoResponse as _, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures_util::stream::unfold;
use model::Position;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::spawn_blocking,
    time::{Instant, sleep, sleep_until},
};

use super::{
    frame::{Fragment, fragment},
    place::Place,
    source::{Known, Source},
};

/// Listeners at the same time; one more gets status 503 and is told to come back.
pub const LISTENERS_MAX: usize = 1_000;
/// The least time between two drawings of a page.
pub const MOVE_PAUSE: Duration = Duration::from_millis(50);
/// How often a connection on which nothing happens hears that it still is one; proxies close what
/// is silent for half a minute.
pub const HEARTBEAT: Duration = Duration::from_secs(15);
/// When a listener that was sent away may come back.
const COME_BACK_SECS: &str = "5";
/// How long a listener waits before it connects again.
const RETRY: Duration = Duration::from_secs(2);
/// The longest rest behind a drawing.
const REST_MAX: Duration = Duration::from_millis(500);

/// A page as it was last drawn.
#[derive(Clone, Debug)]
struct Drawn {
    /// What is sent.
    html: Arc<str>,
    /// What tells it from the one before.
    substance: u64,
    /// Since when it is so.
    position: Position,
}

type Drawings = watch::Sender<Option<Drawn>>;

/// Everybody who looks at live pages.
#[derive(Debug)]
pub(super) struct Hub {
    source: Source,
    seen: watch::Receiver<Position>,
    places: Mutex<BTreeMap<Place, Drawings>>,
    listeners: Arc<Semaphore>,
    drawing: tokio::sync::Mutex<()>,
}

/// Somebody who looks at a page.
struct Listener {
    drawings: watch::Receiver<Option<Drawn>>,
    seen: watch::Receiver<Position>,
    /// The position of what he has.
    last: Option<Position>,
    _place: OwnedSemaphorePermit,
}

impl Hub {
    pub(super) fn new(source: Source, seen: watch::Receiver<Position>) -> Self {
        Self {
            source,
            seen,
            places: Mutex::default(),
            listeners: Arc::new(Semaphore::new(LISTENERS_MAX)),
            drawing: tokio::sync::Mutex::default(),
        }
    }

    /// Begins to listen; none if too many do.
    fn listen(self: &Arc<Self>, place: Place, last: Option<Position>) -> Option<Listener> {
        let permit = self.listeners.clone().try_acquire_owned().ok()?;
        let mut places = self.places();
        let drawings = if let Some(drawings) = places.get(&place) {
            let mut listener = drawings.subscribe();
            // What was drawn already is new to this one.
            listener.mark_changed();
            listener
        } else {
            let (drawings, listener) = watch::channel(None);
            places.insert(place.clone(), drawings.clone());
            tokio::spawn(self.clone().draw(place, drawings));
            listener
        };
        Some(Listener { drawings, seen: self.seen.clone(), last, _place: permit })
    }

    fn places(&self) -> MutexGuard<'_, BTreeMap<Place, Drawings>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Draws a page whenever the view has moved, as long as somebody looks at it.
    async fn draw(self: Arc<Self>, place: Place, drawings: Drawings) {
        let mut seen = self.seen.clone();
        let mut known = None;
        loop {
            seen.borrow_and_update();
            let next = Instant::now() + MOVE_PAUSE;
            self.draw_once(&place, &drawings, &mut known).await;
            sleep_until(next).await;
            let is_running = tokio::select! {
                moved = seen.changed() => moved.is_ok(),
                () = drawings.closed() => true,
            };
            // Nobody begins to listen while the lock is held.
            let mut places = self.places();
            if !is_running || drawings.receiver_count() == 0 {
                places.remove(&place);
                return;
            }
        }
    }

    async fn draw_once(&self, place: &Place, drawings: &Drawings, known: &mut Option<Known>) {
        let _turn = self.drawing.lock().await;
        let begun = Instant::now();
        let drawn = self.drawn(place, known).await;
        if let Some(drawn) = drawn {
            drawings.send_if_modified(|last| {
                let is_same = last.as_ref().is_some_and(|last| last.substance == drawn.substance);
                if !is_same {
                    *last = Some(drawn);
                }
                !is_same
            });
        }
        sleep(begun.elapsed().min(REST_MAX)).await;
    }

    /// Draws a page; none if the view cannot be asked at the moment.
    async fn drawn(&self, place: &Place, known: &mut Option<Known>) -> Option<Drawn> {
        let look = match self.source.look(place, known).await {
            Ok(look) => Ok(look),
            Err(refusal) if refusal.error.code == model::view::QueryErrorCode::Behind => {
                return None;
            }
            Err(refusal) => Err(refusal),
        };
        let place = place.clone();
        let fragment = spawn_blocking(move || fragment(&place, look)).await.ok()?;
        let Fragment { title, inside, html, position } = fragment;
        let mut hasher = DefaultHasher::new();
        title.hash(&mut hasher);
        for piece in without_times(&inside) {
            piece.hash(&mut hasher);
        }
        Some(Drawn { html: html.into(), substance: hasher.finish(), position })
    }
}

/// Returns what stands outside of the texts of times, which change by themselves.
fn without_times(html: &str) -> impl Iterator<Item = &str> {
    html.split("<time ")
        .map(|piece| match piece.split_once("</time>") {
            Some((time, rest)) => {
                // Of a time, only which one it is counts.
                let text = time.find('>').unwrap_or(time.len());
                (time.get(..text).unwrap_or_default(), rest)
            }
            None => ("", piece),
        })
        .flat_map(|(time, rest)| [time, rest])
}

/// Returns the stream of a page's changes. `last` is the position of what the browser has.
pub(super) fn stream(hub: &Arc<Hub>, place: Place, last: Option<Position>) -> Response {
    let Some(listener) = hub.listen(place, last) else {
        let come_back = [(header::RETRY_AFTER, COME_BACK_SECS)];
        let why = "too many pages are live; this one can be loaded again\n";
        return (StatusCode::SERVICE_UNAVAILABLE, come_back, why).into_response();
    };
    let changes = unfold(listener, |mut listener| async move {
        let drawn = listener.next().await?;
        Some((Ok::<_, Infallible>(event(&drawn)), listener))
    });
    Sse::new(changes).keep_alive(KeepAlive::new().interval(HEARTBEAT).text("alive")).into_response()
}

fn event(drawn: &Drawn) -> Event {
    let id = drawn.position.to_string();
    Event::default().event("page").id(id).retry(RETRY).data(drawn.html.as_ref())
}

impl Listener {
    /// Waits for a drawing that the browser does not have.
    async fn next(&mut self) -> Option<Drawn> {
        loop {
            self.drawings.changed().await.ok()?;
            let drawn = self.drawings.borrow_and_update().clone();
            let now = *self.seen.borrow();
            // What lies ahead of the view was read from another stream.
            let mut is_had = |drawn: &Drawn| {
                self.last.take().is_some_and(|last| drawn.position <= last && last <= now)
            };
            if let Some(drawn) = drawn.filter(|drawn| !is_had(drawn)) {
                return Some(drawn);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(html: &str) -> String {
        without_times(html).collect()
    }

    #[test]
    fn the_text_of_a_time_is_no_change_but_another_time_is() {
        let at = |datetime: &str, text: &str| {
            format!("<p>a <time datetime=\"{datetime}\">{text}</time> b</p>")
        };
        assert_eq!(pieces(&at("1", "2 s ago")), pieces(&at("1", "3 s ago")));
        assert_ne!(pieces(&at("1", "2 s ago")), pieces(&at("2", "2 s ago")));
        assert_ne!(pieces("<p>a</p>"), pieces("<p>b</p>"));
    }
}
