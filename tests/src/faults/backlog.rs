//! R19: events pile up while no controller runs.

use std::time::{Duration, Instant};

use serde_json::json;

use super::hands::{Hands, PROJECT, context};
use super::outcome::{Outcome, Scale};
use super::publisher::event;
use crate::harness::stack::CONTROLLER;
use crate::harness::wait;

/// Longest time in which the pile must be gone.
const LIMIT: Duration = Duration::from_mins(2);

/// Each event of the pile is a trigger that is answered at once: its stage does not exist.
pub fn backlog(scale: Scale) -> Result<Outcome, String> {
    let mut hands = Hands::start(&json!([{"name": "work"}]), 1);
    let events = scale.of(2_000, 20_000);
    hands.stack.kill(CONTROLLER);
    for number in 0..events {
        let context = context(number);
        let data = json!({"project": PROJECT, "stage": "nowhere", "service": "svc0"});
        hands.publish(&event("nowhere.run.triggered", &context, &context, &data));
    }
    let piled = hands.stream.read_to_end();
    hands.stack.run(CONTROLLER);
    let begin = Instant::now();
    let wanted = piled + u64::try_from(events).unwrap_or_default();
    wait::within(LIMIT, "the pile is gone", || {
        let end = hands.stream.read_to_end();
        if end >= wanted { Ok(()) } else { Err(format!("{end} of {wanted} events")) }
    });
    let took = begin.elapsed();
    let rate = f64::from(u32::try_from(events).unwrap_or_default()) / took.as_secs_f64();
    let figures = hands.finish()?.with("drained", format!("{events} in {} ms", took.as_millis()));
    Ok(Outcome::Pass(figures.with("events/s", format!("{rate:.0}"))))
}
