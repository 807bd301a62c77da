//! `keptn serve nats-server`: runs nats-server and ends it when standard input ends, so that
//! nothing is left running when `keptn dev` dies, however it dies.
//!
//! Three processes on Linux: `keptn dev`, this wrapper, and nats-server. The wrapper starts itself
//! once more with `--exec`, asks the kernel for death together with its parent, and becomes
//! nats-server. So a killed wrapper leaves no server behind that would hold the port.

use std::{
    path::PathBuf,
    process::{ExitCode, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal};
use tokio::{
    process::{Child, Command},
    sync::oneshot,
    time::timeout,
};

use crate::terminal;

/// Longest time in which nats-server ends after SIGTERM; then it is killed.
const STOP_WAIT: Duration = Duration::from_secs(4);
/// Bytes of standard input that are read at once; nothing is expected.
const INPUT_BYTES: usize = 64;

/// Arguments of the wrapper.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct NatsServerArgs {
    /// The nats-server to run
    #[arg(long)]
    binary: Option<PathBuf>,
    /// Its configuration
    #[arg(long)]
    config: Option<PathBuf>,
    /// Become nats-server, and end when this process does
    #[arg(long, value_name = "PROCESS", requires = "binary", requires = "config")]
    exec: Option<u32>,
}

/// Runs nats-server until it ends or standard input does.
pub(crate) fn run(arguments: &NatsServerArgs) -> ExitCode {
    let (Some(binary), Some(config)) = (&arguments.binary, &arguments.config) else {
        terminal::talk("error: `serve nats-server` needs `--binary` and `--config`");
        return ExitCode::from(2);
    };
    let result = match arguments.exec {
        Some(parent) => Err(become_server(binary, config, parent)),
        None => watch(binary, config),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            terminal::talk(&format!("error: nats-server cannot be run: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Turns this process into nats-server; returns only if that fails.
fn become_server(binary: &PathBuf, config: &PathBuf, parent: u32) -> std::io::Error {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::set_parent_process_death_signal(Some(Signal::KILL)) {
        return error.into();
    }
    // The parent may have died before the kernel was asked.
    if std::os::unix::process::parent_id() != parent {
        return std::io::Error::other("the process that started it is gone");
    }
    let mut command = std::process::Command::new(binary);
    std::os::unix::process::CommandExt::exec(command.arg("-c").arg(config))
}

fn watch(binary: &PathBuf, config: &PathBuf) -> std::io::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (input_ended, ended) = oneshot::channel();
    std::thread::spawn(move || {
        wait_for_input_end();
        if input_ended.send(()).is_err() {
            // Nobody listens because nats-server ended first.
        }
    });
    runtime.block_on(async {
        let mut server = Command::new(std::env::current_exe()?)
            .args(["serve", "nats-server", "--exec"])
            .arg(std::process::id().to_string())
            .arg("--binary")
            .arg(binary)
            .arg("--config")
            .arg(config)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let mut terminate =
            tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            status = server.wait() => {
                let code = status?.code().and_then(|code| u8::try_from(code).ok());
                return Ok(code.map_or(ExitCode::FAILURE, ExitCode::from));
            }
            _ = ended => {}
            _ = terminate.recv() => {}
        }
        end(&mut server).await;
        Ok(ExitCode::SUCCESS)
    })
}

fn wait_for_input_end() {
    let mut input = std::io::stdin().lock();
    let mut bytes = [0; INPUT_BYTES];
    while matches!(std::io::Read::read(&mut input, &mut bytes), Ok(1..)) {}
}

async fn end(server: &mut Child) {
    let process = server.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    if let Some(process) = process {
        // It may have ended in this moment; then there is nothing to wait for either.
        if rustix::process::kill_process(process, Signal::TERM).is_err() {
            return;
        }
    }
    if timeout(STOP_WAIT, server.wait()).await.is_err() {
        drop(server.kill().await);
    }
}
