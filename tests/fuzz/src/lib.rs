//! What all targets share: the bound on time.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Longest that one input may take of the processor's time; half of what would be felt in a loop
/// that reads the stream.
pub const INPUT_TIME_MAX: Duration = Duration::from_millis(100);

/// Runs the reading of one input, and fails if it takes too long.
pub fn within_bound<T>(read: impl FnOnce() -> T) -> T {
    let begun = spent();
    let result = read();
    let took = spent().saturating_sub(begun);
    assert!(took < INPUT_TIME_MAX, "one input took {took:?}");
    result
}

/// Returns the processor's time that this thread has used.
fn spent() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}
