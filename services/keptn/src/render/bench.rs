//! What a benchmark measured, as tables.

use super::{
    Paint,
    table::{self, Cell},
};
use crate::bench::{compare::Compared, round::Round};

const BYTES_PER_MB: f64 = 1_000_000.0;

/// Draws one measurement.
pub(crate) fn round(round: &Round, paint: Paint) -> String {
    let figures = [
        ("sequences", round.sequences.to_string()),
        ("open at the same time", round.concurrency.to_string()),
        ("seconds", format!("{:.2}", round.seconds)),
        ("tasks per second", format!("{:.0}", round.tasks_per_second)),
        ("step gap p50, p99, µs", pair(round.step_gap_micros.p50, round.step_gap_micros.p99)),
        ("sequence p50, p99, µs", pair(round.sequence_micros.p50, round.sequence_micros.p99)),
        ("CPU s per 1,000 tasks", format!("{:.3}", round.cpu_seconds_per_1000_tasks)),
        ("stream writes per task", format!("{:.2}", round.stream_writes_per_task)),
        ("deliveries per task", format!("{:.2}", round.deliveries_per_task)),
        ("bytes per sequence", format!("{:.0}", round.bytes_per_sequence)),
        ("cores used by others", format!("{:.2}", round.foreign_cores)),
    ];
    let rows: Vec<Vec<Cell>> = figures
        .into_iter()
        .map(|(figure, value)| vec![Cell::new(figure), Cell::new(value)])
        .collect();
    let processes: Vec<Vec<Cell>> = round
        .cpu_by_process
        .iter()
        .map(|(name, cpu)| {
            let resident = round.resident_bytes.get(name).copied().unwrap_or_default();
            vec![Cell::new(*name), Cell::new(format!("{cpu:.3}")), Cell::new(megabytes(resident))]
        })
        .collect();
    let head = ["FIGURE", round.setting];
    table::draw(&head, &rows, paint)
        + "\n"
        + &table::draw(&["PROCESS", "CPU S PER 1,000 TASKS", "RSS MB"], &processes, paint)
}

/// Draws ours beside the floor.
pub(crate) fn compared(all: &[Compared], paint: Paint) -> String {
    let rows: Vec<Vec<Cell>> = all
        .iter()
        .map(|one| {
            vec![
                Cell::new(one.figure),
                Cell::new(one.concurrency.to_string()),
                Cell::new(figure(one.ours)),
                Cell::new(figure(one.floor)),
                Cell::new(format!("{:.2}", one.ratio)),
                Cell::new(format!("{:.2} to {:.2}", one.low, one.high)),
            ]
        })
        .collect();
    table::draw(&["FIGURE", "OPEN", "OURS", "FLOOR", "RATIO", "RANGE"], &rows, paint)
}

fn pair(first: f64, second: f64) -> String {
    format!("{first:.0}, {second:.0}")
}

/// Writes a figure with as many digits as it means.
fn figure(value: f64) -> String {
    if value < 10.0 { format!("{value:.3}") } else { format!("{value:.0}") }
}

#[expect(clippy::cast_precision_loss, reason = "memory is far below 2^52 bytes")]
fn megabytes(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / BYTES_PER_MB)
}
