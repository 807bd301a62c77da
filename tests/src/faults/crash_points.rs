//! R5: the controller dies as near as can be to each step of each kind of event.
//!
//! The product has no failpoints: the controller is killed when an event of the kind is seen in
//! the stream, after a random moment in which it reads, decides, publishes or sees its own word.

use std::time::Duration;

use super::outcome::{Outcome, Scale};
use super::scene::Scene;
use crate::harness::stack::CONTROLLER;

/// Kinds of events: what the controller reads, and what it says.
const KINDS: [&str; 12] = [
    "dev.delivery.triggered",
    "deployment.triggered",
    "deployment.started",
    "deployment.finished",
    "test.triggered",
    "test.finished",
    "evaluation.finished",
    "notify.triggered",
    "notify.finished",
    "dev.delivery.finished",
    "prod.delivery.triggered",
    "prod.delivery.finished",
];
/// From the sight of an event to the kill; a step takes well under two milliseconds.
const DELAY_MICROS: std::ops::Range<u64> = 0..4_000;
/// Longest wait for an event of a kind.
const LIMIT: Duration = Duration::from_secs(30);

/// Every kind, several times.
pub fn crash_points(scale: Scale) -> Result<Outcome, String> {
    let mut scene = Scene::start();
    let times = scale.of(2, 8);
    for kind in KINDS {
        for _ in 0..times {
            let wanted = format!("sh.keptn.event.{kind}");
            let before = scene.watch.seen().count_of(&wanted);
            let seen = scene.watch.wait(LIMIT, |seen| seen.count_of(&wanted) > before);
            if !seen {
                return Err(format!("no {kind} in {LIMIT:?}"));
            }
            scene.go_on(Duration::from_micros(fastrand::u64(DELAY_MICROS)));
            scene.kill(CONTROLLER);
        }
    }
    scene.end(KINDS.len() * times).map(Outcome::Pass)
}
