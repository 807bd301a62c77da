//! Reads events from the stream for an answer: as many as a message holds.

use bus::{Bus, RawMessage};
use model::{
    Event, Payload,
    view::{EventEntry, Events, QueryError, QueryErrorCode, Refusal},
};
use serde_json::{json, value::RawValue};

use crate::answers::{EventsPage, LIST_BYTES_MAX};

/// Messages that are read at once; each may have a megabyte.
const READ_AT_ONCE: usize = 64;
/// Bytes of an entry besides the event.
const ENTRY_BYTES: usize = 100;

/// Reads the events of a page.
pub(crate) async fn events(bus: &Bus, page: &EventsPage) -> Result<Events, Refusal> {
    let mut wanted = page.positions.clone();
    if page.is_newest {
        wanted.reverse();
    }
    let mut list = List::default();
    for positions in wanted.chunks(READ_AT_ONCE) {
        list.is_full |= list.events.len() >= page.limit;
        if list.is_full {
            break;
        }
        let messages = bus.messages_at(positions).await.map_err(|error| Refusal {
            error: QueryError {
                code: QueryErrorCode::Behind,
                message: format!("the stream must be readable to list events: {error}"),
                hint: Some("ask again".to_owned()),
            },
            position: page.position,
        })?;
        let meant =
            |message: &&RawMessage| page.is_about(message.subject(), || message.event().ok());
        for message in messages.iter().filter(meant) {
            list.add(message, page.limit);
        }
    }
    let List { mut events, is_full, .. } = list;
    let reached = events.last().map(|event| event.position);
    if page.is_newest {
        events.reverse();
    }
    // What did not fit beside the last one is on the next page.
    let next_after = if is_full && !page.is_newest { reached } else { page.next_after };
    let next_before = if is_full && page.is_newest { reached } else { page.next_before };
    Ok(Events { position: page.position, events, next_after, next_before })
}

/// Events of an answer.
#[derive(Default)]
struct List {
    events: Vec<EventEntry>,
    bytes: usize,
    is_full: bool,
}

impl List {
    fn add(&mut self, message: &RawMessage, limit: usize) {
        self.is_full |= self.events.len() >= limit;
        if self.is_full {
            return;
        }
        let Some(event) = event(message) else { return };
        self.bytes += event.get().len() + ENTRY_BYTES;
        self.is_full |= self.bytes > LIST_BYTES_MAX;
        if !self.is_full {
            let (position, time) = (message.position, message.time);
            self.events.push(EventEntry { position, time, event });
        }
    }
}

/// Returns an event as it was published, if that is JSON; one in binary mode in structured form.
fn event(message: &RawMessage) -> Option<Box<RawValue>> {
    let published = std::str::from_utf8(message.payload()).ok();
    let is_structured = Event::from_json(message.payload()).is_ok();
    let text = match (published, message.event()) {
        (Some(published), _) if is_structured && fits(published) => published.to_owned(),
        (_, Ok(event)) => {
            let json = event.to_json();
            if fits(&json) { json } else { without_data(event, json.len()) }
        }
        (published, Err(malformed)) => {
            published.filter(|published| fits(published) && is_object(published)).map_or_else(
                || json!({ "type": message.subject(), "malformed": malformed.reason }).to_string(),
                str::to_owned,
            )
        }
    };
    RawValue::from_string(text).ok()
}

fn fits(text: &str) -> bool {
    text.len() + ENTRY_BYTES <= LIST_BYTES_MAX
}

fn is_object(text: &str) -> bool {
    serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text).is_ok()
}

/// Writes an event that is as large as an answer without what makes it large.
fn without_data(mut event: Event, bytes: usize) -> String {
    let note = json!({ "omitted": format!("the event has {bytes} bytes, more than an answer") });
    event.data = note.as_object().map_or_else(Payload::empty, Payload::from_map);
    event.to_json()
}
