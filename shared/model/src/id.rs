//! Ids: of events, of deliveries, and the ones that are derived from a cause.

use std::{cmp::Ordering, fmt, hash, sync::Arc};

use arrayvec::ArrayString;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha1::{Digest, Sha1};
use uuid::{Builder, Uuid};

use crate::spelled::Spelled;

/// Most bytes of an id or a context that comes from outside.
pub const ID_BYTES_MAX: usize = 200;

/// Namespace of every derived id: UUID v5 of `sh.keptn` in the DNS namespace.
const NAMESPACE: Uuid = Uuid::from_u128(0x9f5a_1f0e_6a50_5d0b_9d67_2c3c_04a7_5e21);

/// Version of a UUID that is the SHA-1 of a name.
const VERSION: usize = 5;

/// Separates the parts of a derived id; cannot occur in a name.
const SEPARATOR: u8 = 0x1f;

/// Bytes of a UUID; of a longer hash it takes the first.
const UUID_BYTES: usize = 16;

/// A string that cannot be an id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} must be 1-{ID_BYTES_MAX} bytes without blanks and control characters")]
pub struct InvalidId {
    /// Which attribute.
    pub what: &'static str,
}

fn is_id(value: &str) -> bool {
    let is_plain = || value.bytes().all(|byte| byte.is_ascii_graphic());
    (1..=ID_BYTES_MAX).contains(&value.len())
        && (is_plain() || !value.chars().any(|c| c.is_control() || c.is_whitespace()))
}

/// Tells whether a text is a UUID in any spelling.
pub(crate) fn is_uuid(text: &str) -> bool {
    Uuid::try_parse(text).is_ok()
}

/// Bytes of a UUID's text.
const UUID_TEXT_BYTES: usize = 36;

/// The text of an id. One as long as a UUID's, as nearly all are, takes no memory of its own, and is
/// compared without a look elsewhere.
#[derive(Clone)]
enum Text {
    Short(ArrayString<UUID_TEXT_BYTES>),
    Long(Arc<str>),
}

impl Text {
    fn as_str(&self) -> &str {
        match self {
            Self::Short(text) => text,
            Self::Long(text) => text,
        }
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        ArrayString::from(text).map_or_else(|_| Self::Long(text.into()), Self::Short)
    }
}

impl From<Uuid> for Text {
    fn from(uuid: Uuid) -> Self {
        Self::from(&*uuid.hyphenated().encode_lower(&mut Uuid::encode_buffer()))
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Text {}

impl PartialOrd for Text {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Text {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl hash::Hash for Text {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

macro_rules! id_type {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Text);

        impl $name {
            /// Parses an id.
            ///
            /// # Errors
            /// [`InvalidId`] if it is empty, too long, or holds blanks.
            pub fn new(value: &str) -> Result<Self, InvalidId> {
                if is_id(value) { Ok(Self(value.into())) } else { Err(InvalidId { what: $what }) }
            }

            /// Returns the id as text.
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(Spelled(Self::new))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(self.as_str(), f)
            }
        }
    };
}

id_type!(
    /// Id of one event; unique, and the `Nats-Msg-Id` of what we publish.
    EventId, "`id`"
);
id_type!(
    /// Id that all events of one delivery share, across stages; `shkeptncontext` on the wire.
    KeptnContext, "`shkeptncontext`"
);

impl KeptnContext {
    /// Returns the context of a trigger that names none: its id if that is a UUID, else the
    /// UUID v5 of it.
    pub fn of_trigger(id: &EventId) -> Self {
        match Uuid::try_parse(id.as_str()) {
            Ok(uuid) => Self(uuid.into()),
            Err(_) => Self(DerivedId::of(&["context", id.as_str()]).uuid().into()),
        }
    }

    /// Returns the first 8 characters, for tables.
    pub fn short(&self) -> &str {
        self.as_str().get(..8).unwrap_or(self.as_str())
    }
}

/// An id that is computed from what it names, so that everybody computes the same.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DerivedId(u128);

impl DerivedId {
    /// Returns the UUID v5 over `parts`, in order.
    pub fn of(parts: &[&str]) -> Self {
        // By the hash whose code uses the processor's own instructions, not by the one in `uuid`.
        let mut hash = Sha1::new_with_prefix(NAMESPACE.as_bytes());
        for part in parts {
            hash.update(part.as_bytes());
            hash.update([SEPARATOR]);
        }
        let mut bytes = [0; UUID_BYTES];
        bytes.iter_mut().zip(hash.finalize()).for_each(|(byte, hashed)| *byte = hashed);
        Self(Builder::from_sha1_bytes(bytes).into_uuid().as_u128())
    }

    /// Returns the derived id that `id` spells, or none if it is not a UUID.
    pub fn parse(id: &str) -> Option<Self> {
        Uuid::try_parse(id).ok().map(|uuid| Self(uuid.as_u128()))
    }

    /// Tells whether it can be a derived id: an id of another kind is no derived one.
    pub fn is_derived(self) -> bool {
        self.uuid().get_version_num() == VERSION
    }

    /// Returns its 128 bits.
    pub const fn to_bits(self) -> u128 {
        self.0
    }

    /// Returns the id as the id of an event.
    pub fn event_id(self) -> EventId {
        EventId(self.uuid().into())
    }

    const fn uuid(self) -> Uuid {
        Uuid::from_u128(self.0)
    }
}

impl fmt::Display for DerivedId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.uuid().hyphenated().fmt(f)
    }
}

impl fmt::Debug for DerivedId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_into_each_other() {
        assert_ne!(DerivedId::of(&["ab", "c"]), DerivedId::of(&["a", "bc"]));
        assert_eq!(DerivedId::of(&["a"]), DerivedId::of(&["a"]));
    }

    #[test]
    fn a_derived_id_is_a_uuid_of_version_5() {
        let uuid = |id: DerivedId| Uuid::from_u128(id.to_bits());
        let id = DerivedId::of(&["trigger", "dev"]);
        assert_eq!(uuid(id), Uuid::new_v5(&NAMESPACE, b"trigger\x1fdev\x1f"));
        assert!(id.is_derived());
        let random = DerivedId::parse("0b9d19f8-1c5e-4f50-8a33-ea0c2f2f9f4f").unwrap();
        assert!(!random.is_derived());
    }

    #[test]
    fn a_derived_id_reads_back() {
        let id = DerivedId::of(&["a", "1"]);
        assert_eq!(DerivedId::parse(id.event_id().as_str()), Some(id));
    }

    #[test]
    fn a_trigger_without_context_gets_its_id_or_a_uuid_of_it() {
        let uuid = EventId::new("8e273904-d0d6-11eb-a902-784f43552794").unwrap();
        assert_eq!(KeptnContext::of_trigger(&uuid).as_str(), uuid.as_str());
        let other = EventId::new("build-17").unwrap();
        assert!(Uuid::try_parse(KeptnContext::of_trigger(&other).as_str()).is_ok());
    }

    #[test]
    fn blanks_and_length_are_refused() {
        assert!(EventId::new("a b").is_err());
        assert!(EventId::new("").is_err());
        assert!(EventId::new(&"x".repeat(201)).is_err());
    }
}
