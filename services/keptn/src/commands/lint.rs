//! `keptn lint`: what is wrong with a shipyard or a uniform, without a server.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use model::{Shipyard, Uniform};

use crate::{
    documents,
    failure::{Exit, Failure},
    terminal,
};

/// What can be checked.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum LintCommand {
    /// Check a shipyard
    Shipyard(LintArgs),
    /// Check a uniform
    Uniform(LintArgs),
}

/// Arguments of `lint`.
#[derive(Clone, Debug, Args)]
pub(crate) struct LintArgs {
    /// The file
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Reads the file, and tells its warnings on standard error.
///
/// # Errors
/// Exit code 2 with all errors of the file.
pub(crate) fn run(command: LintCommand) -> Result<Exit, Failure> {
    let said = match command {
        LintCommand::Shipyard(LintArgs { file }) => {
            let shipyard = documents::check(&file, Shipyard::read(&documents::read_file(&file)?))?;
            let stages: Vec<&str> = shipyard.stages.iter().map(|one| one.name.as_str()).collect();
            format!("{}: a shipyard with {}", file.display(), stages.join(", "))
        }
        LintCommand::Uniform(LintArgs { file }) => {
            let uniform = documents::check(&file, Uniform::read(&documents::read_file(&file)?))?;
            let names: Vec<&str> = uniform.services.iter().map(|one| one.name.as_str()).collect();
            format!("{}: a uniform with {}", file.display(), names.join(", "))
        }
    };
    terminal::talk(&said);
    Ok(Exit::Done)
}
