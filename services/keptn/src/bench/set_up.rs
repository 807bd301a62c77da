//! The project of a benchmark and its services, made by config-store as everybody's are.

use std::{ops::Range, str::FromStr};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use model::{Event, InvalidName, ProjectName, wire};
use tokio::time::{Duration, Instant, sleep};

use super::{
    bed::{Bed, Setting},
    load::{PROJECT, SHIPYARD, service},
    part::Part,
};
use crate::{client::Client, failure::Failure, stack::Component, stamp};

/// Commands that are on their way at the same time.
const ON_THEIR_WAY_MAX: usize = 256;
/// Longest time until what was begun is there.
pub(crate) const FILL_WAIT: Duration = Duration::from_mins(5);
/// Pause between two looks.
const LOOK_PAUSE: Duration = Duration::from_millis(50);

/// Starts what a setting needs, with so many services in the project.
///
/// # Errors
/// [`Failure`] if something does not get ready.
pub(crate) async fn prepare(bed: &mut Bed, setting: Setting, services: u64) -> Result<(), Failure> {
    match setting {
        Setting::Floor => {
            bed.hide_durability();
            bed.start_part(&Part::Floor)?;
        }
        Setting::Controller => {
            bed.start_services(&[Component::ShipyardController, Component::ConfigStore]).await?;
            create(bed.client(), PROJECT, 0..services).await?;
            bed.stop(Component::ConfigStore.name()).await;
        }
        Setting::Services => {
            bed.start_services(&Component::SERVICES).await?;
            create(bed.client(), PROJECT, 0..services).await?;
        }
    }
    bed.start_part(&Part::Executor)?;
    bed.start_part(&Part::Driver)
}

/// Creates a project with services of these numbers.
///
/// # Errors
/// [`Failure`] if it is refused.
pub(crate) async fn create(
    client: &Client,
    project: &str,
    services: Range<u64>,
) -> Result<(), Failure> {
    let project: ProjectName = name(project)?;
    let command = wire::project("create", &project, SHIPYARD, None, stamp::stamp()?);
    client.carry_out(&command).await?;
    create_services(client, &project, services).await
}

/// Creates services of these numbers in a project.
///
/// # Errors
/// [`Failure`] if the last one is refused.
pub(crate) async fn create_services(
    client: &Client,
    project: &ProjectName,
    services: Range<u64>,
) -> Result<(), Failure> {
    let commands = services.map(|number| {
        let service = name(&service(number))?;
        Ok::<_, Failure>(wire::service("create", project, &service, stamp::stamp()?))
    });
    let commands = commands.collect::<Result<Vec<_>, _>>()?;
    let Some((last, others)) = commands.split_last() else { return Ok(()) };
    store_all(client, others).await?;
    // Commands on one project are decided in order, so this is the end of all of them.
    client.carry_out(last).await.map(drop)
}

/// Stores events, and waits until so many are stored, with what follows from them.
///
/// # Errors
/// [`Failure`] if one is not stored, or not all is there in time.
pub(crate) async fn store_until(
    client: &Client,
    events: &[Event],
    in_all: u64,
) -> Result<(), Failure> {
    let stored = end(client).await?;
    store_all(client, events).await?;
    let (position, until) = (stored + in_all, Instant::now() + FILL_WAIT);
    loop {
        let end = end(client).await?;
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

async fn end(client: &Client) -> Result<u64, Failure> {
    client.bus().stream_end().await.map_err(|error| Failure::unreachable(error.to_string()))
}

/// Stores events, many at a time.
///
/// # Errors
/// [`Failure`] if one is not stored.
async fn store_all(client: &Client, events: &[Event]) -> Result<(), Failure> {
    stream::iter(events)
        .map(|event| client.store(event))
        .buffer_unordered(ON_THEIR_WAY_MAX)
        .try_for_each(async |_| Ok(()))
        .await
}

/// Returns a name.
///
/// # Errors
/// [`Failure`] if it is none.
pub(crate) fn name<N: FromStr<Err = InvalidName>>(text: &str) -> Result<N, Failure> {
    text.parse().map_err(|error: InvalidName| Failure::usage(error.to_string()))
}
