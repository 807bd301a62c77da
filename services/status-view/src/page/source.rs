//! Where pages get what they are drawn from: the view between two events, and events of the stream.

use std::sync::Arc;

use model::{
    Position, StreamTime,
    view::{Events, Refusal},
};

use super::{
    look::{Acting, Look},
    place::Place,
};
use crate::{
    answers,
    queries::{Asked, Counter, Sight},
};

/// A page shows whole seconds: more would make every drawing another one.
const TIME_STEP_NANOS: i64 = 1_000_000_000;

/// Asks for what pages need.
#[derive(Clone, Debug)]
pub(super) struct Source {
    counter: Counter,
    /// Pages have buttons.
    acts: bool,
}

/// Events that were read already.
#[derive(Debug)]
pub(super) struct Known {
    positions: Vec<Position>,
    events: Arc<Events>,
}

impl Source {
    pub(super) fn new(counter: Counter, acts: bool) -> Self {
        Self { counter, acts }
    }

    /// Returns the view as it is now.
    pub(super) async fn sight(&self) -> Result<Sight, Refusal> {
        self.counter.look().await
    }

    /// Returns what a page is drawn from. Events that are known are not read again.
    pub(super) async fn look(
        &self,
        place: &Place,
        known: &mut Option<Known>,
    ) -> Result<Look, Refusal> {
        let Sight { view, now } = self.sight().await?;
        let whole = now.as_nanos().div_euclid(TIME_STEP_NANOS).saturating_mul(TIME_STEP_NANOS);
        let mut look = Look {
            view,
            now: StreamTime::from_nanos(whole),
            events: None,
            acting: self.acts.then(|| Acting::on(place)),
        };
        if let Some(query) = place.events() {
            let position = look.position();
            let page =
                answers::events(&look.view, &query).map_err(|error| Refusal { error, position })?;
            let same = known.take().filter(|known| known.positions == page.positions);
            let events = match same {
                Some(same) => same.events,
                // What cannot be read now is not shown; the rest of the page is.
                None => match self.counter.read::<Events>(Asked::Events(query)).await {
                    Ok(events) => Arc::new(events),
                    Err(_) => return Ok(look),
                },
            };
            *known = Some(Known { positions: page.positions, events: events.clone() });
            look.events = Some(events);
        }
        Ok(look)
    }
}
