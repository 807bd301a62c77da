//! R15: two and three controllers on one stream, killed and stopped where they stand.

use std::time::Duration;

use super::outcome::{Outcome, Scale};
use super::scene::Scene;
use crate::harness::stack::CONTROLLER;

const OTHERS: [&str; 2] = ["shipyard-controller-2", "shipyard-controller-3"];
const PAUSE_MILLIS: std::ops::Range<u64> = 200..500;
/// Longer than the lease lives, so that another controller speaks while this one stands still.
const STAND_STILL: Duration = Duration::from_secs(4);
/// Longer than an event may be said without a fence: what wakes up then is a writer from the past.
const STAND_STILL_LONG: Duration = Duration::from_secs(35);

/// Kills and zombies.
pub fn controllers(scale: Scale) -> Result<Outcome, String> {
    let mut scene = Scene::start();
    scene.stack.run_as(OTHERS[0], CONTROLLER);
    let kills = scale.of(12, 50);
    kill(&mut scene, &[CONTROLLER, OTHERS[0]], kills);
    stand_still(&mut scene, CONTROLLER, STAND_STILL);

    scene.stack.run_as(OTHERS[1], CONTROLLER);
    kill(&mut scene, &[CONTROLLER, OTHERS[0], OTHERS[1]], kills);
    let zombies = scale.of(2, 10);
    for number in 0..zombies {
        let name = if number % 2 == 0 { CONTROLLER } else { OTHERS[0] };
        let long = scale == Scale::Full && number == 0;
        stand_still(&mut scene, name, if long { STAND_STILL_LONG } else { STAND_STILL });
    }
    let figures = scene.end(kills * 2 + zombies + 1)?;
    Ok(Outcome::Pass(figures.with("stood still", zombies + 1)))
}

fn kill(scene: &mut Scene, names: &[&str], kills: usize) {
    for _ in 0..kills {
        let name = names[fastrand::usize(..names.len())];
        scene.stack.kill(name);
        scene.stack.run_as(name, CONTROLLER);
        scene.go_on(Duration::from_millis(fastrand::u64(PAUSE_MILLIS)));
    }
}

fn stand_still(scene: &mut Scene, name: &str, time: Duration) {
    scene.stack.service(name).pause();
    scene.go_on(time);
    scene.stack.service(name).resume();
    scene.go_on(Duration::from_millis(fastrand::u64(PAUSE_MILLIS)));
}
