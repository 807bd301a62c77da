//! What somebody asks for.

use std::str::FromStr;

use model::{name::shortened, nearest};
use serde::{Deserialize, Serialize};
use service::http::{Problem, ProblemCode};
use utoipa::ToSchema;

use crate::http::parameters::bad;

/// What can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    /// Trigger a sequence: a sync, or the delivery of one artifact.
    Trigger,
    /// Hold a delivery before its next task.
    Pause,
    /// Let it go on.
    Resume,
    /// End it.
    Abort,
    /// Repeat what failed.
    Retry,
    /// Answer its approval with yes.
    Approve,
    /// Answer its approval with no.
    Decline,
}

impl Verb {
    pub(super) const ALL: [(&str, Self); 7] = [
        ("trigger", Self::Trigger),
        ("pause", Self::Pause),
        ("resume", Self::Resume),
        ("abort", Self::Abort),
        ("retry", Self::Retry),
        ("approve", Self::Approve),
        ("decline", Self::Decline),
    ];
}

impl FromStr for Verb {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        let known = Self::ALL.iter().find(|(name, _)| *name == text);
        known.map(|(_, verb)| *verb).ok_or_else(|| {
            let message = format!("`{}` is nothing that can be done", shortened(text));
            let names = Self::ALL.map(|(name, _)| name);
            Problem::new(ProblemCode::NotFound, message, nearest::hint(text, names))
        })
    }
}

/// What a form or a JSON body says; an empty text counts as none.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(in crate::http) struct Action {
    /// The project; for a delivery it may be left out.
    pub(super) project: Option<String>,
    /// The stage; for a delivery only if several of its runs are meant otherwise.
    pub(super) stage: Option<String>,
    /// The sequence; for a sync the one that the plan names if it is left out.
    pub(super) sequence: Option<String>,
    /// Only this service.
    pub(super) service: Option<String>,
    /// The artifact to deliver; without it a trigger is a sync.
    pub(super) artifact: Option<String>,
    /// Take from this stage instead of the preceding one.
    pub(super) from: Option<String>,
    /// The delivery: its context, or at least 8 characters of its beginning.
    pub(super) keptn_context: Option<String>,
    /// Why; everybody sees it.
    pub(super) message: Option<String>,
    /// A retry begins with the task that failed: `true`.
    pub(super) from_failed_task: Option<String>,
}

impl Action {
    /// Drops what is empty.
    pub(super) fn cleaned(mut self) -> Self {
        for text in [
            &mut self.project,
            &mut self.stage,
            &mut self.sequence,
            &mut self.service,
            &mut self.artifact,
            &mut self.from,
            &mut self.keptn_context,
            &mut self.message,
            &mut self.from_failed_task,
        ] {
            if text.as_deref().is_some_and(|text| text.trim().is_empty()) {
                *text = None;
            }
        }
        self
    }
}

/// Returns a member that must be there.
pub(super) fn needed<'a>(value: Option<&'a String>, name: &str) -> Result<&'a str, Problem> {
    value
        .map(String::as_str)
        .ok_or_else(|| bad(format!("`{name}` is needed"), format!("send `{name}` with a value")))
}

/// What was done. Shape: `{"keptnContext":"…","position":5,"message":"…"}`.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct Done {
    /// The delivery.
    pub(super) keptn_context: String,
    /// Where the event is stored.
    pub(super) position: u64,
    /// Whether it is known that it was carried out.
    pub(super) decided: bool,
    /// What the answer says.
    pub(super) message: Option<String>,
}
