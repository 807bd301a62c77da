//! Virtual time: nanoseconds since a run began. Nothing in a run asks a real clock.

use model::StreamTime;

/// Nanoseconds since the run began.
pub(super) type Moment = i64;

/// One millisecond.
pub(super) const MILLI: Moment = 1_000_000;
/// One second.
pub(super) const SECOND: Moment = 1_000 * MILLI;
/// One minute.
pub(super) const MINUTE: Moment = 60 * SECOND;
/// One hour.
pub(super) const HOUR: Moment = 60 * MINUTE;

/// When a run begins, by the server's clock: some day in 2023.
const BEGIN: i64 = 1_700_000_000 * SECOND;

/// Returns a moment by the server's clock.
pub(super) fn server_time(moment: Moment) -> StreamTime {
    StreamTime::from_nanos(BEGIN.saturating_add(moment))
}

/// Returns the moment at which the server's clock says this.
pub(super) fn moment_of(time: StreamTime) -> Moment {
    time.as_nanos().saturating_sub(BEGIN)
}

/// Writes a moment as seconds, for a trace.
pub(super) fn seconds(moment: Moment) -> String {
    format!("{}.{:03}", moment / SECOND, moment % SECOND / MILLI)
}
