//! A model of the server: one stream with positions, a window in which a message id is told again,
//! and publishes that are stored only if nobody spoke on the subject.
//!
//! A server of its own looks at the expected position before it looks at the message id, a cluster
//! after it: both were seen.

use std::{collections::HashMap, sync::Arc};

use model::{Event, Position, Stored};

use super::time::{Moment, SECOND, server_time};

/// For how long a message id is told again.
pub(super) const DUPLICATE_WINDOW: Moment = 120 * SECOND;

/// What is published.
#[derive(Clone, Debug)]
pub(super) struct Message {
    /// Where.
    pub(super) subject: Box<str>,
    /// The event as JSON, or whatever somebody sends instead.
    pub(super) text: Arc<str>,
    /// `Nats-Msg-Id`.
    pub(super) id: Option<Box<str>>,
    /// `Nats-Expected-Last-Subject-Sequence`.
    pub(super) expected: Option<Position>,
}

impl Message {
    /// Returns a message that says an event.
    pub(super) fn of(event: &Event, id: Option<&str>) -> Self {
        Self {
            subject: event.event_type.to_string().into(),
            text: event.to_json().into(),
            id: id.map(Into::into),
            expected: None,
        }
    }
}

/// What the server says to a publish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The stream has it.
    Stored {
        /// Where.
        position: Position,
        /// It had it before.
        is_duplicate: bool,
    },
    /// Somebody else spoke on the subject.
    WrongLastSequence,
    /// There is no room.
    Full,
}

/// The stream and what the server remembers of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Server {
    stored: Vec<Arc<Stored>>,
    last_on: HashMap<Box<str>, Position>,
    message_ids: HashMap<Box<str>, (Moment, Position)>,
    /// Nothing more is stored.
    pub(super) is_full: bool,
    /// It looks at the message id first.
    pub(super) is_cluster: bool,
}

impl Server {
    /// Takes a publish.
    pub(super) fn publish(&mut self, message: &Message, now: Moment) -> Answer {
        let refused = self.is_refused(message).then_some(Answer::WrongLastSequence);
        let before = self.before(message, now);
        let answer = if self.is_cluster { before.or(refused) } else { refused.or(before) };
        if let Some(answer) = answer {
            return answer;
        }
        if self.is_full {
            return Answer::Full;
        }
        let position = self.store(message, now);
        Answer::Stored { position, is_duplicate: false }
    }

    fn is_refused(&self, message: &Message) -> bool {
        message.expected.is_some_and(|expected| expected != self.last_on(&message.subject))
    }

    fn before(&self, message: &Message, now: Moment) -> Option<Answer> {
        let (at, position) = *self.message_ids.get(message.id.as_ref()?)?;
        let is_remembered = now - at <= DUPLICATE_WINDOW;
        is_remembered.then_some(Answer::Stored { position, is_duplicate: true })
    }

    fn store(&mut self, message: &Message, now: Moment) -> Position {
        let position = self.last() + 1;
        let body = Event::from_json(message.text.as_bytes());
        let stored = Stored::new(position, server_time(now), &message.subject, body);
        self.stored.push(Arc::new(stored));
        self.last_on.insert(message.subject.clone(), position);
        if let Some(id) = &message.id {
            self.message_ids.insert(id.clone(), (now, position));
        }
        position
    }

    /// Returns the position of the last message, 0 without one.
    pub(super) fn last(&self) -> Position {
        self.stored.last().map_or(0, |stored| stored.position)
    }

    /// Returns the position of the last message on a subject, 0 without one.
    pub(super) fn last_on(&self, subject: &str) -> Position {
        self.last_on.get(subject).copied().unwrap_or(0)
    }

    /// Returns the message at a position.
    pub(super) fn at(&self, position: Position) -> Option<&Arc<Stored>> {
        self.stored.get(usize::try_from(position.checked_sub(1)?).ok()?)
    }

    /// Returns every message.
    pub(super) fn all(&self) -> &[Arc<Stored>] {
        &self.stored
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(subject: &str, of: &str, expected: Option<Position>) -> Message {
        let (text, id) = ("{}".into(), Some(of.into()));
        Message { subject: subject.into(), text, id, expected }
    }

    #[test]
    fn a_message_id_is_told_again_within_the_window_only() {
        let mut server = Server::default();
        let again = Answer::Stored { position: 1, is_duplicate: true };
        server.publish(&message("a", "1", None), 0);
        assert_eq!(server.publish(&message("b", "1", None), DUPLICATE_WINDOW), again);
        let anew = server.publish(&message("b", "1", None), DUPLICATE_WINDOW + 1);
        assert_eq!(anew, Answer::Stored { position: 2, is_duplicate: false });
    }

    #[test]
    fn a_stale_repetition_is_refused_by_one_server_and_told_again_by_a_cluster() {
        let mut server = Server::default();
        server.publish(&message("a", "1", Some(0)), 0);
        assert_eq!(server.publish(&message("a", "1", Some(0)), 1), Answer::WrongLastSequence);
        server.is_cluster = true;
        let again = Answer::Stored { position: 1, is_duplicate: true };
        assert_eq!(server.publish(&message("a", "1", Some(0)), 1), again);
    }

    #[test]
    fn a_full_stream_still_tells_what_it_has() {
        let mut server = Server::default();
        server.publish(&message("a", "1", None), 0);
        server.is_full = true;
        assert_eq!(server.publish(&message("a", "2", None), 0), Answer::Full);
        let again = Answer::Stored { position: 1, is_duplicate: true };
        assert_eq!(server.publish(&message("a", "1", None), 0), again);
    }
}
