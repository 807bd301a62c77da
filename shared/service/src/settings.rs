//! Settings come from the environment alone. All problems are named at once.

use std::{fmt, net::IpAddr, str::FromStr, time::Duration};

use bus::{ConnectOptions, options::DEFAULT_URL};
use model::name::shortened;

use crate::telemetry;

/// What the common settings are when they are not set.
mod default {
    /// `LOG_LEVEL`.
    pub(super) const LOG_LEVEL: &str = "info";
    /// `HEALTH_ENDPOINT_ADDRESS`: only this machine, or this container.
    pub(super) const HEALTH_ENDPOINT_ADDRESS: std::net::IpAddr =
        std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    /// `HEALTH_ENDPOINT_PORT`: no health endpoint.
    pub(super) const HEALTH_ENDPOINT_PORT: u16 = 0;
}

/// Settings that cannot be used; every problem is named.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .problems.join("\n"))]
pub struct SettingsError {
    /// One sentence each.
    pub problems: Vec<String>,
}

/// Reads settings through a function and collects what is wrong with them.
pub struct Settings<'a> {
    get: &'a dyn Fn(&str) -> Option<String>,
    problems: Vec<String>,
}

impl fmt::Debug for Settings<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("problems", &self.problems).finish_non_exhaustive()
    }
}

impl<'a> Settings<'a> {
    /// Reads through `get`; an empty value counts as not set.
    pub fn new(get: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self { get, problems: Vec::new() }
    }

    /// Returns a text, none if it is not set.
    pub fn text(&self, name: &str) -> Option<String> {
        (self.get)(name).filter(|value| !value.is_empty())
    }

    /// Returns a value that parses, or `default`; `rule` says what it must be.
    pub fn parsed<T: FromStr>(&mut self, name: &str, rule: &str, default: T) -> T {
        let Some(text) = self.text(name) else { return default };
        text.parse().unwrap_or_else(|_| {
            self.problem(format!("{name} must be {rule}, is `{}`", shortened(&text)));
            default
        })
    }

    /// Returns a duration as Go writes it, or `default`.
    pub fn duration(&mut self, name: &str, default: Duration) -> Duration {
        let Some(text) = self.text(name) else { return default };
        model::duration::parse(&text).unwrap_or_else(|error| {
            self.problem(format!("{name}: {error}"));
            default
        })
    }

