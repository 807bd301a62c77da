//! Whether it stays as fast when there is much of it: the same load beside much that is open, waits,
//! exists, has happened or is delivered as one, and without it, in turns. Tasks of the load are
//! counted, and those of the brackets beside it: they are done in the same time, by the same processes.

use std::ops::Range;

use clap::ValueEnum;
use model::{KeptnContext, wire};
use serde::Serialize;

use super::{
    bed::{Bed, Server, Setting},
    bracket::{self, Bracketed},
    driver::trigger,
    load::{DELIVERY_TASKS, Driven, FIRST_OTHER, HELD, Load, PROJECT, SHIPYARD, service},
    part::Part,
    quantiles::median,
    round::{Round, measure},
    set_up::{create_services, name, prepare, store_until},
};
use crate::{failure::Failure, stack::Component, stamp, terminal};

/// Sequences that are open at the same time in what is measured.
const CONCURRENCY: u64 = 32;
/// Sequences of one measurement.
const SEQUENCES: u64 = 4_000;

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
    /// 50 services that one sequence delivers together, again and again.
    Bracket,
}

impl Much {
    const fn name(self) -> &'static str {
        match self {
            Self::Open => "open sequences",
            Self::Projects => "projects",
            Self::History => "sequences of history",
            Self::Waiting => "sequences that wait",
            Self::Bracket => "services in one bracket",
        }
    }

    /// How many that is, at 100 percent. A sequence of history has 17 events.
    const fn count(self) -> u64 {
        match self {
            Self::Open => 10_000,
            Self::Projects | Self::Waiting => 1_000,
            Self::History => 60_000,
            Self::Bracket => bracket::SERVICES,
        }
    }
}

/// The load beside much of something, over the load without it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Grown {
    /// Of what there was much.
    pub(crate) beside: &'static str,
    /// How many.
    pub(crate) count: u64,
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

/// Measures each, `rounds` times with and without in turns; `percent` says how much of it there is.
///
/// # Errors
/// [`Failure`] if something does not get ready in time.
pub(crate) async fn grow(
    server: &Server,
    much: &[Much],
    (rounds, percent): (u32, u64),
) -> Result<Vec<Grown>, Failure> {
    let mut all = Vec::new();
    for much in much {
        let count = (much.count() * percent / 100).max(1);
        terminal::talk(&format!("{count} {}, {rounds} rounds", much.name()));
        let mut empty = stand(server).await?;
        let mut full = stand(server).await?;
        fill(&mut full, *much, count).await?;
        let load = Load { sequences: SEQUENCES, concurrency: CONCURRENCY };
        let mut measured = Vec::new();
        for _ in 0..rounds {
            let without = measure(&mut empty, Setting::Controller, load).await?;
            let with = beside(&mut full, (*much, count), load).await?;
            measured.push((without, with));
        }
        all.extend(grown((*much, count), &measured));
    }
    Ok(all)
}

async fn stand(server: &Server) -> Result<Bed, Failure> {
    let mut bed = Bed::start(server).await?;
    prepare(&mut bed, Setting::Controller, CONCURRENCY).await?;
    Ok(bed)
}

/// Measures beside what there is much of. A bracket is under way only in the meantime, so that the
/// rounds without it have the machine for themselves.
async fn beside(bed: &mut Bed, (much, count): (Much, u64), load: Load) -> Result<Round, Failure> {
    if much != Much::Bracket {
        return measure(bed, Setting::Controller, load).await;
    }
    bed.start_part(&Part::Bracket)?;
    // It answers when the first one is triggered.
    let order = bracket::Order { services: count };
    let _: Bracketed = bed.order(&Part::Bracket, &order).await?;
    let mut round = measure(bed, Setting::Controller, load).await?;
    let Bracketed { brackets } = bed.order(&Part::Bracket, &order).await?;
    bed.stop(Part::Bracket.name()).await;
    terminal::talk(&format!("{brackets} brackets of {count} services ended beside it"));
    round.count_also(brackets * DELIVERY_TASKS.len() as u64);
    Ok(round)
}

async fn fill(bed: &mut Bed, much: Much, count: u64) -> Result<(), Failure> {
    match much {
        Much::Open => open(bed, count).await,
        Much::Projects => projects(bed, count).await,
        Much::History => {
            let load = Load { sequences: count, concurrency: CONCURRENCY };
            bed.order::<Driven>(&Part::Driver, &load).await.map(drop)
        }
        Much::Waiting => waiting(bed, count).await,
        Much::Bracket => services(bed, bracket::of_the_part(count)).await,
    }
}

/// Opens sequences whose task nobody answers, each for a service of its own.
///
/// # Errors
/// [`Failure`] if they are not open in time.
pub(super) async fn open(bed: &mut Bed, count: u64) -> Result<(), Failure> {
    let services = FIRST_OTHER..FIRST_OTHER + count;
    self::services(bed, services.clone()).await?;
    // Each is triggered, and so is its task.
    hold(bed, services, 2 * count).await
}

async fn waiting(bed: &mut Bed, count: u64) -> Result<(), Failure> {
    services(bed, FIRST_OTHER..FIRST_OTHER + 1).await?;
    // All are triggered, and the task of the first.
    hold(bed, (0..count).map(|_| FIRST_OTHER), count + 1).await
}

/// Creates services of these numbers in the project of the load.
async fn services(bed: &mut Bed, numbers: Range<u64>) -> Result<(), Failure> {
    bed.start_services(&[Component::ConfigStore]).await?;
    create_services(bed.client(), &name(PROJECT)?, numbers).await?;
    bed.stop(Component::ConfigStore.name()).await;
    Ok(())
}

async fn projects(bed: &mut Bed, count: u64) -> Result<(), Failure> {
    bed.start_services(&[Component::ConfigStore]).await?;
    let commands: Result<Vec<_>, Failure> = (0..count)
        .map(|number| {
            let project = name(&format!("{PROJECT}-{number}"))?;
            Ok(wire::project("create", &project, SHIPYARD, None, stamp::stamp()?))
        })
        .collect();
    // Each command, and its answer.
    store_until(bed.client(), &commands?, 2 * count).await?;
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
    store_until(bed.client(), &triggers?, events).await
}

fn grown((much, count): (Much, u64), rounds: &[(Round, Round)]) -> Option<Grown> {
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
        count,
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
