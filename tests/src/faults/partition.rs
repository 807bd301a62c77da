//! R13: the network between one service and nats-server fails, in six ways.

use std::collections::BTreeMap;
use std::time::Duration;

use super::outcome::{Outcome, Scale};
use super::proxy::{FAILURES, Proxy};
use super::scene::{ENDLESS, Scene};
use crate::harness::stack::{SERVICES, Stack};
use crate::harness::wait;

/// Each service, each way to fail.
pub fn partitions(scale: Scale) -> Result<Outcome, String> {
    let mut stack = Stack::bare();
    let port = stack.nats.port();
    let proxies: BTreeMap<_, _> =
        SERVICES.into_iter().map(|service| (service, Proxy::before(port))).collect();
    for (service, proxy) in &proxies {
        stack.run_with(service, service, &[("NATS_URL", &proxy.url())]);
    }
    stack.wait_until_ready(&SERVICES);
    let scene = Scene::on(stack, ENDLESS);
    let lasts = scale.of(Duration::from_secs(1), Duration::from_secs(2));
    // Once in the full run so long that a dead link must be noticed before it works again.
    let long = Duration::from_secs(15);
    let mut faults = 0;
    for round in 0..scale.of(1, 10) {
        for failure in FAILURES {
            for proxy in proxies.values() {
                proxy.fail(failure);
                wait::pass(if scale == Scale::Full && round == 0 { long } else { lasts });
                proxy.set(super::proxy::Mode::Pass);
                faults += 1;
                wait::pass(Duration::from_millis(fastrand::u64(100..400)));
            }
        }
    }
    // The proxies stay until the end: the services connect through them.
    let ended = scene.end(faults);
    drop(proxies);
    ended.map(Outcome::Pass)
}
