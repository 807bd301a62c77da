//! Says events: many at once, each stored once, none later than it was decided.

mod batch;
mod group;

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_nats::{HeaderMap, RequestErrorKind};
use bytes::Bytes;
use model::Position;
use serde::Deserialize;
use tokio::sync::Semaphore;

use self::group::Group;
use crate::{
    Bus,
    api::WireError,
    connection::Live,
    names::{CLOUD_EVENT_JSON, CONTENT_TYPE, EXPECTED_LAST_SUBJECT_SEQUENCE, MESSAGE_ID, STREAM},
};

/// Events on their way at the same time. More than this were never useful: the server acknowledges
/// as fast at 256 as at 1024, only later.
pub const IN_FLIGHT_MAX: usize = 1024;

/// How long an acknowledgement may take: a cluster elects a leader in less than six seconds.
pub(crate) const ACK_WAIT: Duration = Duration::from_secs(6);

/// `wrong last sequence`, and the same about a write that is still on its way.
const CODES_WRONG_LAST_SEQUENCE: [u64; 2] = [10071, 10164];
/// A message that is larger than the stream allows.
const CODE_TOO_LARGE: u64 = 10054;
/// No more storage for the stream, the account or the server.
const CODES_NO_ROOM: [u64; 5] = [10077, 10047, 10023, 10002, 10028];

/// An event to be said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// The type of the event.
    pub subject: String,
    /// The event as structured JSON.
    pub event_json: String,
    /// What the server tells a repetition by; the id of the event.
    pub message_id: String,
    /// Stored only if this is the last position on the subject; 0: if there is none.
    pub expected_last_subject_sequence: Option<Position>,
}

/// The stream has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublishAck {
    /// Where it is stored.
    pub position: Position,
    /// It was stored there before.
    pub duplicate: bool,
}

/// Why an event was not, or not surely, stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// Somebody spoke on the subject since the position that was expected. Not stored.
    #[error("the last event on `{subject}` must be the one that was read, is another; read on")]
    WrongLastSequence {
        /// The subject.
        subject: String,
    },
    /// The stream, the account or the server is full. Not stored.
    #[error(
        "the stream must have room: {description} (code {code}); give it more bytes or trim it"
    )]
    NoRoom {
        /// The server's words.
        description: String,
        /// Its error code.
        code: u64,
    },
    /// The message is larger than the server takes. Not stored.
    #[error("an event must be at most {bytes_max} bytes, has {bytes}")]
    TooLarge {
        /// Its size with headers, or without where the server did not say.
        bytes: usize,
        /// What the server takes.
        bytes_max: usize,
    },
    /// We may not publish on this subject. Not stored.
    #[error(
        "publishing on `{subject}` must be permitted, is not; check the permissions of this user"
    )]
    NotAllowed {
        /// The subject.
        subject: String,
    },
    /// No stream takes this subject. Not stored.
    #[error(
        "a stream must hold `{subject}`, none does; is JetStream enabled, was the stream removed?"
    )]
    NoStream {
        /// The subject.
        subject: String,
    },
    /// The server said no for another reason. Not stored.
    #[error("NATS refused an event on `{subject}`: {description} (code {code})")]
    Refused {
        /// The subject.
        subject: String,
        /// The server's words.
        description: String,
        /// Its error code.
        code: u64,
    },
    /// No acknowledgement in time. It may be stored.
    #[error("NATS must acknowledge an event on `{subject}` within {limit:?}, did not")]
    NoAck {
        /// The subject.
        subject: String,
        /// How long it was waited.
        limit: Duration,
    },
    /// There is no connection, or it broke. If it broke, the event may be stored.
    #[error("NATS must be connected to publish on `{subject}`, is not")]
    Disconnected {
        /// The subject.
        subject: String,
    },
}

impl PublishError {
    /// Returns whether the event may be stored although nobody said so.
    pub fn may_be_stored(&self) -> bool {
        match self {
            Self::NoAck { .. } | Self::Disconnected { .. } => true,
            Self::WrongLastSequence { .. }
            | Self::NoRoom { .. }
            | Self::TooLarge { .. }
            | Self::NotAllowed { .. }
            | Self::NoStream { .. }
            | Self::Refused { .. } => false,
        }
    }

    /// Returns whether the same event may be stored later, without a change to it.
    pub fn retryable(&self) -> bool {
        match self {
            Self::NoAck { .. }
            | Self::Disconnected { .. }
            | Self::NoRoom { .. }
            | Self::NoStream { .. }
            | Self::WrongLastSequence { .. } => true,
            Self::TooLarge { .. } | Self::NotAllowed { .. } | Self::Refused { .. } => false,
        }
    }
}

