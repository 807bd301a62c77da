//! What people decide while something runs: approve, decline, pause, resume, abort, and how long
//! they are ready to wait.

use serde_json::Value;

use crate::harness::event::Entry;
use crate::harness::stack::Stack;
use crate::harness::stream::Stream;
use crate::harness::wait;

/// One stage whose sequence waits for a person, and one that nobody answers.
const SHIPYARD: &str = "
apiVersion: spec.keptn.sh/0.2.3
kind: Shipyard
metadata: {name: shipyard-people}
spec:
  stages:
    - name: only
      sequences:
        - name: decided
          tasks: [{name: build}, {name: approval, properties: {pass: manual, warning: manual}}, {name: ship}]
        - name: plain
          tasks: [{name: build}, {name: ship}]
        - name: unanswered
          tasks: [{name: wait, timeout: 1s}]
        - name: failing
          tasks: [{name: check}, {name: ship}]
";

/// Who builds takes a moment, who checks finds something, who waits says nothing.
const UNIFORM: &str = "
version: 0.1.2
type: Uniform
spec:
  services:
    - {name: builder, events: [build.triggered], stub: [{delay: 300ms}]}
    - {name: shipper, events: [ship.triggered]}
    - {name: checker, events: [check.triggered], stub: [{result: fail, message: two tests failed}]}
    - {name: sleeper, events: [wait.triggered], stub: [{silent: true}]}
";

#[test]
fn an_approved_run_goes_on() {
    let (stack, mut stream) = stack_with_project();
    let context = trigger(&stack, "decided");
    wait_for(&mut stream, &context, "approval.triggered");
    stack.user.keptn(&["approve", "-c", &context]).done();
    let end = wait_for(&mut stream, &context, "only.decided.finished");
    assert_eq!((end.text("/status"), end.text("/result")), ("succeeded", "pass"), "{end:?}");
    assert_eq!(stream.tasks(&context, "only").last().map(String::as_str), Some("ship.finished"));
    let again = stack.user.keptn(&["approve", "-c", &context]);
    assert_eq!(again.code, 5, "decided twice: {again:?}");
}

#[test]
fn what_waits_for_approval_is_listed_until_it_is_answered() {
    let (stack, mut stream) = stack_with_project();
    let context = trigger(&stack, "decided");
    let open = wait_for(&mut stream, &context, "approval.triggered");
    let listed = wait::until("the approval is listed", || {
        let listed = stack.user.keptn(&["get", "approvals"]);
        listed.stdout.contains(&context[..8]).then_some(listed).ok_or_else(|| "none".to_owned())
    });
    assert!(listed.stderr.contains(&format!("keptn approve -c {}", &context[..8])), "{listed:?}");
    let of_stage = ["get", "event", "approval.triggered", "-p=people", "-s=only", "-o=json"];
    let events = json(&stack.user.keptn(&of_stage).done());
    assert_eq!(events[0]["position"], open.position, "{events}");
    assert_eq!(events.as_array().map(Vec::len), Some(1), "{events}");
    let answer =
        ["send", "event", "approval.finished", "--project=people", "--stage=only", "--service=s"];
    let unanswered = stack.user.keptn(&answer);
    assert_eq!(unanswered.code, 2, "{unanswered:?}");
    // As a script of Keptn's says it: the first of the list, approved.
    let sent = stack.user.keptn_reading(&answer, "1\na\n");
    assert_eq!((sent.code, sent.stdout.trim()), (0, context.as_str()), "{sent:?}");
    let end = wait_for(&mut stream, &context, "only.decided.finished");
    assert_eq!(end.text("/result"), "pass", "{end:?}");
    assert_eq!(json(&stack.user.keptn(&["get", "approvals", "-o=json"]).done()), json("[]"));
    assert_eq!(json(&stack.user.keptn(&of_stage).done()), json("[]"));
}

#[test]
fn what_is_paused_is_not_paused_again_and_what_has_ended_is_not_paused_at_all() {
    let (stack, mut stream) = stack_with_project();
    let context = trigger(&stack, "decided");
    wait_for(&mut stream, &context, "approval.triggered");
    let pause = ["pause", "sequence", "-c", &context, "--project=people"];
    for word in ["1 sequence paused", "nothing changed"] {
        let paused = stack.user.keptn(&pause);
        assert!(paused.code == 0 && paused.stderr.contains(word), "{word}: {paused:?}");
    }
    stack.user.keptn(&["abort", "sequence", "-c", &context]).done();
    wait_for(&mut stream, &context, "only.decided.finished");
    let ended = stack.user.keptn(&pause);
    assert!(ended.code == 2 && ended.stderr.contains("no open sequence"), "{ended:?}");
}

