//! Where `keptn dev` keeps its data: a directory that one process at a time may use.
//!
//! Layout: `nats/` (the store), `nats-server.conf`, `logs/`, `lock`, and a `.gitignore` that keeps
//! all of it out of a repository.

use std::{
    fs::{self, File, TryLockError},
    io::{Read, Write},
    path::{Path, PathBuf},
};

/// The directory of `keptn dev` without `--data`.
pub(crate) const DEFAULT: &str = ".keptn";
/// Most bytes that are read of the lock file; a process id is shorter.
const LOCK_BYTES_MAX: u64 = 64;

/// Why a data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlaceError {
    /// It cannot be made or written.
    #[error("data directory `{path}` must be writable: {reason}")]
    Unusable {
        /// The directory.
        path: PathBuf,
        /// What the system says.
        reason: std::io::Error,
    },
    /// Another process has it.
    #[error("data directory `{path}` is in use by another `keptn dev`{owner}")]
    Locked {
        /// The directory.
        path: PathBuf,
        /// ` (process 4711)`, if it is known.
        owner: String,
    },
}

/// A data directory, locked until it is dropped; a temporary one is removed then.
#[derive(Debug)]
pub(crate) struct Place {
    root: PathBuf,
    // Order matters: the lock is released before the directory is removed.
    _lock: File,
    temporary: Option<tempfile::TempDir>,
}

impl Place {
    /// Takes a directory, and makes it if it is missing.
    ///
    /// # Errors
    /// [`PlaceError`], see there.
    pub(crate) fn claim(root: &Path) -> Result<Self, PlaceError> {
        let unusable = |reason| PlaceError::Unusable { path: root.to_owned(), reason };
        fs::create_dir_all(root).map_err(unusable)?;
        let root = root.canonicalize().map_err(unusable)?;
        let lock = take_lock(&root)?;
        for directory in ["nats", "logs"] {
            fs::create_dir_all(root.join(directory)).map_err(unusable)?;
        }
        fs::write(root.join(".gitignore"), "*\n").map_err(unusable)?;
        Ok(Self { root, _lock: lock, temporary: None })
    }

    /// Makes a directory that is removed at the end.
    ///
    /// # Errors
    /// [`PlaceError::Unusable`] if there is no place for temporary files.
    pub(crate) fn temporary() -> Result<Self, PlaceError> {
        let parent = std::env::temp_dir();
        let unusable = |reason| PlaceError::Unusable { path: parent.clone(), reason };
        let directory =
            tempfile::Builder::new().prefix("keptn-dev-").tempdir().map_err(unusable)?;
        let place = Self::claim(directory.path())?;
        Ok(Self { temporary: Some(directory), ..place })
    }

    /// Returns the directory.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Tells whether the directory is removed at the end.
    pub(crate) const fn is_temporary(&self) -> bool {
        self.temporary.is_some()
    }

    /// Returns the store of nats-server.
    pub(crate) fn nats_store(&self) -> PathBuf {
        self.root.join("nats")
    }

    /// Returns where nats-server writes its process id.
    pub(crate) fn nats_process_id(&self) -> PathBuf {
        self.root.join("nats-server.pid")
    }

    /// Returns the configuration of nats-server.
    pub(crate) fn nats_config(&self) -> PathBuf {
        self.root.join("nats-server.conf")
    }

    /// Returns the directory of the log files.
    pub(crate) fn logs(&self) -> PathBuf {
        self.root.join("logs")
    }
}

fn take_lock(root: &Path) -> Result<File, PlaceError> {
    let unusable = |reason| PlaceError::Unusable { path: root.to_owned(), reason };
    let path = root.join("lock");
    let mut options = File::options();
    let mut lock =
        options.read(true).write(true).create(true).truncate(false).open(path).map_err(unusable)?;
    match lock.try_lock() {
        Ok(()) => {
            lock.set_len(0).map_err(unusable)?;
            write!(lock, "{}", std::process::id()).map_err(unusable)?;
            Ok(lock)
        }
        Err(TryLockError::WouldBlock) => {
            Err(PlaceError::Locked { path: root.to_owned(), owner: owner(&lock) })
        }
        Err(TryLockError::Error(reason)) => Err(unusable(reason)),
    }
}

/// Reads who holds the lock.
fn owner(lock: &File) -> String {
    let mut text = String::new();
    let read = lock.take(LOCK_BYTES_MAX).read_to_string(&mut text);
    match (read, text.trim().parse::<u32>()) {
        (Ok(_), Ok(process)) => format!(" (process {process})"),
        (Ok(_) | Err(_), Ok(_) | Err(_)) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_has_one_user_at_a_time() {
        let parent = tempfile::tempdir().unwrap();
        let root = parent.path().join("data");
        let place = Place::claim(&root).unwrap();
        let refused = Place::claim(&root).unwrap_err();
        assert!(matches!(refused, PlaceError::Locked { .. }), "{refused}");
        assert!(refused.to_string().contains(&format!("process {}", std::process::id())));
        drop(place);
        assert!(Place::claim(&root).is_ok());
    }

    #[test]
    fn a_temporary_directory_is_removed() {
        let place = Place::temporary().unwrap();
        let root = place.root().to_owned();
        assert!(root.join("nats").is_dir());
        drop(place);
        assert!(!root.exists());
    }
}
