//! What the view shows of runs.

use model::{
    TaskResult,
    view::{SequenceState, SequencesQuery, StageQuery, TaskState},
};
use serde_json::json;
use status_view::answers;
use testing::{carts, pass, shipyard, verdict};

use crate::support::{Viewed, begin, bring, delivery, states, viewed};

const DEV: &str = "{name: dev, sequences: [
  {name: delivery, tasks: [{name: deployment}, {name: evaluation}]}]}";
const NEXT: &str = "{name: next, sequences: [
  {name: delivery, tasks: [{name: deployment}, {name: evaluation}],
   triggeredOn: [{event: dev.delivery.finished}]}]}";

fn stages() -> Viewed {
    viewed(&shipyard(&[DEV, NEXT]))
}

/// Case 85, differs: a delivery is triggered, started, waiting and finished, and finished only when
/// all its stages are. Because: each stage has its own state; the delivery says whether it is open.
#[test]
fn case_85_a_delivery_is_open_until_all_its_stages_are_finished() {
    let mut stream = stages();
    let (first, _) = stream.trigger("dev.delivery", carts("1"));
    assert_eq!(states(&stream, &first), ["dev triggered"]);
    stream.settle();
    assert_eq!(states(&stream, &first), ["dev started"]);
    let second = begin(&mut stream, "dev.delivery");
    assert_eq!(states(&stream, &second), ["dev waiting"]);
    for _ in 0..2 {
        stream.finish(&first, pass());
    }
    assert_eq!(states(&stream, &first), ["dev finished", "next started"]);
    assert!(delivery(&stream, &first).open);
    stream.play(|_| "pass");
    assert_eq!(states(&stream, &first), ["dev finished", "next finished"]);
    assert!(!delivery(&stream, &first).open);
}

/// Case 86, differs: a stage names the latest event that failed. Because: every task of a run stands
/// there with its result, status and message, the failed one too.
#[test]
fn case_86_a_failed_task_stands_in_its_run() {
    let mut stream = stages();
    let context = begin(&mut stream, "dev.delivery");
    stream.finish(&context, pass());
    let mut failed = verdict("succeeded", "fail");
    failed["message"] = "too slow".into();
    stream.finish(&context, failed);
    let run = delivery(&stream, &context).sequences.remove(0);
    let shown: Vec<_> =
        run.tasks.iter().map(|task| (task.name.as_str(), task.state, task.result)).collect();
    let expected = [
        ("deployment", TaskState::Finished, Some(TaskResult::Pass)),
        ("evaluation", TaskState::Finished, Some(TaskResult::Fail)),
    ];
    assert_eq!(shown, expected);
    assert_eq!(run.tasks[1].message.as_deref(), Some("too slow"));
}

/// Case 87, differs: each stage shows the result and the score of its latest evaluation. Because: both
/// stand in the task of the stage's run, the result in the status of the next stage, too; the
/// evaluation of any executor counts, not only that of one name.
#[test]
fn case_87_the_result_and_the_score_of_an_evaluation_are_shown() {
    let mut stream = stages();
    let context = begin(&mut stream, "dev.delivery");
    stream.finish(&context, pass());
    let mut scored = bring(&json!({"evaluation": {"score": 85}}));
    scored["result"] = "warning".into();
    stream.finish(&context, scored);
    let run = delivery(&stream, &context).sequences.remove(0);
    let shown: Vec<_> = run.tasks.iter().map(|task| (task.result, task.score)).collect();
    let expected = [(Some(TaskResult::Pass), None), (Some(TaskResult::Warning), Some(85.0))];
    assert_eq!(shown, expected);
    let query = StageQuery {
        project: "p".to_owned(),
        stage: "next".to_owned(),
        from: None,
        at_least: None,
    };
    let status = answers::stage(&stream.view, &query).unwrap();
    assert_eq!(status.services[0].evaluated_result, Some(TaskResult::Warning));
}

/// Case 88, same: a remediation shows the title of its problem.
#[test]
fn case_88_a_remediation_shows_the_title_of_its_problem() {
    let remediation = "{name: dev, sequences: [{name: remediation, tasks: [{name: get-action}]}]}";
    let mut stream = viewed(&shipyard(&[remediation]));
    let mut data = carts("1");
    data["problem"] = json!({"problemTitle": "response time degraded"});
    let (context, _) = stream.trigger("dev.remediation", data);
    for _ in 0..2 {
        let run = delivery(&stream, &context).sequences.remove(0);
        assert_eq!(run.problem_title.as_deref(), Some("response time degraded"));
        stream.play(|_| "pass");
    }
    let plain = begin(&mut stream, "dev.remediation");
    assert_eq!(delivery(&stream, &plain).sequences[0].problem_title, None);
}

/// Case 89, same: a run that waits does not overwrite one that has finished.
#[test]
fn case_89_waiting_does_not_overwrite_finished() {
    let mut stream = stages();
    let context = begin(&mut stream, "dev.delivery");
    stream.play(|_| "pass");
    begin(&mut stream, "dev.delivery");
    let mut again = stream.make("dev.delivery.triggered", carts("2"));
    again.context = Some(context.clone());
    stream.store(again);
    stream.settle();
    assert_eq!(states(&stream, &context), ["dev finished", "next finished", "dev waiting"]);
}

/// Returns the contexts that the view lists, oldest first.
fn listed(stream: &Viewed, query: &SequencesQuery) -> Vec<String> {
    let found = answers::sequences(&stream.view, query).unwrap().sequences;
    found.iter().rev().map(|run| run.keptn_context.to_string()).collect()
}

/// Case 90, differs: runs are filtered by name, state, time and context, in pages. Because: they are
/// filtered by project, stage, service, context and what is open; pages and time go by position.
#[test]
fn case_90_runs_are_filtered_and_come_in_pages() {
    let mut stream = viewed(&shipyard(&[DEV]));
    let ended = stream.deliver("dev.delivery", "1").to_string();
    let open = begin(&mut stream, "dev.delivery").to_string();
    let (db, _) = stream.trigger("dev.delivery", json!({"project": "p", "service": "db"}));
    stream.settle();
    let db = db.to_string();
    let all = SequencesQuery::default;
    let of = |service: &str| SequencesQuery { service: Some(service.to_owned()), ..all() };
    assert_eq!(listed(&stream, &all()), [ended.clone(), open.clone(), db.clone()]);
    assert_eq!(listed(&stream, &of("carts")), [ended.clone(), open.clone()]);
    let open_only = SequencesQuery { open_only: true, ..all() };
    assert_eq!(listed(&stream, &open_only), [open.clone(), db.clone()]);
    let one = SequencesQuery { keptn_context: Some(open.clone()), ..all() };
    assert_eq!(listed(&stream, &one), std::slice::from_ref(&open));
    let stage = SequencesQuery { stage: Some("dev".to_owned()), limit: 2, ..all() };
    let page = answers::sequences(&stream.view, &stage).unwrap();
    assert_eq!(page.sequences[0].state, SequenceState::Started);
    let next = SequencesQuery { before: page.next_before, ..stage };
    assert_eq!(listed(&stream, &next), [ended]);
}
