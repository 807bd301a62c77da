//! What people decide while something runs: approve, decline, pause, resume, abort, and how long
//! they are ready to wait.

use crate::harness::event::Entry;
use crate::harness::stack::Stack;
use crate::harness::stream::Stream;

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
    assert_ne!(again.code, 0, "decided twice: {again:?}");
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
