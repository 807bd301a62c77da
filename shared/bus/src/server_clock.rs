//! The server's clock, as far as it is known here: an offset to the boot-time clock that is never
//! too large, so that nothing is thought due before the server agrees.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use model::StreamTime;

use crate::BootTime;

/// A message that seems older than this is either late or the server's clock was set back; then
/// the server is asked.
const SUSPICIOUS_AGE: Duration = Duration::from_secs(1);

/// No offset is known yet.
const UNKNOWN: i64 = i64::MIN;

/// Offset between the server's clock and [`BootTime`]; copies share it.
///
/// A message that was stored at `t` and arrives at `b` proves an offset of at least `t - b`, and
/// so does an answer of the server. The largest such bound is kept until the server is asked
/// again (on every connect, and each minute), which also follows a clock that was set back.
#[derive(Clone, Debug)]
pub struct ServerClock {
    offset_nanos: Arc<AtomicI64>,
}

impl Default for ServerClock {
    fn default() -> Self {
        Self { offset_nanos: Arc::new(AtomicI64::new(UNKNOWN)) }
    }
}

impl ServerClock {
    /// Returns the server's time, at most as late as it really is; the epoch before the server
    /// was first heard, at which nothing is due.
    pub fn now(&self) -> StreamTime {
        self.at(BootTime::now())
    }

    /// Returns the server's time at a moment of the boot-time clock.
    pub fn at(&self, moment: BootTime) -> StreamTime {
        match self.offset_nanos.load(Ordering::Relaxed) {
            UNKNOWN => StreamTime::default(),
            offset => StreamTime::from_nanos(moment.as_nanos().saturating_add(offset)),
        }
    }

    /// Learns from an answer that carries the server's time; replaces what was known.
    pub(crate) fn answered(&self, server: StreamTime, received: BootTime) {
        self.offset_nanos.store(offset(server, received), Ordering::Relaxed);
    }

    /// Learns from a message that was stored just now. Returns whether the server should be asked.
    pub(crate) fn heard(&self, stored: StreamTime, received: BootTime) -> bool {
        let seen = offset(stored, received);
        let known = self.offset_nanos.fetch_max(seen, Ordering::Relaxed);
        known != UNKNOWN && i128::from(known) - i128::from(seen) > i128_nanos(SUSPICIOUS_AGE)
    }
}

fn offset(server: StreamTime, received: BootTime) -> i64 {
    server.as_nanos().saturating_sub(received.as_nanos()).max(UNKNOWN + 1)
}

fn i128_nanos(wait: Duration) -> i128 {
    i128::try_from(wait.as_nanos()).unwrap_or(i128::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(nanos: i64) -> BootTime {
        BootTime::from_nanos(nanos)
    }

    #[test]
    fn before_the_server_was_heard_nothing_is_due() {
        assert_eq!(ServerClock::default().now(), StreamTime::default());
    }

    #[test]
    fn a_late_message_does_not_set_the_clock_back() {
        let clock = ServerClock::default();
        clock.answered(StreamTime::from_nanos(1_000), at(100));
        assert!(!clock.heard(StreamTime::from_nanos(1_050), at(200)));
        assert_eq!(clock.at(at(200)).as_nanos(), 1_100);
    }

    #[test]
    fn a_fresh_message_sets_the_clock_forward() {
        let clock = ServerClock::default();
        clock.answered(StreamTime::from_nanos(1_000), at(100));
        assert!(!clock.heard(StreamTime::from_nanos(1_500), at(200)));
        assert_eq!(clock.at(at(200)).as_nanos(), 1_500);
    }

    #[test]
    fn a_clock_that_was_set_back_is_asked_and_followed() {
        let clock = ServerClock::default();
        clock.answered(StreamTime::from_nanos(5_000_000_000), at(0));
        assert!(clock.heard(StreamTime::from_nanos(1_000_000_000), at(0)));
        clock.answered(StreamTime::from_nanos(1_000_000_000), at(0));
        assert_eq!(clock.at(at(0)).as_nanos(), 1_000_000_000);
    }
}
