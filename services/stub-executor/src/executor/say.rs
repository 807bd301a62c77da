//! Says an answer until the stream has it.

use std::time::Duration;

use bus::{Bus, Outgoing, PublishError, Publisher};
use model::Event;
use service::log;
use tokio::time::sleep;
use tracing::warn;

/// First pause after an answer was not stored; it doubles.
const PAUSE_FIRST: Duration = Duration::from_millis(100);
/// Longest pause: a stream that has room again is noticed within this.
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// Bytes of headers and bookkeeping that a stored message has beside its body, at most.
const OVERHEAD_BYTES: u64 = 1024;

/// Publishes `event`. What may succeed later is tried again, over breaks and for any time; before
/// that the stream is asked for room, because plain subscribers hear a refused message, too.
///
/// # Errors
/// [`PublishError`] that no second try can cure. Nothing is stored then.
pub(super) async fn say(
    bus: &Bus,
    publisher: &Publisher,
    mut event: Event,
) -> Result<(), PublishError> {
    event.time = Some(bus.server_now().to_string().into());
    let outgoing = Outgoing {
        subject: event.event_type.to_string(),
        event_json: event.to_json(),
        message_id: event.id.to_string(),
        expected_last_subject_sequence: None,
    };
    let mut pause = PAUSE_FIRST;
    loop {
        match publisher.publish(outgoing.clone()).await {
            Ok(_) => return Ok(()),
            Err(error) if error.retryable() => {
                warn!(event.id = %event.id, event.r#type = %event.event_type,
                    keptn.context = log::context(&event), trace_id = log::trace_id(&event),
                    error = %error,
                    "an answer is not stored yet");
            }
            Err(error) => return Err(error),
        }
        let bytes = outgoing.event_json.len() as u64 + OVERHEAD_BYTES;
        loop {
            sleep(pause).await;
            pause = (pause * 2).min(PAUSE_MAX);
            if has_room(bus, bytes).await {
                break;
            }
        }
    }
}

async fn has_room(bus: &Bus, bytes: u64) -> bool {
    let info = bus.stream_info().await;
    info.is_ok_and(|info| info.bytes_free().is_none_or(|free| free >= bytes))
}
