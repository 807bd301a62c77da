//! Names that parse: a name that exists is valid, so it may enter a subject, a key or a path.
//!
//! Project, stage and service follow Keptn's entity rule (`ValidateKeptnEntityName`, go-utils
//! 0.20.4); sequence and task names, which Keptn never checked, follow a rule of ours because
//! they become tokens of a NATS subject.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use smol_str::SmolStr;

use crate::spelled::Spelled;

/// Most bytes of a project name (Keptn's `PROJECT_NAME_MAX_SIZE`).
pub const PROJECT_NAME_BYTES_MAX: usize = 200;
/// Most bytes of a stage name; ours, so that a subject stays short.
pub const STAGE_NAME_BYTES_MAX: usize = 64;
/// Most bytes of a service name (Keptn's `SERVICE_NAME_MAX_SIZE`).
pub const SERVICE_NAME_BYTES_MAX: usize = 43;
/// Most bytes of a sequence or task name; ours.
pub const TASK_NAME_BYTES_MAX: usize = 64;
/// Most bytes of the URI of a resource; ours, so that a list of them stays small.
pub const RESOURCE_URI_BYTES_MAX: usize = 256;
/// Stage names that would make a sequence event look like a command.
pub const RESERVED_STAGE_NAMES: [&str; 5] =
    ["project", "service", "configuration", "sequence", "resource"];

/// Most characters of a refused value that a message repeats.
const SHOWN_CHARS_MAX: usize = 60;

/// A string that is not the name it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} name `{value}` must be {rule}")]
pub struct InvalidName {
    /// `project`, `stage`, `service`, `sequence` or `task`.
    pub what: &'static str,
    /// The refused value, shortened.
    pub value: String,
    /// The rule, to stand behind "must be".
    pub rule: &'static str,
}

impl InvalidName {
    fn new(what: &'static str, rule: &'static str, value: &str) -> Self {
        Self { what, value: shortened(value), rule }
    }
}

/// Returns `value` without control characters and at most 60 characters long.
pub fn shortened(value: &str) -> String {
    let mut shown: String =
        value.chars().take(SHOWN_CHARS_MAX).map(|c| if c.is_control() { '?' } else { c }).collect();
    if value.chars().nth(SHOWN_CHARS_MAX).is_some() {
        shown.push('…');
    }
    shown
}

fn is_entity_name(value: &str, bytes_max: usize) -> bool {
    let bytes = value.as_bytes();
    let inner = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-';
    bytes.len() <= bytes_max
        && bytes.first().is_some_and(u8::is_ascii_lowercase)
        && bytes.last().is_some_and(|b| *b != b'-')
        && bytes.iter().all(inner)
}

fn is_token_name(value: &str) -> bool {
    let bytes = value.as_bytes();
    let inner = |b: &u8| b.is_ascii_alphanumeric() || *b == b'-' || *b == b'_';
    bytes.len() <= TASK_NAME_BYTES_MAX
        && bytes.first().is_some_and(u8::is_ascii_alphanumeric)
        && bytes.iter().all(inner)
}

fn is_resource_uri(value: &str) -> bool {
    let inner = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    let is_part =
        |part: &str| !part.is_empty() && part != "." && part != ".." && part.bytes().all(inner);
    value.len() <= RESOURCE_URI_BYTES_MAX && value.split('/').all(is_part)
}

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident, $what:literal, $rule:literal, $is_valid:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(SmolStr);

        impl $name {
            /// Parses a name.
            ///
            /// # Errors
            /// [`InvalidName`] with the rule and the value.
            pub fn new(value: &str) -> Result<Self, InvalidName> {
                let is_valid: fn(&str) -> bool = $is_valid;
                if is_valid(value) {
                    Ok(Self(value.into()))
                } else {
                    Err(InvalidName::new($what, $rule, value))
                }
            }

            /// Returns the name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(Spelled(Self::new))
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidName;

            fn from_str(value: &str) -> Result<Self, InvalidName> {
                Self::new(value)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0.into()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

name_type!(
    /// A unit of configuration: a shipyard, a uniform and services.
    ProjectName, "project",
    "1-200 of a-z, 0-9 and `-`, starting with a letter and not ending with `-`",
    |value| is_entity_name(value, PROJECT_NAME_BYTES_MAX)
);
name_type!(
    /// A step on the way to production, as the shipyard names it.
    StageName, "stage",
    "1-64 of a-z, 0-9 and `-`, starting with a letter, not ending with `-`, and none of `project service configuration sequence resource`",
    |value| {
        is_entity_name(value, STAGE_NAME_BYTES_MAX) && !RESERVED_STAGE_NAMES.contains(&value)
    }
);
name_type!(
    /// The thing that is delivered.
    ServiceName, "service",
    "1-43 of a-z, 0-9 and `-`, starting with a letter and not ending with `-`",
    |value| is_entity_name(value, SERVICE_NAME_BYTES_MAX)
);
name_type!(
    /// An ordered list of tasks in a stage.
    SequenceName, "sequence",
    "1-64 of A-Z, a-z, 0-9, `-` and `_`, starting with a letter or digit",
    is_token_name
);
name_type!(
    /// The smallest unit of work.
    TaskName, "task",
    "1-64 of A-Z, a-z, 0-9, `-` and `_`, starting with a letter or digit",
    is_token_name
);
name_type!(
    /// A file of a project, a stage or a service (`resourceURI`): a relative path.
    ResourceUri, "resource",
    "a relative path of 1-256 bytes whose parts are of A-Z, a-z, 0-9, `.`, `_` and `-`, and neither `.` nor `..`",
    is_resource_uri
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keptn_entity_names_are_accepted() {
        for good in ["a", "dev", "carts-db", "a1", "x--y"] {
            assert!(ProjectName::new(good).is_ok(), "{good}");
            assert!(StageName::new(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn what_could_leave_a_subject_token_is_refused() {
        for bad in
            ["", "a.b", "*", ">", "a b", "-a", "a-", "1a", "Dev", "ä", "a\n", &"a".repeat(300)]
        {
            assert!(ProjectName::new(bad).is_err(), "{bad}");
            assert!(StageName::new(bad).is_err(), "{bad}");
            assert!(ServiceName::new(bad).is_err(), "{bad}");
        }
        for bad in ["", "a.b", "*", ">", "a b", "_a", "ä", &"a".repeat(65)] {
            assert!(TaskName::new(bad).is_err(), "{bad}");
            assert!(SequenceName::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_uri_of_a_resource_stays_below_its_level() {
        for good in ["slo.yaml", "helm/carts-1.0.tgz", "a/b/c", ".hidden", "...", "A_1"] {
            assert!(ResourceUri::new(good).is_ok(), "{good}");
        }
        for bad in ["", "/a", "a/", "a//b", "../a", "a/..", "./a", "a b", "a\\b", "ä", "a\n"] {
            assert!(ResourceUri::new(bad).is_err(), "{bad}");
        }
        assert!(ResourceUri::new(&"a".repeat(RESOURCE_URI_BYTES_MAX + 1)).is_err());
    }

    #[test]
    fn reserved_words_are_no_stage_names() {
        assert!(StageName::new("sequence").is_err());
        assert!(ServiceName::new("sequence").is_ok());
    }

    #[test]
    fn a_refusal_says_rule_and_value_shortened() {
        let refused = ServiceName::new(&"X".repeat(300)).unwrap_err().to_string();
        assert!(refused.starts_with("service name `XXX"), "{refused}");
        assert!(refused.contains("must be 1-43 of a-z"), "{refused}");
        assert!(refused.len() < 250);
    }
}
