//! NATS and the services as processes: started, killed, started again, and asked by `keptn`.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::Read;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;

use tempfile::TempDir;

use super::nats_client::NatsClient;
use super::nats_server::NatsServer;
use super::process::{self, Process};
use super::stream::Stream;
use super::wait;

/// Decides which task comes next.
pub(crate) const CONTROLLER: &str = "shipyard-controller";
/// Owns projects, services and configuration.
pub(crate) const CONFIG_STORE: &str = "config-store";
/// Answers queries.
pub(crate) const STATUS_VIEW: &str = "status-view";
/// Plays the executors.
pub(crate) const STUB_EXECUTOR: &str = "stub-executor";
/// The four services.
pub(crate) const SERVICES: [&str; 4] = [CONTROLLER, CONFIG_STORE, STATUS_VIEW, STUB_EXECUTOR];

/// What a command said.
#[derive(Debug)]
pub(crate) struct Said {
    /// Exit code; -1 if a signal ended it.
    pub(crate) code: i32,
    /// Data.
    pub(crate) stdout: String,
    /// Talk.
    pub(crate) stderr: String,
}

impl Said {
    /// Returns the data of a command that must succeed.
    #[track_caller]
    pub(crate) fn done(self) -> String {
        assert_eq!(self.code, 0, "a command failed: {self:?}");
        self.stdout
    }
}

/// A control plane of the test's own.
pub(crate) struct Stack {
    services: BTreeMap<String, Process>,
    settings: Vec<(String, String)>,
    /// The server below it.
    pub(crate) nats: NatsServer,
    folder: TempDir,
}

impl Stack {
    /// Starts NATS and nothing else.
    pub(crate) fn bare() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be created");
        let nats = NatsServer::start();
        Self { services: BTreeMap::new(), settings: Vec::new(), nats, folder }
    }

    /// Starts NATS and the four services, and waits until they can work.
    pub(crate) fn start() -> Self {
        Self::bare().with_all_services()
    }

    /// Starts the four services, and waits until they can work.
    pub(crate) fn with_all_services(mut self) -> Self {
        for service in SERVICES {
            self.run(service);
        }
        self.wait_until_ready(&SERVICES);
        self
    }

    /// Sets an environment variable of all services that are started from here on.
    pub(crate) fn with_setting(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Starts a service, and does not wait for it.
    pub(crate) fn run(&mut self, service: &str) {
        self.run_as(service, service);
    }

    /// Starts one more process of a service, under a name of its own.
    pub(crate) fn run_as(&mut self, name: &str, service: &str) {
        let mut command = Command::new(process::keptn());
        command.args(["serve", service]).current_dir(self.folder.path());
        process::clean(&mut command);
        command
            .env("NATS_URL", self.nats.url())
            .env("NATS_MONITOR_URL", self.nats.monitor_url())
            .env("HEALTH_ENDPOINT_PORT", "0")
            .envs(self.settings.iter().map(|(name, value)| (name, value)));
        self.services.insert(name.to_owned(), Process::start(name, &mut command));
    }

    /// Kills a service (SIGKILL).
    pub(crate) fn kill(&mut self, name: &str) {
        self.service(name).kill();
    }

    /// Kills a service and starts it again at once.
    pub(crate) fn kill_and_restart(&mut self, name: &str) {
        self.kill(name);
        self.run(name);
    }

    /// Waits until the services say that they have read the stream and can work.
    #[track_caller]
    pub(crate) fn wait_until_ready(&mut self, services: &[&str]) {
        let client = NatsClient::connect(self.nats.port()).expect("NATS accepts a connection");
        for service in services {
            wait::until(&format!("{service} is ready"), || {
                let ended = self.services.get_mut(*service).is_some_and(|own| !own.is_running());
                assert!(!ended, "{service} ended");
                let answer = client.request(&format!("{service}.ready"), b"")?;
                if answer["ready"] == true { Ok(()) } else { Err(answer.to_string()) }
            });
        }
    }

    /// Returns the process of a service.
    #[track_caller]
    pub(crate) fn service(&mut self, name: &str) -> &mut Process {
        self.services.get_mut(name).unwrap_or_else(|| panic!("{name} was not started"))
    }

    /// Follows the stream.
    pub(crate) fn stream(&self) -> Stream {
        Stream::follow(self.nats.port())
    }

    /// Runs `keptn` with arguments and returns what it said.
    #[track_caller]
    pub(crate) fn keptn(&self, arguments: &[&str]) -> Said {
        let mut command = Command::new(process::keptn());
        process::clean(&mut command);
        command.args(arguments).env("NATS_URL", self.nats.url()).env("NO_COLOR", "1");
        run_to_end(command.current_dir(self.folder.path()))
    }

    /// Writes a file where the commands run.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        process::write_file(self.folder.path(), name, text)
    }
}

impl Drop for Stack {
    #[expect(clippy::print_stderr, reason = "shown by the test harness beside the failure")]
    fn drop(&mut self) {
        if thread::panicking() {
            let services: String = self.services.values().map(Process::tail).collect();
            eprintln!("what the processes said last:\n{services}{}", self.nats.tail());
        }
    }
}

/// Runs a command within a limit; one that hangs is killed and fails the test.
#[track_caller]
pub(crate) fn run_to_end(command: &mut Command) -> Said {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
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

struct KillOnDrop(std::process::Child);

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