#[test]
fn an_evaluation_is_triggered_with_its_times() {
    let (stack, mut stream) = stack_with_project();
    let evaluation = ["trigger", "evaluation", "--project=people", "--stage=only", "--service=s"];
    let times = ["--start=2026-11-23T12:00:00", "--timeframe=5m", "--git-commit-id=abc123"];
    let context = stack.user.keptn(&[&evaluation[..], &times].concat()).done();
    let task = wait_for(&mut stream, context.trim(), "evaluation.triggered");
    let evaluation = &task.event["data"]["evaluation"];
    assert_eq!(evaluation["start"], "2026-11-23T12:00:00.000Z", "{task:?}");
    assert_eq!(evaluation["end"], "2026-11-23T12:05:00.000Z", "{task:?}");
    assert_eq!(task.attribute("gitcommitid"), "abc123");
}

#[test]
fn events_are_followed_without_a_gap_and_none_comes_twice() {
    let (stack, mut stream) = stack_with_project();
    let following = ["get", "event", "--project=people", "--watch", "--output=json"];
    let from_the_beginning = [&following[..], &["--after=0", "--limit=1"]].concat();
    let all = stack.user.start(&from_the_beginning);
    wait::until("it has begun", || match all.lines_with("position").len() {
        0 => Err("nothing".to_owned()),
        lines => Ok(lines),
    });
    let first = trigger(&stack, "plain");
    let from_here = [&following[..], &["only.plain.finished", "--stage=only"]].concat();
    let ends = stack.user.start(&from_here);
    wait_for(&mut stream, &first, "only.plain.finished");
    let second = trigger(&stack, "plain");
    let end = wait_for(&mut stream, &second, "only.plain.finished");
    let position = format!("{{\"position\":{},", end.position);
    for (process, name) in [(&all, "all"), (&ends, "ends")] {
        wait::until(&format!("{name} came to the end"), || {
            let reached = !process.lines_with(&position).is_empty();
            if reached { Ok(()) } else { Err(process.tail()) }
        });
    }
    let listed = ["get", "event", "--project=people", "--after=0", "--limit=500", "-o=json"];
    let listed = positions(&json(&stack.user.keptn(&listed).done()));
    let followed: Vec<Value> = all.lines_with("position").iter().map(|line| json(line)).collect();
    assert_eq!(positions(&Value::Array(followed)), listed);
    assert_eq!(ends.lines_with("position").len(), 2, "{}", ends.tail());
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn positions(events: &Value) -> Vec<u64> {
    let events = events.as_array().expect("events are a list");
    events.iter().filter_map(|event| event["position"].as_u64()).collect()
}

#[test]
fn a_declined_run_ends_and_ships_nothing() {
    let (stack, mut stream) = stack_with_project();
    let context = trigger(&stack, "decided");
    wait_for(&mut stream, &context, "approval.triggered");
    stack.user.keptn(&["decline", "-c", &context]).done();
    let end = wait_for(&mut stream, &context, "only.decided.finished");
    assert_eq!(end.text("/result"), "fail", "{end:?}");
    assert!(!stream.tasks(&context, "only").contains(&"ship.triggered".to_owned()));
}

#[test]
fn a_paused_run_goes_on_when_it_is_resumed() {
    let (stack, mut stream) = stack_with_project();
    let context = trigger(&stack, "plain");
    wait_for(&mut stream, &context, "build.triggered");
    stack.user.keptn(&["pause", "sequence", "-c", &context]).done();
    wait_for(&mut stream, &context, "build.finished");
    let runs = stack.user.keptn(&["get", "sequence", "--project=people"]).done();
    assert!(runs.contains("paused"), "{runs}");
    let before = stream.read_to_end();
    stack.user.keptn(&["resume", "sequence", "-c", &context]).done();
    let ship = wait_for(&mut stream, &context, "ship.triggered");
    assert!(ship.position > before, "shipped while it was paused: {ship:?}");
    let end = wait_for(&mut stream, &context, "only.plain.finished");
    assert_eq!(end.text("/result"), "pass", "{end:?}");
}

#[test]
fn an_aborted_run_tells_its_executor_and_ends() {
    let (stack, mut stream) = stack_with_project();
    let context = trigger(&stack, "plain");
    wait_for(&mut stream, &context, "build.started");
    stack.user.keptn(&["abort", "sequence", "-c", &context]).done();
    let told = wait_for(&mut stream, &context, "build.status.changed");
    assert_eq!(told.text("/status"), "aborted", "{told:?}");
    let end = wait_for(&mut stream, &context, "only.plain.finished");
    assert_eq!(end.text("/status"), "aborted", "{end:?}");
    assert!(!stream.tasks(&context, "only").contains(&"ship.triggered".to_owned()));
    // The slot is free as soon as the open task is closed.
    let next = trigger(&stack, "plain");
    let end = wait_for(&mut stream, &next, "only.plain.finished");
    assert_eq!(end.text("/result"), "pass", "{end:?}");
}

#[test]
fn a_failed_run_is_retried_and_a_passed_one_is_not() {
    let (stack, mut stream) = stack_with_project();
    let context = trigger(&stack, "failing");
    let end = wait_for(&mut stream, &context, "only.failing.finished");
    stack.user.keptn(&["retry", "sequence", "-c", &context, "--from-failed-task"]).done();
    let again = stream.wait_for("the retry", |entry| {
        entry.context() == context
            && entry.short() == "only.failing.finished"
            && entry.position > end.position
    });
    assert_eq!(again.text("/message"), "two tests failed", "{again:?}");
    let passed = trigger(&stack, "plain");
    wait_for(&mut stream, &passed, "only.plain.finished");
    let refused = stack.user.keptn(&["retry", "sequence", "-c", &passed]);
    assert_eq!(refused.code, 5, "{refused:?}");
    assert!(refused.stderr.contains("no failed sequence"), "{refused:?}");
}

#[test]
fn a_task_that_nobody_answers_times_out() {
    let (stack, mut stream) = stack_with_project();
    let context = trigger(&stack, "unanswered");
    let task = wait_for(&mut stream, &context, "wait.finished");
    assert_eq!(task.attribute("source"), "shipyard-controller");
    assert_eq!(task.event["data"]["timedOut"], true, "{task:?}");
    let end = wait_for(&mut stream, &context, "only.unanswered.finished");
    assert_eq!((end.text("/status"), end.text("/result")), ("errored", "fail"), "{end:?}");
}

#[test]
fn waiting_for_a_run_ends_as_the_run_does() {
    let (stack, _) = stack_with_project();
    let wait = |sequence: &str, timeout: &str| {
        let trigger = ["trigger", sequence, "--project=people", "--service=s", "--wait", timeout];
        stack.user.keptn(&trigger)
    };
    let passed = wait("plain", "--timeout=20s");
    assert_eq!(passed.code, 0, "{passed:?}");
    let failed = wait("failing", "--timeout=20s");
    assert_eq!(failed.code, 6, "{failed:?}");
    let told = format!("{}{}", failed.stdout, failed.stderr);
    assert!(told.contains("two tests failed"), "{failed:?}");
    let running = wait("decided", "--timeout=1s");
    assert_eq!(running.code, 8, "{running:?}");
}

fn stack_with_project() -> (Stack, Stream) {
    let stack = Stack::start();
    let user = &stack.user;
    user.write("shipyard.yaml", SHIPYARD);
    user.write("uniform.yaml", UNIFORM);
    let files = ["--shipyard=shipyard.yaml", "--uniform=uniform.yaml"];
    user.keptn(&["create", "project", "people", files[0], files[1]]).done();
    user.keptn(&["create", "service", "s", "--project=people"]).done();
    let stream = stack.stream();
    (stack, stream)
}

/// Starts a run and returns its context.
#[track_caller]
fn trigger(stack: &Stack, sequence: &str) -> String {
    let trigger = ["trigger", sequence, "--project=people", "--service=s"];
    stack.user.keptn(&trigger).done().trim().to_owned()
}

#[track_caller]
fn wait_for(stream: &mut Stream, context: &str, short: &str) -> Entry {
    stream.wait_for(short, |entry| entry.context() == context && entry.short() == short)
}
