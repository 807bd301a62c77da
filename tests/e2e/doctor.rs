//! `keptn doctor`: what it says about a stack that works, and about each part that does not.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::nats_client::NatsClient;
use crate::harness::stack::{CONTROLLER, STATUS_VIEW, Stack};
use crate::harness::story::{self, Uniform};
use crate::harness::user::Said;
use crate::harness::wait;

/// Longest time that it may take, the start of the process included.
const LIMIT: Duration = Duration::from_secs(6);

fn doctor(stack: &Stack) -> Said {
    let begun = Instant::now();
    let said = stack.user.keptn(&["doctor"]);
    assert!(begun.elapsed() < LIMIT, "{:?}: {said:?}", begun.elapsed());
    said
}

/// Waits until it says something.
#[track_caller]
fn wait_for(stack: &Stack, code: i32, words: &str) {
    wait::until(&format!("the doctor says `{words}`"), || {
        let said = doctor(stack);
        if said.code == code && said.stdout.contains(words) {
            Ok(())
        } else {
            Err(format!("{said:?}"))
        }
    });
}

#[test]
fn a_stack_that_works_has_no_problem() {
    let mut stack = Stack::start();
    story::create_project(&stack.user, &Uniform::FAST);
    wait_for(&stack, 0, "runs                 — open: 0");
    let said = stack.user.keptn(&["doctor", "-o", "json"]);
    let findings: Vec<Value> = serde_json::from_str(&said.done()).expect("it is a JSON array");
    for finding in &findings {
        assert_ne!(finding["state"], "problem", "{finding}");
        let has_hint = finding["hint"].is_string();
        assert!(finding["state"] == "ok" || has_hint, "a way out is missing: {finding}");
    }
    let checks: Vec<&str> = findings.iter().filter_map(|one| one["check"].as_str()).collect();
    let wanted = [
        "nats",
        "profile",
        "stream",
        "shipyard-controller",
        "config-store",
        "status-view",
        "stub-executor",
        "versions",
        "uniforms",
        "projects",
        "executors",
        "orphans",
        "runs",
        "reports",
    ];
    assert_eq!(checks, wanted);

    stack.run_as("second", CONTROLLER);
    wait_for(&stack, 0, "shipyard-controller  — 2 processes, ready");
    stack.kill("second");
    stack.kill(CONTROLLER);
    wait_for(&stack, 5, "problem  shipyard-controller  — none runs");
    stack.kill(STATUS_VIEW);
    wait_for(&stack, 5, "warning  runs                 — not looked at");
}

#[test]
fn an_unreadable_message_is_counted() {
    let stack = Stack::start();
    let client = NatsClient::connect(stack.nats.port()).expect("NATS accepts a connection");
    client.publish("sh.keptn.event.test.finished", b"hello");
    wait_for(&stack, 0, "unreadable messages in the last hour: 1");
}

#[test]
fn nothing_is_made_by_looking() {
    let stack = Stack::bare();
    let said = doctor(&stack);
    assert_eq!(said.code, 5, "{said:?}");
    assert!(said.stdout.contains("problem  stream "), "{said:?}");
    assert!(said.stdout.contains("hint: start it with `keptn dev`"), "{said:?}");
    let client = NatsClient::connect(stack.nats.port()).expect("NATS accepts a connection");
    let streams = client.request("$JS.API.STREAM.NAMES", b"").expect("NATS answers");
    assert_eq!(streams["total"], 0, "{streams}");
}

#[test]
fn without_nats_it_says_what_to_start() {
    let mut stack = Stack::bare();
    stack.nats.kill();
    let said = doctor(&stack);
    assert_eq!((said.code, said.stderr.as_str()), (5, ""), "{said:?}");
    assert!(said.stdout.starts_with("problem  nats  — "), "{said:?}");
    assert!(said.stdout.contains("hint: start one with `keptn dev`"), "{said:?}");
}
