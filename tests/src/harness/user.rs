//! Somebody at a terminal: runs `keptn` and reads what it says.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;

use tempfile::TempDir;

use super::process::{self, Process};
use super::stream::Stream;
use super::wait;

/// What a command said.
#[derive(Debug)]
pub struct Said {
    /// Exit code; -1 if a signal ended it.
    pub code: i32,
    /// Data.
    pub stdout: String,
    /// Talk.
    pub stderr: String,
}

impl Said {
    /// Returns the data of a command that must succeed.
    #[track_caller]
    pub fn done(self) -> String {
        assert_eq!(self.code, 0, "a command failed: {self:?}");
        self.stdout
    }
}

/// Somebody with a folder, the command line, and the port of a NATS on this machine.
pub struct User {
    folder: TempDir,
    port: u16,
}

impl User {
    /// Gives somebody an empty folder.
    pub fn at(port: u16) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be created");
        Self { folder, port }
    }

    /// Runs `keptn` with arguments and returns what it said.
    #[track_caller]
    pub fn keptn(&self, arguments: &[&str]) -> Said {
        run_to_end(&mut self.command(arguments))
    }

    /// Runs `keptn` with a text at its standard input.
    #[track_caller]
    pub fn keptn_reading(&self, arguments: &[&str], input: &str) -> Said {
        let input = File::open(self.write("input", input)).expect("the input can be read");
        run_with_input(&mut self.command(arguments), Stdio::from(input))
    }

    /// Starts `keptn` with arguments that let it go on.
    pub fn start(&self, arguments: &[&str]) -> Process {
        Process::start("keptn", &mut self.command(arguments))
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(process::keptn());
        process::clean(&mut command);
        let url = format!("nats://127.0.0.1:{}", self.port);
        command.args(arguments).env("NATS_URL", url).env("NO_COLOR", "1");
        command.current_dir(self.folder.path());
        command
    }

    /// Writes a file where the commands run.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        process::write_file(self.folder.path(), name, text)
    }

    /// Returns where the commands run.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Follows the stream.
    pub fn stream(&self) -> Stream {
        Stream::follow(self.port)
    }
}

/// Runs a command within a limit; one that hangs is killed and fails the test.
#[track_caller]
pub fn run_to_end(command: &mut Command) -> Said {
    run_with_input(command, Stdio::null())
}

#[track_caller]
fn run_with_input(command: &mut Command, input: Stdio) -> Said {
    command.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped());
    let name: Vec<&OsStr> = command.get_args().collect();
    let name = format!("{name:?}");
    let mut child = command.spawn().unwrap_or_else(|error| panic!("run {name}: {error}"));
    let stdout = read_all(child.stdout.take());
    let stderr = read_all(child.stderr.take());
    let mut guard = KillOnDrop(child);
    let status = wait::until(&format!("{name} ends"), || match guard.0.try_wait() {
        Ok(Some(status)) => Ok(status),
        Ok(None) => Err("still running".to_owned()),
        Err(error) => Err(error.to_string()),
    });
    let text = |reader: thread::JoinHandle<String>| reader.join().expect("the pipe can be read");
    Said { code: status.code().unwrap_or(-1), stdout: text(stdout), stderr: text(stderr) }
}

struct KillOnDrop(Child);

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        // Fails only for a process that has ended already.
        drop(self.0.kill());
    }
}

fn read_all(pipe: Option<impl Read + Send + 'static>) -> thread::JoinHandle<String> {
    let mut pipe = pipe.expect("the pipe was asked for");
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // What came before an error is what there is to show.
        drop(pipe.read_to_end(&mut bytes));
        String::from_utf8_lossy(&bytes).into_owned()
    })
}