/// What became of the events that were said over a connection since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PublishCounts {
    /// Stored for the first time.
    pub stored: u64,
    /// Stored before, so not stored again.
    pub repeated: u64,
    /// Not, or not surely, stored.
    pub refused: u64,
}

/// Counts what becomes of events.
#[derive(Debug, Default)]
pub(crate) struct PublishTally {
    stored: AtomicU64,
    repeated: AtomicU64,
    refused: AtomicU64,
}

impl PublishTally {
    fn note(&self, published: &Result<PublishAck, PublishError>) {
        let count = match published {
            Ok(PublishAck { duplicate: false, .. }) => &self.stored,
            Ok(PublishAck { duplicate: true, .. }) => &self.repeated,
            Err(_) => &self.refused,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn counts(&self) -> PublishCounts {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        PublishCounts {
            stored: read(&self.stored),
            repeated: read(&self.repeated),
            refused: read(&self.refused),
        }
    }
}

/// Says events over the current connection; copies share the bound on what is in flight.
#[derive(Clone, Debug)]
pub struct Publisher {
    bus: Bus,
    in_flight: Arc<Semaphore>,
    /// Where the server writes each message through.
    group: Option<Group>,
}

impl Bus {
    /// Returns a publisher with a bound of its own on what is in flight. It commits in groups if
    /// [`Bus::set_profile`] was told by then of a server that writes each message through; then it
    /// must be called within a runtime.
    pub fn publisher(&self) -> Publisher {
        Publisher {
            bus: self.clone(),
            in_flight: Arc::new(Semaphore::new(IN_FLIGHT_MAX)),
            group: self.profile().commits_in_groups().then(Group::start),
        }
    }
}

impl Publisher {
    /// Returns how many more events may be put in flight without waiting.
    pub fn free(&self) -> usize {
        self.in_flight.available_permits()
    }

    /// Says an event over the connection of this moment, and waits for its acknowledgement.
    ///
    /// The event is sent when the future is first polled; futures that are polled in order are
    /// sent in order. If the connection breaks before that, it is not sent over the next one.
    ///
    /// # Errors
    /// [`PublishError`], which says whether the event may be stored all the same.
    pub fn publish(
        &self,
        outgoing: Outgoing,
    ) -> impl Future<Output = Result<PublishAck, PublishError>> + Send + use<> {
        let headers = headers(&outgoing);
        // A fence is about the stream as it is; it does not wait.
        let is_fenced = outgoing.expected_last_subject_sequence.is_some();
        let group = self.group.clone().filter(|_| !is_fenced);
        self.publish_with(headers, outgoing.subject, outgoing.event_json, group)
    }

    /// Says something under no message id: said twice, it is stored twice. For the bare loop beside
    /// which ours is measured.
    ///
    /// # Errors
    /// As [`Self::publish`].
    pub fn publish_anonymous(
        &self,
        subject: String,
        json: String,
    ) -> impl Future<Output = Result<PublishAck, PublishError>> + Send + use<> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, CLOUD_EVENT_JSON);
        self.publish_with(headers, subject, json, None)
    }

    fn publish_with(
        &self,
        headers: HeaderMap,
        subject: String,
        json: String,
        group: Option<Group>,
    ) -> impl Future<Output = Result<PublishAck, PublishError>> + Send + use<> {
        let live = self.bus.current();
        let in_flight = Arc::clone(&self.in_flight);
        let tally = self.bus.tally();
        let published = async move {
            let disconnected = || PublishError::Disconnected { subject: subject.clone() };
            let live = live.ok_or_else(disconnected)?;
            // The semaphore is never closed.
            let _permit = in_flight.acquire_owned().await.map_err(|_| disconnected())?;
            let sent = Sent { live, headers, subject, payload: Bytes::from(json) };
            match group {
                Some(group) => group.send(sent).await,
                None => send(sent).await,
            }
        };
        async move {
            let published = published.await;
            tally.note(&published);
            published
        }
    }
}

/// A message, and the connection over which it was said.
struct Sent {
    live: Live,
    headers: HeaderMap,
    subject: String,
    payload: Bytes,
}

