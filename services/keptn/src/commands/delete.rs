//! `keptn delete project`, `keptn delete service` and `keptn delete resource`.

use clap::{Args, Subcommand};
use model::ProjectName;

use crate::{
    arguments::{ConnectionArgs, ProjectArg, ServiceArg},
    client::Client,
    commands::resource,
    failure::{Exit, Failure},
    stamp, terminal, wire,
};

/// What can be deleted.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum DeleteCommand {
    /// Delete a project; its open runs end as aborted
    Project(DeleteProjectArgs),
    /// Delete a service from all stages of a project
    Service(DeleteServiceArgs),
    /// Delete a resource and its earlier versions
    Resource(resource::DeleteResourceArgs),
}

/// Arguments of `delete project`.
#[derive(Clone, Debug, Args)]
pub(crate) struct DeleteProjectArgs {
    /// The project
    #[arg(value_name = "PROJECT")]
    name: ProjectName,
}

/// Arguments of `delete service`.
#[derive(Clone, Debug, Args)]
pub(crate) struct DeleteServiceArgs {
    #[command(flatten)]
    service: ServiceArg,
    #[command(flatten)]
    project: ProjectArg,
}

/// Deletes a project, a service or a resource.
///
/// # Errors
/// Exit code 2 for unknown names, 5 if config-store refuses.
pub(crate) async fn run(
    command: DeleteCommand,
    connection: &ConnectionArgs,
) -> Result<Exit, Failure> {
    let client = Client::connect(connection).await?;
    match command {
        DeleteCommand::Project(DeleteProjectArgs { name }) => {
            client.carry_out(&wire::project_delete(&name, stamp::stamp()?)).await?;
            terminal::talk(&format!("deleted project {name}"));
        }
        DeleteCommand::Resource(arguments) => resource::delete(&client, arguments).await?,
        DeleteCommand::Service(DeleteServiceArgs { service, project }) => {
            let (project, service) = (&project.project, &service.service);
            let event = wire::service("delete", project, service, stamp::stamp()?);
            client.carry_out(&event).await?;
            terminal::talk(&format!("deleted service {service} from project {project}"));
        }
    }
    Ok(Exit::Done)
}
