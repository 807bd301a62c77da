//! How long an answer about a stage takes when there is much: the query of `keptn view status`, asked
//! for the stages of many projects, one after another.

use model::{
    Event, ProjectName,
    view::{STAGE, StageQuery, StageStatus},
    wire,
};
use serde::Serialize;
use tokio::time::{Duration, Instant, sleep};

use super::{
    bed::{Bed, Server},
    bracket::{self, SERVICES},
    load::{DELIVERY_TASKS, service},
    part::Part,
    quantiles::Quantiles,
    round::Spread,
    set_up::{FILL_WAIT, name, store_until},
};
use crate::{client::Client, failure::Failure, lookup, stack::Component, stamp, terminal};

/// Projects, each with the same stages and services.
const PROJECTS: u64 = 1_000;
/// Stages of a project, in the order of its shipyard.
const STAGES: [&str; 4] = ["dev", "hardening", "staging", "production"];
/// Queries that are measured: each stage of each project once.
const QUERIES: u64 = 4_000;
/// Queries before them that are not measured.
const WARM_UP: u64 = 200;
/// From one stage to the next that is asked for, in the order of the projects: far enough that
/// neighbours are of other projects, and without a divisor in common with the stages in all.
const STRIDE: u64 = 1_597;
/// Version that every stage is delivered.
const VERSION: u64 = 1;
/// Version that the first stage is delivered on top, so that the second one is behind.
const NEWER_VERSION: u64 = 2;
/// How long the services are left alone between the deliveries and the queries.
const SETTLE: Duration = Duration::from_secs(3);
/// Projects whose commands or triggers are stored in one step, and held in memory until they are.
const PROJECTS_PER_STEP: u64 = 100;

/// Events of a command: itself and its answer.
const EVENTS_PER_COMMAND: u64 = 2;
/// Events of a delivery beside those of its tasks: its trigger and its end.
const EVENTS_PER_DELIVERY: u64 = 2;
/// Events of a task: `triggered`, `started` and `finished`.
const EVENTS_PER_TASK: u64 = 3;

/// The services that it takes.
const NEEDED: [Component; 3] =
    [Component::ShipyardController, Component::ConfigStore, Component::StatusView];

/// The shipyard of each project.
const SHIPYARD: &str = "\
apiVersion: spec.keptn.sh/0.2.3
kind: Shipyard
metadata: {name: bench}
spec:
  stages:
    - {name: dev, sequences: [{name: delivery, tasks: [{name: deployment}, {name: evaluation}]}]}
    - {name: hardening, sequences: [{name: delivery, tasks: [{name: deployment}, {name: evaluation}]}]}
    - {name: staging, sequences: [{name: delivery, tasks: [{name: deployment}, {name: evaluation}]}]}
    - {name: production, sequences: [{name: delivery, tasks: [{name: deployment}, {name: evaluation}]}]}
";

/// What was measured.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Viewed {
    /// Projects.
    pub(crate) projects: u64,
    /// Stages of each.
    pub(crate) stages_per_project: usize,
    /// Services of each stage, and so rows of each answer.
    pub(crate) services_per_stage: u64,
    /// From the first command to the last event that the view has read, seconds.
    pub(crate) filled_seconds: f64,
    /// Queries, one after another.
    pub(crate) queries: u64,
    /// From a query to its answer, read, at the one who asks, microseconds.
    pub(crate) answer_micros: Spread,
    /// Resident memory of status-view at the end, bytes.
    pub(crate) resident_bytes: u64,
}

/// Fills a view, then asks it.
///
/// # Errors
/// [`Failure`] if something does not get ready in time, or an answer lacks a service.
pub(crate) async fn look(server: &Server) -> Result<Viewed, Failure> {
    let mut bed = Bed::start(server).await?;
    bed.start_services(&NEEDED).await?;
    bed.start_part(&Part::Executor)?;
    let begun = Instant::now();
    fill(bed.client()).await?;
    let filled = begun.elapsed();
    sleep(SETTLE).await;
    ask(bed.client(), WARM_UP).await?;
    let mut took = ask(bed.client(), QUERIES).await?;
    let usage = bed.usage();
    let resident = usage.get(Component::StatusView.name()).map(|used| used.resident_bytes);
    Ok(Viewed {
        projects: PROJECTS,
        stages_per_project: STAGES.len(),
        services_per_stage: SERVICES,
        filled_seconds: filled.as_secs_f64(),
        queries: QUERIES,
        answer_micros: Spread::of(Quantiles::of(&mut took)),
        resident_bytes: resident.unwrap_or_default(),
    })
}

/// Creates the projects and delivers every service in every stage, as everybody's are: through
/// config-store and shipyard-controller. What is stored many at a time is stored in any order, so
/// what needs something else comes when that is there.
async fn fill(client: &Client) -> Result<(), Failure> {
    let delivery = EVENTS_PER_DELIVERY + EVENTS_PER_TASK * DELIVERY_TASKS.len() as u64;
    terminal::talk(&format!("creating {PROJECTS} projects with {SERVICES} services each"));
    store(client, create_project, EVENTS_PER_COMMAND).await?;
    store(client, services_of, EVENTS_PER_COMMAND).await?;
    terminal::talk(&format!("delivering them in {} stages", STAGES.len()));
    store(client, deliver, delivery).await?;
    store(client, deliver_newer, delivery).await?;
    caught_up(client).await
}

/// Stores the events of each project, step by step; so many are there for each when it is over.
async fn store(
    client: &Client,
    of_project: fn(u64) -> Result<Vec<Event>, Failure>,
    for_each: u64,
) -> Result<(), Failure> {
    for projects in steps() {
        let events = collect(projects, of_project)?;
        store_until(client, &events, for_each * events.len() as u64).await?;
    }
    Ok(())
}