async fn send(sent: Sent) -> Result<PublishAck, PublishError> {
    let Sent { live, headers, subject, payload } = sent;
    let bytes = payload.len();
    let bytes_max = live.client.max_payload();
    let request = live.request(subject.clone(), headers, payload, ACK_WAIT);
    let answer = tokio::select! {
        biased;
        answer = request => answer,
        () = not_allowed(&live, &subject) => return Err(PublishError::NotAllowed { subject }),
    };
    match answer {
        Ok(message) => read_ack(&subject, bytes, bytes_max, &message.payload),
        Err(RequestErrorKind::TimedOut) => Err(PublishError::NoAck { subject, limit: ACK_WAIT }),
        Err(RequestErrorKind::NoResponders) => Err(PublishError::NoStream { subject }),
        Err(RequestErrorKind::MaxPayloadExceeded) => {
            Err(PublishError::TooLarge { bytes, bytes_max })
        }
        Err(RequestErrorKind::InvalidSubject) => Err(PublishError::Refused {
            subject,
            description: "it is no valid subject".to_owned(),
            code: 0,
        }),
        Err(RequestErrorKind::Other) => Err(PublishError::Disconnected { subject }),
    }
}

fn headers(outgoing: &Outgoing) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, CLOUD_EVENT_JSON);
    headers.insert(MESSAGE_ID, outgoing.message_id.as_str());
    if let Some(position) = outgoing.expected_last_subject_sequence {
        headers.insert(EXPECTED_LAST_SUBJECT_SEQUENCE, position.to_string());
    }
    headers
}

/// Ends when the server says that this subject is not ours to publish on.
async fn not_allowed(live: &Live, subject: &str) {
    let mut violations = live.violations.clone();
    violations.mark_unchanged();
    loop {
        if violations.changed().await.is_err() {
            return std::future::pending().await;
        }
        let seen = violations.borrow_and_update();
        if seen.as_ref().is_some_and(|violation| violation.subject == subject) {
            return;
        }
    }
}

#[derive(Deserialize)]
struct WireAck {
    error: Option<WireError>,
    stream: Option<String>,
    seq: Option<Position>,
    #[serde(default)]
    duplicate: bool,
}

fn read_ack(
    subject: &str,
    bytes: usize,
    bytes_max: usize,
    payload: &[u8],
) -> Result<PublishAck, PublishError> {
    let subject = subject.to_owned();
    let refused = |description: String, code| PublishError::Refused {
        subject: subject.clone(),
        description,
        code,
    };
    let ack: WireAck = serde_json::from_slice(payload)
        .map_err(|_| refused("the answer is no acknowledgement".to_owned(), 0))?;
    match (ack.error, ack.stream.as_deref(), ack.seq) {
        (None, Some(STREAM), Some(position)) => {
            Ok(PublishAck { position, duplicate: ack.duplicate })
        }
        (None, stream, _) => Err(refused(
            format!("stream `{}` answered instead of `{STREAM}`", stream.unwrap_or_default()),
            0,
        )),
        (Some(error), _, _) => {
            let code = error.number();
            if CODES_WRONG_LAST_SEQUENCE.contains(&code) {
                Err(PublishError::WrongLastSequence { subject })
            } else if CODES_NO_ROOM.contains(&code) {
                Err(PublishError::NoRoom { description: error.description, code })
            } else if code == CODE_TOO_LARGE {
                Err(PublishError::TooLarge { bytes, bytes_max })
            } else {
                Err(refused(error.description, code))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(payload: &str) -> Result<PublishAck, PublishError> {
        read_ack("s", 5, 9, payload.as_bytes())
    }

    #[test]
    fn acknowledgements_are_read() {
        let ack = PublishAck { position: 22, duplicate: true };
        assert_eq!(read(r#"{"stream":"keptn","seq":22,"duplicate":true}"#), Ok(ack));
        assert!(matches!(read(r#"{"stream":"x","seq":1}"#), Err(PublishError::Refused { .. })));
        assert!(matches!(read("no"), Err(PublishError::Refused { .. })));
    }

    #[test]
    fn refusals_are_told_apart() {
        let error = |code: u64| {
            let text = format!(
                r#"{{"error":{{"code":400,"err_code":{code},"description":"d"}},"stream":"keptn"}}"#
            );
            read(&text).unwrap_err()
        };
        for code in [10071, 10164] {
            assert_eq!(error(code), PublishError::WrongLastSequence { subject: "s".to_owned() });
        }
        assert_eq!(error(10077), PublishError::NoRoom { description: "d".to_owned(), code: 10077 });
        assert_eq!(error(10054), PublishError::TooLarge { bytes: 5, bytes_max: 9 });
        assert!(matches!(error(10076), PublishError::Refused { code: 10076, .. }));
        assert!(!error(10077).may_be_stored());
    }
}
