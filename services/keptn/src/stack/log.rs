//! The log of a child: all of it to a bounded file, its warnings and errors to standard error.

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
};

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

use crate::terminal;

/// Size at which a log file becomes the old one and a new one begins, so that a child that
/// complains for days fills no disk: at most twice this per child.
const LOG_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// Bytes of a line that are repeated on standard error; the file has all of it.
const ECHO_BYTES_MAX: usize = 2000;

/// A log file that is replaced when it gets too large.
pub(crate) struct LogFile {
    path: PathBuf,
    file: Option<File>,
    written_bytes: u64,
}

impl LogFile {
    /// Opens the log of a component, behind what an earlier process wrote.
    pub(crate) fn open(directory: &Path, name: &str) -> Self {
        let path = directory.join(format!("{name}.log"));
        let written_bytes = fs::metadata(&path).map(|found| found.len()).unwrap_or_default();
        let file = File::options().create(true).append(true).open(&path).ok();
        Self { path, file, written_bytes }
    }

    /// Writes a line. A disk that is full must not stop the child, so a failure is let go.
    fn write(&mut self, line: &[u8]) {
        if self.written_bytes > LOG_BYTES_MAX {
            self.file = fs::rename(&self.path, self.path.with_extension("log.old"))
                .and_then(|()| File::create(&self.path))
                .ok();
            self.written_bytes = 0;
        }
        if let Some(file) = &mut self.file {
            drop(file.write_all(line));
            self.written_bytes += u64::try_from(line.len()).unwrap_or_default();
        }
    }
}

/// Copies what a child says until it ends.
pub(crate) async fn pump(source: impl AsyncRead + Unpin, log: &mut LogFile, name: &str) {
    let mut reader = BufReader::new(source);
    let mut line = Vec::new();
    while let Ok(1..) = reader.read_until(b'\n', &mut line).await {
        log.write(&line);
        let text = String::from_utf8_lossy(line.get(..ECHO_BYTES_MAX).unwrap_or(&line));
        if is_alarming(&text) {
            terminal::talk(&format!("{name}: {}", text.trim_end()));
        }
        line.clear();
    }
}

/// Tells whether a line is a warning or an error, in the form of nats-server or of a service.
///
/// The level is the second word of a service's line and the fourth of nats-server's; what is no
/// log line at all, such as the last words of a process that gives up, counts as well.
fn is_alarming(line: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().take(4).collect();
    match words.as_slice() {
        [_, "TRACE" | "DEBUG" | "INFO", ..] | [_, _, _, "[TRC]" | "[DBG]" | "[INF]"] | [] => false,
        [_, ..] => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_and_last_words_are_repeated_and_the_rest_is_not() {
        for quiet in [
            "2026-11-23T12:00:00.000Z  INFO shipyard_controller: ready",
            "[4711] 2026/11/23 12:00:00.000000 [INF] Server is ready",
            "",
        ] {
            assert!(!is_alarming(quiet), "{quiet}");
        }
        for loud in [
            "2026-11-23T12:00:00.000Z  WARN bus: no connection",
            "[4711] 2026/11/23 12:00:00.000000 [ERR] disk full",
            "error: `NATS_URL` must be a URL",
        ] {
            assert!(is_alarming(loud), "{loud}");
        }
    }

    #[tokio::test]
    async fn a_log_is_continued_by_the_next_process() {
        let directory = tempfile::tempdir().unwrap();
        for line in ["[1] 2026/11/23 12:00:00 [INF] a\n", "[1] 2026/11/23 12:00:01 [INF] b\n"] {
            let mut log = LogFile::open(directory.path(), "nats-server");
            pump(line.as_bytes(), &mut log, "nats-server").await;
        }
        let text = fs::read_to_string(directory.path().join("nats-server.log")).unwrap();
        assert_eq!(text.lines().count(), 2);
    }

    #[test]
    fn a_log_that_got_too_large_begins_anew() {
        let directory = tempfile::tempdir().unwrap();
        let mut log = LogFile::open(directory.path(), "x");
        log.write(b"old\n");
        log.written_bytes = LOG_BYTES_MAX + 1;
        log.write(b"new\n");
        let read = |name: &str| fs::read_to_string(directory.path().join(name)).unwrap();
        assert_eq!((read("x.log").as_str(), read("x.log.old").as_str()), ("new\n", "old\n"));
    }
}
