//! The type of an event, which is also its NATS subject.
//!
//! Keptn tells types apart by the number of their parts (go-utils 0.20.4, `events.go`): five are a
//! task's, six a sequence's. `<task>.status.changed` and commands have six as well.

use std::fmt::{self, Write as _};

use crate::{InvalidName, SequenceName, StageName, TaskName};

const EVENT_PREFIX: &str = "sh.keptn.event.";
const LOG_ERROR: &str = "sh.keptn.log.error";

/// What happened to a task, a sequence or a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// It shall be done.
    Triggered,
    /// Somebody works on it.
    Started,
    /// Somebody says how it goes; only tasks have it.
    StatusChanged,
    /// It is done.
    Finished,
}

impl Kind {
    /// Returns the end of the type.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Triggered => "triggered",
            Self::Started => "started",
            Self::StatusChanged => "status.changed",
            Self::Finished => "finished",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        match text {
            "triggered" => Some(Self::Triggered),
            "started" => Some(Self::Started),
            "finished" => Some(Self::Finished),
            _ => None,
        }
    }
}

/// What a command is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CommandObject {
    /// `project.{create,update,delete}`.
    Project,
    /// `service.{create,delete}`.
    Service,
    /// `configuration.change`.
    Configuration,
    /// `resource.{create,update,delete}`.
    Resource,
    /// `sequence.{abort,pause,resume,retry}`.
    Sequence,
}

impl CommandObject {
    /// Returns the word in the type.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Project => "project",
            Self::Service => "service",
            Self::Configuration => "configuration",
            Self::Resource => "resource",
            Self::Sequence => "sequence",
        }
    }

    /// Returns the verbs of its commands.
    pub const fn verbs(self) -> &'static [&'static str] {
        match self {
            Self::Project | Self::Resource => &["create", "update", "delete"],
            Self::Service => &["create", "delete"],
            Self::Configuration => &["change"],
            Self::Sequence => &["abort", "pause", "resume", "retry"],
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Project, Self::Service, Self::Configuration, Self::Resource, Self::Sequence]
            .into_iter()
            .find(|object| object.as_str() == text)
    }
}

/// The type of an event.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventType {
    /// `sh.keptn.event.<task>.<kind>`.
    Task(TaskName, Kind),
    /// `sh.keptn.event.<stage>.<sequence>.<kind>`.
    Sequence(StageName, SequenceName, Kind),
    /// `sh.keptn.event.<object>.<verb>.<kind>`.
    Command(CommandObject, Box<str>, Kind),
    /// `sh.keptn.log.error`.
    LogError,
    /// Anything else under `sh.keptn.`; nobody here acts on it.
    Other(Box<str>),
}

/// A type that no event can have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidType {
    /// It is not under `sh.keptn.`, or has an empty or unprintable part.
    #[error("`type` must start with `sh.keptn.` and have no empty part")]
    Prefix,
    /// A part of it must be a name and is none.
    #[error("`type` holds a {0}")]
    Name(#[from] InvalidName),
}

impl EventType {
    /// Reads a type.
    ///
    /// # Errors
    /// [`InvalidType`] when it cannot be a subject of ours or holds a bad name.
    pub fn parse(text: &str) -> Result<Self, InvalidType> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        let is_token = |part: &str| {
            !part.is_empty()
                && (part.bytes().all(is_plain)
                    || !part.contains(|c: char| {
                        c.is_whitespace() || c.is_control() || matches!(c, '*' | '>')
                    }))
        };
        if !text.starts_with("sh.keptn.") || !text.split('.').all(is_token) {
            return Err(InvalidType::Prefix);
        }
        if text == LOG_ERROR {
            return Ok(Self::LogError);
        }
        let Some(rest) = text.strip_prefix(EVENT_PREFIX) else {
            return Ok(Self::Other(text.into()));
        };
        Self::parse_event(rest, text)
    }

    fn parse_event(rest: &str, text: &str) -> Result<Self, InvalidType> {
        if let Some(task) = rest.strip_suffix(".status.changed").filter(|t| !t.contains('.')) {
            return Ok(Self::Task(TaskName::new(task)?, Kind::StatusChanged));
        }
        let mut parts = rest.rsplit('.');
        let kind = parts.next().and_then(Kind::parse);
        let (Some(kind), Some(last)) = (kind, parts.next()) else {
            return Ok(Self::Other(text.into()));
        };
        match (parts.next(), parts.next()) {
            (None, _) => Ok(Self::Task(TaskName::new(last)?, kind)),
            (Some(first), None) => match CommandObject::parse(first) {
                Some(object) => Ok(Self::Command(object, last.into(), kind)),
                None => Ok(Self::Sequence(StageName::new(first)?, SequenceName::new(last)?, kind)),
            },
            (Some(_), Some(_)) => Ok(Self::Other(text.into())),
        }
    }

    /// Tells whether a text spells it.
    pub fn is_spelled(&self, text: &str) -> bool {
        let mut rest = Rest(text);
        write!(rest, "{self}").is_ok() && rest.0.is_empty()
    }

    /// Returns the kind, if the type has one.
    pub fn kind(&self) -> Option<Kind> {
        match self {
            Self::Task(_, kind) | Self::Sequence(_, _, kind) | Self::Command(_, _, kind) => {
                Some(*kind)
            }
            Self::LogError | Self::Other(_) => None,
        }
    }
}

/// What of a text is left behind what was written; takes nothing else.
struct Rest<'a>(&'a str);

impl fmt::Write for Rest<'_> {
    fn write_str(&mut self, written: &str) -> fmt::Result {
        self.0 = self.0.strip_prefix(written).ok_or(fmt::Error)?;
        Ok(())
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Task(task, kind) => write!(f, "{EVENT_PREFIX}{task}.{}", kind.as_str()),
            Self::Sequence(stage, sequence, kind) => {
                write!(f, "{EVENT_PREFIX}{stage}.{sequence}.{}", kind.as_str())
            }
            Self::Command(object, verb, kind) => {
                write!(f, "{EVENT_PREFIX}{}.{verb}.{}", object.as_str(), kind.as_str())
            }
            Self::LogError => f.write_str(LOG_ERROR),
            Self::Other(text) => f.write_str(text),
        }
    }
}