/// Returns the numbers of the projects of each step.
fn steps() -> impl Iterator<Item = std::ops::Range<u64>> {
    let firsts = (0..PROJECTS).step_by(usize::try_from(PROJECTS_PER_STEP).unwrap_or(usize::MAX));
    firsts.map(|first| first..PROJECTS.min(first + PROJECTS_PER_STEP))
}

fn collect(
    projects: std::ops::Range<u64>,
    events: fn(u64) -> Result<Vec<Event>, Failure>,
) -> Result<Vec<Event>, Failure> {
    let all: Result<Vec<_>, Failure> = projects.map(events).collect();
    Ok(all?.into_iter().flatten().collect())
}

/// Returns the command that creates a project.
fn create_project(number: u64) -> Result<Vec<Event>, Failure> {
    let project: ProjectName = name(&project(number))?;
    Ok(vec![wire::project("create", &project, SHIPYARD, None, stamp::stamp()?)])
}

/// Returns the commands that create its services.
fn services_of(number: u64) -> Result<Vec<Event>, Failure> {
    let project: ProjectName = name(&project(number))?;
    let create = |number| {
        let service = name(&service(number))?;
        Ok(wire::service("create", &project, &service, stamp::stamp()?))
    };
    (0..SERVICES).map(create).collect()
}

/// Returns the triggers that deliver one version in every stage.
fn deliver(number: u64) -> Result<Vec<Event>, Failure> {
    let project = project(number);
    let trigger = |stage: &&str| bracket::trigger((&project, stage), 0..SERVICES, VERSION);
    STAGES.iter().map(trigger).collect()
}

/// Returns the trigger that delivers a newer version in the first stage.
fn deliver_newer(number: u64) -> Result<Vec<Event>, Failure> {
    let [first, ..] = STAGES;
    Ok(vec![bracket::trigger((&project(number), first), 0..SERVICES, NEWER_VERSION)?])
}

fn project(number: u64) -> String {
    format!("bench-{number}")
}

/// Waits until the view has read all that is stored.
async fn caught_up(client: &Client) -> Result<(), Failure> {
    let end = client.bus().stream_end().await;
    let end = end.map_err(|error| Failure::unreachable(error.to_string()))?;
    let [stage, ..] = STAGES;
    let (project, stage) = (project(0), stage.to_owned());
    let query = StageQuery { project, stage, from: None, at_least: Some(end) };
    let until = Instant::now() + FILL_WAIT;
    loop {
        let answer: Option<StageStatus> = client.ask_newer(STAGE, &query).await?;
        if answer.is_some() {
            return Ok(());
        }
        if Instant::now() >= until {
            let message = format!("status-view must read up to {end} in time, did not");
            return Err(Failure::unreachable(message));
        }
    }
}

/// Asks for so many stages as `keptn view status` does; returns how long each answer took.
async fn ask(client: &Client, queries: u64) -> Result<Vec<Duration>, Failure> {
    let mut took = Vec::new();
    for query in 0..queries {
        let (number, stage) = asked(query);
        let (project, stage) = (name(&project(number))?, name(stage)?);
        let begun = Instant::now();
        let status = lookup::stage_status(client, &project, &stage, None).await?;
        took.push(begun.elapsed());
        let rows = status.services.iter().filter(|row| row.released.is_some()).count() as u64;
        if rows != SERVICES {
            let message = format!("stage `{stage}` must have {SERVICES} services, has {rows}");
            return Err(Failure::refused(message));
        }
    }
    Ok(took)
}

/// Returns which stage of which project a query is for.
fn asked(query: u64) -> (u64, &'static str) {
    let stages = STAGES.len() as u64;
    let place = query * STRIDE % (PROJECTS * stages);
    let stage = usize::try_from(place % stages).ok().and_then(|number| STAGES.get(number));
    (place / stages, stage.copied().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use model::Shipyard;

    use super::*;
    use crate::bench::load::DELIVERY;

    #[test]
    fn each_stage_is_asked_for_once() {
        let all: BTreeSet<(u64, &str)> = (0..QUERIES).map(asked).collect();
        assert_eq!(all.len() as u64, QUERIES);
        assert_eq!(QUERIES, PROJECTS * STAGES.len() as u64);
        assert!(all.iter().all(|(project, stage)| *project < PROJECTS && STAGES.contains(stage)));
    }

    #[test]
    fn every_project_is_in_one_step() {
        assert!(steps().flatten().eq(0..PROJECTS));
    }

    #[test]
    fn the_shipyard_has_the_stages_and_their_delivery() {
        let shipyard = Shipyard::read(SHIPYARD).into_result().unwrap();
        let names: Vec<&str> = shipyard.stages.iter().map(|stage| stage.name.as_str()).collect();
        assert_eq!(names, STAGES);
        for stage in STAGES {
            let delivery = shipyard.stage(stage).unwrap().sequence(DELIVERY).unwrap();
            let tasks: Vec<&str> = delivery.tasks.iter().map(|task| task.name.as_str()).collect();
            assert_eq!(tasks, DELIVERY_TASKS);
        }
    }

    #[test]
    fn a_project_is_delivered_in_each_stage_and_again_in_the_first() {
        let triggers = [deliver(3).unwrap(), deliver_newer(3).unwrap()].concat();
        let types: Vec<String> =
            triggers.iter().map(|event| event.event_type.to_string()).collect();
        let of = |stage: &str| format!("sh.keptn.event.{stage}.delivery.triggered");
        let expected = ["dev", "hardening", "staging", "production", "dev"].map(of);
        assert_eq!(types, expected);
    }
}
