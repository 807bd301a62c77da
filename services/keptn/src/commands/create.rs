//! `keptn create project` and `keptn create service`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use model::{ProjectName, Shipyard, Uniform};

use crate::{
    arguments::{ConnectionArgs, ProjectArg, ServiceArg},
    client::Client,
    documents,
    failure::{Exit, Failure},
    stamp, terminal, wire,
};

/// What can be created.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum CreateCommand {
    /// Create a project from its shipyard
    Project(ProjectArgs),
    /// Create a service in all stages of a project
    Service(CreateServiceArgs),
}

/// Arguments of `create project` and `update project`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ProjectArgs {
    /// The project
    #[arg(value_name = "PROJECT")]
    name: ProjectName,
    /// Its stages and sequences
    #[arg(short, long, value_name = "FILE")]
    shipyard: PathBuf,
    /// Which service answers which task
    #[arg(short, long, value_name = "FILE")]
    uniform: Option<PathBuf>,
}

/// Arguments of `create service`.
#[derive(Clone, Debug, Args)]
pub(crate) struct CreateServiceArgs {
    #[command(flatten)]
    service: ServiceArg,
    #[command(flatten)]
    project: ProjectArg,
}

/// Creates a project or a service.
///
/// # Errors
/// Exit code 2 for files that cannot be read, 5 if it exists.
pub(crate) async fn run(
    command: CreateCommand,
    connection: &ConnectionArgs,
) -> Result<Exit, Failure> {
    match command {
        CreateCommand::Project(arguments) => project("create", arguments, connection).await,
        CreateCommand::Service(arguments) => service(arguments, connection).await,
    }
}

/// Creates or updates a project.
///
/// # Errors
/// Exit code 2 for files that cannot be read; what config-store refuses.
pub(super) async fn project(
    verb: &str,
    arguments: ProjectArgs,
    connection: &ConnectionArgs,
) -> Result<Exit, Failure> {
    let shipyard_text = documents::read_file(&arguments.shipyard)?;
    let shipyard = documents::check(&arguments.shipyard, Shipyard::read(&shipyard_text))?;
    let uniform_text = match &arguments.uniform {
        Some(path) => {
            let text = documents::read_file(path)?;
            documents::check(path, Uniform::read(&text))?;
            Some(text)
        }
        None => None,
    };
    let client = Client::connect(connection).await?;
    let name = &arguments.name;
    let event = wire::project(verb, name, &shipyard_text, uniform_text.as_deref(), stamp::stamp()?);
    client.carry_out(&event).await?;
    let stages: Vec<&str> = shipyard.stages.iter().map(|stage| stage.name.as_str()).collect();
    terminal::talk(&format!("{verb}d project {name} with {}", stages.join(", ")));
    Ok(Exit::Done)
}

async fn service(
    arguments: CreateServiceArgs,
    connection: &ConnectionArgs,
) -> Result<Exit, Failure> {
    let (project, service) = (&arguments.project.project, &arguments.service.service);
    let client = Client::connect(connection).await?;
    client.carry_out(&wire::service("create", project, service, stamp::stamp()?)).await?;
    terminal::talk(&format!("created service {service} in project {project}"));
    Ok(Exit::Done)
}
