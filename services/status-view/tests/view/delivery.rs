//! One delivery: its runs, what follows, and what the record of a run keeps.

use model::{
    TaskResult, TaskStatus,
    view::{Sequence, SequenceState, SequencesQuery, TaskState, WaitingReason},
};
use serde_json::json;
use status_view::{answers, history::RUNS_PER_DELIVERY_MAX};

use crate::stream::{Stream, pass};

fn follows(stream: &Stream, context: &model::KeptnContext) -> Vec<String> {
    let delivery = stream.delivery(context);
    delivery.follows.iter().map(|one| format!("{} after {}", one.stage, one.after)).collect()
}

/// Returns the tasks of a run as short text.
fn tasks(run: &Sequence) -> Vec<String> {
    let task = |task: &model::view::Task| {
        let result = task.result.map(|result| format!(" {result}")).unwrap_or_default();
        format!("{} {:?}{result}", task.label, task.state)
    };
    run.tasks.iter().map(task).collect()
}

#[test]
fn a_retry_shows_the_tasks_that_it_begins_behind() {
    let mut stream = Stream::behind();
    let context = stream.sync("hardening");
    stream.play(|open| if open.task == "evaluation" { ("fail", "slow") } else { ("pass", "") });
    (*stream).control(&context, "retry", json!({"from": "failedTask"}));
    stream.settle();
    let delivery = stream.delivery(&context);
    assert!(delivery.open);
    let [failed, retry] = delivery.sequences.as_slice() else { panic!("{delivery:?}") };
    assert_eq!(failed.state, SequenceState::Finished);
    assert_eq!(
        tasks(retry),
        [
            "deployment Finished pass",
            "test (functional) Finished pass",
            "test (performance) Finished pass",
            "evaluation Triggered",
            "release Pending"
        ]
    );
    assert_eq!(retry.tasks[0].message.as_deref(), Some("done before the retry"));
    assert_eq!(retry.services[0].artifact.as_deref(), Some("carts:0.10.17"));
}

#[test]
fn a_run_says_what_it_does_while_it_does_it() {
    let mut stream = Stream::behind();
    let context = stream.sync("hardening");
    let task = stream.open_tasks().remove(0);
    stream.answer(
        &task,
        "finished",
        &json!({"status": "succeeded", "result": "warning", "message": "slow"}),
    );
    let task = stream.open_tasks().remove(0);
    stream.answer(&task, "started", &json!({}));
    stream.answer(&task, "status.changed", &json!({"message": "half of it"}));
    let delivery = stream.delivery(&context);
    assert!(delivery.open);
    let [run] = delivery.sequences.as_slice() else { panic!("{delivery:?}") };
    assert_eq!(run.state, SequenceState::Started);
    assert_eq!(run.from.as_ref().map(model::StageName::as_str), Some("dev"));
    let carts = &run.services[0];
    assert_eq!(carts.artifact.as_deref(), Some("carts:0.10.17"));
    assert_eq!(carts.released.as_deref(), Some("carts:0.10.1"));
    assert_eq!(
        tasks(run),
        [
            "deployment Finished warning",
            "test (functional) Started",
            "test (performance) Pending",
            "evaluation Pending",
            "release Pending"
        ]
    );
    assert_eq!(run.tasks[0].message.as_deref(), Some("slow"));
    let [executor] = run.tasks[1].executors.as_slice() else { panic!("{:?}", run.tasks[1]) };
    assert_eq!(executor.name, "jmeter-service");
    assert_eq!(
        (executor.state, executor.progress.as_deref()),
        (TaskState::Started, Some("half of it"))
    );
    let waiting = run.waiting_for.as_ref().unwrap();
    assert_eq!(
        (waiting.reason, waiting.executors.as_slice()),
        (WaitingReason::Executor, ["jmeter-service".to_owned()].as_slice())
    );
    assert!(waiting.until.is_some());
    assert_eq!(run.git_commit_id.as_ref().map(String::len), Some(40));
}

#[test]
fn an_ended_run_keeps_everything_and_has_no_state_left_in_the_law() {
    let mut stream = Stream::behind();
    let context = stream.sync("hardening");
    stream.play(pass);
    assert_eq!(stream.view.world.sequences.runs().count(), 0);
    let delivery = stream.delivery(&context);
    assert!(!delivery.open);
    assert_eq!(delivery.follows, []);
    let stages: Vec<&str> = delivery.sequences.iter().map(|run| run.stage.as_str()).collect();
    assert_eq!(stages, ["hardening", "production"]);
    for run in &delivery.sequences {
        assert_eq!(
            (run.state, run.result, run.status),
            (SequenceState::Finished, Some(TaskResult::Pass), Some(TaskStatus::Succeeded))
        );
        assert!(run.waiting_for.is_none());
        assert!(run.finished_at > run.started_at && run.started_at > Some(run.triggered_at));
        for task in &run.tasks {
            assert_eq!((task.state, task.result), (TaskState::Finished, Some(TaskResult::Pass)));
            assert!(
                task.triggered_at < task.started_at && task.started_at < task.finished_at,
                "{task:?}"
            );
            assert_eq!(task.executors.len(), 1, "{task:?}");
            let is_an_event =
                |id| stream.events.iter().flat_map(|one| &one.body).any(|event| event.id == id);
            assert!(is_an_event(task.triggered_id.clone().unwrap()));
        }
    }
    let update = &delivery.sequences[1].tasks[0];
    assert_eq!(
        (update.name.as_str(), update.executors[0].name.as_str()),
        ("update", "config-store")
    );
    assert_eq!(delivery.sequences[1].services[0].released.as_deref(), Some("carts:0.10.1"));
}

