//! A message of the stream as it is stored, and its decoding into an event.

use std::{str::FromStr, sync::Arc};

use async_nats::{HeaderMap, Message};
use bytes::Bytes;
use model::{Event, Malformed, Position, Stored, StreamTime};

use crate::{Digest, binary_mode, names::CONTENT_TYPE};

/// Start of the reply subject of a message that a consumer delivers.
const ACK_PREFIX: &str = "$JS.ACK.";

/// A stored message, undecoded; copies share the bytes.
#[derive(Clone, Debug)]
pub struct RawMessage {
    /// Sequence number in the stream.
    pub position: Position,
    /// When the server stored it.
    pub time: StreamTime,
    /// Messages for this reader that are stored behind it, as far as the server knew.
    pub pending: u64,
    pub(crate) subject: async_nats::Subject,
    pub(crate) headers: Option<Arc<HeaderMap>>,
    pub(crate) bytes: usize,
    pub(crate) payload: Bytes,
}

impl RawMessage {
    /// Returns the subject it was published on.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Returns the body as it was published.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// Returns bytes of subject, headers and body: what it weighs in the log.
    pub fn size(&self) -> u64 {
        u64::try_from(self.bytes).unwrap_or(u64::MAX)
    }

    /// Returns the hash over time, subject and body.
    pub fn digest(&self) -> Digest {
        Digest::of(self.time, &self.subject, &self.payload)
    }

    /// Makes a message of its parts, as if it had just been received; none if a header cannot be one.
    pub fn from_parts(subject: &str, headers: &[(&str, &str)], payload: Vec<u8>) -> Option<Self> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name = async_nats::HeaderName::from_str(name).ok()?;
            map.append(name, async_nats::HeaderValue::from_str(value).ok()?);
        }
        Some(Self {
            position: 1,
            time: StreamTime::default(),
            pending: 0,
            subject: async_nats::Subject::from(subject.to_owned()),
            headers: (!map.is_empty()).then(|| Arc::new(map)),
            bytes: payload.len(),
            payload: Bytes::from(payload),
        })
    }

    /// Decodes the event: structured mode by its header, binary mode by its `ce-` headers, and
    /// structured JSON without a header, as plain publishers send it.
    ///
    /// # Errors
    /// [`Malformed`] with the rule that is broken, never with the body.
    pub fn event(&self) -> Result<Event, Malformed> {
        match &self.headers {
            Some(headers) if !is_structured(headers) && binary_mode::is_binary(headers) => {
                Event::from_json(&binary_mode::to_json(headers, &self.payload)?)
            }
            Some(_) | None => Event::from_json(&self.payload),
        }
    }

    /// Decodes the message; what cannot be decoded is a value, too.
    pub fn stored(&self) -> Stored {
        Stored::new(self.position, self.time, &self.subject, self.event())
    }

    /// Takes a message that a consumer delivered, with its sequence number in that consumer.
    pub(crate) fn from_delivery(message: Message) -> Option<(Self, Delivered)> {
        let (delivered, position, time) = parse_reply(message.reply.as_deref()?)?;
        let raw = Self {
            position,
            time,
            pending: delivered.pending,
            subject: message.subject,
            headers: message.headers.map(Arc::new),
            bytes: message.length,
            payload: message.payload,
        };
        Some((raw, delivered))
    }
}

/// What a consumer says about a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Delivered {
    /// Its number in the consumer, without gaps.
    pub(crate) consumer_sequence: u64,
    /// How often it was delivered, this time included.
    pub(crate) count: u64,
    /// Messages behind it.
    pub(crate) pending: u64,
}

fn is_structured(headers: &HeaderMap) -> bool {
    binary_mode::header(headers, CONTENT_TYPE)
        .is_some_and(|value| value.to_ascii_lowercase().starts_with("application/cloudevents"))
}

/// Reads `$JS.ACK.[<domain>.<account>.]<stream>.<consumer>.<delivered>.<stream seq>.<consumer
/// seq>.<time>.<pending>[.<more>]`.
fn parse_reply(reply: &str) -> Option<(Delivered, Position, StreamTime)> {
    let rest = reply.strip_prefix(ACK_PREFIX)?;
    // Seven parts without domain and account, nine or more with them.
    let with_domain = rest.bytes().filter(|byte| *byte == b'.').count() >= 8;
    let mut parts = rest.split('.').skip(if with_domain { 4 } else { 2 });
    let count = number(parts.next())?;
    let position = number(parts.next())?;
    let consumer_sequence = number(parts.next())?;
    let time = number(parts.next())?;
    let pending = number(parts.next())?;
    let delivered = Delivered { consumer_sequence, count, pending };
    Some((delivered, position, StreamTime::from_nanos(time)))
}

fn number<T: FromStr>(text: Option<&str>) -> Option<T> {
    text?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_the_reply_are_read() {
        let expected = Delivered { consumer_sequence: 22, count: 1, pending: 4 };
        let time = StreamTime::from_nanos(1_700_000_000_000_000_123);
        for reply in [
            "$JS.ACK.keptn.c1.1.812.22.1700000000000000123.4",
            "$JS.ACK._.hash.keptn.c1.1.812.22.1700000000000000123.4.token",
            "$JS.ACK._.hash.keptn.c1.1.812.22.1700000000000000123.4",
        ] {
            assert_eq!(parse_reply(reply), Some((expected, 812, time)), "{reply}");
        }
        assert_eq!(parse_reply("_INBOX.x"), None);
        assert_eq!(parse_reply("$JS.ACK.keptn.c1.1.x.22.17.4"), None);
    }
}
