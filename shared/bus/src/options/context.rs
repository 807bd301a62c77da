//! Context files of the `nats` command line: `<config>/nats/context/<name>.json`, and the name of
//! the selected one in `<config>/nats/context.txt`.
//!
//! Shape: `{"url":"nats://…","user":"…","password":"…","token":"…","creds":"/…","nkey":"/…",
//! "cert":"/…","key":"/…","ca":"/…"}`; empty members count as absent, unknown ones are ignored.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::{ConnectOptions, Credentials, InvalidOption, parse_urls};

/// Largest context file that is read, in bytes; real ones have a few hundred.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// The directory `nats` below the user's configuration directory.
#[derive(Clone, Debug)]
pub struct ContextFiles {
    directory: PathBuf,
}

/// A context that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ContextError {
    /// The name has characters that do not belong into a file name.
    #[error("context name `{0}` must be letters, digits, `-`, `_` and `.`")]
    Name(String),
    /// The file is missing or unreadable.
    #[error(
        "context `{name}` must be a readable file `{path}`; `nats context ls` lists those there are"
    )]
    Unreadable {
        /// Name of the context.
        name: String,
        /// Where it was looked for.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is no JSON object of the right shape.
    #[error("context file `{path}` must be a JSON object as `nats context add` writes it")]
    Invalid {
        /// Which.
        path: PathBuf,
        /// What the parser said.
        source: serde_json::Error,
    },
    /// Its `url` cannot be used.
    #[error(transparent)]
    Url(#[from] InvalidOption),
}

#[derive(Deserialize)]
struct Context {
    #[serde(default)]
    url: String,
    #[serde(default)]
    user: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    token: String,
    #[serde(default)]
    creds: String,
    #[serde(default)]
    nkey: String,
    #[serde(default)]
    cert: String,
    #[serde(default)]
    key: String,
    #[serde(default)]
    ca: String,
}

impl ContextFiles {
    /// Finds the directory from `XDG_CONFIG_HOME` or `HOME`; none if neither is set.
    pub fn find(get: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let set = |variable: &str| get(variable).filter(|value| !value.is_empty());
        let config = set("XDG_CONFIG_HOME")
            .map(PathBuf::from)
            .or_else(|| set("HOME").map(|home| Path::new(&home).join(".config")))?;
        Some(Self { directory: config.join("nats") })
    }

    /// Returns the name of the context that `nats context select` chose.
    pub fn selected(&self) -> Option<String> {
        let text = fs::read_to_string(self.directory.join("context.txt")).ok()?;
        let name = text.trim();
        (!name.is_empty()).then(|| name.to_owned())
    }

    /// Reads a context into options for a connection called `connection`.
    ///
    /// # Errors
    /// [`ContextError`] with the file.
    pub fn load(&self, name: &str, connection: &str) -> Result<ConnectOptions, ContextError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty() || name.starts_with('.') || !name.chars().all(plain) {
            return Err(ContextError::Name(name.to_owned()));
        }
        let path = self.directory.join("context").join(format!("{name}.json"));
        let text = read_bounded(&path).map_err(|source| ContextError::Unreadable {
            name: name.to_owned(),
            path: path.clone(),
            source,
        })?;
        let context: Context =
            serde_json::from_str(&text).map_err(|source| ContextError::Invalid { path, source })?;
        Ok(context.into_options(connection)?)
    }
}

fn read_bounded(path: &Path) -> io::Result<String> {
    if fs::metadata(path)?.len() > FILE_BYTES_MAX {
        return Err(io::Error::other(format!("must be at most {FILE_BYTES_MAX} bytes")));
    }
    fs::read_to_string(path)
}

impl Context {
    fn into_options(self, connection: &str) -> Result<ConnectOptions, InvalidOption> {
        let set = |text: String| Some(text).filter(|text| !text.is_empty());
        let mut options = ConnectOptions::new(super::DEFAULT_URL, connection);
        if let Some(urls) = set(self.url) {
            options.urls = parse_urls("url", &urls)?;
        }
        options.credentials = Credentials {
            user: set(self.user),
            password: set(self.password),
            token: set(self.token),
            creds_file: set(self.creds).map(PathBuf::from),
            nkey_file: set(self.nkey).map(PathBuf::from),
        };
        options.ca_file = set(self.ca).map(PathBuf::from);
        options.client_certificate =
            set(self.cert).map(PathBuf::from).zip(set(self.key).map(PathBuf::from));
        Ok(options)
    }
}
