//! The ports of the stack, all on the loopback address.

use std::net::{Ipv4Addr, TcpListener};

/// NATS's own default port.
pub(crate) const NATS_DEFAULT: u16 = 4222;
/// Port of the page.
pub(crate) const PAGE_DEFAULT: u16 = 8080;
/// Serves no page.
const NO_PAGE: u16 = 0;
/// NATS's own default port for monitoring.
const MONITOR_DEFAULT: u16 = 8222;
/// Lets the system choose.
const ANY: u16 = 0;

/// Why a port cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PortError {
    /// Somebody listens there.
    #[error("port {port} is in use")]
    InUse {
        /// The port.
        port: u16,
        /// What it is wanted for.
        usage: Usage,
    },
    /// The system refuses it.
    #[error("port {port} must be free to use: {reason}")]
    Refused {
        /// The port.
        port: u16,
        /// What the system says.
        reason: std::io::Error,
    },
}

/// What a port is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Usage {
    /// NATS: clients or monitoring.
    Nats,
    /// The page.
    Page,
}

/// The ports of the stack; they stay the same when it is started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ports {
    /// For clients.
    pub(crate) nats: u16,
    /// For `NATS_MONITOR_URL`.
    pub(crate) monitor: u16,
    /// For the page, if there is one.
    pub(crate) page: Option<u16>,
}

impl Ports {
    /// Finds free ports: `nats` itself, or any if it is 0; for monitoring NATS's default if it
    /// is free and `nats` was not left to chance; `page` itself, or none if it is 0.
    ///
    /// # Errors
    /// [`PortError`] about `nats` or `page`.
    pub(crate) fn find(nats: u16, page: u16) -> Result<Self, PortError> {
        // All are held until all are known, so that they differ.
        let _page = (page != NO_PAGE).then(|| listen(page, Usage::Page)).transpose()?;
        let held = listen(nats, Usage::Nats)?;
        let any = || listen(ANY, Usage::Nats);
        let other = match nats {
            ANY => any()?,
            _ => listen(MONITOR_DEFAULT, Usage::Nats).or_else(|_| any())?,
        };
        Ok(Self {
            nats: port_of(&held, nats)?,
            monitor: port_of(&other, ANY)?,
            page: (page != NO_PAGE).then_some(page),
        })
    }

    /// Returns the address for clients.
    pub(crate) fn nats_url(self) -> String {
        format!("nats://127.0.0.1:{}", self.nats)
    }

    /// Returns the address of the page, if there is one.
    pub(crate) fn page_url(self) -> Option<String> {
        self.page.map(|port| format!("http://127.0.0.1:{port}/"))
    }

    /// Returns the address for monitoring.
    pub(crate) fn monitor_url(self) -> String {
        format!("http://127.0.0.1:{}", self.monitor)
    }
}

fn listen(port: u16, usage: Usage) -> Result<TcpListener, PortError> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(|reason| {
        if reason.kind() == std::io::ErrorKind::AddrInUse {
            PortError::InUse { port, usage }
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
    fn any_port_gives_two_different_ones_and_no_page() {
        let ports = Ports::find(0, 0).unwrap();
        assert_ne!(ports.nats, ports.monitor);
        assert_ne!(ports.nats, 0);
        assert_eq!((ports.page, ports.page_url()), (None, None));
    }

    #[test]
    fn a_port_in_use_is_refused_with_what_it_is_for() {
        let held = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let taken = held.local_addr().unwrap().port();
        let usage = |refused: Result<Ports, PortError>| match refused.unwrap_err() {
            PortError::InUse { port, usage } => {
                assert_eq!(port, taken);
                usage
            }
            refused @ PortError::Refused { .. } => panic!("{refused}"),
        };
        assert_eq!(usage(Ports::find(taken, 0)), Usage::Nats);
        assert_eq!(usage(Ports::find(0, taken)), Usage::Page);
    }
}
