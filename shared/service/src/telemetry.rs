//! Logs on standard error: one line an event, with fields.

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::{
    EnvFilter, Layer, layer::Context, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

use crate::{metrics, settings::LogFormat};

/// The client library's own lines say what `bus` says in our words; they are left out unless the
/// level names the library.
const CLIENT_LIBRARY: &str = "async_nats";

/// Starts to log. A second start in one process changes nothing.
pub(crate) fn start(level: &str, format: LogFormat) {
    let lines = tracing_subscriber::fmt::layer()
        // Who started us may be gone, and nobody reads any more: that must not end a task in panic.
        .log_internal_errors(false)
        .with_writer(std::io::stderr);
    let lines = match format {
        LogFormat::Text => lines.with_ansi(false).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    let started = tracing_subscriber::registry()
        .with(filter(level).unwrap_or_default())
        .with(lines)
        .with(Tally)
        .try_init();
    drop(started);
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
    use super::*;

    #[test]
    fn the_client_library_is_silent_unless_it_is_named() {
        assert!(filter("debug").unwrap().to_string().contains("async_nats=off"));
        assert!(!filter("async_nats=debug").unwrap().to_string().contains("off"));
        assert!(filter("info,bus=nonsense").is_none());
    }
}
