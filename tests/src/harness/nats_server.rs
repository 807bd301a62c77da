//! A nats-server of the test's own, with a store that outlives a kill.

use bus::test_server::TestServer;

/// As in profile `dev`: what is lost with the power does not matter to a test.
const CONFIGURATION: &str = "jetstream { store_dir: \"$STORE\", sync_interval: 1s }";

/// A server on ports that nobody else has. Dropped, it is killed and its store deleted.
pub struct NatsServer {
    server: TestServer,
}

impl NatsServer {
    /// Starts a server with an empty store, on ports that the system chooses.
    pub fn start() -> Self {
        Self::start_with(CONFIGURATION)
    }

    /// Starts a server with a configuration in nats-server's own language; `$STORE` stands for a
    /// folder of its own.
    pub fn start_with(configuration: &str) -> Self {
        // Finding the binary may mean downloading it, which is the one thing that waits here.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime can be built");
        let server = runtime.block_on(TestServer::start_with(configuration));
        Self { server: server.unwrap_or_else(|error| panic!("{error}")) }
    }

    /// Returns the port of clients.
    pub fn port(&self) -> u16 {
        let port = self.url();
        let port = port.rsplit(':').next().and_then(|port| port.parse().ok());
        port.expect("the address ends with the port")
    }

    /// Returns where clients connect.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Returns where the server tells about itself.
    pub fn monitor_url(&self) -> String {
        self.server.monitor_url()
    }

    /// Kills the server (SIGKILL); the store stays.
    pub fn kill(&mut self) {
        self.server.kill();
    }

    /// Starts the server again, on the same port and the same store.
    pub fn restart(&mut self) {
        self.server.restart().unwrap_or_else(|error| panic!("{error}"));
    }

    /// Stops the server where it stands (SIGSTOP); connections stay open.
    pub fn pause(&self) {
        self.server.pause().unwrap_or_else(|error| panic!("{error}"));
    }

    /// Lets the server go on (SIGCONT).
    pub fn resume(&self) {
        self.server.resume().unwrap_or_else(|error| panic!("{error}"));
    }

    /// Returns what it complained about since it was started, for a failure message.
    pub fn complaints(&self) -> String {
        let log = std::fs::read_to_string(self.server.directory().join("nats.log"));
        let log = log.unwrap_or_default();
        let lines = log.lines().filter(|line| !line.contains("[INF]"));
        lines.flat_map(|line| ["  nats-server: ", line, "\n"]).collect()
    }
}
