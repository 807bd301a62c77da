//! Runs the checker, a program in another language, and reads its verdict.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::harness::{python, wait};

/// The program.
const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/checker/check.py");
/// Longest time that it may take; 200,000 events take well under a minute.
const LIMIT: Duration = Duration::from_mins(3);

/// What the checker found.
pub struct Verdict(Value);

impl Verdict {
    /// Returns a count of the verdict.
    pub fn count(&self, name: &str) -> u64 {
        self.0[name].as_u64().unwrap_or_default()
    }

    /// Returns what broke a rule, empty if nothing did.
    pub fn violations(&self) -> Vec<String> {
        let list = self.0["violations"].as_array();
        list.into_iter().flatten().map(Value::to_string).collect()
    }
}

/// Judges the stream of the server.
///
/// # Errors
///
/// The checker cannot judge it; the text is what it says.
pub fn check(url: &str, acknowledged: Option<&Path>, with_view: bool) -> Result<Verdict, String> {
    let mut command = Command::new(python::with_nats());
    command.args([PROGRAM, "--server", url]);
    if let Some(path) = acknowledged {
        command.arg("--acked").arg(path);
    }
    if !with_view {
        command.arg("--no-view");
    }
    let said = tempfile::NamedTempFile::new().map_err(|error| error.to_string())?;
    let stdout = said.reopen().map_err(|error| error.to_string())?;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(stdout)
        .spawn()
        .map_err(|error| format!("the checker: {error}"))?;
    let status = wait::within(LIMIT, "the checker ends", || match child.try_wait() {
        Ok(Some(status)) => Ok(status),
        Ok(None) => Err("still running".to_owned()),
        Err(error) => Err(error.to_string()),
    });
    let text = std::fs::read_to_string(said.path()).map_err(|error| error.to_string())?;
    let verdict = serde_json::from_str(&text)
        .map_err(|error| format!("the checker ended with {status} and said {text:?}: {error}"))?;
    Ok(Verdict(verdict))
}
