//! Waiting for a level with a limit: the one place where a test lets time pass.

use std::thread;
use std::time::{Duration, Instant};

/// Longest wait for anything that should take well under a second; the rest is room for a machine
/// that compiles at the same time.
pub const LIMIT: Duration = Duration::from_secs(30);
/// Pause between two looks at a level that nobody announces.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Looks until `look` returns `Ok`; fails with what it said last.
#[track_caller]
pub fn until<T>(what: &str, look: impl FnMut() -> Result<T, String>) -> T {
    within(LIMIT, what, look)
}

/// Looks until `look` returns `Ok`, at most for `limit`; fails with what it said last.
#[track_caller]
pub fn within<T>(limit: Duration, what: &str, mut look: impl FnMut() -> Result<T, String>) -> T {
    let deadline = Instant::now() + limit;
    loop {
        match look() {
            Ok(value) => return value,
            Err(seen) if Instant::now() > deadline => {
                panic!("{what}: not within {limit:?}; seen last: {seen}")
            }
            Err(_) => thread::park_timeout(LOOK_EVERY),
        }
    }
}

/// Lets time pass where the time itself is the fault: between two kills, during an outage.
pub fn pass(time: Duration) {
    let deadline = Instant::now() + time;
    while let Some(left) = deadline.checked_duration_since(Instant::now()) {
        thread::park_timeout(left);
    }
}
