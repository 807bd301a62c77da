//! Whether it stays as fast when there is much of it: the same load beside much that is open, waits,
//! exists or has happened, and without it, in turns.

use clap::ValueEnum;
use model::{KeptnContext, ProjectName, wire};
use serde::Serialize;
use tokio::time::{Duration, Instant, sleep};

use super::{
    bed::{Bed, Server, Setting},
    driver::trigger,
    load::{Driven, HELD, Load, PROJECT, SHIPYARD, service},
    part::Part,
    quantiles::median,
    round::{Round, measure},
    set_up::{create_services, prepare, store_all},
};
use crate::{failure::Failure, stack::Component, stamp, terminal};

/// Sequences that are open at the same time in what is measured.
const CONCURRENCY: u64 = 32;
/// Sequences of one measurement.
const SEQUENCES: u64 = 4_000;
/// Number of the first service that the load does not use.
const FIRST_OTHER: u64 = 1_000;
/// Longest time until what was begun is there.
const FILL_WAIT: Duration = Duration::from_mins(5);
/// Pause between two looks.
const LOOK_PAUSE: Duration = Duration::from_millis(50);

/// Of what there is much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Much {
    /// 10,000 sequences whose task nobody answers.
    Open,
    /// 1,000 projects.
    Projects,
    /// A million events of sequences that have ended.
    History,
    /// 1,000 sequences that wait for one service.
    Waiting,
}

impl Much {
    const fn name(self) -> &'static str {
        match self {
            Self::Open => "10,000 open sequences",
            Self::Projects => "1,000 projects",
            Self::History => "1,000,000 events of history",
            Self::Waiting => "1,000 sequences that wait",
        }
    }
}

/// The load beside much of something, over the load without it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Grown {
    /// Of what there was much.
    pub(crate) beside: &'static str,
    /// Median of the tasks per second, over those without it.
    pub(crate) tasks_per_second: f64,
    /// The lowest of these ratios.
    pub(crate) low: f64,
    /// The highest.
    pub(crate) high: f64,
    /// Median of the processor time per task of the controller, over that without it.
    pub(crate) controller_cpu: f64,
    /// Median of the 99th percentiles of the step gap, over those without it.
    pub(crate) step_gap_p99: f64,
    /// Resident memory of the controller beside that without it, bytes more.
    pub(crate) controller_bytes: i64,
}

/// Measures each, `rounds` times with and without in turns.
///
/// # Errors
/// [`Failure`] if something does not get ready in time.
pub(crate) async fn grow(
    server: &Server,
    much: &[Much],
    rounds: u32,
) -> Result<Vec<Grown>, Failure> {
    let mut all = Vec::new();
    for much in much {
        terminal::talk(&format!("{}, {rounds} rounds", much.name()));
        let mut empty = stand(server).await?;
        let mut full = stand(server).await?;
        fill(&mut full, *much).await?;
        let load = Load { sequences: SEQUENCES, concurrency: CONCURRENCY };
        let mut measured = Vec::new();
        for _ in 0..rounds {
            let without = measure(&mut empty, Setting::Controller, load).await?;
            let with = measure(&mut full, Setting::Controller, load).await?;
            measured.push((without, with));
        }
        all.extend(grown(*much, &measured));
    }
    Ok(all)
}

async fn stand(server: &Server) -> Result<Bed, Failure> {
    let mut bed = Bed::start(server).await?;
    prepare(&mut bed, Setting::Controller, CONCURRENCY).await?;
    Ok(bed)
}

async fn fill(bed: &mut Bed, much: Much) -> Result<(), Failure> {
    match much {
        Much::Open => open(bed, 10_000).await,
        Much::Projects => projects(bed, 1_000).await,
        Much::History => {
            let load = Load { sequences: 60_000, concurrency: CONCURRENCY };
            bed.order::<Driven>(&Part::Driver, &load).await.map(drop)
        }
        Much::Waiting => waiting(bed, 1_000).await,
    }
}

