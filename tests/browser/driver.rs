//! chromedriver: one for each browser of a test, and what to do where it is missing.
//!
//! It is asked in the protocol `WebDriver` (<https://www.w3.org/TR/webdriver2/>), JSON over HTTP, of
//! which the tests need seven requests. The libraries for it are larger than the tests.

use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::harness::process::Process;
use crate::harness::wait;

/// What is needed, and how to get it.
const NEEDED: &str = "the tests in a browser need chromium and chromedriver on PATH; \
    on Debian: apt-get install chromium chromium-driver";
/// What it says before the port on which it listens.
const STARTED: &str = "was started successfully on port ";
/// Longest silence before an answer: somewhat longer than the browser's own limits, which say what
/// it waited for.
const ANSWER_WAIT: Duration = wait::LIMIT.saturating_add(Duration::from_secs(5));

/// A chromedriver. Dropped, it ends, and its browser with it.
pub(crate) struct Driver {
    process: Process,
    port: u16,
}

impl Driver {
    /// Starts it on a port that it chooses.
    pub(crate) fn start() -> Self {
        let program = on_path("chromedriver").expect(NEEDED);
        let process = Process::start("chromedriver", Command::new(program).arg("--port=0"));
        let port = wait::until("chromedriver listens", || {
            let said = process.lines_with(STARTED);
            let port = said.first().and_then(|line| line.split_once(STARTED));
            let digits = port.map(|(_, port)| port.trim_end_matches('.'));
            digits.and_then(|port| port.parse().ok()).ok_or_else(|| process.tail())
        });
        Self { process, port }
    }

    /// Asks for one step and returns its value.
    ///
    /// # Errors
    ///
    /// The step was refused or not done in time; the text says why.
    pub(crate) fn ask(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        let answer = self.exchange(method, path, &body.to_string());
        let answer = answer.map_err(|error| format!("chromedriver: {error}"))?;
        let mut answer: Value =
            serde_json::from_slice(&answer).map_err(|error| error.to_string())?;
        let value = answer["value"].take();
        match (value["error"].as_str(), value["message"].as_str()) {
            (Some(error), Some(message)) => Err(format!("{error}: {message}")),
            (_, _) => Ok(value),
        }
    }

    fn exchange(&self, method: &str, path: &str, body: &str) -> std::io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(ANSWER_WAIT))?;
        let length = if method == "POST" { body.len() } else { 0 };
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{}",
            &body[..length]
        )?;
        let mut reader = BufReader::new(stream);
        // Not to the end: the browser has inherited the connection and holds it open.
        let mut answer = vec![0; length_of_answer(&mut reader)?];
        reader.read_exact(&mut answer)?;
        Ok(answer)
    }
}

/// Reads the head of an answer and returns how long its body is.
fn length_of_answer(reader: &mut impl BufRead) -> std::io::Result<usize> {
    let mut length = 0;
    let mut line = String::new();
    while reader.read_line(&mut line)? > 0 && !line.trim().is_empty() {
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().map_err(std::io::Error::other)?;
        }
        line.clear();
    }
    Ok(length)
}

impl Drop for Driver {
    fn drop(&mut self) {
        // Killed, it would leave the browser behind. If it does not stop, it is killed all the same.
        drop(catch_unwind(AssertUnwindSafe(|| self.process.stop())));
    }
}

/// Returns the browser's program.
pub(crate) fn chromium() -> PathBuf {
    on_path("chromium").expect(NEEDED)
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}
