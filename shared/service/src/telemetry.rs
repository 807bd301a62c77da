//! Logs on standard error: one line an event, with fields.

mod one_line;

use std::io;

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::{
    EnvFilter, Layer,
    layer::{Context, SubscriberExt as _},
    registry::LookupSpan,
    util::SubscriberInitExt as _,
};

use self::one_line::OneLine;
use crate::{metrics, settings::LogFormat};

/// The client library's own lines say what `bus` says in our words; they are left out unless the
/// level names the library.
const CLIENT_LIBRARY: &str = "async_nats";

/// Starts to log. A second start in one process changes nothing.
pub(crate) fn start(level: &str, format: LogFormat) {
    let started = tracing_subscriber::registry()
        .with(filter(level).unwrap_or_default())
        .with(lines(format, io::stderr))
        .with(Tally)
        .try_init();
    drop(started);
}

/// Writes one line an event to what `open` opens.
fn lines<S, W>(
    format: LogFormat,
    open: impl Fn() -> W + Send + Sync + 'static,
) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: io::Write + 'static,
{
    let lines = tracing_subscriber::fmt::layer()
        // Who started us may be gone, and nobody reads any more: that must not end a task in panic.
        .log_internal_errors(false)
        .with_writer(move || OneLine(open()));
    match format {
        LogFormat::Text => lines.with_ansi(false).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    }
}

/// Counts the lines that somebody should look at.
struct Tally;

impl<S: Subscriber> Layer<S> for Tally {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if *event.metadata().level() == Level::ERROR {
            metrics::LOG_ERRORS.increment();
        } else if *event.metadata().level() == Level::WARN {
            metrics::LOG_WARNINGS.increment();
        }
    }
}

/// Reads a level, or a filter as `tracing` has it; none if it is neither.
pub(crate) fn filter(level: &str) -> Option<EnvFilter> {
    if level.contains(CLIENT_LIBRARY) {
        return EnvFilter::try_new(level).ok();
    }
    EnvFilter::try_new(format!("{level},{CLIENT_LIBRARY}=off")).ok()
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use model::{Event, EventId, EventType, KeptnContext, Payload};
    use serde_json::Value;

    use super::*;
    use crate::log;

    /// What was written.
    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Returns what is written while something is logged.
    fn written(format: LogFormat, log: impl FnOnce()) -> String {
        let buffer = Written::default();
        let writer = buffer.clone();
        let lines = lines(format, move || writer.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(lines), log);
        let bytes = buffer.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    /// What a stranger writes to forge a line or to steer a terminal.
    const HOSTILE: &str =
        "a\r\nb\n{\"level\":\"ERROR\"}\u{1b}[31mred\u{1b}[0m\u{7}\u{0}\u{85}\u{9b}31m\u{2028}\"\\";

    /// Logs that in every kind of field, and returns the one line that it comes to.
    fn hostile_line(format: LogFormat) -> String {
        let text = written(format, || {
            let span = tracing::info_span!("span", text = HOSTILE, shown = %HOSTILE);
            let _entered = span.enter();
            tracing::info!(
                text = HOSTILE,
                shown = %HOSTILE,
                debugged = ?HOSTILE,
                error = &io::Error::other(HOSTILE) as &dyn std::error::Error,
                "{HOSTILE}"
            );
        });
        let line = text.strip_suffix('\n').unwrap();
        let is_unsafe = |c: char| c.is_control() || c == '\u{2028}';
        assert!(!line.contains(is_unsafe), "{line:?}");
        line.to_owned()
    }

    #[test]
    fn one_event_is_one_line_of_json_whatever_its_fields_say() {
        let read: Value = serde_json::from_str(&hostile_line(LogFormat::Json)).unwrap();
        assert_eq!((&read["text"], &read["shown"]), (&HOSTILE.into(), &HOSTILE.into()));
        assert_eq!((&read["message"], &read["level"]), (&HOSTILE.into(), &"INFO".into()));
    }

    #[test]
    fn one_event_is_one_line_of_text_whatever_its_fields_say() {
        let line = hostile_line(LogFormat::Text);
        assert!(line.contains("INFO") && line.contains("\\u001b[31mred"), "{line}");
    }

    #[test]
    fn a_line_about_an_event_names_its_delivery_and_its_trace() {
        let kind = EventType::parse("sh.keptn.event.test.finished").unwrap();
        let mut event = Event::new(EventId::new("e").unwrap(), "s", kind, Payload::empty());
        let line = |event: &Event| {
            let text = written(LogFormat::Json, || {
                tracing::info!(
                    keptn.context = log::context(event),
                    trace_id = log::trace_id(event),
                    "x"
                );
            });
            serde_json::from_str::<Value>(&text).unwrap()
        };
        assert_eq!(line(&event).get("trace_id"), None, "it is of no delivery");
        event.context = Some(KeptnContext::new("8e273904-d0d6-11eb-a902-784f43552794").unwrap());
        let read = line(&event);
        assert_eq!(read["keptn.context"], "8e273904-d0d6-11eb-a902-784f43552794");
        assert_eq!(read["trace_id"], "8e273904d0d611eba902784f43552794");
        event.traceparent = Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".into());
        assert_eq!(line(&event)["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
    }

    #[test]
    fn the_client_library_is_silent_unless_it_is_named() {
        assert!(filter("debug").unwrap().to_string().contains("async_nats=off"));
        assert!(!filter("async_nats=debug").unwrap().to_string().contains("off"));
        assert!(filter("info,bus=nonsense").is_none());
    }
}
