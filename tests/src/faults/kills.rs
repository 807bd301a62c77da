//! R1, R2 and R24: processes are killed or stopped in the middle of everything, and started again.

use std::time::Duration;

use super::outcome::{Outcome, Scale};
use super::scene::Scene;
use crate::harness::stack::SERVICES;

/// Pause between two kills, in milliseconds.
const PAUSE_MILLIS: std::ops::Range<u64> = 200..600;
/// Pause between two kills of the server, in milliseconds; a service needs some of it to connect.
const SERVER_PAUSE_MILLIS: std::ops::Range<u64> = 300..900;
/// Longest time that a service may take to stop when it is asked to.
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// R1: `kill -9` of a random service.
pub fn services(scale: Scale) -> Result<Outcome, String> {
    let mut scene = Scene::start();
    let kills = scale.of(80, 1_000);
    for _ in 0..kills {
        let service = SERVICES[fastrand::usize(..SERVICES.len())];
        scene.kill(service);
        scene.go_on(Duration::from_millis(fastrand::u64(PAUSE_MILLIS)));
    }
    scene.end(kills).map(Outcome::Pass)
}

/// R2: `kill -9` of nats-server.
pub fn server(scale: Scale) -> Result<Outcome, String> {
    let mut scene = Scene::start();
    let kills = scale.of(20, 200);
    for _ in 0..kills {
        scene.stack.nats.kill();
        scene.stack.nats.restart();
        for service in SERVICES {
            scene.measure(service);
        }
        scene.go_on(Duration::from_millis(fastrand::u64(SERVER_PAUSE_MILLIS)));
    }
    scene.end(kills).map(Outcome::Pass)
}

/// R24: every service is asked to stop (SIGTERM), again and again.
pub fn graceful(scale: Scale) -> Result<Outcome, String> {
    let mut scene = Scene::start();
    let stops = scale.of(8, 400);
    let mut slowest = Duration::ZERO;
    for number in 0..stops {
        let service = SERVICES[number % SERVICES.len()];
        let asked = std::time::Instant::now();
        let code = scene.stack.service(service).stop();
        slowest = slowest.max(asked.elapsed());
        if code != Some(0) {
            return Err(format!("{service} ended with {code:?} when it was asked to stop"));
        }
        scene.stack.run(service);
        scene.measure(service);
        scene.go_on(Duration::from_millis(fastrand::u64(PAUSE_MILLIS)));
    }
    let figures = scene.end(stops)?.with("slowest stop", format!("{} ms", slowest.as_millis()));
    if slowest > STOP_LIMIT {
        return Err(format!("a service took {slowest:?} to stop; {figures}"));
    }
    Ok(Outcome::Pass(figures))
}
