//! Keeps one child running: starts it, copies its log, starts it again when it died, and ends it by
//! closing its standard input.

use std::{
    ffi::OsString,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use tokio::{
    process::{Child, Command},
    sync::watch,
    time::{Instant, sleep, timeout},
};

use super::{
    Component,
    log::{self, LogFile},
    place::Place,
    ports::Ports,
};
use crate::{environment, terminal};

/// Pause before a child that died is started again the first time.
const RESTART_PAUSE_MIN: Duration = Duration::from_millis(100);
/// Longest pause; reached by doubling, so that a child that cannot start costs little.
const RESTART_PAUSE_MAX: Duration = Duration::from_secs(5);
/// A child that ran this long was well: the next pause is the shortest again.
const WELL_AFTER: Duration = Duration::from_secs(10);
/// Longest time in which a child ends after its input was closed; then it is killed.
const STOP_WAIT: Duration = Duration::from_secs(5);
/// Longest time in which the rest of a dead child's log is read; a grandchild may hold the pipe.
const LOG_DRAIN_WAIT: Duration = Duration::from_millis(200);

/// Settings of the user's own NATS, which a private server has nothing to do with.
pub(crate) const FOREIGN_SETTINGS: [&str; 9] = [
    "NATS_USER",
    "NATS_PASSWORD",
    "NATS_TOKEN",
    "NATS_CREDS",
    "NATS_NKEY",
    "NATS_CA",
    "NATS_CERT",
    "NATS_KEY",
    "NATS_CONTEXT",
];

/// What to start.
#[derive(Clone, Debug)]
pub(crate) struct ChildSpec {
    component: Component,
    program: PathBuf,
    arguments: Vec<OsString>,
    environment: Vec<(&'static str, String)>,
    logs: PathBuf,
}

impl ChildSpec {
    /// Describes one of the four services.
    pub(crate) fn service(
        component: Component,
        program: &Path,
        ports: Ports,
        place: &Place,
    ) -> Self {
        let page = ports.page.filter(|_| component == Component::StatusView);
        let level = environment::get("LOG_LEVEL").unwrap_or_else(|| "info".to_owned());
        Self {
            component,
            program: program.to_owned(),
            arguments: vec!["serve".into(), component.name().into()],
            environment: vec![
                ("NATS_URL", ports.nats_url()),
                ("NATS_MONITOR_URL", ports.monitor_url()),
                ("KEPTN_STOP_WITH_STDIN", "1".to_owned()),
                ("LOG_LEVEL", level),
                ("LOG_FORMAT", "text".to_owned()),
                ("HEALTH_ENDPOINT_PORT", page.unwrap_or_default().to_string()),
                ("HEALTH_ENDPOINT_ADDRESS", Ipv4Addr::LOCALHOST.to_string()),
            ],
            logs: place.logs(),
        }
    }

    /// Adds a setting.
    pub(crate) fn with_setting(mut self, name: &'static str, value: String) -> Self {
        self.environment.push((name, value));
        self
    }

    /// Describes nats-server, under a wrapper that ends it with its own standard input.
    pub(crate) fn nats_server(program: &Path, binary: &Path, config: &Path, place: &Place) -> Self {
        let arguments = vec![
            "serve".into(),
            Component::NatsServer.name().into(),
            "--binary".into(),
            binary.into(),
            "--config".into(),
            config.into(),
        ];
        Self {
            component: Component::NatsServer,
            program: program.to_owned(),
            arguments,
            environment: Vec::new(),
            logs: place.logs(),
        }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        for name in FOREIGN_SETTINGS {
            command.env_remove(name);
        }
        command
            .args(&self.arguments)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        // A group of its own: Ctrl-C reaches this process alone, which then ends them in order.
        #[cfg(unix)]
        command.process_group(0);
        command
    }
}

/// Why a child is no longer watched.
enum Ending {
    /// It died.
    Died(String),
    /// It was told to end.
    Stopped,
}

/// Keeps a child running until `stop` says true.
pub(crate) async fn run(spec: ChildSpec, mut stop: watch::Receiver<bool>) {
    let name = spec.component.name();
    let mut log = LogFile::open(&spec.logs, name);
    let mut pause = RESTART_PAUSE_MIN;
    let mut is_restart = false;
    loop {
        let since = Instant::now();
        let ending = match spec.command().spawn() {
            Ok(child) => {
                if is_restart {
                    terminal::talk(&format!("{name} is started again"));
                }
                watch_child(child, &mut log, name, &mut stop).await
            }
            Err(error) => Ending::Died(format!("could not be started: {error}")),
        };
        let Ending::Died(how) = ending else { return };
        if since.elapsed() >= WELL_AFTER {
            pause = RESTART_PAUSE_MIN;
        }
        terminal::talk(&format!("{name} {how}; next start in {} s", pause.as_secs_f32()));
        tokio::select! {
            () = stopped(&mut stop) => return,
            () = sleep(pause) => {}
        }
        pause = (pause * 2).min(RESTART_PAUSE_MAX);
        is_restart = true;
    }
}

async fn watch_child(
    mut child: Child,
    log: &mut LogFile,
    name: &str,
    stop: &mut watch::Receiver<bool>,
) -> Ending {
    // Waiting for a child closes its input, which tells it to end; so the input is held here.
    let input = child.stdin.take();
    let stderr = child.stderr.take();
    let pumping = async {
        if let Some(stderr) = stderr {
            log::pump(stderr, log, name).await;
        }
    };
    tokio::pin!(pumping);
    let mut is_pumped = false;
    loop {
        tokio::select! {
            status = child.wait() => {
                if !is_pumped {
                    // What it said last stands in the pipe; a bound, because the pipe may be held.
                    drop(timeout(LOG_DRAIN_WAIT, &mut pumping).await);
                }
                return Ending::Died(how_it_died(status));
            }
            () = &mut pumping, if !is_pumped => is_pumped = true,
            () = stopped(stop) => break,
        }
    }
    drop(input);
    let ending = async {
        tokio::join!(child.wait(), async {
            if !is_pumped {
                pumping.await;
            }
        })
    };
    if timeout(STOP_WAIT, ending).await.is_err() {
        terminal::talk(&format!("{name} does not end, it is killed"));
        drop(child.kill().await);
    }
    Ending::Stopped
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error means that nobody can say it any more, which says it.
    drop(stop.wait_for(|is_stopped| *is_stopped).await);
}

fn how_it_died(status: std::io::Result<ExitStatus>) -> String {
    match status {
        Ok(status) => format!("died ({})", describe(status)),
        Err(error) => format!("cannot be watched: {error}"),
    }
}

fn describe(status: ExitStatus) -> String {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return format!("signal {signal}");
    }
    match status.code() {
        Some(code) => format!("exit code {code}"),
        None => "without an exit code".to_owned(),
    }
}
