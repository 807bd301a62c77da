//! The only writer of standard output and standard error: data goes to the one, talk to the other.

use std::{
    io::{ErrorKind, IsTerminal, Write},
    sync::OnceLock,
};

use crate::{environment, failure::Failure, render::Paint};

/// Columns that are assumed where the width of the terminal is not known.
const COLUMNS_DEFAULT: usize = 100;
/// Rows that are assumed where the height of the terminal is not known.
const ROWS_DEFAULT: usize = 24;

/// How much is said on standard error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Loudness {
    /// Errors alone.
    Quiet,
    /// What was done, warnings and hints.
    Normal,
    /// What is asked and stored, too.
    Verbose,
}

/// Set once, before anything is said.
static LOUDNESS: OnceLock<Loudness> = OnceLock::new();

/// Decides how much is said; the first decision holds.
pub(crate) fn set_loudness(loudness: Loudness) {
    LOUDNESS.get_or_init(|| loudness);
}

fn is_said(from: Loudness) -> bool {
    LOUDNESS.get().copied().unwrap_or(Loudness::Normal) >= from
}

/// Writes data to standard output, whole.
///
/// # Errors
/// [`Failure::PipeClosed`] if nobody reads it any more; a failure that says why otherwise.
pub(crate) fn data(text: &str) -> Result<(), Failure> {
    data_bytes(text.as_bytes())
}

/// Writes data that may be no text to standard output, whole.
///
/// # Errors
/// As [`data`].
pub(crate) fn data_bytes(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(Failure::PipeClosed),
        Err(error) => Err(Failure::usage(format!("standard output must be writable: {error}"))),
    }
}

/// Writes a line of data to standard output.
///
/// # Errors
/// As [`data`].
pub(crate) fn data_line(line: &str) -> Result<(), Failure> {
    data(&format!("{line}\n"))
}

/// Writes a line of talk to standard error, unless that is not wanted. That nobody listens is no
/// reason to stop.
pub(crate) fn talk(line: &str) {
    if is_said(Loudness::Normal) {
        talk_raw(&format!("{line}\n"));
    }
}

/// Writes a line of talk that only who wants to know more is told.
pub(crate) fn detail(line: &str) {
    if is_said(Loudness::Verbose) {
        talk_raw(&format!("{line}\n"));
    }
}

/// Writes text to standard error as it is, wanted or not: errors, and what a person is asked.
pub(crate) fn talk_raw(text: &str) {
    let mut err = std::io::stderr().lock();
    // A closed standard error leaves nobody to tell.
    drop(err.write_all(text.as_bytes()).and_then(|()| err.flush()));
}

/// Tells whether standard output is a terminal.
pub(crate) fn is_interactive() -> bool {
    std::io::stdout().is_terminal()
}

/// Tells whether a person can be asked: standard input is a terminal.
pub(crate) fn is_asking() -> bool {
    std::io::stdin().is_terminal()
}

/// Decides about colours on standard output: only on a terminal, never with `NO_COLOR`.
pub(crate) fn paint() -> Paint {
    let plain = environment::get("NO_COLOR").is_some_and(|value| !value.is_empty())
        || environment::get("TERM").as_deref() == Some("dumb");
    Paint::new(is_interactive() && !plain)
}

/// Returns columns and rows of the terminal.
pub(crate) fn size() -> (usize, usize) {
    terminal_size::terminal_size().map_or((COLUMNS_DEFAULT, ROWS_DEFAULT), |(width, height)| {
        (usize::from(width.0), usize::from(height.0))
    })
}
