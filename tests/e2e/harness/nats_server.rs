//! A nats-server of the test's own, with a store that outlives a kill.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use super::process::{Process, write_file};
use super::wait;

/// A server on ports that nobody else has. Dropped, it is killed and its store deleted.
pub(crate) struct NatsServer {
    folder: TempDir,
    process: Process,
    port: u16,
    monitor_port: u16,
}

impl NatsServer {
    /// Starts a server with an empty store, on ports that the system chooses.
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be created");
        let process = run(folder.path(), -1, -1);
        let (port, monitor_port) = ports(folder.path());
        Self { folder, process, port, monitor_port }
    }

    /// Returns the port of clients.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Returns where clients connect.
    pub(crate) fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Returns where the server tells about itself.
    pub(crate) fn monitor_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.monitor_port)
    }

    /// Kills the server (SIGKILL); the store stays.
    pub(crate) fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts the server again, on the same ports and the same store.
    pub(crate) fn restart(&mut self) {
        self.process = run(self.folder.path(), self.port.into(), self.monitor_port.into());
        wait::until("nats-server comes back", || {
            std::net::TcpStream::connect(("127.0.0.1", self.port))
                .map(drop)
                .map_err(|error| error.to_string())
        });
    }

    /// Returns the last lines it said.
    pub(crate) fn tail(&self) -> String {
        self.process.tail()
    }
}

fn run(folder: &Path, port: i32, monitor_port: i32) -> Process {
    let store = folder.join("store");
    let configuration = format!(
        "listen: \"127.0.0.1:{port}\"\nhttp: \"127.0.0.1:{monitor_port}\"\n\
         ports_file_dir: {folder:?}\njetstream {{ store_dir: {store:?}, sync_interval: 1s }}\n"
    );
    let file = write_file(folder, "nats.conf", &configuration);
    Process::start("nats-server", Command::new(binary()).arg("--config").arg(file))
}

/// Reads the ports from the file that the server writes when it listens.
fn ports(folder: &Path) -> (u16, u16) {
    wait::until("nats-server writes its ports", || {
        let files = std::fs::read_dir(folder).map_err(|error| error.to_string())?;
        let mut paths = files.filter_map(|file| Some(file.ok()?.path()));
        let path = paths.find(|path| path.extension().is_some_and(|end| end == "ports"));
        let text = std::fs::read_to_string(path.ok_or("no ports file")?);
        let text = text.map_err(|error| error.to_string())?;
        let ports: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        let port = |what: &str| ports[what][0].as_str()?.rsplit(':').next()?.parse().ok();
        port("nats").zip(port("monitoring")).ok_or(text)
    })
}

/// Finds the server as the product does.
fn binary() -> PathBuf {
    PathBuf::from("nats-server")
}
