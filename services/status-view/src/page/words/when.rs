//! Times and spans as a page writes them; the script writes them the same way.

use std::time::Duration;

use maud::{Markup, html};
use model::{
    StreamTime,
    span::{self, at_most, coarse},
};

const NANOS_PER_SEC: i64 = 1_000_000_000;
/// From here on a measured span is written in tenths of a second.
const TENTH: Duration = Duration::from_millis(100);

/// How a time element is shown, and kept up to date by the script.
#[derive(Clone, Copy)]
pub(in crate::page) enum Shown {
    /// `9 min ago`.
    Ago,
    /// `19 s`.
    For,
    /// `20 min more`.
    Left,
    /// `14:02:40`.
    Clock,
    /// `2026-11-23 14:02:40`.
    Date,
}

/// Returns a time; the exact one stands in its attributes.
pub(in crate::page) fn time(at: StreamTime, now: StreamTime, shown: Shown) -> Markup {
    let whole = at.as_nanos().div_euclid(NANOS_PER_SEC).saturating_mul(NANOS_PER_SEC);
    let exact = StreamTime::from_nanos(whole).to_string();
    let (kind, text) = match shown {
        Shown::Ago => ("ago", format!("{} ago", coarse(now.since(at)))),
        Shown::For => ("for", coarse(now.since(at))),
        Shown::Left => ("left", format!("{} more", at_most(at.since(now)))),
        Shown::Clock => ("clock", exact.get(11..19).unwrap_or_default().to_owned()),
        Shown::Date => ("date", exact.get(..19).unwrap_or_default().replace('T', " ")),
    };
    html! { time datetime=(exact) data-t=(kind) title=(exact) { (text) } }
}

/// Returns a measured span: `40 ms`, `12.0 s`, `2 min 5 s`, `1 h 5 min`.
pub(in crate::page) fn exact(span: Duration) -> String {
    if span < TENTH { format!("{} ms", span.as_millis()) } else { span::exact(span) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_the_units_that_fit() {
        assert_eq!(exact(Duration::from_millis(59_970)), "59.9 s");
        assert_eq!(exact(Duration::from_millis(40)), "40 ms");
        assert_eq!(at_most(Duration::from_secs(61)), "2 min");
    }

    #[test]
    fn a_time_says_when_exactly_in_its_attributes() {
        let at = |secs: i64| StreamTime::from_nanos(secs * NANOS_PER_SEC);
        let html = time(at(60), at(79), Shown::Ago).into_string();
        assert!(html.contains("datetime=\"1970-01-01T00:01:00Z\""), "{html}");
        assert!(html.ends_with(">19 s ago</time>"), "{html}");
        let html = time(at(3_600), at(0), Shown::Left).into_string();
        assert!(html.ends_with(">1 h more</time>"), "{html}");
        assert!(time(at(5), at(0), Shown::Clock).into_string().ends_with(">00:00:05</time>"));
    }
}
