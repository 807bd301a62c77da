//! Why a connection to NATS was not made.

use std::{io, path::PathBuf, time::Duration};

/// Why a connection to NATS was not made.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Nothing answers there.
    #[error("NATS must be reachable at `{urls}`: {reason}; start one, or set NATS_URL")]
    Unreachable {
        /// The servers that were tried.
        urls: String,
        /// What went wrong with the last one.
        reason: String,
    },
    /// Nothing answered in time.
    #[error("NATS at `{urls}` must answer within {limit:?}, did not")]
    TimedOut {
        /// The servers that were tried.
        urls: String,
        /// How long.
        limit: Duration,
    },
    /// The server is too old.
    #[error(
        "nats-server must be {minimum} or newer, is {found} at `{url}`; older ones lack features and have published security holes"
    )]
    TooOld {
        /// Which server.
        url: String,
        /// Its version.
        found: String,
        /// [`crate::SERVER_VERSION_MIN`].
        minimum: &'static str,
    },
    /// The server does not let us in.
    #[error(
        "NATS at `{url}` must accept our credentials, does not; check NATS_USER, NATS_PASSWORD, NATS_TOKEN, NATS_CREDS"
    )]
    NotAllowed {
        /// Which server.
        url: String,
    },
    /// The transport cannot be secured.
    #[error("TLS with NATS at `{url}` must work: {reason}; check NATS_CA")]
    Tls {
        /// Which server.
        url: String,
        /// What went wrong.
        reason: String,
    },
    /// A file with credentials cannot be used.
    #[error("credentials file `{path}` must be readable")]
    Credentials {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl ConnectError {
    /// Returns whether it may work later without a change here.
    pub fn retryable(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::TimedOut { .. } => true,
            Self::TooOld { .. }
            | Self::NotAllowed { .. }
            | Self::Tls { .. }
            | Self::Credentials { .. } => false,
        }
    }
}
