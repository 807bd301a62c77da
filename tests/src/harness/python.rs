//! A Python with a NATS client, for the programs that speak with ours from outside.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::process;

/// What they need; pinned.
const NATS_PY: &str = "nats-py==2.16.0";

/// Returns a Python with the client library, in a folder of its own below `target`.
pub fn with_nats() -> &'static Path {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(find_or_make)
}

fn find_or_make() -> PathBuf {
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