    /// Notes a problem.
    pub fn problem(&mut self, problem: String) {
        self.problems.push(problem);
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// [`SettingsError`] with all problems.
    pub fn finish(self) -> Result<(), SettingsError> {
        if self.problems.is_empty() {
            Ok(())
        } else {
            Err(SettingsError { problems: self.problems })
        }
    }
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// The settings that every service has.
#[derive(Clone, Debug)]
pub struct Common {
    /// How to reach NATS (`NATS_URL` and the usual `NATS_*`).
    pub connect: ConnectOptions,
    /// `LOG_LEVEL`: error, warn, info, debug or trace; default info. A filter of `tracing` works, too.
    pub log_level: String,
    /// `LOG_FORMAT`: text or json; default text.
    pub log_format: LogFormat,
    /// `HEALTH_ENDPOINT_ADDRESS`: address of the health endpoints; default 127.0.0.1.
    pub health_address: IpAddr,
    /// `HEALTH_ENDPOINT_PORT`: where `/healthz` and `/readyz` are; default 0 = nowhere.
    pub health_port: u16,
    /// `HTTP_ALLOWED_HOSTS`: names, with commas between them, under which the HTTP port may be asked
    /// besides localhost and its address; default none.
    pub allowed_hosts: Vec<String>,
    /// `KEPTN_STREAM_BYTES_MAX`: most bytes of a stream that is made; default 8 GiB or what the
    /// server allows.
    pub stream_bytes_max: Option<u64>,
    /// `NATS_MONITOR_URL`: the server's monitoring port, to know its durability; default none.
    pub monitor_url: Option<String>,
    /// `KEPTN_STOP_WITH_STDIN`: 1 = stop when standard input ends; default 0.
    pub stops_with_stdin: bool,
}

impl Common {
    /// Reads them.
    pub fn read(settings: &mut Settings<'_>, component: &str) -> Self {
        let mut connect = ConnectOptions::new(DEFAULT_URL, component);
        if let Err(error) = connect.overlay(|name| settings.text(name)) {
            settings.problem(error.to_string());
        }
        let log_format = match settings.text("LOG_FORMAT").as_deref() {
            None | Some("text") => LogFormat::Text,
            Some("json") => LogFormat::Json,
            Some(other) => {
                let value = shortened(other);
                settings.problem(format!("LOG_FORMAT must be text or json, is `{value}`"));
                LogFormat::Text
            }
        };
        let bytes = settings.parsed("KEPTN_STREAM_BYTES_MAX", "a number of bytes", 0_u64);
        let log_level = settings.text("LOG_LEVEL").unwrap_or_else(|| default::LOG_LEVEL.to_owned());
        if telemetry::filter(&log_level).is_none() {
            let value = shortened(&log_level);
            settings.problem(format!(
                "LOG_LEVEL must be error, warn, info, debug or trace, is `{value}`"
            ));
        }
        Self {
            connect,
            log_level,
            log_format,
            health_address: settings.parsed(
                "HEALTH_ENDPOINT_ADDRESS",
                "an IP address",
                default::HEALTH_ENDPOINT_ADDRESS,
            ),
            health_port: settings.parsed(
                "HEALTH_ENDPOINT_PORT",
                "a port from 0 to 65535",
                default::HEALTH_ENDPOINT_PORT,
            ),
            allowed_hosts: names(settings.text("HTTP_ALLOWED_HOSTS").as_deref()),
            stream_bytes_max: (bytes > 0).then_some(bytes),
            monitor_url: settings.text("NATS_MONITOR_URL"),
            stops_with_stdin: settings.text("KEPTN_STOP_WITH_STDIN").as_deref() == Some("1"),
        }
    }
}

/// Splits a list at its commas.
fn names(list: Option<&str>) -> Vec<String> {
    let names = list.unwrap_or_default().split(',').map(str::trim);
    names.filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(set: &[(&str, &str)]) -> Result<Common, SettingsError> {
        let get = |name: &str| {
            set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        };
        let mut settings = Settings::new(&get);
        let common = Common::read(&mut settings, "config-store");
        settings.finish()?;
        Ok(common)
    }

    #[test]
    fn nothing_needs_to_be_set() {
        let common = read(&[("LOG_LEVEL", "")]).unwrap();
        assert_eq!((common.log_level.as_str(), common.health_port), ("info", 0));
        assert_eq!(common.connect.urls, [DEFAULT_URL]);
        assert_eq!((common.stream_bytes_max, common.stops_with_stdin), (None, false));
    }

    #[test]
    fn all_problems_are_named_at_once_and_no_secret() {
        let error = read(&[
            ("NATS_URL", "ftp://u:secret@x"),
            ("LOG_LEVEL", "a=b"),
            ("LOG_FORMAT", "xml"),
            ("HEALTH_ENDPOINT_PORT", "99999"),
            ("KEPTN_STREAM_BYTES_MAX", "8 GiB"),
        ])
        .unwrap_err();
        assert_eq!(error.problems.len(), 5, "{error}");
        let text = error.to_string();
        for name in ["NATS_URL", "LOG_LEVEL", "LOG_FORMAT", "HEALTH_ENDPOINT_PORT", "KEPTN_STREAM"]
        {
            assert!(text.contains(name), "{text}");
        }
        assert!(!text.contains("secret"), "{text}");
    }

    #[test]
    fn durations_are_written_as_go_writes_them() {
        let get = |_: &str| Some("1h30m".to_owned());
        let mut settings = Settings::new(&get);
        assert_eq!(settings.duration("X", Duration::ZERO), Duration::from_mins(90));
        settings.finish().unwrap();
    }
}
