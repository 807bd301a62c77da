//! The ports of the stack, all on the loopback address.

use std::net::{Ipv4Addr, TcpListener};

/// NATS's own default port.
pub(crate) const NATS_DEFAULT: u16 = 4222;
/// NATS's own default port for monitoring.
const MONITOR_DEFAULT: u16 = 8222;
/// Lets the system choose.
const ANY: u16 = 0;

/// Why a port cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PortError {
    /// Somebody listens there.
    #[error("port {0} is in use")]
    InUse(u16),
    /// The system refuses it.
    #[error("port {port} must be free to use: {reason}")]
    Refused {
        /// The port.
        port: u16,
        /// What the system says.
        reason: std::io::Error,
    },
}

/// The ports of nats-server; they stay the same when it is started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ports {
    /// For clients.
    pub(crate) nats: u16,
    /// For `NATS_MONITOR_URL`.
    pub(crate) monitor: u16,
}

impl Ports {
    /// Finds two free ports: `nats` itself, or any if it is 0; for monitoring NATS's default if it
    /// is free and `nats` was not left to chance.
    ///
    /// # Errors
    /// [`PortError`] about `nats`.
    pub(crate) fn find(nats: u16) -> Result<Self, PortError> {
        // Both are held until both are known, so that they differ.
        let held = listen(nats)?;
        let other = match nats {
            ANY => listen(ANY)?,
            _ => listen(MONITOR_DEFAULT).or_else(|_| listen(ANY))?,
        };
        Ok(Self { nats: port_of(&held, nats)?, monitor: port_of(&other, ANY)? })
    }

    /// Returns the address for clients.
    pub(crate) fn nats_url(self) -> String {
        format!("nats://127.0.0.1:{}", self.nats)
    }

    /// Returns the address for monitoring.
    pub(crate) fn monitor_url(self) -> String {
        format!("http://127.0.0.1:{}", self.monitor)
    }
}

fn listen(port: u16) -> Result<TcpListener, PortError> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(|reason| {
        if reason.kind() == std::io::ErrorKind::AddrInUse {
            PortError::InUse(port)
        } else {
            PortError::Refused { port, reason }
        }
    })
}

fn port_of(listener: &TcpListener, port: u16) -> Result<u16, PortError> {
    let address = listener.local_addr().map_err(|reason| PortError::Refused { port, reason })?;
    Ok(address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_port_gives_two_different_ones() {
        let ports = Ports::find(0).unwrap();
        assert_ne!(ports.nats, ports.monitor);
        assert_ne!(ports.nats, 0);
    }

    #[test]
    fn a_port_in_use_is_refused() {
        let held = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = held.local_addr().unwrap().port();
        assert!(matches!(Ports::find(port), Err(PortError::InUse(found)) if found == port));
    }
}
