//! Containers: NATS and the services on a network of the test's own, killed and cut off by `docker`.
//!
//! Needs the images of `deploy/local-images`, or pulled ones of the same names.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use testcontainers::core::{IntoContainerPort, Mount, WaitFor};
use testcontainers::runners::SyncRunner;
use testcontainers::{Container, GenericImage, ImageExt};

use super::stack::SERVICES;
use super::user::User;
use super::wait;

/// Version of the images of the services.
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Name and version of the image of NATS.
const NATS_IMAGE: (&str, &str) = ("nats", "2.15.1-alpine");
/// Where NATS listens inside the network.
const NATS_PORT: u16 = 4222;
/// The configuration that compose uses.
const NATS_CONFIGURATION: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/nats/single.conf");

/// A control plane of containers. Dropped, it is removed.
pub struct ContainerStack {
    network: String,
    /// Before NATS, so that the services are removed first.
    services: BTreeMap<&'static str, Container<GenericImage>>,
    nats: Container<GenericImage>,
    /// Who uses it.
    pub user: User,
}

impl ContainerStack {
    /// Starts NATS and the four services, and waits until Docker calls them healthy.
    pub fn start() -> Self {
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let network = format!("keptn-test-{}-{number}", std::process::id());
        let nats = nats(&network);
        let port = nats.get_host_port_ipv4(NATS_PORT).expect("the port of NATS is published");
        // Side by side: Docker looks at the health of each only after five seconds.
        let services = thread::scope(|scope| {
            let network = &network;
            let start = |name| scope.spawn(move || (name, service(network, name)));
            let starting: Vec<_> = SERVICES.into_iter().map(start).collect();
            starting.into_iter().map(|one| one.join().expect("a container starts")).collect()
        });
        Self { network, services, nats, user: User::at(port) }
    }

    /// Kills a service (SIGKILL).
    pub fn kill(&self, service: &str) {
        docker(&["kill", "--signal", "KILL", self.id(service)]);
    }

    /// Starts a killed service again.
    pub fn restart(&self, service: &str) {
        docker(&["start", self.id(service)]);
    }

    /// Takes a service off the network, as a pulled cable does: nothing is closed, all is lost.
    pub fn cut_off(&self, service: &str) {
        docker(&["network", "disconnect", &self.network, self.id(service)]);
    }

    /// Puts a service back on the network.
    pub fn join(&self, service: &str) {
        docker(&["network", "connect", &self.network, self.id(service)]);
    }

    /// Freezes NATS with everything in it.
    pub fn pause_nats(&self) {
        docker(&["pause", self.nats.id()]);
    }

    /// Lets NATS go on.
    pub fn unpause_nats(&self) {
        docker(&["unpause", self.nats.id()]);
    }

    /// Waits until Docker says this about the health of a service.
    #[track_caller]
    pub fn wait_for_health(&self, service: &str, wanted: &str) {
        wait::until(&format!("{service} is {wanted}"), || {
            let format = "{{.State.Health.Status}}";
            let health = docker(&["inspect", "--format", format, self.id(service)]);
            if health == wanted { Ok(()) } else { Err(health) }
        });
    }

    fn id(&self, service: &str) -> &str {
        self.services.get(service).unwrap_or_else(|| panic!("no container {service}")).id()
    }
}

fn nats(network: &str) -> Container<GenericImage> {
    let configuration = "/etc/nats/single.conf";
    GenericImage::new(NATS_IMAGE.0, NATS_IMAGE.1)
        .with_exposed_port(NATS_PORT.tcp())
        .with_wait_for(WaitFor::message_on_stderr("Server is ready"))
        .with_network(network)
        .with_container_name(format!("{network}-nats"))
        .with_mount(Mount::bind_mount(NATS_CONFIGURATION, configuration))
        .with_cmd(["nats-server", "--config", configuration])
        .start()
        .unwrap_or_else(|error| panic!("NATS: {error}; run deploy/local-images first"))
}

fn service(network: &str, name: &str) -> Container<GenericImage> {
    GenericImage::new(format!("keptn-{name}"), VERSION.to_owned())
        .with_wait_for(WaitFor::healthcheck())
        .with_network(network)
        .with_container_name(format!("{network}-{name}"))
        .with_env_var("NATS_URL", format!("nats://{network}-nats:{NATS_PORT}"))
        .with_env_var("NATS_MONITOR_URL", format!("http://{network}-nats:8222"))
        .with_readonly_rootfs(true)
        .with_cap_drop("ALL")
        .start()
        .unwrap_or_else(|error| panic!("{name}: {error}; run deploy/local-images first"))
}

/// Runs `docker` and returns what it says, without the line end.
#[track_caller]
pub fn docker(arguments: &[&str]) -> String {
    let output = Command::new("docker").args(arguments).output().expect("docker runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "docker {}: {said}", arguments.join(" "));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
