//! Services and NATS killed with SIGKILL in the middle of a run: it ends as if nothing had been.

use std::time::Duration;

use crate::harness::stack::{
    CONFIG_STORE, CONTROLLER, SERVICES, STATUS_VIEW, STUB_EXECUTOR, Stack,
};
use crate::harness::story::{self, HARDENING, PRODUCTION, Uniform};

/// Long enough that a task is open while its service is killed, short for the whole run.
const TASK_TIME: Duration = Duration::from_millis(100);

#[test]
fn a_killed_controller_loses_and_repeats_nothing() {
    kill_after_every_trigger(CONTROLLER);
}

#[test]
fn a_killed_config_store_loses_and_repeats_nothing() {
    kill_after_every_trigger(CONFIG_STORE);
}

#[test]
fn a_killed_status_view_reads_again_what_happened() {
    kill_after_every_trigger(STATUS_VIEW);
}

#[test]
fn a_killed_stub_executor_answers_after_its_restart() {
    kill_after_every_trigger(STUB_EXECUTOR);
}

#[test]
fn a_run_survives_the_death_of_nats() {
    let mut stack = Stack::start();
    let mut stream = stack.stream();
    let uniform = Uniform { delay: TASK_TIME, ..Uniform::FAST };
    story::create_project(&stack.user, &uniform);
    story::deliver(&stack.user, &mut stream, "carts:1.0.0");
    let context = story::start_sync(&stack.user);
    for task in ["deployment", "evaluation"] {
        stream.wait_for(&format!("{task} of {context}"), |entry| {
            entry.context() == context && entry.short() == format!("{task}.triggered")
        });
        stack.nats.kill();
        stack.nats.restart();
        stream = stack.stream();
    }
    story::expect_whole_sync(&mut stream, &context);
    assert!(story::view(&stack.user, "hardening").contains("IN-SYNC"));
}

#[test]
fn services_that_are_asked_to_stop_end_with_zero_and_lose_nothing() {
    let mut stack = Stack::start();
    let mut stream = stack.stream();
    let uniform = Uniform { delay: TASK_TIME, ..Uniform::FAST };
    story::create_project(&stack.user, &uniform);
    story::deliver(&stack.user, &mut stream, "carts:1.0.0");
    let context = story::start_sync(&stack.user);
    for service in SERVICES {
        stream.wait_for("a task is open", |entry| {
            entry.context() == context && entry.short() == "test.started"
        });
        assert_eq!(stack.service(service).stop(), Some(0), "{service}");
        stack.run(service);
    }
    story::expect_whole_sync(&mut stream, &context);
}

/// Kills the service each time that a task of the two stages is triggered, eleven times in all.
fn kill_after_every_trigger(service: &str) {
    let mut stack = Stack::start();
    let mut stream = stack.stream();
    let uniform = Uniform { delay: TASK_TIME, ..Uniform::FAST };
    story::create_project(&stack.user, &uniform);
    story::deliver(&stack.user, &mut stream, "carts:1.0.0");
    story::deliver(&stack.user, &mut stream, "carts-db:1.0.0");
    let context = story::start_sync(&stack.user);
    let mut position = 0;
    for task in HARDENING.iter().chain(&PRODUCTION) {
        let triggered = format!("{task}.triggered");
        let entry = stream.wait_for_after(position, &triggered, |entry| {
            entry.context() == context && entry.short() == triggered
        });
        position = entry.position;
        stack.kill_and_restart(service);
    }
    story::expect_whole_sync(&mut stream, &context);
    stack.wait_until_ready(&[service]);
    for stage in ["hardening", "production"] {
        let text = story::view(&stack.user, stage);
        assert!(text.contains(&format!("{stage} is IN-SYNC")), "{text}");
        assert!(text.contains("- carts:1.0.0\n- carts-db:1.0.0\n"), "{text}");
    }
}
