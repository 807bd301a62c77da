//! What was answered before: by this process, or by one before it that died between its last
//! answer and the acknowledgement of the task.

use std::{
    collections::{BTreeSet, VecDeque},
    time::Duration,
};

use bus::{Bus, Read, ReadFrom, ReaderOptions};
use model::{EventId, EventType, Kind, Position};
use tokio::time::timeout;
use tracing::{debug, warn};

use crate::roster::Pair;

/// Tasks of this process that are remembered: one more than can wait for an acknowledgement that
/// was lost is enough; each costs a number.
const DONE_MAX: usize = 10_000;
/// Answers of earlier processes that are remembered. What is beyond is answered again under the
/// same ids, which changes nothing.
const SAID_MAX: usize = 100_000;
/// How long the answers of earlier processes may be looked for.
const LOOK_WAIT: Duration = Duration::from_secs(10);

/// Positions of tasks that this process has done, the newest.
#[derive(Debug, Default)]
pub(super) struct Done {
    positions: BTreeSet<Position>,
    order: VecDeque<Position>,
}

impl Done {
    pub(super) fn insert(&mut self, position: Position) {
        if self.positions.insert(position) {
            self.order.push_back(position);
        }
        if self.order.len() > DONE_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.positions.remove(&oldest);
        }
    }

    pub(super) fn contains(&self, position: Position) -> bool {
        self.positions.contains(&position)
    }
}

/// Ids of what an executor said to one task before this process began.
#[derive(Debug, Default)]
pub(super) struct Said {
    looked_from: Option<Position>,
    ids: BTreeSet<EventId>,
}

impl Said {
    /// Tells whether `id` was said behind `position`; looks into the stream once.
    pub(super) async fn contains(
        &mut self,
        bus: &Bus,
        pair: &Pair,
        (position, id): (Position, &EventId),
    ) -> bool {
        if self.looked_from.is_none_or(|from| position < from) {
            if let Ok(ids) = timeout(LOOK_WAIT, look(bus, pair, position)).await {
                self.ids.extend(ids);
            } else {
                warn!(task = %pair.task, "earlier answers were not found in time");
            }
            self.looked_from = Some(position);
            debug!(task = %pair.task, found = self.ids.len(), "looked for earlier answers");
        }
        self.ids.contains(id)
    }
}

/// Reads what the pair's executor finished behind `position`.
async fn look(bus: &Bus, pair: &Pair, position: Position) -> BTreeSet<EventId> {
    let subject = EventType::Task(pair.task.clone(), Kind::Finished).to_string();
    let from = ReadFrom::Position(position);
    let mut reader = bus.reader(ReaderOptions { filters: vec![subject], from });
    let mut ids = BTreeSet::new();
    while let Read::Message(message) = reader.next().await {
        if let Ok(event) = message.event()
            && event.executor() == pair.service.as_str()
            && ids.len() < SAID_MAX
        {
            ids.insert(event.id);
        }
    }
    ids
}
