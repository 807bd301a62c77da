//! The stack of `docker-compose.yml` under a name and a port of the test's own.

use std::net::{SocketAddr, TcpListener};
use std::process::{Command, Output};

use super::user::User;

/// A running compose project. Dropped, it is taken down with its volumes.
pub struct Compose {
    project: String,
    port: u16,
    page_port: u16,
    /// Who uses it.
    pub user: User,
}

impl Compose {
    /// Starts the stack as a user does: `up -d`.
    pub fn up() -> Self {
        let [port, page_port] = free_ports();
        // The port tells it from the projects of other tests.
        let project = format!("keptn-test-{port}");
        let compose = Self { project, port, page_port, user: User::at(port) };
        compose.run(&["up", "-d"]);
        compose
    }

    /// Returns where the page is on this machine.
    pub fn page(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.page_port))
    }

    /// Runs a compose command that must succeed.
    #[track_caller]
    pub fn run(&self, arguments: &[&str]) -> String {
        let output = self.output(arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "compose {}: {said}", arguments.join(" "));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn output(&self, arguments: &[&str]) -> Output {
        // The plugin of Docker, else the program that came before it.
        let plugin = Command::new("docker").args(["compose", "version"]).output();
        let mut command = if plugin.is_ok_and(|output| output.status.success()) {
            let mut command = Command::new("docker");
            command.arg("compose");
            command
        } else {
            Command::new("docker-compose")
        };
        command.args(["--project-name", &self.project]).args(arguments);
        command.env("KEPTN_NATS_PORT", self.port.to_string());
        command.env("KEPTN_PAGE_PORT", self.page_port.to_string());
        command.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
        command.output().expect("docker-compose runs")
    }
}

/// Returns ports that were free a moment ago; compose has no way to let the system choose.
fn free_ports() -> [u16; 2] {
    let listeners = [(), ()].map(|()| TcpListener::bind(("127.0.0.1", 0)).expect("a port is free"));
    listeners.map(|listener| listener.local_addr().expect("a listener has an address").port())
}

impl Drop for Compose {
    #[expect(clippy::print_stderr, reason = "shown by the test harness beside the failure")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            let logs = self.output(&["logs", "--tail=20", "--no-color"]);
            eprintln!("{}", String::from_utf8_lossy(&logs.stdout));
        }
        let down = self.output(&["down", "--volumes", "--timeout=1"]);
        if !down.status.success() {
            eprintln!("compose down: {}", String::from_utf8_lossy(&down.stderr));
        }
    }
}
