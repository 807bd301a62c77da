//! `keptn completion SHELL`.

use clap::Args;
use clap_complete::Shell;

use crate::{
    arguments,
    failure::{Exit, Failure},
    terminal,
};

/// Arguments of `completion`.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct CompletionArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Prints the script.
///
/// # Errors
/// If standard output cannot be written.
pub(crate) fn run(arguments: CompletionArgs) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut arguments::definition(), "keptn", &mut script);
    terminal::data(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}