/// Opens sequences whose task nobody answers, each for a service of its own.
///
/// # Errors
/// [`Failure`] if they are not open in time.
pub(super) async fn open(bed: &mut Bed, count: u64) -> Result<(), Failure> {
    let services = FIRST_OTHER..FIRST_OTHER + count;
    bed.start_services(&[Component::ConfigStore]).await?;
    create_services(bed.client(), &project(PROJECT)?, services.clone()).await?;
    bed.stop(Component::ConfigStore.name()).await;
    // Each is triggered, and so is its task.
    hold(bed, services, 2 * count).await
}

async fn waiting(bed: &mut Bed, count: u64) -> Result<(), Failure> {
    bed.start_services(&[Component::ConfigStore]).await?;
    let one = FIRST_OTHER..FIRST_OTHER + 1;
    create_services(bed.client(), &project(PROJECT)?, one).await?;
    bed.stop(Component::ConfigStore.name()).await;
    // All are triggered, and the task of the first.
    hold(bed, (0..count).map(|_| FIRST_OTHER), count + 1).await
}

async fn projects(bed: &mut Bed, count: u64) -> Result<(), Failure> {
    bed.start_services(&[Component::ConfigStore]).await?;
    let commands: Result<Vec<_>, Failure> = (0..count)
        .map(|number| {
            let name = project(&format!("{PROJECT}-{number}"))?;
            Ok(wire::project("create", &name, SHIPYARD, None, stamp::stamp()?))
        })
        .collect();
    let stored = bed.client().bus().stream_end().await.map_err(|error| unknown(&error))?;
    store_all(bed.client(), &commands?).await?;
    // Each command, and its answer.
    reached(bed, stored + 2 * count).await?;
    bed.stop(Component::ConfigStore.name()).await;
    Ok(())
}

/// Triggers sequences whose task nobody answers, and waits until so many more events are stored.
async fn hold(bed: &Bed, services: impl Iterator<Item = u64>, events: u64) -> Result<(), Failure> {
    let triggers: Result<Vec<_>, Failure> = services
        .map(|number| {
            let id = stamp::new_id()?;
            let context = KeptnContext::of_trigger(&id);
            Ok(wire::trigger(&trigger(HELD, &service(number))?, &context, stamp::stamp_of(id)))
        })
        .collect();
    let stored = bed.client().bus().stream_end().await.map_err(|error| unknown(&error))?;
    store_all(bed.client(), &triggers?).await?;
    reached(bed, stored + events).await
}

/// Waits until the stream ends at a position.
async fn reached(bed: &Bed, position: u64) -> Result<(), Failure> {
    let until = Instant::now() + FILL_WAIT;
    loop {
        let end = bed.client().bus().stream_end().await.map_err(|error| unknown(&error))?;
        if end >= position {
            return Ok(());
        }
        if Instant::now() >= until {
            let message = format!("the stream must reach {position} in time, is at {end}");
            return Err(Failure::unreachable(message));
        }
        sleep(LOOK_PAUSE).await;
    }
}

fn project(name: &str) -> Result<ProjectName, Failure> {
    name.parse().map_err(|error: model::InvalidName| Failure::usage(error.to_string()))
}

fn unknown(error: &bus::ApiError) -> Failure {
    Failure::unreachable(error.to_string())
}

fn grown(much: Much, rounds: &[(Round, Round)]) -> Option<Grown> {
    let ratios = |read: fn(&Round) -> f64| -> Vec<f64> {
        rounds.iter().map(|(without, with)| read(with) / read(without)).collect()
    };
    let controller = Component::ShipyardController.name();
    let resident = |round: &Round| {
        let bytes = round.resident_bytes.get(controller).copied().unwrap_or_default();
        i64::try_from(bytes).unwrap_or(i64::MAX)
    };
    let rates = ratios(|round| round.tasks_per_second);
    let (without, with) = rounds.last()?;
    Some(Grown {
        beside: much.name(),
        tasks_per_second: median(&rates)?,
        low: rates.iter().copied().reduce(f64::min)?,
        high: rates.iter().copied().reduce(f64::max)?,
        controller_cpu: median(&ratios(controller_cpu))?,
        step_gap_p99: median(&ratios(|round| round.step_gap_micros.p99))?,
        controller_bytes: resident(with) - resident(without),
    })
}

fn controller_cpu(round: &Round) -> f64 {
    let controller = Component::ShipyardController.name();
    round.cpu_by_process.get(controller).copied().unwrap_or_default()
}
