//! The project of a benchmark and its services, made by config-store as everybody's are.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use model::{ProjectName, wire};

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
            create(bed.client(), PROJECT, services).await?;
            bed.stop(Component::ConfigStore.name()).await;
        }
        Setting::Services => {
            bed.start_services(&Component::SERVICES).await?;
            create(bed.client(), PROJECT, services).await?;
        }
    }
    bed.start_part(&Part::Executor)?;
    bed.start_part(&Part::Driver)
}

/// Creates a project with so many services.
///
/// # Errors
/// [`Failure`] if it is refused.
pub(crate) async fn create(client: &Client, project: &str, services: u64) -> Result<(), Failure> {
    let wrong = |error: model::InvalidName| Failure::usage(error.to_string());
    let project: ProjectName = project.parse().map_err(wrong)?;
    client.carry_out(&wire::project("create", &project, SHIPYARD, None, stamp::stamp()?)).await?;
    let commands = (0..services).map(|number| {
        let service = service(number).parse().map_err(wrong)?;
        Ok::<_, Failure>(wire::service("create", &project, &service, stamp::stamp()?))
    });
    let commands = commands.collect::<Result<Vec<_>, _>>()?;
    let Some((last, others)) = commands.split_last() else { return Ok(()) };
    stream::iter(others)
        .map(|command| client.store(command))
        .buffer_unordered(ON_THEIR_WAY_MAX)
        .try_for_each(async |_| Ok(()))
        .await?;
    // Commands on one project are decided in order, so this is the end of all of them.
    client.carry_out(last).await.map(drop)
}
