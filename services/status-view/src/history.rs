//! What happened: a record of every run, the runs of every delivery, and where the events stand.
//!
//! A run that ended is kept packed. The newest deliveries are kept; when one of the bounds is
//! reached, the oldest that is not open is forgotten whole. Messages are not kept: an event is
//! read from the stream at its position.

mod events;
mod kept;
mod packed;
mod positions;
mod record;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use fold::{Fact, RunKey, World};
use imbl::{OrdMap, OrdSet};
use model::{
    Event, EventType, KeptnContext, Kind, Position, ProjectName, ServiceName, StageName, Stored,
    view::Sequence,
};
use serde::{Deserialize, Serialize};

pub use self::events::{EventIndex, Page, PageQuery};
pub(crate) use self::record::{EXECUTORS_MAX, TEXT_CHARS_MAX, bounded};
use self::{kept::Kept, positions::Positions, record::Moment};

/// Deliveries that are kept. With two runs each they weigh about 200 MB.
pub const DELIVERIES_MAX: usize = 100_000;
/// Runs that are kept in all deliveries together, for those that have many.
pub const RUNS_MAX: usize = 200_000;
/// Runs that are kept of one delivery. A loop of follow-ups ends after a tenth of it; more come
/// from a client that uses one context for everything.
pub const RUNS_PER_DELIVERY_MAX: usize = 1_000;
/// Events whose positions are kept in all deliveries together, at about two bytes each.
pub const LISTED_EVENTS_MAX: usize = 10_000_000;

/// Runs, deliveries and events of the past.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    deliveries: OrdMap<KeptnContext, Arc<Delivery>>,
    /// Deliveries without an open run, by the position of their first event.
    closed: OrdMap<Position, KeptnContext>,
    runs: OrdMap<RunKey, Kept>,
    /// Runs that have not ended.
    open: OrdSet<RunKey>,
    by_stage: OrdMap<(ProjectName, StageName), OrdSet<RunKey>>,
    by_service: OrdMap<(ProjectName, ServiceName), OrdSet<RunKey>>,
    listed_events: usize,
    events: EventIndex,
}

/// One delivery: everything under one context; a command has a context of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Delivery {
    /// Position of its first event; no two deliveries have the same.
    first: Position,
    runs: Vec<RunKey>,
    events: Positions,
}

impl Delivery {
    /// Gives back room that is not used.
    fn shrink(&mut self) {
        self.runs.shrink_to_fit();
        self.events.shrink();
    }
}

impl History {
    /// Takes note of an event and of what the world made of it.
    pub fn apply(&mut self, stored: &Stored, world: &World, facts: &[Fact]) {
        let event = stored.body.as_ref().ok();
        for fact in facts {
            self.note(fact, &Moment { world, event });
            if fact.what == fold::What::Triggered || fact.run.is_ended() {
                self.settle(&fact.run.context, stored.position);
            }
        }
        let context = event.and_then(context_of);
        if let Some(context) = &context
            && self.list(context, stored.position)
        {
            self.settle(context, stored.position);
        }
        // Of an event that a run took the run says it, whatever project its data name.
        let of_run = facts.first().map(|fact| fact.run.project.clone());
        let project =
            of_run.or_else(|| event.and_then(|event| self.project_of(event, context.as_ref())));
        self.events.push(stored.position, &stored.subject, project.as_ref());
        while self.is_full() {
            let Some((_, oldest)) = self.closed.get_min().cloned() else { break };
            self.forget(&oldest);
        }
    }

    fn note(&mut self, fact: &Fact, moment: &Moment<'_>) {
        let key = fact.run.key;
        if fact.what == fold::What::Triggered {
            let record = record::begun(&fact.run, moment.event);
            self.enter(&record);
            self.runs.insert(key, Kept::new(record));
        }
        // A run that was forgotten stays forgotten.
        let Some(kept) = self.runs.get_mut(&key) else { return };
        kept.change(|record| record::note(record, fact, moment));
        if fact.run.is_ended() && fact.run.open.is_none() {
            kept.pack();
        }
        if fact.what == fold::What::Decided
            && let Some(record) = self.run(key)
        {
            self.index_services(&record);
        }
        if fact.run.is_ended() {
            self.open.remove(&key);
        }
    }

    /// Puts a new run into every index.
    fn enter(&mut self, record: &Sequence) {
        let key = record.position;
        let delivery = self.delivery_mut(&record.keptn_context, key);
        delivery.runs.push(key);
        let surplus = (delivery.runs.len() > RUNS_PER_DELIVERY_MAX).then(|| delivery.runs.clone());
        self.open.insert(key);
        self.by_stage
            .entry((record.project.clone(), record.stage.clone()))
            .or_default()
            .insert(key);
        let ended = surplus.and_then(|runs| runs.into_iter().find(|key| !self.open.contains(key)));
        if let Some(ended) = ended {
            self.forget_run(ended);
            self.delivery_mut(&record.keptn_context, key).runs.retain(|key| *key != ended);
        }
    }

    fn index_services(&mut self, record: &Sequence) {
        for one in &record.services {
            let runs =
                self.by_service.entry((record.project.clone(), one.service.clone())).or_default();
            runs.insert(record.position);
        }
    }

    fn delivery_mut(&mut self, context: &KeptnContext, position: Position) -> &mut Delivery {
        let new = || {
            Arc::new(Delivery { first: position, runs: Vec::new(), events: Positions::default() })
        };
        Arc::make_mut(self.deliveries.entry(context.clone()).or_insert_with(new))
    }

