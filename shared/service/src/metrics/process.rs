//! What the system says about this process, under the names that every exporter has. Where there is
//! no `/proc` there are no such figures.

use std::fs;

use super::text::{Family, Kind};
use crate::process_usage::{Stat, page_bytes};

/// Returns the figures, as far as they are known.
pub(crate) fn families() -> Vec<Family> {
    let Some(stat) = Stat::read("self") else { return Vec::new() };
    let system = fs::read_to_string("/proc/stat").unwrap_or_default();
    let files = fs::read_dir("/proc/self/fd").map(Iterator::count).ok();
    let ticks = rustix::param::clock_ticks_per_second();
    let mut families = Vec::new();
    if let Some(ticks_used) = stat.cpu_ticks() {
        families.push(Family::new(
            Kind::Counter,
            "process_cpu_seconds_total",
            "Processor time, in the program and in the system.",
            seconds(ticks_used, ticks),
        ));
    }
    if let Some(pages) = stat.resident_pages() {
        families.push(Family::gauge(
            "process_resident_memory_bytes",
            "Resident memory.",
            pages.saturating_mul(page_bytes()),
        ));
    }
    if let (Some(start), Some(boot)) = (stat.start_ticks(), boot_seconds(&system)) {
        families.push(Family::new(
            Kind::Gauge,
            "process_start_time_seconds",
            "When the process began, since 1970.",
            seconds(boot.saturating_mul(ticks).saturating_add(start), ticks),
        ));
    }
    if let Some(files) = files.and_then(|files| u64::try_from(files).ok()) {
        families.push(Family::gauge("process_open_fds", "Open files.", files));
    }
    families
}

fn boot_seconds(system: &str) -> Option<u64> {
    system.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()
}

#[expect(clippy::cast_precision_loss, reason = "the text form has floats only")]
fn seconds(ticks: u64, per_second: u64) -> f64 {
    ticks as f64 / per_second.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_of_the_system_is_read() {
        assert_eq!(boot_seconds("cpu 1\nbtime 1700000000\n"), Some(1_700_000_000));
    }
}
