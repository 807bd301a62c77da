//! R8: what does not belong on the bus; behind each one a healthy run must pass.

use std::time::{Duration, Instant};

use serde_json::json;

use super::bad_payloads;
use super::hands::Hands;
use super::outcome::{Outcome, Scale};
use crate::harness::stack::{SERVICES, Stack};

/// From a poison to the end of the healthy run behind it.
const HEALTHY_LIMIT: Duration = Duration::from_secs(10);
/// Growth of memory of a service that is allowed over all payloads.
const MEMORY_MAX_KIB: u64 = 64 * 1024;

/// Every payload, `rounds` times.
pub fn poison(scale: Scale) -> Result<Outcome, String> {
    let executors = json!([{"name": "stub-tester", "events": ["test.triggered"]}]);
    let mut hands = Hands::on(Stack::start(), &json!([{"name": "test"}]), &executors, 1);
    healthy(&mut hands, 0)?;
    let ids = SERVICES.map(|service| hands.stack.service(service).id());
    let before = ids.map(memory_kib);
    let payloads = bad_payloads::all();
    let mut number = 0;
    let mut times = Vec::new();
    let mut reports = 0;
    for _ in 0..scale.of(1, 10) {
        for poison in &payloads {
            let position = hands.stream.read_to_end();
            hands.stream.client().publish(&poison.subject, &poison.body);
            number += 1;
            times.push(healthy(&mut hands, number)?);
            hands.stream.read_to_end();
            let found = reports_behind(&hands, position);
            reports += found;
            if found > 1 || poison.is_reported && found != 1 {
                let shown: String =
                    String::from_utf8_lossy(&poison.body).chars().take(200).collect();
                return Err(format!("{found} reports of {shown:?} on {}", poison.subject));
            }
        }
    }
    let grown =
        ids.map(memory_kib).iter().zip(before).map(|(now, then)| now.saturating_sub(then)).max();
    if ids != SERVICES.map(|service| hands.stack.service(service).id()) {
        return Err("a service was started again".to_owned());
    }
    let figures = hands.finish()?.with("payloads", number).with("reports", reports);
    let figures = figures.with_times("healthy run", &times);
    let figures = figures.with("memory", format!("+{} KiB", grown.unwrap_or_default()));
    if grown > Some(MEMORY_MAX_KIB) {
        return Err(format!("a service grew too much: {figures}"));
    }
    Ok(Outcome::Pass(figures))
}

fn healthy(hands: &mut Hands, number: usize) -> Result<Duration, String> {
    let begin = Instant::now();
    hands.publish(&hands.trigger(number, 0));
    let end = hands.end(number);
    let took = begin.elapsed();
    if end.text("/result") != "pass" || took > HEALTHY_LIMIT {
        return Err(format!("the healthy run took {took:?}: {end:?}"));
    }
    Ok(took)
}

fn reports_behind(hands: &Hands, position: u64) -> usize {
    let entries = hands.stream.entries().iter().skip_while(|entry| entry.position <= position);
    entries.filter(|entry| entry.attribute("type") == "sh.keptn.log.error").count()
}

/// Returns the resident memory of a process.
fn memory_kib(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS"));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok()).unwrap_or_default()
}
