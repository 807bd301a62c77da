//! The project of a benchmark and its services, made by config-store as everybody's are.

use std::ops::Range;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use model::{Event, InvalidName, ProjectName, wire};

use super::{
    bed::{Bed, Setting},
    load::{PROJECT, SHIPYARD, service},
    part::Part,
};
use crate::{client::Client, failure::Failure, stack::Component, stamp};

/// Commands that are on their way at the same time.
const ON_THEIR_WAY_MAX: usize = 256;

/// Starts what a setting needs, with so many services in the project.
///
/// # Errors
/// [`Failure`] if something does not get ready.
pub(crate) async fn prepare(bed: &mut Bed, setting: Setting, services: u64) -> Result<(), Failure> {
    match setting {
        Setting::Floor => bed.start_part(&Part::Floor)?,
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
    let name: ProjectName = project.parse().map_err(|error| wrong(&error))?;
    let command = wire::project("create", &name, SHIPYARD, None, stamp::stamp()?);
    client.carry_out(&command).await?;
    create_services(client, &name, services).await
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
        let service = service(number).parse().map_err(|error| wrong(&error))?;
        Ok::<_, Failure>(wire::service("create", project, &service, stamp::stamp()?))
    });
    let commands = commands.collect::<Result<Vec<_>, _>>()?;
    let Some((last, others)) = commands.split_last() else { return Ok(()) };
    store_all(client, others).await?;
    // Commands on one project are decided in order, so this is the end of all of them.
    client.carry_out(last).await.map(drop)
}

/// Stores events, many at a time.
///
/// # Errors
/// [`Failure`] if one is not stored.
pub(crate) async fn store_all(client: &Client, events: &[Event]) -> Result<(), Failure> {
    stream::iter(events)
        .map(|event| client.store(event))
        .buffer_unordered(ON_THEIR_WAY_MAX)
        .try_for_each(async |_| Ok(()))
        .await
}

fn wrong(error: &InvalidName) -> Failure {
    Failure::usage(error.to_string())
}