#[test]
fn a_failed_run_says_where_and_what_the_executor_said() {
    let mut stream = Stream::story();
    let context = stream.deliver_bad("dev", "carts", "carts:1");
    let run = stream.delivery(&context).sequences.remove(0);
    assert_eq!((run.state, run.result), (SequenceState::Finished, Some(TaskResult::Fail)));
    assert_eq!(run.message.as_deref(), Some("response time p95 934 ms is over 600 ms"));
    assert_eq!(tasks(&run)[2..], ["evaluation Finished fail", "release Pending"]);
}

#[test]
fn production_follows_when_hardening_passes_and_not_when_it_has_failed() {
    let mut stream = Stream::behind();
    let context = stream.sync("hardening");
    assert_eq!(follows(&stream, &context), ["production after hardening"]);
    stream.play(|task| if task.task == "evaluation" { ("fail", "no") } else { ("pass", "") });
    assert_eq!(follows(&stream, &context), [""; 0]);
    let dev = stream.trigger("dev", "carts", "carts:0.10.20");
    assert_eq!(follows(&stream, &dev), [""; 0]);
}

#[test]
fn what_follows_follows_selectors_and_ends_in_a_loop() {
    let shipyard = "
apiVersion: spec.keptn.sh/0.2.3
kind: Shipyard
metadata: {name: s}
spec:
  stages:
    - {name: a, sequences: [{name: go, tasks: [{name: test}, {name: check}], triggeredOn: [{event: d.go.finished}]}]}
    - name: b
      sequences:
        - {name: back, tasks: [{name: t}], triggeredOn: [{event: a.go.finished, selector: {match: {result: fail}}}]}
        - {name: go, tasks: [{name: t}], triggeredOn: [{event: a.go.finished, selector: {match: {check.result: pass}}}]}
        - {name: warned, tasks: [{name: t}], triggeredOn: [{event: a.go.finished, selector: {match: {test.result: warning}}}]}
    - {name: c, sequences: [{name: go, tasks: [{name: t}], triggeredOn: [{event: b.go.finished}]}]}
    - {name: d, sequences: [{name: go, tasks: [{name: t}], triggeredOn: [{event: c.go.finished}]}]}
";
    let mut stream = Stream::with_project(shipyard, None, &["s"]);
    let data = json!({"project": "sockshop", "stage": "a", "service": "s"});
    let context = stream.say("a.go.triggered", &data);
    let names = |stream: &Stream| -> Vec<String> {
        let follows = stream.delivery(&context).follows;
        follows.iter().map(|one| format!("{}.{}", one.stage, one.sequence)).collect()
    };
    assert_eq!(names(&stream), ["b.go", "c.go", "d.go", "a.go"]);
    let task = stream.open_tasks().remove(0);
    stream.answer(&task, "finished", &json!({"status": "succeeded", "result": "warning"}));
    assert_eq!(names(&stream), ["b.go", "b.warned", "c.go", "d.go", "a.go"]);
    stream.control("abort", &context);
    assert_eq!(names(&stream), [""; 0]);
}

#[test]
fn nothing_to_do_is_said_and_names_the_open_run() {
    let mut stream = Stream::behind();
    let first = stream.sync("hardening");
    let second = stream.sync("hardening");
    let delivery = stream.delivery(&second);
    assert!(!delivery.open);
    let run = &delivery.sequences[0];
    assert!(run.nothing_to_do);
    assert_eq!((run.state, run.result), (SequenceState::Finished, Some(TaskResult::Pass)));
    assert!(run.message.as_deref().unwrap().contains(first.as_str()), "{:?}", run.message);
    assert!(run.tasks.is_empty() && run.services.is_empty());
    assert!(!stream.delivery(&first).sequences[0].nothing_to_do);
}

