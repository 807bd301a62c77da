//! Approvals, decided as Keptn's approval-service decides them (1.4.5,
//! `approval_triggered_event_handler.go`).
//!
//! | result so far | strategy | finished |
//! |---|---|---|
//! | pass | `pass: automatic` | pass |
//! | warning | `warning: automatic` | pass |
//! | fail | any | fail |
//! | pass or warning | manual or none | a person says it |
//! | none | any | a person says it |

use model::TaskResult;
use serde_json::Value;

use super::task::TriggeredTask;

/// Name of the task.
pub(super) const TASK: &str = "approval";

/// What a stub says to an approval.
#[derive(Debug, PartialEq)]
pub(super) struct Decision {
    /// None: it is left to a person.
    pub(super) result: Option<TaskResult>,
    /// For the answer that says that it was seen.
    pub(super) message: &'static str,
}

/// Decides an approval by its properties and the result so far.
pub(super) fn decide(task: &TriggeredTask<'_>) -> Decision {
    let is_automatic = |strategy: &str| {
        let found = task.properties().and_then(|properties| properties.get(strategy));
        found.and_then(Value::as_str) == Some("automatic")
    };
    let result = match task.result_so_far() {
        Some("pass") if is_automatic("pass") => Some(TaskResult::Pass),
        Some("warning") if is_automatic("warning") => Some(TaskResult::Pass),
        Some("fail") => Some(TaskResult::Fail),
        Some(_) | None => None,
    };
    let message = match result {
        Some(TaskResult::Pass | TaskResult::Warning) => "approved automatically",
        Some(TaskResult::Fail) => "declined: the result so far is fail",
        None => "waits for the approval of a person",
    };
    Decision { result, message }
}
