//! Spans of time in words, for people: the command line and the page write them alike.

use std::time::Duration;

const MINUTE_SECS: u64 = 60;
const HOUR_SECS: u64 = 60 * MINUTE_SECS;
const DAY_SECS: u64 = 24 * HOUR_SECS;
/// From here on days are counted, not hours.
const DAYS_FROM_SECS: u64 = 2 * DAY_SECS;
/// Milliseconds of a tenth of a second.
const TENTH_MS: u32 = 100;

/// Returns a span with one unit: `19 s`, `2 min`, `5 h`, `3 d`.
pub fn coarse(span: Duration) -> String {
    let secs = span.as_secs();
    match secs {
        0..MINUTE_SECS => format!("{secs} s"),
        MINUTE_SECS..HOUR_SECS => format!("{} min", secs / MINUTE_SECS),
        HOUR_SECS..DAYS_FROM_SECS => format!("{} h", secs / HOUR_SECS),
        DAYS_FROM_SECS.. => format!("{} d", secs / DAY_SECS),
    }
}

/// Returns a bound with one unit, rounded up so that it is never too small: `20 min`.
pub fn at_most(span: Duration) -> String {
    let secs = span.as_secs() + u64::from(span.subsec_nanos() > 0);
    coarse(Duration::from_secs(match secs {
        0..MINUTE_SECS => secs,
        MINUTE_SECS..HOUR_SECS => secs.next_multiple_of(MINUTE_SECS),
        HOUR_SECS.. => secs.next_multiple_of(HOUR_SECS),
    }))
}

/// Returns a measured span, cut to tenths of a second: `12.0 s`, `2 min 5 s`, `1 h 5 min`.
pub fn exact(span: Duration) -> String {
    let secs = span.as_secs();
    match secs {
        0..MINUTE_SECS => format!("{secs}.{} s", span.subsec_millis() / TENTH_MS),
        MINUTE_SECS..HOUR_SECS => format!("{} min {} s", secs / MINUTE_SECS, secs % MINUTE_SECS),
        HOUR_SECS.. => format!("{} h {} min", secs / HOUR_SECS, secs % HOUR_SECS / MINUTE_SECS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_has_the_unit_that_fits() {
        assert_eq!(coarse(Duration::from_millis(19_900)), "19 s");
        assert_eq!(coarse(Duration::from_secs(140)), "2 min");
        assert_eq!(coarse(Duration::from_hours(5)), "5 h");
        assert_eq!(coarse(Duration::from_hours(72)), "3 d");
    }

    #[test]
    fn a_measured_span_keeps_a_second_unit() {
        assert_eq!(exact(Duration::from_secs(12)), "12.0 s");
        assert_eq!(exact(Duration::from_millis(59_970)), "59.9 s");
        assert_eq!(exact(Duration::from_secs(125)), "2 min 5 s");
        assert_eq!(exact(Duration::from_mins(65)), "1 h 5 min");
    }

    #[test]
    fn a_bound_is_rounded_up() {
        assert_eq!(at_most(Duration::from_millis(18_001)), "19 s");
        assert_eq!(at_most(Duration::from_secs(599)), "10 min");
        assert_eq!(at_most(Duration::from_mins(61)), "2 h");
    }
}
