//! The time that an evaluation looks at: from `--timeframe`, `--start` and `--end` to its data.
//!
//! Keptn's rules (go-utils 0.20.4, `timeutils.go`): five minutes up to now if nothing is said; an
//! end needs a start and excludes a time frame; a start needs one of the two; at least a minute.

use std::time::Duration;

use clap::Args;
use model::{SequenceName, StreamTime, duration};
use serde_json::{Map, Value, json};

use crate::{failure::Failure, render::events::to_millis};

/// The sequence that has a time frame even if none is given.
const EVALUATION: &str = "evaluation";
/// The time frame if none is given.
const TIMEFRAME_DEFAULT: Duration = Duration::from_mins(5);
/// The shortest one.
const TIMEFRAME_MIN: Duration = Duration::from_mins(1);

/// The time that an evaluation looks at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub(crate) struct WindowArgs {
    /// Evaluate so much time before now, or behind --start [default: 5m]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, help_heading = "Evaluation")]
    timeframe: Option<Duration>,
    /// Evaluate from here on, in UTC: 2026-11-23T12:00:00
    #[arg(long, value_name = "TIME", help_heading = "Evaluation")]
    start: Option<String>,
    /// Evaluate up to here
    #[arg(long, value_name = "TIME", help_heading = "Evaluation")]
    end: Option<String>,
}

/// Returns the event's `evaluation`; none if the sequence is no evaluation and no time is given.
///
/// # Errors
/// Exit code 2 for times that do not go together.
pub(super) fn data(
    arguments: &WindowArgs,
    sequence: &SequenceName,
    now: StreamTime,
) -> Result<Map<String, Value>, Failure> {
    if *arguments == WindowArgs::default() && sequence.as_str() != EVALUATION {
        return Ok(Map::new());
    }
    let (start, end) = window(arguments, now)?;
    if end.since(start) < TIMEFRAME_MIN {
        return Err(Failure::usage(
            "the end of an evaluation must be at least 1m behind its start",
        ));
    }
    let text = |time: StreamTime| Value::String(to_millis(&time.to_string()));
    let evaluation = json!({"start": text(start), "end": text(end)});
    Ok(Map::from_iter([(EVALUATION.to_owned(), evaluation)]))
}

fn window(arguments: &WindowArgs, now: StreamTime) -> Result<(StreamTime, StreamTime), Failure> {
    let WindowArgs { timeframe, start, end } = arguments;
    let start = start.as_deref().map(|text| time("--start", text)).transpose()?;
    let end = end.as_deref().map(|text| time("--end", text)).transpose()?;
    match (start, end, timeframe) {
        (Some(start), Some(end), None) => Ok((start, end)),
        (Some(start), None, Some(timeframe)) => Ok((start, start.after(*timeframe))),
        (None, None, timeframe) => {
            let timeframe = timeframe.unwrap_or(TIMEFRAME_DEFAULT);
            let before = i64::try_from(timeframe.as_nanos()).unwrap_or(i64::MAX);
            Ok((StreamTime::from_nanos(now.as_nanos().saturating_sub(before)), now))
        }
        (_, Some(_), Some(_)) => Err(Failure::usage("--end and --timeframe exclude each other")
            .hint("give --start and --end, or --timeframe")),
        (None, Some(_), None) => Err(Failure::usage("--end needs --start")),
        (Some(_), None, None) => Err(Failure::usage("--start needs --end or --timeframe")),
    }
}

/// Reads a time; without a zone it is UTC, as in Keptn.
fn time(flag: &str, text: &str) -> Result<StreamTime, Failure> {
    let read = StreamTime::parse(text).or_else(|| StreamTime::parse(&format!("{text}Z")));
    read.ok_or_else(|| {
        let shown = model::name::shortened(text);
        Failure::usage(format!("{flag} `{shown}` must be a time such as 2026-11-23T12:00:00"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(timeframe: &str, start: &str, end: &str) -> Result<Value, String> {
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let arguments = WindowArgs {
            timeframe: text(timeframe).map(|text| duration::parse(&text).unwrap()),
            start: text(start),
            end: text(end),
        };
        let now = StreamTime::parse("2026-11-23T12:00:00.5Z").unwrap();
        let data = data(&arguments, &"evaluation".parse().unwrap(), now);
        data.map(Value::Object).map_err(|failure| failure.to_string())
    }

    #[test]
    fn times_are_five_minutes_up_to_now_or_what_is_given() {
        let evaluation = |start, end| Ok(json!({"evaluation":{"start":start,"end":end}}));
        let now = "2026-11-23T12:00:00.500Z";
        assert_eq!(read("", "", ""), evaluation("2026-11-23T11:55:00.500Z", now));
        assert_eq!(read("1h", "", ""), evaluation("2026-11-23T11:00:00.500Z", now));
        let (start, end) = ("2026-11-23T10:00:00.000Z", "2026-11-23T10:02:00.000Z");
        assert_eq!(read("2m", "2026-11-23T10:00:00", ""), evaluation(start, end));
        assert_eq!(read("", start, "2026-11-23T11:02:00+01:00"), evaluation(start, end));
    }

    #[test]
    fn times_that_do_not_go_together_are_refused() {
        let (start, end) = ("2026-11-23T10:00:00", "2026-11-23T10:02:00");
        for (timeframe, start, end, word) in [
            ("5m", start, end, "exclude each other"),
            ("5m", "", end, "exclude each other"),
            ("", "", end, "--end needs --start"),
            ("", start, "", "--start needs"),
            ("", end, start, "at least 1m"),
            ("59s", "", "", "at least 1m"),
            ("", "today", end, "`today` must be a time"),
        ] {
            let refused = read(timeframe, start, end).unwrap_err();
            assert!(refused.contains(word), "{refused}");
        }
    }

    #[test]
    fn another_sequence_has_no_time_frame_unless_one_is_given() {
        let data = |arguments: &WindowArgs| {
            data(arguments, &"check".parse().unwrap(), StreamTime::default()).unwrap().len()
        };
        assert_eq!(data(&WindowArgs::default()), 0);
        let timeframe = Some(Duration::from_mins(1));
        assert_eq!(data(&WindowArgs { timeframe, ..WindowArgs::default() }), 1);
    }
}
