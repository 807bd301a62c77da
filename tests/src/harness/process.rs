//! A process that a test may kill at any moment, and what it said until then.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;

use rustix::process::{Pid, Signal, kill_process};

use super::wait;

/// Lines that are kept of each process; the newest tell why a test failed.
const LINES_MAX: usize = 5_000;

/// Names a binary `keptn` that was built already, for a process that is started by another one.
pub const BUILT: &str = "KEPTN_TESTS_BINARY";
/// How the variables begin that cargo sets for the package that it runs.
const OF_ONE_PACKAGE: [&str; 4] = ["CARGO_MANIFEST_", "CARGO_PKG_", "CARGO_BIN_", "CARGO_CRATE_"];

type Lines = Arc<Mutex<VecDeque<String>>>;

/// A child process. Dropped, it is killed.
pub struct Process {
    name: String,
    child: Child,
    lines: Lines,
}

impl Process {
    /// Starts a command and keeps what it says.
    pub fn start(name: &str, command: &mut Command) -> Self {
        // A pipe that stays open: a service that is told so (`KEPTN_STOP_WITH_STDIN`) ends with its
        // standard input, so that none is left when the tests themselves are killed.
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("start {name}: {error}"));
        let lines = Lines::default();
        keep_lines(child.stdout.take(), &lines);
        keep_lines(child.stderr.take(), &lines);
        Self { name: name.to_owned(), child, lines }
    }

    /// Kills it as a power cut would (SIGKILL), and waits until it is gone.
    pub fn kill(&mut self) {
        self.child.kill().unwrap_or_else(|error| panic!("kill {}: {error}", self.name));
        self.child.wait().unwrap_or_else(|error| panic!("wait for {}: {error}", self.name));
    }

    /// Stops it where it stands (SIGSTOP), as a machine that is overloaded.
    pub fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on (SIGCONT).
    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    /// Returns its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let sent = kill_process(id.expect("a process has an id"), signal);
        sent.unwrap_or_else(|error| panic!("{signal:?} to {}: {error}", self.name));
    }

    /// Asks it to stop (SIGTERM), and returns its exit code.
    pub fn stop(&mut self) -> Option<i32> {
        self.signal(Signal::TERM);
        wait::until(&format!("{} stops", self.name), || match self.child.try_wait() {
            Ok(Some(status)) => Ok(status.code()),
            Ok(None) => Err("still running".to_owned()),
            Err(error) => Err(error.to_string()),
        })
    }

    /// Tells whether it still runs.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|status| status.is_none())
    }

    /// Returns the lines that hold a text.
    pub fn lines_with(&self, text: &str) -> Vec<String> {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().filter(|line| line.contains(text)).cloned().collect()
    }

    /// Returns the last lines, for a failure message.
    pub fn tail(&self) -> String {
        const SHOWN: usize = 25;
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let from = lines.len().saturating_sub(SHOWN);
        let shown = lines.iter().skip(from).map(|line| format!("  {}: {line}\n", self.name));
        shown.collect()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only for a process that has ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Takes away the settings of whoever runs the tests; comes before those of the test.
pub fn clean(command: &mut Command) {
    let settings = ["NATS_URL", "NATS_CONTEXT", "NATS_CREDS", "NATS_USER", "NATS_PASSWORD"];
    let more = ["NATS_TOKEN", "NATS_NKEY", "NATS_MONITOR_URL", "LOG_LEVEL", "RUST_LOG", "NO_COLOR"];
    let traces = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"];
    for setting in settings.iter().chain(&more).chain(&traces) {
        command.env_remove(setting);
    }
}

/// Returns the binary `keptn`, built as the tests are.
pub fn keptn() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| std::env::var_os(BUILT).map_or_else(build_keptn, PathBuf::from))
}

/// `cargo test -p tests` alone does not build the binary of another package.
fn build_keptn() -> PathBuf {
    let own = std::env::current_exe().expect("a program knows its own path");
    let folder = own.parent().expect("a program lies in a folder");
    // A test lies in PROFILE/deps, a program in PROFILE.
    let profile = if folder.ends_with("deps") { folder.parent() } else { Some(folder) };
    let profile = profile.expect("tests lie in PROFILE/deps");
    let mut build = Command::new(env!("CARGO"));
    // With the features of the whole workspace, as its tests are built: else all is built again.
    build.args(["build", "--quiet", "--workspace", "--bin", "keptn", "--target-dir"]);
    build.arg(profile.parent().expect("a profile lies in the target folder"));
    if profile.ends_with("release") {
        build.arg("--release");
    }
    // What cargo tells the tests about themselves is news to build scripts that look at it, and
    // everything behind them would be built again.
    for (name, _) in std::env::vars_os() {
        if OF_ONE_PACKAGE.iter().any(|start| name.to_string_lossy().starts_with(start)) {
            build.env_remove(name);
        }
    }
    let output = build.current_dir(env!("CARGO_MANIFEST_DIR")).output().expect("cargo runs");
    assert!(output.status.success(), "build keptn: {}", String::from_utf8_lossy(&output.stderr));
    profile.join(format!("keptn{}", std::env::consts::EXE_SUFFIX))
}

fn keep_lines(pipe: Option<impl Read + Send + 'static>, lines: &Lines) {
    let pipe = BufReader::new(pipe.expect("the pipe was asked for"));
    let lines = Arc::clone(lines);
    // Ends with the process.
    thread::spawn(move || {
        for line in pipe.lines().map_while(Result::ok) {
            let mut kept = lines.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.len() == LINES_MAX {
                kept.pop_front();
            }
            kept.push_back(line);
        }
    });
}

/// Writes a file and returns its path.
pub fn write_file(folder: &Path, name: &str, text: &str) -> PathBuf {
    use std::io::Write;
    let path = folder.join(name);
    let mut file = File::create(&path).expect("a temporary file can be created");
    file.write_all(text.as_bytes()).expect("a temporary file can be written");
    path
}
