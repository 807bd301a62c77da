//! The whole stack on this machine: nats-server and the four services, each a child process that
//! is started again when it dies and that ends when this process does.
//!
//! Reading order: [`Component`], [`place`], [`ports`], [`nats`], [`supervisor`], [`log`].

pub(crate) mod log;
pub(crate) mod nats;
pub(crate) mod nats_wrapper;
pub(crate) mod place;
pub(crate) mod ports;
pub(crate) mod supervisor;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::{sync::watch, task::JoinSet, time::timeout};

use self::{nats::Sync, place::Place, ports::Ports, supervisor::ChildSpec};

/// Longest time in which the services end after they were told; then they are killed.
const SERVICES_STOP_WAIT: Duration = Duration::from_secs(8);
/// Longest time in which nats-server ends after it was told; then it is killed.
const NATS_STOP_WAIT: Duration = Duration::from_secs(8);

/// A process of the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Component {
    /// The message server.
    NatsServer,
    /// Decides which task comes next.
    ShipyardController,
    /// Owns projects, services and configuration.
    ConfigStore,
    /// Answers queries.
    StatusView,
    /// Plays the executors.
    StubExecutor,
}

impl Component {
    /// The four services.
    pub(crate) const SERVICES: [Self; 4] =
        [Self::ShipyardController, Self::ConfigStore, Self::StatusView, Self::StubExecutor];

    /// Returns the name, also of its log file.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::NatsServer => "nats-server",
            Self::ShipyardController => "shipyard-controller",
            Self::ConfigStore => "config-store",
            Self::StatusView => "status-view",
            Self::StubExecutor => "stub-executor",
        }
    }
}

/// Why the stack cannot be started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StackError {
    /// The data directory cannot be used.
    #[error(transparent)]
    Place(#[from] place::PlaceError),
    /// A port cannot be used.
    #[error(transparent)]
    Port(#[from] ports::PortError),
    /// The configuration of nats-server cannot be written.
    #[error("`{path}` must be writable: {reason}")]
    Config {
        /// The file.
        path: PathBuf,
        /// What the system says.
        reason: std::io::Error,
    },
    /// The path of this program is not known, so children cannot run it.
    #[error("the path of this program must be known to start its parts: {0}")]
    Program(std::io::Error),
}

/// The running stack.
pub(crate) struct Stack {
    ports: Ports,
    program: PathBuf,
    stop_services: watch::Sender<bool>,
    stop_nats: watch::Sender<bool>,
    services: JoinSet<()>,
    nats: JoinSet<()>,
    place: Place,
    ui_token_file: Option<PathBuf>,
}

impl Stack {
    /// Starts nats-server; it does not listen yet.
    ///
    /// # Errors
    /// [`StackError`]; nothing is left running.
    pub(crate) fn start(
        place: Place,
        ports: Ports,
        nats_binary: &Path,
    ) -> Result<Self, StackError> {
        let program = std::env::current_exe().map_err(StackError::Program)?;
        let config = place.nats_config();
        std::fs::write(&config, nats::config(ports, &place, Sync::EverySecond))
            .map_err(|reason| StackError::Config { path: config.clone(), reason })?;
        let stop_services = watch::Sender::new(false);
        let (stop_nats, nats_stopped) = watch::channel(false);
        let mut nats = JoinSet::new();
        let spec = ChildSpec::nats_server(&program, nats_binary, &config, &place);
        nats.spawn(supervisor::run(spec, nats_stopped));
        let services = JoinSet::new();
        let ui_token_file = None;
        Ok(Self { ports, program, stop_services, stop_nats, services, nats, place, ui_token_file })
    }

    /// Lets those act over HTTP who know the token in this file; for services started from here on.
    pub(crate) fn allow_acting(&mut self, token_file: Option<PathBuf>) {
        self.ui_token_file = token_file;
    }

    /// Starts the services; none of them is ready yet.
    pub(crate) fn start_services(&mut self) {
        for component in Component::SERVICES {
            let mut spec = ChildSpec::service(component, &self.program, self.ports, &self.place);
            if let (Component::StatusView, Some(file)) = (component, &self.ui_token_file) {
                spec = spec.with_setting("UI_TOKEN_FILE", file.display().to_string());
            }
            self.services.spawn(supervisor::run(spec, self.stop_services.subscribe()));
        }
    }

    /// Returns the ports.
    pub(crate) const fn ports(&self) -> Ports {
        self.ports
    }

    /// Returns where the data is.
    pub(crate) const fn place(&self) -> &Place {
        &self.place
    }

    /// Ends the services, then nats-server, and waits for both with a bound.
    pub(crate) async fn stop(mut self) {
        self.stop_services.send_replace(true);
        end(&mut self.services, SERVICES_STOP_WAIT).await;
        self.stop_nats.send_replace(true);
        end(&mut self.nats, NATS_STOP_WAIT).await;
    }
}

/// Waits for the supervisors; what has not ended in time is killed when its task is dropped.
async fn end(supervisors: &mut JoinSet<()>, wait: Duration) {
    let all = async { while supervisors.join_next().await.is_some() {} };
    if timeout(wait, all).await.is_err() {
        supervisors.shutdown().await;
    }
}
