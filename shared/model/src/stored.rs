//! An event as the stream stores it.

use crate::{Event, Malformed, StreamTime, name::shortened};

/// Sequence number of a message in the stream; the first is 1.
pub type Position = u64;

/// A message of the stream: where and when it was stored, and what it says or why it says nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// Sequence number in the stream.
    pub position: Position,
    /// When the server stored it.
    pub time: StreamTime,
    /// Subject it was published on.
    pub subject: Box<str>,
    /// The event, or why it can never be handled.
    pub body: Result<Event, Malformed>,
}

impl Stored {
    /// Puts a decoded body to its place; an event whose type is not its subject is malformed.
    pub fn new(
        position: Position,
        time: StreamTime,
        subject: &str,
        body: Result<Event, Malformed>,
    ) -> Self {
        let body = body.and_then(|event| check_subject(event, subject));
        Self { position, time, subject: subject.into(), body }
    }
}

fn check_subject(event: Event, subject: &str) -> Result<Event, Malformed> {
    if event.event_type.is_spelled(subject) {
        return Ok(event);
    }
    let name = event.event_type.to_string();
    Err(Malformed::new(format!(
        "`type` must be the subject it is published on, is `{}`",
        shortened(&name)
    )))
}
