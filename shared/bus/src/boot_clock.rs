//! A clock that runs on while the machine sleeps and never jumps: the only one that waits are
//! measured by. It has no relation to the time of day.

use std::time::Duration;

/// A moment of the boot-time clock: nanoseconds since some fixed moment before this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BootTime(i64);

impl BootTime {
    /// Reads the clock.
    pub fn now() -> Self {
        let now = rustix::time::clock_gettime(CLOCK);
        Self(now.tv_sec.saturating_mul(NANOS_PER_SEC).saturating_add(now.tv_nsec))
    }

    /// Returns nanoseconds since the clock's own start.
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// Returns the moment with these nanoseconds since the clock's own start.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// Returns the time from `earlier` to this moment, zero if it lies before.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Returns the moment `wait` later.
    #[must_use]
    pub fn after(self, wait: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(wait.as_nanos()).unwrap_or(i64::MAX)))
    }
}

const NANOS_PER_SEC: i64 = 1_000_000_000;

/// Counts suspended time on Linux; elsewhere the monotonic clock is the nearest there is.
#[cfg(target_os = "linux")]
const CLOCK: rustix::time::ClockId = rustix::time::ClockId::Boottime;
#[cfg(not(target_os = "linux"))]
const CLOCK: rustix::time::ClockId = rustix::time::ClockId::Monotonic;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_does_not_run_backwards() {
        let first = BootTime::now();
        let second = BootTime::now();
        assert!(second >= first);
        assert_eq!(first.since(second), Duration::ZERO.max(first.since(second)));
        assert_eq!(first.after(Duration::from_secs(1)).since(first), Duration::from_secs(1));
    }
}
