//! What a check found, and how it is written.

use serde::Serialize;

use crate::{
    failure::Failure,
    render::{Paint, Tone},
};

/// Width of the column with the state; holds `warning` and a gap.
const STATE_WIDTH: usize = 9;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    /// As it should be.
    Ok,
    /// It works, but not for ever, or not as somebody may expect.
    Warning,
    /// Something does not work.
    Problem,
}

impl State {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }

    const fn tone(self) -> Tone {
        match self {
            Self::Ok => Tone::Good,
            Self::Warning => Tone::Behind,
            Self::Problem => Tone::Bad,
        }
    }
}

/// What a check found. Shape: `{"check":"stream","state":"ok","message":"…","hint":null}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    check: &'static str,
    state: State,
    message: String,
    hint: Option<String>,
}

impl Finding {
    /// Says that something is as it should be.
    pub(super) fn ok(check: &'static str, message: impl Into<String>) -> Self {
        Self { check, state: State::Ok, message: message.into(), hint: None }
    }

    /// Says that something should be looked at.
    pub(super) fn warning(check: &'static str, message: impl Into<String>) -> Self {
        Self { check, state: State::Warning, message: message.into(), hint: None }
    }

    /// Says that something does not work.
    pub(super) fn problem(check: &'static str, message: impl Into<String>) -> Self {
        Self { check, state: State::Problem, message: message.into(), hint: None }
    }

    /// Makes a problem of why something failed.
    pub(super) fn problem_of(check: &'static str, failure: Failure) -> Self {
        match failure {
            Failure::Told(told) => {
                Self { hint: told.hint, ..Self::problem(check, told.errors.join("; ")) }
            }
            Failure::PipeClosed => Self::problem(check, "ended"),
        }
    }

    /// Adds the way out.
    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// Tells whether something does not work.
    pub(super) fn is_problem(&self) -> bool {
        self.state == State::Problem
    }
}

/// Writes one line for each finding, and its hint below it.
pub(super) fn text(findings: &[Finding], paint: Paint) -> String {
    let width = findings.iter().map(|one| one.check.len()).max().unwrap_or_default();
    let line = |one: &Finding| {
        let word = one.state.as_str();
        let gap = " ".repeat(STATE_WIDTH.saturating_sub(word.len()));
        let state = paint.tint(word, one.state.tone());
        let line = format!("{state}{gap}{:width$}  — {}\n", one.check, one.message);
        match &one.hint {
            Some(hint) => format!("{line}{:STATE_WIDTH$}hint: {hint}\n", ""),
            None => line,
        }
    };
    findings.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_finding_is_a_line_and_its_way_out_another() {
        let findings = [
            Finding::ok("nats", "nats-server 2.15.1"),
            Finding::warning("profile", "unknown").hint("set NATS_MONITOR_URL"),
            Finding::problem_of("stream", Failure::unreachable("gone").hint("make one")),
        ];
        let expected = "\
ok       nats     — nats-server 2.15.1
warning  profile  — unknown
         hint: set NATS_MONITOR_URL
problem  stream   — gone
         hint: make one
";
        assert_eq!(text(&findings, Paint::PLAIN), expected);
        let json = serde_json::to_value(&findings[1]).unwrap();
        assert_eq!(json["state"], "warning");
        assert_eq!(json["hint"], "set NATS_MONITOR_URL");
        assert_eq!(serde_json::to_value(&findings[0]).unwrap()["hint"], serde_json::Value::Null);
    }
}
