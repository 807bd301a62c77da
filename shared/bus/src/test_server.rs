//! A nats-server for one test: its own port, its own store, gone when dropped. It starts in about
//! twelve milliseconds.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
    time::{Duration, Instant},
};

use serde::Deserialize;
use tempfile::TempDir;

use crate::{BootTime, Bus, ConnectOptions, server_binary};

/// How long a server may take to listen.
const START_WAIT: Duration = Duration::from_secs(30);
/// Pause between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// Why there is no server to test with.
#[derive(Debug, thiserror::Error)]
pub enum TestServerError {
    /// No binary.
    #[error(transparent)]
    Binary(#[from] server_binary::ServerBinaryError),
    /// It does not run.
    #[error("nats-server must start and listen within {START_WAIT:?}: {0}")]
    Start(#[from] io::Error),
}

/// A running (or killed) server of a test's own.
#[derive(Debug)]
pub struct TestServer {
    binary: PathBuf,
    directory: TempDir,
    port: u16,
    monitor: u16,
    child: Option<Child>,
}

#[derive(Deserialize)]
struct Ports {
    nats: Vec<String>,
    monitoring: Vec<String>,
}

impl TestServer {
    /// Starts a server with a store in a directory of its own.
    ///
    /// # Errors
    /// [`TestServerError`]; a test without a server fails, it does not pass.
    pub async fn start() -> Result<Self, TestServerError> {
        Self::start_with("").await
    }

    /// Starts a server with more configuration, in nats-server's own language.
    ///
    /// # Errors
    /// [`TestServerError`] as [`Self::start`].
    pub async fn start_with(configuration: &str) -> Result<Self, TestServerError> {
        let binary = binary().await?;
        let directory = tempfile::tempdir()?;
        let store = directory.path().join("store");
        let jetstream = if configuration.contains("jetstream") {
            String::new()
        } else {
            format!("jetstream {{ store_dir: \"{}\" }}\n", store.display())
        };
        let text = configuration.replace("$STORE", &store.to_string_lossy());
        fs::write(directory.path().join("nats.conf"), format!("{jetstream}{text}\n"))?;
        let mut server = Self { binary, directory, port: 0, monitor: 0, child: None };
        server.spawn()?;
        Ok(server)
    }

    /// Returns its address.
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Returns the address of its monitoring port.
    pub fn monitor_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.monitor)
    }

    /// Returns the directory that is its own, for whatever a test keeps beside it.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Connects a bus to it.
    ///
    /// # Errors
    /// [`crate::ConnectError`] if it does not answer.
    pub async fn bus(&self) -> Result<Bus, crate::ConnectError> {
        Bus::connect_once(ConnectOptions::new(&self.url(), "test"), START_WAIT).await
    }

    /// Kills it as a power switch would, but for what the system has in its cache.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may be gone already.
            child.kill().ok();
            child.wait().ok();
        }
    }

    /// Stops it where it stands, as a machine that is overloaded; connections stay open.
    ///
    /// # Errors
    /// [`TestServerError::Start`] if it does not run.
    pub fn pause(&self) -> Result<(), TestServerError> {
        self.signal("-STOP")
    }

    /// Lets it go on.
    ///
    /// # Errors
    /// [`TestServerError::Start`] if it does not run.
    pub fn resume(&self) -> Result<(), TestServerError> {
        self.signal("-CONT")
    }

    fn signal(&self, signal: &str) -> Result<(), TestServerError> {
        let id = self.child.as_ref().map(Child::id).unwrap_or_default().to_string();
        let sent = Command::new("kill").args([signal, &id]).status()?;
        if sent.success() { Ok(()) } else { Err(io::Error::other("it does not run").into()) }
    }

    /// Starts it again on the same port and store; returns when it listens.
    ///
    /// # Errors
    /// [`TestServerError::Start`].
    pub fn restart(&mut self) -> Result<BootTime, TestServerError> {
        self.kill();
        self.spawn()
    }

    /// Starts it again with an empty store: another stream under the same address.
    ///
    /// # Errors
    /// [`TestServerError::Start`].
    pub fn restart_empty(&mut self) -> Result<BootTime, TestServerError> {
        self.kill();
        fs::remove_dir_all(self.directory.path().join("store"))?;
        self.spawn()
    }

    fn spawn(&mut self) -> Result<BootTime, TestServerError> {
        let ports = self.directory.path().join("ports");
        if ports.exists() {
            fs::remove_dir_all(&ports)?;
        }
        fs::create_dir(&ports)?;
        let port = if self.port == 0 { "-1".to_owned() } else { self.port.to_string() };
        let log = fs::File::create(self.directory.path().join("nats.log"))?;
        let child = Command::new(&self.binary)
            .args(["-a", "127.0.0.1", "-p", &port, "-m", "-1", "--ports_file_dir"])
            .arg(&ports)
            .arg("-c")
            .arg(self.directory.path().join("nats.conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()?;
        // The server names the file after its own, which in the cache ends with its version.
        let name = self.binary.file_name().unwrap_or_default().to_string_lossy();
        let file = ports.join(format!("{name}_{}.ports", child.id()));
        self.child = Some(child);
        let found = self.wait_for_ports(&file)?;
        let listening = BootTime::now();
        self.port = port_of(&found.nats)?;
        self.monitor = port_of(&found.monitoring)?;
        Ok(listening)
    }

    /// Looks for the file that the server writes when it listens.
    fn wait_for_ports(&mut self, file: &Path) -> io::Result<Ports> {
        let deadline = Instant::now() + START_WAIT;
        loop {
            if let Ok(text) = fs::read(file)
                && let Ok(ports) = serde_json::from_slice(&text)
            {
                return Ok(ports);
            }
            let ended = self.child.as_mut().map(Child::try_wait).transpose()?.flatten();
            if ended.is_some() || Instant::now() > deadline {
                let log = fs::read_to_string(self.directory.path().join("nats.log"))?;
                return Err(io::Error::other(log));
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.kill();
    }
}

fn port_of(urls: &[String]) -> io::Result<u16> {
    urls.iter()
        .find_map(|url| url.rsplit(':').next()?.parse().ok())
        .ok_or_else(|| io::Error::other("the ports file must name a port"))
}

/// Looks for the binary once in a process.
async fn binary() -> Result<PathBuf, TestServerError> {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    if let Some(path) = FOUND.get() {
        return Ok(path.clone());
    }
    let path = server_binary::find_or_fetch(variable, |_| {}).await?;
    Ok(FOUND.get_or_init(|| path).clone())
}

#[expect(clippy::disallowed_methods, reason = "tests have no settings but these variables")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