#[test]
fn a_refused_trigger_is_a_run_with_a_hint() {
    let mut stream = Stream::story();
    let context = stream.trigger("dev", "cart", "carts:1");
    let run = stream.delivery(&context).sequences.remove(0);
    assert_eq!(
        (run.state, run.result, run.status),
        (SequenceState::Finished, Some(TaskResult::Fail), Some(TaskStatus::Errored))
    );
    assert_eq!(run.message.as_deref(), Some("service `cart` does not exist in project `sockshop`"));
    assert_eq!(run.hint.as_deref(), Some("did you mean `carts`?"));
    let unknown = stream.say("dev.x.triggered", &json!({"project": "nowhere", "stage": "dev"}));
    assert_eq!(stream.delivery(&unknown).sequences[0].status, Some(TaskStatus::Errored));
}

#[test]
fn paused_queued_aborted_and_waiting_runs_say_so() {
    let mut stream = Stream::story();
    let first = stream.trigger("dev", "carts", "carts:1");
    let second = stream.trigger("dev", "carts", "carts:2");
    let state = |stream: &Stream, context| stream.delivery(context).sequences[0].state;
    assert_eq!(state(&stream, &second), SequenceState::Waiting);
    let waiting = stream.delivery(&second).sequences[0].waiting_for.clone().unwrap();
    assert_eq!((waiting.reason, waiting.behind), (WaitingReason::Queue, Some(first.clone())));
    assert_eq!(
        waiting.services.iter().map(model::ServiceName::as_str).collect::<Vec<_>>(),
        ["carts"]
    );
    stream.control("pause", &first);
    assert_eq!(state(&stream, &first), SequenceState::Paused);
    stream.control("resume", &first);
    assert_eq!(state(&stream, &first), SequenceState::Started);
    stream.control("abort", &first);
    assert_eq!(state(&stream, &first), SequenceState::Aborted);
    assert!(!stream.delivery(&first).open);
    // The executor still works, and its slot is held; what it says is kept.
    assert_eq!(state(&stream, &second), SequenceState::Waiting);
    assert_eq!(tasks(&stream.delivery(&first).sequences[0])[0], "deployment Triggered");
    let task = stream.open_tasks().remove(0);
    stream.answer(&task, "finished", &json!({"status": "succeeded", "result": "pass"}));
    assert_eq!(tasks(&stream.delivery(&first).sequences[0])[0], "deployment Finished pass");
    assert_eq!(state(&stream, &second), SequenceState::Started);
}

#[test]
fn an_approval_waits_for_a_person_and_an_abort_closes_it() {
    let (mut stream, context) = Stream::approving();
    let run = stream.delivery(&context).sequences.remove(0);
    assert_eq!(run.state, SequenceState::WaitingForApproval);
    assert_eq!(
        run.waiting_for.map(|one| (one.reason, one.until)),
        Some((WaitingReason::Approval, None))
    );
    assert_eq!(stream.status("a").ongoing[0].waiting_for.as_deref(), Some("approval"));
    let open_approvals = |stream: &Stream| -> Vec<_> {
        let query = SequencesQuery { approval_only: true, ..SequencesQuery::default() };
        let found = answers::sequences(&stream.view, &query).unwrap().sequences;
        found.into_iter().map(|run| run.keptn_context).collect()
    };
    stream.say("a.go.triggered", &json!({"project": "sockshop", "stage": "a", "service": "s"}));
    assert_eq!(open_approvals(&stream).last(), Some(&context));
    // A person may still answer while the run is paused.
    stream.control("pause", &context);
    assert_eq!(open_approvals(&stream).last(), Some(&context));
    stream.control("abort", &context);
    assert!(!open_approvals(&stream).contains(&context));
    let run = stream.delivery(&context).sequences.remove(0);
    assert_eq!(run.state, SequenceState::Aborted);
    assert_eq!(
        (run.tasks[0].state, run.tasks[0].status),
        (TaskState::Finished, Some(TaskStatus::Aborted))
    );
    assert_eq!(run.tasks[1].state, TaskState::Pending);
}

#[test]
fn of_a_delivery_with_very_many_runs_the_oldest_are_forgotten() {
    const SURPLUS: usize = 3;
    let mut stream = Stream::story();
    let context = model::KeptnContext::new("one-for-everything").unwrap();
    for _ in 0..RUNS_PER_DELIVERY_MAX + SURPLUS {
        // Refused: there is no such sequence.
        let data = json!({"project": "sockshop", "stage": "dev", "service": "carts"});
        let mut event = stream.make("dev.nothing.triggered", &data);
        event.context = Some(context.clone());
        stream.store(event);
        stream.settle();
    }
    let runs = stream.view.history.runs_of(&context);
    assert_eq!(runs.len(), RUNS_PER_DELIVERY_MAX);
    let all: Vec<_> = stream.view.history.runs_before(u64::MAX).collect();
    assert_eq!(all.len(), RUNS_PER_DELIVERY_MAX);
    assert_eq!(all.last(), runs.first());
    let triggers = stream.events.iter().filter(|one| one.subject.ends_with("nothing.triggered"));
    assert_eq!(triggers.map(|one| one.position).nth(SURPLUS).as_ref(), runs.first());
}
