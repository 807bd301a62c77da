//! Our loop beside the bare one: rounds that alternate, and the ratios within each round.

use serde::Serialize;

use super::{
    bed::{Bed, Durability, Server, Setting},
    load::Load,
    quantiles::median,
    round::{FOREIGN_CORES_MAX, Round, measure},
    set_up::prepare,
};
use crate::{failure::Failure, terminal};

/// How often a round is tried that others disturb.
const TRIES_MAX: u32 = 3;
/// Sequences of a round with one open at a time; it takes about two seconds.
const SEQUENCES_BASE: u64 = 800;
/// Sequences that each further open one adds.
const SEQUENCES_PER_OPEN: u64 = 150;
/// Most sequences of a round.
const SEQUENCES_MAX: u64 = 8_000;

/// A figure of ours, beside the floor's.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Compared {
    /// What is compared.
    pub(crate) figure: &'static str,
    /// Sequences that are open at the same time.
    pub(crate) concurrency: u64,
    /// Median of ours.
    pub(crate) ours: f64,
    /// Median of the floor.
    pub(crate) floor: f64,
    /// Median of the ratios of the rounds, ours over the floor's.
    pub(crate) ratio: f64,
    /// The lowest ratio.
    pub(crate) low: f64,
    /// The highest ratio.
    pub(crate) high: f64,
}

/// What is compared: its name, whose, and how it is read.
type Figure = (&'static str, Setting, fn(&Round) -> f64);

const FIGURES: [Figure; 9] = [
    ("tasks per second", Setting::Controller, |round| round.tasks_per_second),
    ("tasks per second, all services", Setting::Services, |round| round.tasks_per_second),
    ("step gap p50, µs", Setting::Controller, |round| round.step_gap_micros.p50),
    ("step gap p99, µs", Setting::Controller, |round| round.step_gap_micros.p99),
    ("CPU s per 1,000 tasks", Setting::Controller, |round| round.cpu_seconds_per_1000_tasks),
    ("CPU s per 1,000 tasks, all services", Setting::Services, |round| {
        round.cpu_seconds_per_1000_tasks
    }),
    ("stream writes per task", Setting::Controller, |round| round.stream_writes_per_task),
    ("deliveries per task", Setting::Controller, |round| round.deliveries_per_task),
    ("bytes per sequence", Setting::Controller, |round| round.bytes_per_sequence),
];

/// Alternates floor, controller alone and all services, `rounds` times for each concurrency.
///
/// # Errors
/// [`Failure`] if a round cannot be measured, or others use the machine all the time.
pub(crate) async fn compare(
    server: &Server,
    (rounds, concurrencies): (u32, &[u64]),
) -> Result<Vec<Compared>, Failure> {
    let mut all = Vec::new();
    for concurrency in concurrencies {
        let load = load(*concurrency, server);
        let mut measured = Vec::new();
        for number in 1..=rounds {
            terminal::talk(&format!("{concurrency} open, round {number} of {rounds}"));
            measured.push(round(server, load).await?);
        }
        all.extend(FIGURES.iter().filter_map(|figure| compared(figure, *concurrency, &measured)));
    }
    Ok(all)
}

/// Returns a load that takes some seconds.
fn load(concurrency: u64, server: &Server) -> Load {
    let sequences = SEQUENCES_BASE + SEQUENCES_PER_OPEN.saturating_mul(concurrency);
    let sequences = sequences.min(SEQUENCES_MAX);
    let part = match server {
        // Each message waits for the disk.
        Server::Own { durability: Durability::Always, .. } => 5,
        Server::Own { durability: Durability::Dev, .. } | Server::OfTheUser(_) => 1,
    };
    Load { sequences: (sequences / part).max(concurrency), concurrency }
}

/// One round: each setting once, over a fresh store.
async fn round(server: &Server, load: Load) -> Result<[Round; 3], Failure> {
    let one = |setting| undisturbed(server, (setting, load));
    Ok([one(Setting::Floor).await?, one(Setting::Controller).await?, one(Setting::Services).await?])
}

/// Measures until nobody else used the machine.
async fn undisturbed(server: &Server, (setting, load): (Setting, Load)) -> Result<Round, Failure> {
    for _ in 0..TRIES_MAX {
        let round = once(server, (setting, load)).await?;
        if round.counts() {
            return Ok(round);
        }
        terminal::talk(&format!(
            "others used {:.2} cores (at most {FOREIGN_CORES_MAX}); once more",
            round.foreign_cores
        ));
    }
    Err(Failure::refused("others must leave the machine alone, and did not in three rounds")
        .hint("end what else runs, then try again"))
}

/// Measures a setting over a server and a store of its own.
///
/// # Errors
/// [`Failure`] if something does not get ready, or a sequence does not pass.
pub(crate) async fn once(
    server: &Server,
    (setting, load): (Setting, Load),
) -> Result<Round, Failure> {
    let mut bed = Bed::start(server).await?;
    let measured = async {
        prepare(&mut bed, setting, load.concurrency).await?;
        measure(&mut bed, setting, load).await
    };
    let measured = measured.await;
    bed.clear().await?;
    measured
}

fn compared(
    (figure, whose, read): &Figure,
    concurrency: u64,
    rounds: &[[Round; 3]],
) -> Option<Compared> {
    let of = |setting: Setting| -> Vec<f64> {
        let rounds = rounds.iter().flatten();
        rounds.filter(|round| round.setting == setting.name()).map(read).collect()
    };
    let (ours, floor) = (of(*whose), of(Setting::Floor));
    let ratios: Vec<f64> = ours.iter().zip(&floor).map(|(ours, floor)| ours / floor).collect();
    Some(Compared {
        figure,
        concurrency,
        ours: median(&ours)?,
        floor: median(&floor)?,
        ratio: median(&ratios)?,
        low: ratios.iter().copied().reduce(f64::min)?,
        high: ratios.iter().copied().reduce(f64::max)?,
    })
}
