//! New ids and the wall clock. What a person asks for over HTTP begins here, so its ids are new.

use std::time::{SystemTime, UNIX_EPOCH};

use model::{EventId, StreamTime, wire::Stamp};
use service::http::Problem;
use uuid::Uuid;

use super::parameters::bad;

/// `source` of every event that is published on behalf of a person.
pub(super) const SOURCE: &str = "slipway-page";

#[expect(clippy::disallowed_methods, reason = "a cause, or a session, begins here")]
fn random() -> Uuid {
    Uuid::new_v4()
}

/// Returns a new id.
///
/// # Errors
/// None that a UUID ever has.
pub(super) fn new_id() -> Result<EventId, Problem> {
    let id = EventId::new(&random().hyphenated().to_string());
    id.map_err(|error| bad(error.to_string(), "try again"))
}

/// Returns a secret of 244 random bits.
pub(super) fn secret() -> String {
    format!("{}{}", random().simple(), random().simple())
}

/// Returns a new id and the time of this machine.
///
/// # Errors
/// As [`new_id`].
#[expect(clippy::disallowed_methods, reason = "`time` of an event is when its source said it")]
pub(super) fn stamp() -> Result<Stamp, Problem> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = StreamTime::from_nanos(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX));
    Ok(Stamp { id: new_id()?, time: now.to_string(), source: SOURCE })
}
