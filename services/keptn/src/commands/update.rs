//! `keptn update project`: a new shipyard, and a new uniform.

use clap::Subcommand;

use super::create::{self, ProjectArgs};
use crate::{
    arguments::ConnectionArgs,
    failure::{Exit, Failure},
};

/// What can be updated.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum UpdateCommand {
    /// Replace a project's shipyard; runs under way keep the one they started with
    Project(ProjectArgs),
}

/// Updates a project.
///
/// # Errors
/// Exit code 2 for files that cannot be read and unknown projects.
pub(crate) async fn run(
    command: UpdateCommand,
    connection: &ConnectionArgs,
) -> Result<Exit, Failure> {
    let UpdateCommand::Project(arguments) = command;
    create::project("update", arguments, connection).await
}
