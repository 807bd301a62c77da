//! One process from start to end: settings, logs, connection, stream, the component's own loop.

use std::{net::SocketAddr, process::ExitCode};

use bus::{Bus, StreamSettings, profile::Profile};
use mimalloc::MiMalloc;
use tracing::{error, info, warn};

use crate::{Common, Progress, Settings, SettingsError, Shutdown, health, room, telemetry};

/// Of every process that links this crate. An event is read and folded in dozens of small pieces of memory.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Exit code for settings that cannot be used.
pub const EXIT_SETTINGS: u8 = 64;
/// Exit code when NATS cannot be used, or too old.
pub const EXIT_UNREACHABLE: u8 = 3;
/// Exit code of everything else that ends a component.
pub const EXIT_FAILED: u8 = 1;

/// How long a thread beside the loop is kept without work. It writes snapshots, and what it wrote them
/// into is given back when it ends.
const THREAD_KEPT: std::time::Duration = std::time::Duration::from_millis(100);
/// Pause before the stream is asked for again at start.
const AGAIN_PAUSE: std::time::Duration = std::time::Duration::from_millis(200);

/// What a component starts with.
#[derive(Debug)]
pub struct Start<C> {
    /// The connection.
    pub bus: Bus,
    /// When to stop.
    pub shutdown: Shutdown,
    /// How far it is; the component keeps it up to date.
    pub progress: Progress,
    /// Its own settings.
    pub config: C,
}

/// A component: what it is called, which settings it has, and what more it serves.
pub struct Component<C> {
    /// Its name, see [`bus::names`].
    pub name: &'static str,
    /// Reads its own settings.
    pub read: fn(&mut Settings<'_>) -> C,
    /// Whether it corrects the subjects of the stream.
    pub corrects_subjects: bool,
}

/// Runs a component as this process: with the argument `healthcheck` it asks the running one, else
/// it is the one.
pub fn run<C, F, E>(component: &Component<C>, body: impl FnOnce(Start<C>) -> F) -> ExitCode
where
    F: Future<Output = Result<(), E>>,
    E: std::error::Error,
{
    // The last one: `keptn serve <component> healthcheck` means the same.
    let is_check = std::env::args().skip(1).last().as_deref() == Some("healthcheck");
    let (common, config) = match read(component) {
        Ok(read) => read,
        Err(error) => {
            telemetry::start("error", crate::settings::LogFormat::Text);
            for problem in error.problems {
                error!("{problem}");
            }
            return ExitCode::from(EXIT_SETTINGS);
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .thread_keep_alive(THREAD_KEPT)
        .build();
    let Ok(runtime) = runtime else { return ExitCode::from(EXIT_FAILED) };
    if is_check {
        let address = SocketAddr::new(common.health_address, common.health_port);
        let is_ready = runtime.block_on(health::check(address));
        return if is_ready { ExitCode::SUCCESS } else { ExitCode::from(EXIT_FAILED) };
    }
    telemetry::start(&common.log_level, common.log_format);
    let code = runtime.block_on(work(component, common, config, body));
    // Reading standard input blocks a thread of the runtime until the starter lets go of it.
    runtime.shutdown_background();
    code
}

#[expect(clippy::disallowed_methods, reason = "the one place where services read the environment")]
fn read<C>(component: &Component<C>) -> Result<(Common, C), SettingsError> {
    let get = |name: &str| std::env::var(name).ok();
    let mut settings = Settings::new(&get);
    let common = Common::read(&mut settings, component.name);
    let config = (component.read)(&mut settings);
    settings.finish()?;
    Ok((common, config))
}

async fn work<C, F, E>(
    component: &Component<C>,
    common: Common,
    config: C,
    body: impl FnOnce(Start<C>) -> F,
) -> ExitCode
where
    F: Future<Output = Result<(), E>>,
    E: std::error::Error,
{
    let mut shutdown = Shutdown::listen(common.stops_with_stdin);
    let progress = Progress::unconnected();
    if common.health_port != 0 {
        let address = SocketAddr::new(common.health_address, common.health_port);
        if let Err(error) =
            progress.serve_http(address, component.name, &common.allowed_hosts).await
        {
            error!(%address, error = %error, "cannot serve the health endpoints; choose another HEALTH_ENDPOINT_PORT");
            return ExitCode::from(EXIT_SETTINGS);
        }
    }
    let connected = tokio::select! {
        connected = connect(component, &common) => connected,
        () = shutdown.requested() => return ExitCode::SUCCESS,
    };
    let bus = match connected {
        Ok(bus) => bus,
        Err(error) => {
            error!(error = %error, "cannot work with this NATS");
            return ExitCode::from(EXIT_UNREACHABLE);
        }
    };
    progress.connected(bus.clone());
    progress.serve_ready(&bus, component.name);
    if component.corrects_subjects {
        tokio::spawn(room::watch(bus.clone()));
    }
    match body(Start { bus, shutdown, progress, config }).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            error!(error = %error, "ended");
            ExitCode::from(EXIT_FAILED)
        }
    }
}

/// Connects, says how durable the server is, and makes the stream if it is missing.
async fn connect<C>(component: &Component<C>, common: &Common) -> Result<Bus, bus::ConnectError> {
    let bus = Bus::connect(common.connect.clone()).await?;
    let profile = match &common.monitor_url {
        Some(url) => Profile::read(url).await,
        None => Profile::Unknown,
    };
    info!(profile = %profile, "durability of NATS");
    bus.set_profile(profile);
    let settings = StreamSettings {
        bytes_max: common.stream_bytes_max,
        corrects_subjects: component.corrects_subjects,
        replicas: profile.replicas(),
    };
    let mut is_said = false;
    while let Err(error) = bus.ensure_stream(&settings).await {
        if !is_said {
            warn!(error = %error, "the stream cannot be used yet, waiting for it");
            is_said = true;
        }
        tokio::time::sleep(AGAIN_PAUSE).await;
    }
    Ok(bus)
}

/// Returns a name for this process that no other one has at the same time.
pub fn instance_id() -> String {
    let now = bus::BootTime::now().as_nanos();
    format!("{}-{now}", std::process::id())
}
