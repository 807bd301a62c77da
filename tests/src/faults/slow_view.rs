//! R14: status-view stands still while events pass; it must know all of them afterwards.

use std::time::{Duration, Instant};

use super::outcome::{Outcome, Scale};
use super::scene::Scene;
use crate::harness::nats_client::NatsClient;
use crate::harness::stack::STATUS_VIEW;
use crate::harness::wait;

/// From the moment that it goes on until it has read everything.
const COMPLETE_LIMIT: Duration = Duration::from_secs(10);

/// Stands still, goes on, and is asked about every delivery by the checker.
pub fn slow_view(scale: Scale) -> Result<Outcome, String> {
    let mut scene = Scene::start();
    let still = scale.of(Duration::from_secs(6), Duration::from_mins(1));
    let before = scene.watch.seen().position;
    scene.stack.service(STATUS_VIEW).pause();
    scene.go_on(still);
    let passed = scene.watch.seen().position - before;
    scene.stack.service(STATUS_VIEW).resume();
    let begin = Instant::now();
    let end = scene.watch.seen().position;
    let client = NatsClient::connect(scene.stack.nats.port()).map_err(|error| error.to_string())?;
    wait::within(COMPLETE_LIMIT, "status-view has read everything", || {
        let ready = client.request(&format!("{STATUS_VIEW}.ready"), b"")?;
        if ready["position"].as_u64() >= Some(end) { Ok(()) } else { Err(ready.to_string()) }
    });
    let complete = begin.elapsed();
    let figures = scene.end(1)?.with("events while it stood still", passed);
    Ok(Outcome::Pass(figures.with("complete after", format!("{} ms", complete.as_millis()))))
}
