//! A client in another language, on plain core NATS: no header, no acknowledgement, no library of
//! ours. It starts the sync and plays the executor of one task, as Keptn's services do.

use std::process::Command;

use crate::harness::python;
use crate::harness::stack::Stack;
use crate::harness::story::{self, Uniform};
use crate::harness::user::run_to_end;

/// The program.
const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/e2e/foreign_client.py");

#[test]
fn a_python_program_starts_the_sync_and_plays_an_executor() {
    let python = python::with_nats();
    // The program plays who deploys; the stub plays all others.
    let stack = Stack::bare().with_setting("STUB_EXECUTOR_PLAYS", "*,-deployment-service");
    let stack = stack.with_all_services();
    let mut stream = stack.stream();
    story::create_project(&stack.user, &Uniform::FAST);

    let mut command = Command::new(python);
    let said = run_to_end(command.arg(PROGRAM).arg(stack.nats.url()));
    let context = said.done().trim().to_owned();

    story::expect_whole_sync(&mut stream, &context);
    let played = stream.entries().iter().filter(|entry| {
        entry.is_task()
            && entry.context() == context
            && entry.attribute("source").ends_with("/deployment-service")
    });
    assert_eq!(played.count(), 4, "started and finished in two stages: {}", stream.tail());
    assert!(story::view(&stack.user, "production").contains("IN-SYNC"));
}
