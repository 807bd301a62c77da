//! What is known about uniforms, and up to where. A task waits until every project event before it
//! was read, so it is never played by a uniform that is older than itself.

use std::time::Duration;

use bus::{ApiError, Bus, names::UNIFORM_FILTERS};
use model::Position;
use tokio::{
    sync::{Mutex, watch},
    time::{sleep, timeout},
};
use tracing::debug;

use crate::roster::Roster;

/// How long the reader of project events may take to reach their end before it is asked again.
const READ_WAIT: Duration = Duration::from_secs(5);
/// Pause before NATS is asked again.
const AGAIN_PAUSE: Duration = Duration::from_millis(100);

/// The roster as all players see it.
pub(super) struct Learnt {
    bus: Bus,
    roster: watch::Receiver<Roster>,
    /// No project event up to here is missing in the roster.
    complete_to: Mutex<Position>,
}

/// Why the roster is not known to be complete.
#[derive(Debug, thiserror::Error)]
enum NotYet {
    #[error(transparent)]
    Api(#[from] ApiError),
    #[error("project events up to position {0} must be read, are not yet")]
    Behind(Position),
}

impl Learnt {
    pub(super) fn new(bus: Bus, roster: watch::Receiver<Roster>) -> Self {
        Self { bus, roster, complete_to: Mutex::new(0) }
    }

    /// Returns the roster when it holds every project event before `position`.
    pub(super) async fn roster_at(&self, position: Position) -> Roster {
        loop {
            let mut complete_to = self.complete_to.lock().await;
            if *complete_to < position {
                match self.read_to_end().await {
                    Ok(end) => *complete_to = end,
                    Err(error) => {
                        debug!(error = %error, "it is not known yet whom to play");
                        drop(complete_to);
                        sleep(AGAIN_PAUSE).await;
                        continue;
                    }
                }
            }
            return self.roster.borrow().clone();
        }
    }

    /// Waits until the roster holds every project event of this moment; returns the stream's end
    /// of this moment.
    async fn read_to_end(&self) -> Result<Position, NotYet> {
        let filters = UNIFORM_FILTERS.map(str::to_owned);
        let end = self.bus.stream_end().await?;
        let last = self.bus.last_position(&filters).await?;
        let mut roster = self.roster.clone();
        let read = roster.wait_for(|roster| roster.position() >= last);
        match timeout(READ_WAIT, read).await {
            Ok(Ok(_)) => Ok(end),
            Ok(Err(_)) | Err(_) => Err(NotYet::Behind(last)),
        }
    }
}
