//! How a process stands to the server: connected, reading, caught up; its clocks and its lease.

use std::time::Duration;

use bus::BootTime;
use model::{Position, StreamTime};
use service::voice::Standing;

use super::time::{Moment, server_time};

/// One process, whatever it folds.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "they are independent of each other")]
pub(super) struct Link {
    /// Its name, for a trace.
    pub(super) name: String,
    /// It runs.
    pub(super) is_up: bool,
    /// It runs, but gets no processor.
    pub(super) is_stopped: bool,
    /// It was stopped, and its loop has not turned since.
    pub(super) was_stopped: bool,
    /// It has a connection.
    pub(super) is_connected: bool,
    /// Rises with every connection.
    pub(super) session: u32,
    /// Last position that it has read.
    pub(super) read_up_to: Position,
    /// Last position that it has applied.
    pub(super) applied: Position,
    /// End of the stream when it connected.
    pub(super) end: Position,
    /// Since when it has been connected and caught up.
    pub(super) caught_up_since: Option<Moment>,
    /// Times without that: from, to.
    pub(super) gaps: Vec<(Moment, Moment)>,
    gap_since: Option<Moment>,
    /// Its own clock, less the time.
    pub(super) boot_offset: Moment,
    /// What it believes the server's clock to be ahead of what it is.
    pub(super) clock_error: Moment,
    /// It believes that it holds the lease.
    pub(super) holds_lease: bool,
    /// When the server has the last of what it sent: one connection keeps the order.
    pub(super) last_arrival: Moment,
    /// A message is on its way to it.
    pub(super) is_awaiting: bool,
    /// When it wakes by itself.
    pub(super) wake: Option<Moment>,
}

impl Link {
    /// Returns a process that is connected and has read everything up to `position`.
    pub(super) fn new(name: String, position: Position, boot_offset: Moment) -> Self {
        Self {
            name,
            is_up: true,
            is_stopped: false,
            was_stopped: false,
            is_connected: true,
            session: 1,
            read_up_to: position,
            applied: position,
            end: position,
            caught_up_since: Some(0),
            gaps: Vec::new(),
            gap_since: None,
            boot_offset,
            clock_error: 0,
            holds_lease: false,
            last_arrival: 0,
            is_awaiting: false,
            wake: None,
        }
    }

    /// Tells whether it can do anything now.
    pub(super) fn is_running(&self) -> bool {
        self.is_up && !self.is_stopped
    }

    /// Notes that its connection is gone.
    pub(super) fn disconnect(&mut self, now: Moment) {
        self.is_connected = false;
        self.caught_up_since = None;
        self.gap_since.get_or_insert(now);
        self.is_awaiting = false;
    }

    /// Notes a new connection to a stream that ends there.
    pub(super) fn connect(&mut self, end: Position, now: Moment) {
        self.session += 1;
        self.is_connected = true;
        self.end = end;
        self.last_arrival = now;
        self.look(now);
    }

    /// Notes whether everything that there was when it connected has been read.
    pub(super) fn look(&mut self, now: Moment) {
        if self.is_connected && self.caught_up_since.is_none() && self.read_up_to >= self.end {
            self.caught_up_since = Some(now);
            self.gaps.extend(self.gap_since.take().map(|since| (since, now)));
        }
    }

    /// Returns its own clock.
    pub(super) fn boot(&self, now: Moment) -> BootTime {
        BootTime::from_nanos(now + self.boot_offset)
    }

    /// Returns when its own clock says this.
    pub(super) fn moment(&self, boot: BootTime) -> Moment {
        boot.as_nanos() - self.boot_offset
    }

    /// Returns what it believes the server's clock to say.
    pub(super) fn server_now(&self, now: Moment) -> StreamTime {
        server_time(now + self.clock_error)
    }

    /// Returns how it stands.
    pub(super) fn standing(&self, now: Moment) -> Standing {
        let unbroken = self.caught_up_since.map_or(0, |since| now - since);
        Standing {
            now: self.boot(now),
            server_now: self.server_now(now),
            holds_lease: self.holds_lease,
            unbroken: Duration::from_nanos(u64::try_from(unbroken).unwrap_or(0)),
            position: self.applied,
        }
    }
}
