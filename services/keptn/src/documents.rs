//! Shipyards, uniforms and events from files: read whole, with all their problems told at once.

use std::{io::Read as _, path::Path};

use model::{Problem, Reading};

use crate::{
    failure::{Exit, Failure, Told},
    terminal,
};

/// Most bytes of a file that are read; the reader of the document refuses less, and says so.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Reads a text file, up to a limit.
///
/// # Errors
/// Exit code 2 with what the system says.
pub(crate) fn read_file(path: &Path) -> Result<String, Failure> {
    let shown = path.display();
    let unreadable = |error: std::io::Error| {
        let failure = Failure::usage(format!("file `{shown}` must be readable: {error}"));
        let is_url = path.to_string_lossy().contains("://");
        if is_url { failure.hint("download it first, and name the file") } else { failure }
    };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut text = String::new();
    file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text).map_err(unreadable)?;
    if u64::try_from(text.len()).is_ok_and(|bytes| bytes > FILE_BYTES_MAX) {
        let message = format!("file `{shown}` must be at most {FILE_BYTES_MAX} bytes");
        return Err(Failure::usage(message));
    }
    Ok(text)
}

/// Writes a file that must not be there yet.
///
/// # Errors
/// Exit code 5 if it is there, 2 with what the system says.
pub(crate) fn write_new(path: &Path, text: &str) -> Result<(), Failure> {
    let shown = path.display();
    let written = std::fs::File::create_new(path)
        .and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes()));
    written.map_err(|error| {
        if error.kind() == std::io::ErrorKind::AlreadyExists {
            Failure::refused(format!("file `{shown}` is there already"))
                .hint("name another file, or remove this one")
        } else {
            Failure::usage(format!("file `{shown}` must be writable: {error}"))
        }
    })
}

/// Tells the warnings of a document, and returns it or all its errors.
///
/// # Errors
/// Exit code 2 with every error and its place.
pub(crate) fn check<T>(path: &Path, reading: Reading<T>) -> Result<T, Failure> {
    for warning in &reading.warnings {
        terminal::talk(&format!("warning: {}", placed(path, warning)));
        if let Some(hint) = &warning.hint {
            terminal::talk(&format!("hint: {hint}"));
        }
    }
    reading.into_result().map_err(|problems| invalid(path, &problems))
}

fn placed(path: &Path, problem: &Problem) -> String {
    format!("{}: {problem}", path.display())
}

/// Makes one failure of all problems of a file; the hint of the first that has one.
fn invalid(path: &Path, problems: &[Problem]) -> Failure {
    Failure::Told(Told {
        exit: Exit::Usage,
        errors: problems.iter().map(|problem| placed(path, problem)).collect(),
        hint: problems.iter().find_map(|problem| problem.hint.clone()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_problems_of_a_file_are_told() {
        let problem = |message: &str, line| Problem {
            message: message.to_owned(),
            line: Some(line),
            column: Some(5),
            hint: Some(format!("hint {line}")),
        };
        let failure = invalid(Path::new("s.yaml"), &[problem("first", 3), problem("second", 9)]);
        assert_eq!(
            failure.to_string(),
            "error: s.yaml: line 3, column 5: first\n\
             error: s.yaml: line 9, column 5: second\n\
             hint: hint 3\n"
        );
        assert_eq!(failure.exit(), Exit::Usage);
    }
}
