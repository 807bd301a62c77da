//! New ids and the wall clock. Everybody else derives ids from their cause and reads the stream's
//! time; the command line is where causes begin.

use std::time::{SystemTime, UNIX_EPOCH};

use model::{EventId, StreamTime, id::InvalidId};
use uuid::Uuid;

use crate::wire::Stamp;

/// `source` of every event of the command line.
pub(crate) const SOURCE: &str = "keptn-cli";

/// Returns a new id, random in all its characters because people use the first eight of them.
///
/// # Errors
/// [`InvalidId`], which a UUID never is.
#[expect(clippy::disallowed_methods, reason = "a cause begins here, so its id is new")]
pub(crate) fn new_id() -> Result<EventId, InvalidId> {
    EventId::new(&Uuid::new_v4().hyphenated().to_string())
}

/// Returns the time of this machine.
#[expect(clippy::disallowed_methods, reason = "`time` of an event is when its source said it")]
pub(crate) fn now() -> StreamTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    StreamTime::from_nanos(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}

/// Returns a new id and the time.
///
/// # Errors
/// As [`new_id`].
pub(crate) fn stamp() -> Result<Stamp, InvalidId> {
    Ok(stamp_of(new_id()?))
}

/// Returns an id and the time.
pub(crate) fn stamp_of(id: EventId) -> Stamp {
    Stamp { id, time: now().to_string(), source: SOURCE }
}