    /// Lists an event with its delivery; tells whether it is the first.
    fn list(&mut self, context: &KeptnContext, position: Position) -> bool {
        let delivery = self.delivery_mut(context, position);
        let before = delivery.events.len();
        delivery.events.push(position);
        let after = delivery.events.len();
        self.listed_events = (self.listed_events + after).saturating_sub(before);
        before == 0
    }

    /// Notes whether a delivery may be forgotten.
    fn settle(&mut self, context: &KeptnContext, position: Position) {
        // The map's own copy of the context: it is one piece of memory with the one that is kept.
        let Some((context, delivery)) = self.deliveries.get_key_value(context) else { return };
        let (context, first) = (context.clone(), delivery.first);
        if delivery.runs.iter().any(|key| self.open.contains(key)) {
            self.closed.remove(&first);
        } else if self.closed.insert(first, context.clone()).is_none() && first != position {
            // It will hardly grow again.
            self.delivery_mut(&context, position).shrink();
        }
    }

    fn is_full(&self) -> bool {
        self.deliveries.len() > DELIVERIES_MAX
            || self.runs.len() > RUNS_MAX
            || self.listed_events > LISTED_EVENTS_MAX
    }

    fn forget(&mut self, context: &KeptnContext) {
        let Some(delivery) = self.deliveries.remove(context) else { return };
        self.closed.remove(&delivery.first);
        self.listed_events = self.listed_events.saturating_sub(delivery.events.len());
        for key in &delivery.runs {
            self.forget_run(*key);
        }
    }

    fn forget_run(&mut self, key: RunKey) {
        let Some(record) = self.run(key) else { return };
        self.runs.remove(&key);
        remove_from(&mut self.by_stage, &(record.project.clone(), record.stage), key);
        for one in record.services {
            remove_from(&mut self.by_service, &(record.project.clone(), one.service), key);
        }
    }

    /// Returns the project that an event is about: the one it names, else its delivery's.
    fn project_of(&self, event: &Event, context: Option<&KeptnContext>) -> Option<ProjectName> {
        let named = event.data.head().project.and_then(|name| ProjectName::new(&name).ok());
        named.or_else(|| {
            let last = self.deliveries.get(context?)?.runs.last()?;
            self.run(*last).map(|record| record.project)
        })
    }

    /// Returns the record of a run, as of the last event that concerned it.
    pub fn run(&self, key: RunKey) -> Option<Sequence> {
        self.runs.get(&key)?.record()
    }

    /// Returns the runs of a delivery, oldest first.
    pub fn runs_of(&self, context: &KeptnContext) -> &[RunKey] {
        self.deliveries.get(context).map_or(&[], |delivery| &delivery.runs)
    }

    /// Returns the runs before a position, newest first.
    pub fn runs_before(&self, before: Position) -> impl Iterator<Item = RunKey> + '_ {
        self.runs.range(..before).rev().map(|(key, _)| *key)
    }

    /// Returns the runs that have not ended.
    pub fn open(&self) -> &OrdSet<RunKey> {
        &self.open
    }

    /// Returns the runs per project and stage.
    pub fn by_stage(&self) -> &OrdMap<(ProjectName, StageName), OrdSet<RunKey>> {
        &self.by_stage
    }

    /// Returns the runs per project and service.
    pub fn by_service(&self) -> &OrdMap<(ProjectName, ServiceName), OrdSet<RunKey>> {
        &self.by_service
    }

    /// Tells whether a delivery is known.
    pub fn has_delivery(&self, context: &KeptnContext) -> bool {
        self.deliveries.contains_key(context)
    }

    /// Returns the deliveries whose context is not before `start`, in the order of contexts.
    pub fn deliveries_from<'a>(
        &'a self,
        start: &KeptnContext,
    ) -> impl Iterator<Item = &'a KeptnContext> + use<'a> {
        self.deliveries.range(start.clone()..).map(|(context, _)| context)
    }

    /// Returns the positions of the events of a delivery, oldest first.
    pub fn events_of(&self, context: &KeptnContext) -> Vec<Position> {
        self.deliveries
            .get(context)
            .map(|delivery| delivery.events.iter().collect())
            .unwrap_or_default()
    }

    /// Returns where the events of projects stand.
    pub fn events(&self) -> &EventIndex {
        &self.events
    }
}

fn remove_from<K: Ord + Clone>(index: &mut OrdMap<K, OrdSet<RunKey>>, at: &K, key: RunKey) {
    let Some(keys) = index.get_mut(at) else { return };
    keys.remove(&key);
    if keys.is_empty() {
        index.remove(at);
    }
}

/// Returns the delivery that an event belongs to: a trigger and a command without a context begin
/// one, any other event without one belongs to none.
fn context_of(event: &Event) -> Option<KeptnContext> {
    if let Some(context) = &event.context {
        return Some(context.clone());
    }
    match &event.event_type {
        EventType::Sequence(_, _, Kind::Triggered) | EventType::Command(_, _, Kind::Triggered) => {
            Some(KeptnContext::of_trigger(&event.id))
        }
        EventType::Sequence(_, _, Kind::Started | Kind::StatusChanged | Kind::Finished)
        | EventType::Command(_, _, Kind::Started | Kind::StatusChanged | Kind::Finished)
        | EventType::Task(_, _)
        | EventType::LogError
        | EventType::Other(_) => None,
    }
}
