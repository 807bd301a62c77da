//! Durations as Go writes them (`30s`, `20m`, `1h30m`), because shipyards and flags use them.

use std::time::Duration;

/// A text that is no Go duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{value}` must be a duration such as `30s`, `20m` or `1h30m`")]
pub struct InvalidDuration {
    /// The refused text, shortened.
    pub value: String,
}

/// Units of Go's `time.ParseDuration`, longest spelling first where one is the start of another.
const UNITS: [(&str, f64); 8] = [
    ("ns", 1e-9),
    ("us", 1e-6),
    ("µs", 1e-6),
    ("μs", 1e-6),
    ("ms", 1e-3),
    ("s", 1.0),
    ("m", 60.0),
    ("h", 3600.0),
];

/// Parses a Go duration that is not negative; `0` needs no unit.
///
/// # Errors
/// [`InvalidDuration`] with the value.
pub fn parse(text: &str) -> Result<Duration, InvalidDuration> {
    let invalid = || InvalidDuration { value: crate::name::shortened(text) };
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut secs = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(invalid)?;
        let (number, tail) = rest.split_at(digits);
        let number: f64 = number.parse().map_err(|_| invalid())?;
        let (unit, scale) =
            UNITS.iter().find(|(unit, _)| is_unit(tail, unit)).ok_or_else(invalid)?;
        secs += number * scale;
        rest = tail.get(unit.len()..).unwrap_or_default();
    }
    Duration::try_from_secs_f64(secs).map_err(|_| invalid())
}

/// Writes a duration so that [`parse`] reads the same one.
pub(crate) fn written(duration: Duration) -> String {
    /// Seconds up to which hours and minutes are whole numbers for a reader with floating point.
    const WHOLE_SECS_MAX: u64 = 1 << 50;
    let (secs, nanos) = (duration.as_secs(), duration.subsec_nanos());
    if nanos > 0 {
        return format!("{}s", format!("{secs}.{nanos:09}").trim_end_matches('0'));
    }
    match secs {
        1..WHOLE_SECS_MAX if secs.is_multiple_of(3600) => format!("{}h", secs / 3600),
        1..WHOLE_SECS_MAX if secs.is_multiple_of(60) => format!("{}m", secs / 60),
        _ => format!("{secs}s"),
    }
}

fn is_unit(tail: &str, unit: &str) -> bool {
    tail.strip_prefix(unit).is_some_and(|after| {
        after.starts_with(|c: char| c.is_ascii_digit() || c == '.') || after.is_empty()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_durations_are_read() {
        assert_eq!(parse("30s"), Ok(Duration::from_secs(30)));
        assert_eq!(parse("1h30m"), Ok(Duration::from_mins(90)));
        assert_eq!(parse("1.5s"), Ok(Duration::from_millis(1500)));
        assert_eq!(parse("300ms"), Ok(Duration::from_millis(300)));
        assert_eq!(parse("0"), Ok(Duration::ZERO));
    }

    #[test]
    fn what_is_written_reads_back() {
        for (text, expected) in
            [("90m", "90m"), ("2h", "2h"), ("0", "0s"), ("300ms", "0.3s"), ("1h1s", "3601s")]
        {
            assert_eq!(written(parse(text).unwrap()), expected);
        }
        for text in ["1.0000001h", "123456789.123456h", "7ns", "5000000000000000h", "0.1s"] {
            let duration = parse(text).unwrap();
            assert_eq!(parse(&written(duration)), Ok(duration), "{text}");
        }
    }

    #[test]
    fn what_go_refuses_is_refused() {
        for bad in ["", "5", "-5s", "s", "1x", "1h 2m", "NaNs", "infs", "1e400h"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
