//! Why something that was asked for is not done: rule, value, and what to do.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// Kinds of refusals; `data.code` of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Code {
    /// It is there already.
    Exists,
    /// Something that is named is not there.
    NotFound,
    /// A value breaks a rule.
    Invalid,
    /// It cannot be done now.
    Refused,
}

impl Code {
    /// Returns the word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Exists => "exists",
            Self::NotFound => "notFound",
            Self::Invalid => "invalid",
            Self::Refused => "refused",
        }
    }
}

/// Why something is not done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// What kind.
    pub code: Code,
    /// The rule and the value.
    pub message: Box<str>,
    /// What to do.
    pub hint: Box<str>,
}

impl Refusal {
    /// Puts a refusal together.
    pub fn new(
        code: Code,
        message: impl Into<Cow<'static, str>>,
        hint: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { code, message: message.into().into(), hint: hint.into().into() }
    }
}
