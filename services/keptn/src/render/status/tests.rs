//! The story's text, and what may stand beside it.

use super::*;
use crate::render::testing::{service_status, stage_status, time_at};

/// The story's text, byte for byte.
const STORY: &str = "\
> Released services in hardening:
- carts:0.10.1
- carts-db:0.4.0
- catalogue:1.7.0

> Ongoing deployments/tests/evaluations:
- N/A

> Sync status: hardening is OUT-OF-SYNC with dev.
Last successfully evaluated configuration:
- carts:0.10.17
- carts-db:0.4.1
- catalogue:1.7.0

> Execute: `keptn trigger artifact-delivery --project=sockshop --stage=hardening` to update:
- carts:0.10.1 --> carts:0.10.17
- carts-db:0.4.0 --> carts-db:0.4.1
";

fn story() -> StageStatus {
    stage_status(vec![
        service_status("carts", Some("carts:0.10.1"), Some("carts:0.10.17")),
        service_status("carts-db", Some("carts-db:0.4.0"), Some("carts-db:0.4.1")),
        service_status("catalogue", Some("catalogue:1.7.0"), Some("catalogue:1.7.0")),
    ])
}

#[test]
fn the_story_is_printed_byte_for_byte() {
    assert_eq!(text(&story(), time_at(0)), STORY);
}

#[test]
fn in_sync_there_is_nothing_to_execute() {
    let status = stage_status(vec![service_status("a", Some("a:1"), Some("a:1"))]);
    let expected = "\
> Released services in hardening:
- a:1

> Ongoing deployments/tests/evaluations:
- N/A

> Sync status: hardening is IN-SYNC with dev.
Last successfully evaluated configuration:
- a:1
";
    assert_eq!(text(&status, time_at(0)), expected);
}

#[test]
fn the_first_stage_has_nothing_to_compare_with() {
    let mut status = stage_status(vec![service_status("a", None, None)]);
    status.from = None;
    status.sync_status = SyncStatus::FirstStage;
    let expected = "\
> Released services in hardening:
- N/A

> Ongoing deployments/tests/evaluations:
- N/A

> Sync status: hardening is the first stage.
";
    assert_eq!(text(&status, time_at(0)), expected);
}

#[test]
fn a_line_says_what_is_special_about_it() {
    let mut ahead = service_status("a", Some("a:9"), Some("a:1"));
    ahead.state = ServiceState::Ahead;
    ahead.evaluated_result = Some(TaskResult::Warning);
    let text =
        text(&stage_status(vec![ahead, service_status("b", None, Some("x/y:1"))]), time_at(0));
    assert!(text.contains("- a:1 (warning)\n- b: x/y:1\n"), "{text}");
    assert!(text.contains("- a:9 --> a:1 (ahead: never evaluated in dev)\n"), "{text}");
    assert!(text.contains("- b: (none) --> x/y:1\n"), "{text}");
}

#[test]
fn what_runs_says_task_artifacts_since_when_and_for_whom_it_waits() {
    let mut status = story();
    status.ongoing = vec![Ongoing {
        services: vec!["carts".parse().unwrap(), "carts-db".parse().unwrap()],
        sequence: "artifact-delivery".parse().unwrap(),
        task: Some("test (performance)".to_owned()),
        artifacts: vec!["carts:0.10.17".to_owned(), "carts-db:0.4.1".to_owned()],
        since: time_at(0),
        waiting_for: Some("jmeter-service".to_owned()),
        keptn_context: model::KeptnContext::new("c1f0a3d2").unwrap(),
        state: model::view::SequenceState::Started,
    }];
    let line = "- carts, carts-db: test (performance) of carts:0.10.17, carts-db:0.4.1, for 19 s, waiting for jmeter-service\n";
    assert!(text(&status, time_at(19)).contains(line));
}

#[test]
fn a_newer_artifact_that_does_not_count_is_noted() {
    let mut status = story();
    let reason = |result, message: Option<&str>| {
        Some(NotEligible {
            artifact: "carts:0.10.18".to_owned(),
            result,
            message: message.map(str::to_owned),
            keptn_context: model::KeptnContext::new("c").unwrap(),
        })
    };
    status.services[0].not_eligible = reason(Some(TaskResult::Fail), Some("p95 is over 600 ms"));
    assert_eq!(
        notes(&status),
        ["note: carts:0.10.18 is newer in dev but failed its evaluation: p95 is over 600 ms"]
    );
    status.services[0].not_eligible = reason(None, None);
    assert_eq!(notes(&status), ["note: carts:0.10.18 is newer in dev but is not evaluated yet"]);
}
