//! Says in the log when the stream is nearly full: one component does, for all.

use std::time::Duration;

use bus::Bus;
use tokio::time::{MissedTickBehavior, interval};
use tracing::{info, warn};

/// From here on it is said, so that there is time to act.
const PERCENT_WARN: u64 = 80;
/// How often the stream is asked.
const ASK_EVERY: Duration = Duration::from_mins(1);

/// Asks for as long as the process runs; says it once, and again when it has become better.
pub(crate) async fn watch(bus: Bus) {
    let mut ask = interval(ASK_EVERY);
    ask.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut is_said = false;
    loop {
        ask.tick().await;
        // Without an answer there are other lines in the log.
        let Ok(stream) = bus.stream_info().await else { continue };
        let (percent, bytes) = (stream.percent_full(), stream.bytes);
        let is_nearly_full = percent >= PERCENT_WARN;
        if is_nearly_full && !is_said {
            warn!(percent, bytes, "the stream is nearly full; give it more bytes or trim it");
        } else if is_said && !is_nearly_full {
            info!(percent, bytes, "the stream has room again");
        }
        is_said = is_nearly_full;
    }
}
