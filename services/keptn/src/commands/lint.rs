//! `keptn lint`: what is wrong with files, without a server. A kind of file is a reader that gives
//! its problems and a summary; everything else is the same for all.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use model::{Event, Problem, Reading, Shipyard, Uniform};

use crate::{
    arguments::Document,
    documents,
    failure::{Exit, Failure},
    render::{document, lint::Checked},
    terminal,
};

/// What can be checked.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum LintCommand {
    /// Check shipyards
    Shipyard(LintArgs),
    /// Check uniforms
    Uniform(LintArgs),
    /// Check events
    Event(LintArgs),
}

/// Arguments of `lint`.
#[derive(Clone, Debug, Args)]
pub(crate) struct LintArgs {
    /// The files
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Print one document about all files instead of text
    #[arg(short, long, value_name = "FORM")]
    output: Option<Document>,
}

/// Checks all files: problems on standard error, or one document on standard output. Exit code 2
/// if one of the files is refused or cannot be read.
///
/// # Errors
/// If standard output cannot be written.
pub(crate) fn run(command: LintCommand) -> Result<Exit, Failure> {
    match command {
        LintCommand::Shipyard(arguments) => all(&arguments, |text| {
            summed(Shipyard::read(text), |shipyard| {
                let names = shipyard.stages.iter().map(|one| one.name.as_str());
                format!("a shipyard with {}", listed(names))
            })
        }),
        LintCommand::Uniform(arguments) => all(&arguments, |text| {
            summed(Uniform::read(text), |uniform| {
                let names = uniform.services.iter().map(|one| one.name.as_str());
                format!("a uniform with {}", listed(names))
            })
        }),
        LintCommand::Event(arguments) => all(&arguments, |text| {
            summed(Event::lint(text), |event| format!("an event {}", event.event_type))
        }),
    }
}

fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

/// Puts a few words in the place of what was read.
fn summed<T>(reading: Reading<T>, summary: impl FnOnce(&T) -> String) -> Reading<String> {
    Reading {
        value: reading.value.as_ref().map(summary),
        errors: reading.errors,
        warnings: reading.warnings,
    }
}

fn all(arguments: &LintArgs, read: impl Fn(&str) -> Reading<String>) -> Result<Exit, Failure> {
    let checked: Vec<Checked> = arguments.files.iter().map(|file| check(file, &read)).collect();
    match arguments.output {
        Some(form) => terminal::data(&document::text(form, &checked)?)?,
        None => checked.iter().for_each(tell),
    }
    let is_accepted = checked.iter().all(|one| one.accepted);
    Ok(if is_accepted { Exit::Done } else { Exit::Usage })
}

/// Says what is wrong, wanted or not; that nothing is, only if it is wanted.
fn tell(checked: &Checked) {
    let report = checked.report();
    if checked.accepted {
        terminal::talk(report.trim_end());
    } else {
        terminal::talk_raw(&report);
    }
}

fn check(file: &Path, read: impl Fn(&str) -> Reading<String>) -> Checked {
    let (text, reading) = match documents::read_file(file) {
        Ok(text) => {
            let reading = read(&text);
            (text, reading)
        }
        Err(failure) => (String::new(), unreadable(failure)),
    };
    let accepted = reading.errors.is_empty() && reading.value.is_some();
    Checked {
        file: file.display().to_string(),
        accepted,
        summary: reading.value.filter(|_| accepted),
        errors: reading.errors,
        warnings: reading.warnings,
        text,
    }
}

/// A file that cannot be read has one problem without a place.
fn unreadable(failure: Failure) -> Reading<String> {
    let (errors, hint) = match failure {
        Failure::Told(told) => (told.errors, told.hint),
        Failure::PipeClosed => (Vec::new(), None),
    };
    let problem = |message| Problem { message, line: None, column: None, hint: hint.clone() };
    let errors = errors.into_iter().map(problem).collect();
    Reading { value: None, errors, warnings: Vec::new() }
}
