//! A client in another language, on plain core NATS: no header, no acknowledgement, no library of
//! ours. It starts the sync and plays the executor of one task, as Keptn's services do.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::harness::process;
use crate::harness::stack::Stack;
use crate::harness::story::{self, Uniform};
use crate::harness::user::run_to_end;

/// The program.
const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/e2e/foreign_client.py");
/// What it needs; pinned.
const NATS_PY: &str = "nats-py==2.16.0";

#[test]
fn a_python_program_starts_the_sync_and_plays_an_executor() {
    let python = python();
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

/// Returns a Python with the client library, in a folder of its own below `target`.
fn python() -> PathBuf {
    let built = process::keptn().parent().expect("the binary lies in the target folder");
    let folder = built.join("python-nats");
    let python = folder.join("bin/python");
    if imports_nats(&python) {
        return python;
    }
    run("python3", &["-m", "venv", "--clear", &folder.display().to_string()]);
    run(&python, &["-m", "pip", "install", "--quiet", NATS_PY]);
    assert!(imports_nats(&python), "{NATS_PY} is installed and cannot be imported");
    python
}

fn imports_nats(python: &Path) -> bool {
    let output = Command::new(python).args(["-c", "import nats"]).output();
    output.is_ok_and(|output| output.status.success())
}

#[track_caller]
fn run(program: impl AsRef<Path>, arguments: &[&str]) {
    let output = Command::new(program.as_ref()).args(arguments).output();
    let output = output.unwrap_or_else(|error| panic!("{}: {error}", program.as_ref().display()));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{} {arguments:?}: {said}", program.as_ref().display());
}
