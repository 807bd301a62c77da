//! The stored events, ready to be asked.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::Arc,
};

use model::{Event, EventType, Kind, Position, Stored, StreamTime};
use serde_json::Value;

/// A stored event.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'a> {
    pub(super) position: Position,
    pub(super) time: StreamTime,
    pub(super) event: &'a Event,
}

impl fmt::Display for Entry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.event.event_type, self.position)
    }
}

impl Entry<'_> {
    /// Returns a member of the data that is text.
    pub(super) fn text(&self, key: &str) -> Option<String> {
        self.event.data.to_map().get(key)?.as_str().map(str::to_owned)
    }

    /// Returns the services that it is about.
    pub(super) fn services(&self) -> Vec<String> {
        let data = self.event.data.to_map();
        match data.get("services").and_then(Value::as_object) {
            Some(services) => services.keys().cloned().collect(),
            None => self.text("service").into_iter().collect(),
        }
    }

    /// Tells whether it is a time-out that was stored before its own deadline, which is its time.
    pub(super) fn is_early(&self) -> bool {
        let is_time_out = matches!(self.event.event_type, EventType::Task(_, Kind::Finished))
            && self.event.source == fold::sequence::SOURCE;
        let deadline = self.event.time.as_deref().and_then(StreamTime::parse);
        is_time_out && deadline.is_some_and(|deadline| self.time < deadline)
    }
}

/// All of them.
pub(super) struct Log<'a> {
    entries: Vec<Entry<'a>>,
    unreadable: Vec<&'a Stored>,
    by_id: BTreeMap<&'a str, Vec<Entry<'a>>>,
    answers: HashMap<&'a str, Vec<Entry<'a>>>,
}

impl<'a> Log<'a> {
    pub(super) fn new(stored: &'a [Arc<Stored>]) -> Self {
        let mut log = Self {
            entries: Vec::with_capacity(stored.len()),
            unreadable: Vec::new(),
            by_id: BTreeMap::new(),
            answers: HashMap::new(),
        };
        for one in stored {
            match &one.body {
                Ok(event) => {
                    log.enter(Entry { position: one.position, time: one.time, event });
                }
                Err(_) => log.unreadable.push(one),
            }
        }
        log
    }

    fn enter(&mut self, entry: Entry<'a>) {
        self.entries.push(entry);
        self.by_id.entry(entry.event.id.as_str()).or_default().push(entry);
        if let Some(cause) = &entry.event.triggered_id {
            self.answers.entry(cause.as_str()).or_default().push(entry);
        }
    }

    pub(super) fn entries(&self) -> &[Entry<'a>] {
        &self.entries
    }

    pub(super) fn unreadable(&self) -> &[&'a Stored] {
        &self.unreadable
    }

    pub(super) fn by_id(&self) -> impl Iterator<Item = (&str, &[Entry<'a>])> {
        self.by_id.iter().map(|(id, entries)| (*id, entries.as_slice()))
    }

    pub(super) fn with_id(&self, id: &str) -> impl Iterator<Item = &Entry<'a>> {
        self.by_id.get(id).into_iter().flatten()
    }

    /// Returns what names an event as its cause, in order.
    pub(super) fn answers(&self, id: &str) -> impl Iterator<Item = &Entry<'a>> {
        self.answers.get(id).into_iter().flatten()
    }
}
