//! Faults over real processes: each row breaks something on purpose, under load, and shows that
//! nothing is lost, nothing is said twice and nothing hangs.
//!
//! Reading order: [`scene`] (load and common end), [`kills`] (the simplest rows), then any row.
//! What is right is judged by a program that shares no code with the services: `checker/check.py`.

pub mod absence;
pub mod backlog;
pub mod bad_payloads;
pub mod checker;
pub mod clocks;
pub mod controllers;
pub mod crash_points;
pub mod executors;
pub mod hands;
pub mod keptn_bugs;
pub mod kills;
pub mod load;
pub mod outcome;
pub mod partition;
pub mod poison;
pub mod power;
pub mod program;
pub mod project;
pub mod proxy;
pub mod publisher;
pub mod repeats;
pub mod scene;
pub mod sizes;
pub mod slow_view;
pub mod space;
pub mod watch;

use std::time::Duration;

use outcome::Row;
pub use program::run;

/// One row.
struct Spec {
    id: &'static str,
    what: &'static str,
    run: Row,
    /// Longest time of the short form; a row that needs more hangs.
    limit: Duration,
    /// It mounts file systems, in a namespace of its own.
    own_mounts: bool,
}

const fn row(id: &'static str, what: &'static str, limit_secs: u64, run: Row) -> Spec {
    Spec { id, what, run, limit: Duration::from_secs(limit_secs), own_mounts: false }
}

/// A row that mounts file systems.
const fn mounting(id: &'static str, what: &'static str, limit_secs: u64, run: Row) -> Spec {
    Spec { own_mounts: true, ..row(id, what, limit_secs, run) }
}

/// All rows.
const ROWS: &[Spec] = &[
    row("R1", "kill -9 of services", 240, kills::services),
    row("R2", "kill -9 of nats-server", 180, kills::server),
    row("R24", "graceful stops", 120, kills::graceful),
    row("R15", "two and three controllers", 180, controllers::controllers),
    row("R6", "every event again and again", 120, repeats::repeats),
    row("R7", "every order of answers", 120, repeats::orders),
    row("R8", "poison", 180, poison::poison),
    row("R12", "no nats-server at the start and in the middle", 240, absence::absence),
    row("R13", "partitions", 180, partition::partitions),
    row("R10", "the stream is full", 180, space::full_stream),
    mounting("R11", "the disk is full", 180, space::full_disk),
    mounting("R3", "power cuts", 180, power::cuts),
    row("R5", "the controller dies at each step", 120, crash_points::crash_points),
    row("R9", "payloads that are too large", 120, sizes::sizes),
    row("R14", "status-view stands still", 120, slow_view::slow_view),
    row("R16", "clocks that jump", 120, clocks::clocks),
    row("R18", "executors that misbehave", 120, executors::executors),
    row("R19", "a backlog without a controller", 180, backlog::backlog),
    row("RK", "what went wrong in Keptn", 120, keptn_bugs::keptn_bugs),
];
