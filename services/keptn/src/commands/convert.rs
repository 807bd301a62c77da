//! `keptn convert shipyard`: writes a shipyard of any form in Keptn's own, without a server.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use model::Shipyard;

use crate::{
    documents,
    failure::{Exit, Failure},
    terminal,
};

/// What can be converted.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum ConvertCommand {
    /// Write a shipyard of any version as Keptn's 0.2
    Shipyard(ConvertArgs),
}

/// Arguments of `convert shipyard`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ConvertArgs {
    /// The shipyard
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Write it to this file, which must not be there yet, instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Reads the file, writes it anew, and tells its warnings on standard error.
///
/// # Errors
/// Exit code 2 with all errors of the file, 5 if the output is there already.
pub(crate) fn run(command: ConvertCommand) -> Result<Exit, Failure> {
    let ConvertCommand::Shipyard(ConvertArgs { file, output }) = command;
    let text = documents::read_file(&file)?;
    let converted = documents::check(&file, Shipyard::convert(&text))?;
    if text.contains('#') {
        terminal::talk("note: comments and keys without effect are not carried over");
    }
    match output {
        Some(path) => documents::write_new(&path, &converted)?,
        None => terminal::data(&converted)?,
    }
    Ok(Exit::Done)
}
