//! Who is there: the NATS services that answer `$SRV.PING`, one answer per process.

use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use serde::Deserialize;
use tokio::time::{Instant, timeout, timeout_at};

use crate::{ApiError, Bus};

/// Subject on which every NATS service answers.
const PING: &str = "$SRV.PING";
/// Who has not answered this long behind the last answer is not there.
const QUIET: Duration = Duration::from_millis(300);
/// Most answers that are read.
const SERVICES_MAX: usize = 1_000;

/// One process that answers as a NATS service.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ServiceInstance {
    /// Name of the service.
    pub name: String,
    /// Id of the process as a service.
    pub id: String,
    /// Its version.
    pub version: String,
}

impl Bus {
    /// Returns the NATS services that answer, at most a thousand, within `limit`.
    ///
    /// # Errors
    /// [`ApiError`] if there is no connection.
    pub async fn services(&self, limit: Duration) -> Result<Vec<ServiceInstance>, ApiError> {
        let gone = || ApiError::Disconnected { request: PING.to_owned() };
        let live = self.live_now(PING)?;
        let inbox = live.client.new_inbox();
        let mut answers = live.client.subscribe(inbox.clone()).await.map_err(|_| gone())?;
        let asked = live.client.publish_with_reply(PING, inbox, Bytes::new()).await;
        asked.map_err(|_| gone())?;
        let until = Instant::now() + limit;
        let mut found = Vec::new();
        while found.len() < SERVICES_MAX
            && let Ok(Ok(Some(answer))) = timeout_at(until, timeout(QUIET, answers.next())).await
        {
            // Without a payload it is the server, which says that nobody is there.
            found.extend(serde_json::from_slice::<ServiceInstance>(&answer.payload));
        }
        Ok(found)
    }
}
