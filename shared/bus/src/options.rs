//! How to reach NATS: the variables and context files that the `nats` command line has.

mod context;
#[cfg(test)]
mod tests;

use std::{fmt, path::PathBuf};

pub use context::{ContextError, ContextFiles};

/// Where NATS is when nobody says otherwise.
pub const DEFAULT_URL: &str = "nats://127.0.0.1:4222";

/// Names of the variables that [`ConnectOptions::read`] asks for.
pub const VARIABLES: [&str; 7] =
    ["NATS_URL", "NATS_USER", "NATS_PASSWORD", "NATS_TOKEN", "NATS_CREDS", "NATS_NKEY", "NATS_CA"];

/// How a client says who it is; all members are optional and add up.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Credentials {
    /// User name (`NATS_USER`).
    pub user: Option<String>,
    /// Password (`NATS_PASSWORD`).
    pub password: Option<String>,
    /// Token (`NATS_TOKEN`).
    pub token: Option<String>,
    /// File with a JWT and its seed (`NATS_CREDS`).
    pub creds_file: Option<PathBuf>,
    /// File with an nkey seed (`NATS_NKEY`).
    pub nkey_file: Option<PathBuf>,
}

impl fmt::Debug for Credentials {
    /// Names what is set, never a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("user", &self.user)
            .field("password", &self.password.is_some())
            .field("token", &self.token.is_some())
            .field("creds_file", &self.creds_file)
            .field("nkey_file", &self.nkey_file)
            .finish()
    }
}

/// Everything that is needed to connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectOptions {
    /// Servers, tried in this order; all those of a cluster, others are not looked for.
    pub urls: Vec<String>,
    /// Who we are.
    pub credentials: Credentials,
    /// File with the certificate authority of the servers (`NATS_CA`).
    pub ca_file: Option<PathBuf>,
    /// Client certificate and key, from a context file.
    pub client_certificate: Option<(PathBuf, PathBuf)>,
    /// Name of the connection, as `nats server report connections` shows it.
    pub name: String,
}

/// A variable whose value cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{variable}` must be {rule}, is `{value}`")]
pub struct InvalidOption {
    /// Which.
    pub variable: &'static str,
    /// What it must be.
    pub rule: &'static str,
    /// What it is, without user and password.
    pub value: String,
}

impl ConnectOptions {
    /// Returns options for one server and no credentials.
    pub fn new(url: &str, name: &str) -> Self {
        Self {
            urls: vec![url.to_owned()],
            credentials: Credentials::default(),
            ca_file: None,
            client_certificate: None,
            name: name.to_owned(),
        }
    }

    /// Reads the variables; `get` returns the value of one.
    ///
    /// # Errors
    /// [`InvalidOption`] if `NATS_URL` is no list of NATS addresses.
    pub fn read(name: &str, get: impl Fn(&str) -> Option<String>) -> Result<Self, InvalidOption> {
        let mut options = Self::new(DEFAULT_URL, name);
        options.overlay(get)?;
        Ok(options)
    }

    /// Lays the variables that are set over these options.
    ///
    /// # Errors
    /// [`InvalidOption`] if `NATS_URL` is no list of NATS addresses; nothing is changed then.
    pub fn overlay(&mut self, get: impl Fn(&str) -> Option<String>) -> Result<(), InvalidOption> {
        let get = |variable: &str| get(variable).filter(|value| !value.trim().is_empty());
        if let Some(urls) = get("NATS_URL") {
            self.urls = parse_urls("NATS_URL", &urls)?;
        }
        let credentials = Credentials {
            user: get("NATS_USER"),
            password: get("NATS_PASSWORD"),
            token: get("NATS_TOKEN"),
            creds_file: get("NATS_CREDS").map(PathBuf::from),
            nkey_file: get("NATS_NKEY").map(PathBuf::from),
        };
        if credentials != Credentials::default() {
            self.credentials = credentials;
        }
        if let Some(file) = get("NATS_CA") {
            self.ca_file = Some(PathBuf::from(file));
        }
        Ok(())
    }

    /// Returns the servers for people: no user, no password.
    pub fn shown_urls(&self) -> String {
        self.urls.iter().map(|url| shown(url)).collect::<Vec<_>>().join(", ")
    }
}

/// Splits a comma-separated list of addresses and checks each.
pub(crate) fn parse_urls(variable: &'static str, list: &str) -> Result<Vec<String>, InvalidOption> {
    let invalid = |url: &str| InvalidOption {
        variable,
        rule: "an address such as `nats://127.0.0.1:4222`, or several with commas between them",
        value: shown(url),
    };
    let urls: Vec<String> = list
        .split(',')
        .map(str::trim)
        .filter(|url| !url.is_empty())
        .map(|url| match url.parse::<async_nats::ServerAddr>() {
            Ok(address) if !address.is_websocket() && !address.host().is_empty() => {
                Ok(url.to_owned())
            }
            Ok(_) | Err(_) => Err(invalid(url)),
        })
        .collect::<Result<_, _>>()?;
    if urls.is_empty() { Err(invalid(list)) } else { Ok(urls) }
}

/// Leaves out user and password.
pub(crate) fn shown(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://{host}"),
        (None, Some((_, host))) => host.to_owned(),
        (_, None) => url.to_owned(),
    }
}
