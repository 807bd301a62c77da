//! How a command ends when it does not succeed: the exit code, the sentence, and the hint.

use std::{fmt, process::ExitCode};

/// Exit codes of every command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done, or nothing to do.
    Done,
    /// A stage is out of sync; only with `--exit-code`.
    OutOfSync,
    /// Wrong flags, unknown names, unreadable or invalid files.
    Usage,
    /// NATS or a service did not answer.
    Unreachable,
    /// NATS does not allow it.
    NotAllowed,
    /// It exists already, is decided already, or a gate refuses it.
    Refused,
    /// A run failed.
    RunFailed,
    /// A run was aborted.
    RunAborted,
    /// A run was still open at the time-out.
    StillRunning,
}

impl Exit {
    /// Returns the number.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::OutOfSync => 1,
            Self::Usage => 2,
            Self::Unreachable => 3,
            Self::NotAllowed => 4,
            Self::Refused => 5,
            Self::RunFailed => 6,
            Self::RunAborted => 7,
            Self::StillRunning => 8,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why a command stopped before its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// What is told as `error: …` and `hint: …`.
    Told(Told),
    /// Nobody reads standard output any more; this is no error.
    PipeClosed,
}

/// What is told about a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    /// The exit code.
    pub(crate) exit: Exit,
    /// One sentence each: the rule, the value.
    pub(crate) errors: Vec<String>,
    /// What to do.
    pub(crate) hint: Option<String>,
}

impl Failure {
    /// Makes a failure of one sentence.
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self::Told(Told { exit, errors: vec![message.into()], hint: None })
    }

    /// Makes a failure for wrong flags, unknown names and invalid files.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// Makes a failure for what did not answer.
    pub(crate) fn unreachable(message: impl Into<String>) -> Self {
        Self::new(Exit::Unreachable, message)
    }

    /// Makes a failure for what is refused.
    pub(crate) fn refused(message: impl Into<String>) -> Self {
        Self::new(Exit::Refused, message)
    }

    /// Adds what to do.
    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        match self {
            Self::Told(told) => Self::Told(Told { hint: Some(hint.into()), ..told }),
            Self::PipeClosed => Self::PipeClosed,
        }
    }

    /// Adds what to do, if something is known.
    pub(crate) fn hint_if(self, hint: Option<String>) -> Self {
        match hint {
            Some(hint) => self.hint(hint),
            None => self,
        }
    }

    /// Returns the exit code.
    pub(crate) const fn exit(&self) -> Exit {
        match self {
            Self::Told(told) => told.exit,
            Self::PipeClosed => Exit::Done,
        }
    }
}

impl fmt::Display for Failure {
    /// `error: …` lines, then `hint: …`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Told(told) = self else { return Ok(()) };
        for error in &told.errors {
            writeln!(f, "error: {error}")?;
        }
        match &told.hint {
            Some(hint) => writeln!(f, "hint: {hint}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_comes_before_the_hint() {
        let failure =
            Failure::usage("stage `hardning` is unknown").hint("did you mean `hardening`?");
        assert_eq!(
            failure.to_string(),
            "error: stage `hardning` is unknown\nhint: did you mean `hardening`?\n"
        );
        assert_eq!(failure.exit().code(), 2);
    }

    #[test]
    fn a_closed_pipe_is_success_and_says_nothing() {
        assert_eq!(Failure::PipeClosed.exit().code(), 0);
        assert_eq!(Failure::PipeClosed.to_string(), "");
    }
}
