//! What the services are when nothing happens: how fast they are ready, and what they hold.

use std::collections::BTreeMap;

use serde::Serialize;
use tokio::time::{Duration, sleep};

use super::bed::{Bed, SERVER, Server};
use crate::{failure::Failure, stack::Component};

/// How long they are left alone before they are looked at.
const SETTLE: Duration = Duration::from_secs(3);

/// The services over an empty stream.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Footprint {
    /// From their start until all four are ready.
    pub(crate) ready_seconds: f64,
    /// Resident memory of each, bytes; the server is not in it.
    pub(crate) resident_bytes: BTreeMap<&'static str, u64>,
    /// Of all four together; what they share, the program, counts once.
    pub(crate) resident_bytes_together: u64,
    /// Cores that all four together use.
    pub(crate) idle_cores: f64,
}

/// Starts the four services, and looks at them.
///
/// # Errors
/// [`Failure`] if one does not get ready.
pub(crate) async fn look(server: &Server) -> Result<Footprint, Failure> {
    let mut bed = Bed::start(server).await?;
    let ready = bed.start_services(&Component::SERVICES).await?;
    sleep(SETTLE).await;
    let before = bed.usage();
    sleep(SETTLE).await;
    let mut after = bed.usage();
    after.remove(SERVER);
    let cpu = after.iter().filter_map(|(name, used)| used.cpu.checked_sub(before.get(name)?.cpu));
    let cpu: Duration = cpu.sum();
    let resident_bytes: BTreeMap<&'static str, u64> =
        after.iter().map(|(name, used)| (*name, used.resident_bytes)).collect();
    let together = resident_bytes.keys().filter_map(|name| bed.proportional_bytes(name)).sum();
    Ok(Footprint {
        ready_seconds: ready.as_secs_f64(),
        resident_bytes_together: together,
        resident_bytes,
        idle_cores: cpu.as_secs_f64() / SETTLE.as_secs_f64(),
    })
}
