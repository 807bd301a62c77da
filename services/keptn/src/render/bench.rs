//! What a benchmark measured, as tables.

use super::{
    Paint,
    table::{self, Cell},
};
use crate::bench::{
    compare::Compared, footprint::Footprint, growth::Grown, recovery::Recovered, round::Round,
    view::Viewed,
};

const BYTES_PER_MB: f64 = 1_000_000.0;
const BYTES_PER_KB: i64 = 1_000;

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

/// Draws the load beside much of something, over the load without it.
pub(crate) fn grown(all: &[Grown], paint: Paint) -> String {
    let rows: Vec<Vec<Cell>> = all
        .iter()
        .map(|one| {
            vec![
                Cell::new(format!("{} {}", one.count, one.beside)),
                Cell::new(format!("{:.2}", one.tasks_per_second)),
                Cell::new(format!("{:.2} to {:.2}", one.low, one.high)),
                Cell::new(format!("{:.2}", one.step_gap_p99)),
                Cell::new(format!("{:.2}", one.controller_cpu)),
                Cell::new(format!("{:+}", one.controller_bytes / BYTES_PER_KB)),
            ]
        })
        .collect();
    let head = ["BESIDE", "TASKS/S", "RANGE", "GAP P99", "CONTROLLER CPU", "CONTROLLER KB"];
    table::draw(&head, &rows, paint)
}

/// Draws the times behind a crash.
pub(crate) fn recovered(one: &Recovered, paint: Paint) -> String {
    let rows = [
        ("server takes connections", one.server_connected),
        ("controller is ready", one.controller_ready),
        ("first new trigger", one.first_trigger),
        ("all sequences have passed", one.all_finished),
    ];
    let rows =
        rows.map(|(what, seconds)| vec![Cell::new(what), Cell::new(format!("{seconds:.3}"))]);
    table::draw(&["BEHIND THE CRASH", "SECONDS"], &rows, paint)
}

/// Draws what the services hold when nothing happens.
pub(crate) fn footprint(one: &Footprint, paint: Paint) -> String {
    let mut rows = vec![
        vec![Cell::new("ready, seconds"), Cell::new(format!("{:.3}", one.ready_seconds))],
        vec![Cell::new("cores when idle"), Cell::new(format!("{:.3}", one.idle_cores))],
        vec![Cell::new("memory MB, together"), Cell::new(megabytes(one.resident_bytes_together))],
    ];
    rows.extend(one.resident_bytes.iter().map(|(name, bytes)| {
        vec![Cell::new(format!("RSS MB, {name}")), Cell::new(megabytes(*bytes))]
    }));
    table::draw(&["FIGURE", "SERVICES"], &rows, paint)
}

/// Draws how long answers about a stage took.
pub(crate) fn viewed(one: &Viewed, paint: Paint) -> String {
    let answer = one.answer_micros;
    let rows = [
        ("projects", one.projects.to_string()),
        ("stages per project", one.stages_per_project.to_string()),
        ("services per stage", one.services_per_stage.to_string()),
        ("filled, seconds", format!("{:.1}", one.filled_seconds)),
        ("queries", one.queries.to_string()),
        ("answer p50, p99, µs", pair(answer.p50, answer.p99)),
        ("RSS MB, status-view", megabytes(one.resident_bytes)),
    ];
    let rows = rows.map(|(figure, value)| vec![Cell::new(figure), Cell::new(value)]);
    table::draw(&["FIGURE", "VIEW STATUS"], &rows, paint)
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
