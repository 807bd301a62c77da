//! What the system says about this process, under the names that every exporter has. Where there is
//! no `/proc` there are no such figures.

use std::fs;

use super::text::{Family, Kind};

/// Where the fields of `/proc/self/stat` begin behind the name of the program, which may hold
/// blanks: the state is field 3.
const FIRST_FIELD: usize = 3;
/// Processor time in the program and in the system, in ticks.
const FIELDS_CPU: [usize; 2] = [14, 15];
/// When the process began, in ticks since the system did.
const FIELD_START: usize = 22;
/// Resident pages.
const FIELD_RESIDENT: usize = 24;

/// Returns the figures, as far as they are known.
pub(crate) fn families() -> Vec<Family> {
    let Ok(stat) = fs::read_to_string("/proc/self/stat") else { return Vec::new() };
    let system = fs::read_to_string("/proc/stat").unwrap_or_default();
    let files = fs::read_dir("/proc/self/fd").map(Iterator::count).ok();
    let ticks = rustix::param::clock_ticks_per_second();
    let mut families = Vec::new();
    if let Some([user, kernel]) = fields(&stat, FIELDS_CPU) {
        families.push(Family::new(
            Kind::Counter,
            "process_cpu_seconds_total",
            "Processor time, in the program and in the system.",
            seconds(user.saturating_add(kernel), ticks),
        ));
    }
    if let Some([pages]) = fields(&stat, [FIELD_RESIDENT]) {
        let page_bytes = u64::try_from(rustix::param::page_size()).unwrap_or(0);
        families.push(Family::gauge(
            "process_resident_memory_bytes",
            "Resident memory.",
            pages.saturating_mul(page_bytes),
        ));
    }
    if let (Some([start]), Some(boot)) = (fields(&stat, [FIELD_START]), boot_seconds(&system)) {
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

/// Reads fields by the numbers that the manual gives them.
fn fields<const N: usize>(stat: &str, numbers: [usize; N]) -> Option<[u64; N]> {
    let (_, rest) = stat.rsplit_once(')')?;
    let all: Vec<&str> = rest.split_whitespace().collect();
    let mut values = [0; N];
    for (value, number) in values.iter_mut().zip(numbers) {
        *value = all.get(number.checked_sub(FIRST_FIELD)?)?.parse().ok()?;
    }
    Some(values)
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
    fn fields_are_counted_behind_a_name_with_blanks() {
        let stat = "7 (a ) b) S 1 2 3 4 5 6 7 8 9 10 250 50 13 14 15 16 17 18 900 20 512 22";
        assert_eq!(fields(stat, FIELDS_CPU), Some([250, 50]));
        assert_eq!(fields(stat, [FIELD_START]), Some([900]));
        assert_eq!(fields(stat, [FIELD_RESIDENT]), Some([512]));
        assert_eq!(fields(stat, [60]), None);
        assert_eq!(boot_seconds("cpu 1\nbtime 1700000000\n"), Some(1_700_000_000));
    }
}
