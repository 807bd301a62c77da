//! How long ago something was, beside the other spans in words.

use model::StreamTime;
pub(crate) use model::span::{at_most, coarse, exact};

/// Returns how long ago `then` was: `48 s ago`.
pub(crate) fn ago(then: StreamTime, now: StreamTime) -> String {
    format!("{} ago", coarse(now.since(then)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_behind_shows_zero() {
        let later = StreamTime::from_nanos(9_000_000_000);
        assert_eq!(ago(later, StreamTime::from_nanos(0)), "0 s ago");
    }
}
