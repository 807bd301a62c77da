//! R12: nats-server is away at the start and in the middle; the services start in every order.

use std::time::{Duration, Instant};

use super::outcome::{Figures, Outcome, Scale};
use super::scene::Scene;
use super::watch::Watch;
use crate::harness::stack::{SERVICES, Stack};
use crate::harness::wait;

/// Deliveries of one start order; the load of all orders together is what counts.
const DELIVERIES: usize = 4;
/// From a server that is back until every service says that it works.
const BACK_LIMIT: Duration = Duration::from_secs(10);

/// Every start order without a server, then an outage in the middle.
pub fn absence(scale: Scale) -> Result<Outcome, String> {
    let away = scale.of(Duration::from_millis(300), Duration::from_secs(2));
    let mut back = Vec::new();
    // The short form takes a part of them; the end-to-end tests start in every order, too.
    let orders: Vec<_> = orders(&SERVICES).into_iter().step_by(scale.of(3, 1)).collect();
    for order in &orders {
        let mut stack = Stack::bare();
        stack.nats.kill();
        for service in order {
            stack.run(service);
        }
        wait::pass(away);
        back.push(bring_back(&mut stack)?);
        Scene::on(stack, DELIVERIES).end(1).map_err(|why| format!("{order:?}: {why}"))?;
    }
    let started = Figures::default().with("start orders", orders.len());
    let started = started.with_times("server to ready", &back);

    let mut scene = Scene::start();
    let outage = scale.of(Duration::from_secs(6), Duration::from_mins(1));
    scene.stack.nats.kill();
    scene.go_on(outage);
    let ready = bring_back(&mut scene.stack)?;
    if !moves(&scene.watch) {
        return Err(format!("nothing happens {BACK_LIMIT:?} after an outage of {outage:?}"));
    }
    let figures = scene.end(1)?;
    Ok(Outcome::Pass(
        started
            .with("ready after an outage", format!("{} ms", ready.as_millis()))
            .with("in the middle", format!("({figures})")),
    ))
}

/// Starts the server again and returns how long it took until all services were ready.
fn bring_back(stack: &mut Stack) -> Result<Duration, String> {
    stack.nats.restart();
    let begin = Instant::now();
    stack.wait_until_ready(&SERVICES);
    let took = begin.elapsed();
    if took > BACK_LIMIT {
        return Err(format!("the services were ready {took:?} after the server"));
    }
    Ok(took)
}

fn moves(watch: &Watch) -> bool {
    let position = watch.seen().position;
    watch.wait(BACK_LIMIT, |seen| seen.position > position)
}

/// Returns all orders of the names.
fn orders(names: &[&'static str]) -> Vec<Vec<&'static str>> {
    let Some((first, rest)) = names.split_first() else { return vec![Vec::new()] };
    let mut all = Vec::new();
    for order in orders(rest) {
        for place in 0..=order.len() {
            let mut longer = order.clone();
            longer.insert(place, first);
            all.push(longer);
        }
    }
    all
}
