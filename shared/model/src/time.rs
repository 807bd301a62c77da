//! Time as the stream tells it. Nothing here reads a clock.

use std::{fmt, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// A moment by the server's clock: nanoseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamTime(i64);

impl StreamTime {
    /// Returns the moment `nanos` nanoseconds after the epoch.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// Returns nanoseconds since the epoch.
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// Returns the moment `wait` later; stays at the end of time when that is too far.
    #[must_use]
    pub fn after(self, wait: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(wait.as_nanos()).unwrap_or(i64::MAX)))
    }

    /// Returns the time from `earlier` to this moment, zero if it lies before.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Parses RFC 3339 text.
    pub fn parse(text: &str) -> Option<Self> {
        let moment = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        i64::try_from(moment.unix_timestamp_nanos()).ok().map(Self)
    }
}

impl fmt::Display for StreamTime {
    /// RFC 3339 in UTC, with as many digits as the moment has.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0))
            .ok()
            .and_then(|moment| moment.format(&Rfc3339).ok());
        f.write_str(text.as_deref().unwrap_or("1970-01-01T00:00:00Z"))
    }
}

impl Serialize for StreamTime {
    /// RFC 3339 text in JSON, nanoseconds in a snapshot.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            self.0.serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for StreamTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let text = String::deserialize(deserializer)?;
            Self::parse(&text)
                .ok_or_else(|| serde::de::Error::custom(format!("`{text}` is no RFC 3339 time")))
        } else {
            i64::deserialize(deserializer).map(Self)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_reads_back() {
        let moment = StreamTime::from_nanos(1_703_159_125_123_456_789);
        assert_eq!(moment.to_string(), "2023-12-21T11:45:25.123456789Z");
        assert_eq!(StreamTime::parse(&moment.to_string()), Some(moment));
        assert_eq!(StreamTime::parse("yesterday"), None);
    }

    #[test]
    fn differences_do_not_go_below_zero() {
        let early = StreamTime::from_nanos(5);
        assert_eq!(early.since(StreamTime::from_nanos(9)), Duration::ZERO);
        assert_eq!(early.after(Duration::from_nanos(3)).as_nanos(), 8);
    }
}
