//! Where a fold stands: enough to tell, later, whether the stream is still the one that was read.

use std::fmt;

use model::{Position, StreamTime};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Bytes that are kept of the hash; a power cut does not search for collisions.
const DIGEST_BYTES: usize = 16;

/// Hash over time, subject and bytes of a message.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Digest([u8; DIGEST_BYTES]);

impl Digest {
    /// Hashes a message. Its headers are left out: the server adds to them.
    pub fn of(time: StreamTime, subject: &str, payload: &[u8]) -> Self {
        let mut hash = Sha256::new();
        hash.update(time.as_nanos().to_be_bytes());
        hash.update((subject.len() as u64).to_be_bytes());
        hash.update(subject.as_bytes());
        hash.update(payload);
        let mut digest = [0; DIGEST_BYTES];
        for (to, from) in digest.iter_mut().zip(hash.finalize()) {
            *to = from;
        }
        Self(digest)
    }

    /// Reads what `Display` writes.
    pub fn parse(text: &str) -> Option<Self> {
        let mut digest = [0; DIGEST_BYTES];
        if text.len() != 2 * DIGEST_BYTES || !text.is_ascii() {
            return None;
        }
        for (i, byte) in digest.iter_mut().enumerate() {
            *byte = u8::from_str_radix(text.get(2 * i..2 * i + 2)?, 16).ok()?;
        }
        Some(Self(digest))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The last message that was folded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Its position.
    pub position: Position,
    /// What it looked like.
    pub digest: Digest,
    /// When the stream it was read from was created.
    pub stream_created: StreamTime,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_a_digest_reads_back() {
        let digest = Digest::of(StreamTime::from_nanos(7), "sh.keptn.event.a.triggered", b"{}");
        assert_eq!(Digest::parse(&digest.to_string()), Some(digest));
        assert_eq!(Digest::parse("xyz"), None);
    }

    #[test]
    fn time_subject_and_bytes_all_count() {
        let digest =
            |time, subject, bytes: &[u8]| Digest::of(StreamTime::from_nanos(time), subject, bytes);
        let one = digest(1, "ab", b"c");
        assert_ne!(one, digest(2, "ab", b"c"));
        assert_ne!(one, digest(1, "a", b"bc"));
        assert_ne!(one, digest(1, "ab", b"d"));
    }
}
