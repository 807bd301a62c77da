//! The only writer of standard output and standard error: data goes to the one, talk to the other.

use std::io::{ErrorKind, IsTerminal, Write};

use crate::{environment, failure::Failure, render::Paint};

/// Columns that are assumed where the width of the terminal is not known.
const COLUMNS_DEFAULT: usize = 100;
/// Rows that are assumed where the height of the terminal is not known.
const ROWS_DEFAULT: usize = 24;

/// Writes data to standard output, whole.
///
/// # Errors
/// [`Failure::PipeClosed`] if nobody reads it any more; a failure that says why otherwise.
pub(crate) fn data(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
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

/// Writes a line of talk to standard error. That nobody listens is no reason to stop.
pub(crate) fn talk(line: &str) {
    talk_raw(&format!("{line}\n"));
}

/// Writes text to standard error as it is.
pub(crate) fn talk_raw(text: &str) {
    let mut err = std::io::stderr().lock();
    // A closed standard error leaves nobody to tell.
    drop(err.write_all(text.as_bytes()).and_then(|()| err.flush()));
}

/// Tells whether standard output is a terminal.
pub(crate) fn is_interactive() -> bool {
    std::io::stdout().is_terminal()
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
