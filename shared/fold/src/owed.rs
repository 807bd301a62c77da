//! What is owed: events that must exist by now and were not yet seen in the stream.
//!
//! An entry stays until its event is *seen*, not until the publish is acked. Entries have a
//! rising number, so that a shell finds what is new since it looked last without a scan.

use std::time::Duration;

use imbl::OrdMap;
use model::{DerivedId, Event, StreamTime, trace::Trace};
use serde::{Deserialize, Serialize};

/// An event that must exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owed<K> {
    /// Rises with every new entry; 0 for what a deadline made due.
    pub number: u64,
    /// Id of the event.
    pub id: DerivedId,
    /// Stream time of the cause; becomes the event's `time`.
    pub since: StreamTime,
    /// What it is, for the fold that owes it.
    pub due: K,
}

/// A fold that owes events. Implemented by [`crate::World`] and [`crate::Catalog`].
pub trait Owes {
    /// What the fold needs to say an owed event.
    type Due: Clone + Send;

    /// Returns what became owed behind `number`, oldest first.
    fn owed_after(&self, number: u64) -> Vec<Owed<Self::Due>>;

    /// Returns what a deadline made due by `now`, earliest first.
    fn due_by(&self, now: StreamTime) -> Vec<Owed<Self::Due>>;

    /// Returns when the next deadline passes.
    fn next_deadline(&self) -> Option<StreamTime>;

    /// Tells whether the event still must exist.
    fn is_owed(&self, owed: &Owed<Self::Due>, now: StreamTime) -> bool;

    /// Returns how long a deadline that made this due had to wait; zero for what no deadline made
    /// due.
    fn own_wait(&self, _owed: &Owed<Self::Due>) -> Duration {
        Duration::ZERO
    }

    /// Returns the trace that an event belongs to, for the log.
    fn trace_of(&self, event: &Event) -> Option<Trace> {
        Trace::of_event(event)
    }

    /// Returns the event, or none if it is no longer owed.
    fn event(&self, owed: &Owed<Self::Due>, waits: Waits) -> Option<Event>;
}

/// Longest waits for an executor, in whole seconds; written into each task's `triggered` event by
/// whoever says it. 0 = no bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waits {
    /// Until anybody answers at all (`TASK_STARTED_WAIT_DURATION`).
    pub start_secs: u64,
    /// Until the task is done (`TASK_FINISHED_WAIT_DURATION`).
    pub finish_secs: u64,
}

impl Default for Waits {
    /// Keptn's ten minutes to start; an hour to finish.
    fn default() -> Self {
        Self { start_secs: 600, finish_secs: 3600 }
    }
}

/// The entries of one fold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct OwedTable<K: Clone> {
    entries: OrdMap<DerivedId, (u64, StreamTime, K)>,
    order: OrdMap<u64, DerivedId>,
    last: u64,
}

impl<K: Clone> Default for OwedTable<K> {
    fn default() -> Self {
        Self { entries: OrdMap::new(), order: OrdMap::new(), last: 0 }
    }
}

impl<K: Clone + PartialEq> OwedTable<K> {
    /// Adds an entry; one that is there already keeps its number, so that nobody says it twice.
    pub(crate) fn insert(&mut self, id: DerivedId, since: StreamTime, due: K) {
        if let Some((number, old_since, old_due)) = self.entries.get(&id) {
            if *old_since != since || *old_due != due {
                self.entries.insert(id, (*number, since, due));
            }
            return;
        }
        self.last += 1;
        self.order.insert(self.last, id);
        self.entries.insert(id, (self.last, since, due));
    }

    /// Removes an entry: its event was seen, or must no longer exist.
    pub(crate) fn remove(&mut self, id: DerivedId) -> Option<K> {
        let (number, _, due) = self.entries.remove(&id)?;
        self.order.remove(&number);
        Some(due)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.order.is_empty()
    }

    pub(crate) fn get(&self, id: DerivedId) -> Option<&K> {
        self.entries.get(&id).map(|(_, _, due)| due)
    }

    pub(crate) fn since(&self, id: DerivedId) -> Option<StreamTime> {
        self.entries.get(&id).map(|(_, since, _)| *since)
    }

    pub(crate) fn after(&self, number: u64) -> Vec<Owed<K>> {
        self.order
            .range(number.saturating_add(1)..)
            .filter_map(|(number, id)| {
                let (_, since, due) = self.entries.get(id)?;
                Some(Owed { number: *number, id: *id, since: *since, due: due.clone() })
            })
            .collect()
    }
}
