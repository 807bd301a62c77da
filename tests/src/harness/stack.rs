//! NATS and the services as processes: started, killed, started again, and asked by `keptn`.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::process::Command;
use std::thread;

use super::nats_client::NatsClient;
use super::nats_server::NatsServer;
use super::process::{self, Process};
use super::stream::Stream;
use super::user::User;
use super::wait;

/// Decides which task comes next.
pub const CONTROLLER: &str = "shipyard-controller";
/// Owns projects, services and configuration.
pub const CONFIG_STORE: &str = "config-store";
/// Answers queries.
pub const STATUS_VIEW: &str = "status-view";
/// Plays the executors.
pub const STUB_EXECUTOR: &str = "stub-executor";
/// The four services.
pub const SERVICES: [&str; 4] = [CONTROLLER, CONFIG_STORE, STATUS_VIEW, STUB_EXECUTOR];

/// A control plane of the test's own.
pub struct Stack {
    services: BTreeMap<String, Process>,
    settings: Vec<(String, String)>,
    /// The server below it.
    pub nats: NatsServer,
    /// Who uses it.
    pub user: User,
}

impl Stack {
    /// Starts NATS and nothing else.
    pub fn bare() -> Self {
        Self::on(NatsServer::start())
    }

    /// Takes a server that runs, and starts nothing else.
    pub fn on(nats: NatsServer) -> Self {
        let user = User::at(nats.port());
        Self { services: BTreeMap::new(), settings: Vec::new(), nats, user }
    }

    /// Starts NATS and the four services, and waits until they can work.
    pub fn start() -> Self {
        Self::bare().with_all_services()
    }

    /// Starts the four services, and waits until they can work.
    #[must_use]
    pub fn with_all_services(mut self) -> Self {
        for service in SERVICES {
            self.run(service);
        }
        self.wait_until_ready(&SERVICES);
        self
    }

    /// Starts the four services, and waits until they can work; returns the port of the pages, which
    /// stays theirs over a restart with [`Stack::run_view_at`].
    pub fn start_all_with_pages(&mut self) -> u16 {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|one| one.local_addr());
        let port = free.expect("a port is free").port();
        for service in [CONTROLLER, CONFIG_STORE, STUB_EXECUTOR] {
            self.run(service);
        }
        self.run_view_at(port);
        self.wait_until_ready(&SERVICES);
        port
    }

    /// Starts status-view with its pages on a port, and does not wait for it.
    pub fn run_view_at(&mut self, port: u16) {
        self.run_with(STATUS_VIEW, STATUS_VIEW, &[("HEALTH_ENDPOINT_PORT", &port.to_string())]);
    }

    /// Sets an environment variable of all services that are started from here on.
    #[must_use]
    pub fn with_setting(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Starts a service, and does not wait for it.
    pub fn run(&mut self, service: &str) {
        self.run_as(service, service);
    }

    /// Starts one more process of a service, under a name of its own.
    pub fn run_as(&mut self, name: &str, service: &str) {
        self.run_with(name, service, &[]);
    }

    /// Starts a process of a service under a name, with more environment variables of its own.
    pub fn run_with(&mut self, name: &str, service: &str, more: &[(&str, &str)]) {
        let mut command = Command::new(process::keptn());
        command.args(["serve", service]).current_dir(self.user.folder());
        process::clean(&mut command);
        command
            .env("NATS_URL", self.nats.url())
            .env("NATS_MONITOR_URL", self.nats.monitor_url())
            .env("HEALTH_ENDPOINT_PORT", "0")
            .env("KEPTN_STOP_WITH_STDIN", "1")
            .envs(self.settings.iter().map(|(name, value)| (name, value)))
            .envs(more.iter().copied());
        self.services.insert(name.to_owned(), Process::start(name, &mut command));
    }

    /// Kills a service (SIGKILL).
    pub fn kill(&mut self, name: &str) {
        self.service(name).kill();
    }

    /// Kills a service and starts it again at once.
    pub fn kill_and_restart(&mut self, name: &str) {
        self.kill(name);
        self.run(name);
    }

    /// Waits until the services say that they have read the stream and can work.
    #[track_caller]
    pub fn wait_until_ready(&mut self, services: &[&str]) {
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
    pub fn service(&mut self, name: &str) -> &mut Process {
        self.services.get_mut(name).unwrap_or_else(|| panic!("{name} was not started"))
    }

    /// Follows the stream.
    pub fn stream(&self) -> Stream {
        self.user.stream()
    }
}

impl Drop for Stack {
    #[expect(clippy::print_stderr, reason = "shown by the test harness beside the failure")]
    fn drop(&mut self) {
        if thread::panicking() {
            let services: String = self.services.values().map(Process::tail).collect();
            eprintln!("what the processes said last:\n{services}{}", self.nats.complaints());
        }
    }
}
