//! How durable the server is. The sync setting is not in JetStream's interface; it is read from the
//! monitoring port. It is shown, and decides how events are grouped, never which are said.

use std::{fmt, time::Duration};

use serde::Deserialize;

use crate::http;

/// How long the monitoring port may take.
const MONITOR_WAIT: Duration = Duration::from_secs(1);

/// Servers of a cluster that make it survive the loss of one.
const CLUSTER_SERVERS_MIN: u64 = 3;

/// Copies of each message in a cluster.
const CLUSTER_REPLICAS: usize = 3;

/// What is lost when the power fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// One server that writes through now and then: at most this long is lost.
    Dev {
        /// Time between two writes.
        sync_interval: Duration,
    },
    /// One server, each message written through: nothing acknowledged is lost.
    Single,
    /// Three servers or more, each message written through.
    Cluster,
    /// The monitoring port is not known or does not say.
    #[default]
    Unknown,
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dev { sync_interval } => write!(
                f,
                "dev (one server; when the power fails, up to {sync_interval:?} may be lost)"
            ),
            Self::Single => f.write_str("single (one server; nothing acknowledged is lost)"),
            Self::Cluster => f.write_str("cluster (survives the loss of a server)"),
            Self::Unknown => f.write_str("unknown (set NATS_MONITOR_URL)"),
        }
    }
}

impl Profile {
    /// Returns the one word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dev { .. } => "dev",
            Self::Single => "single",
            Self::Cluster => "cluster",
            Self::Unknown => "unknown",
        }
    }

    /// Returns how many copies of each message such a server keeps.
    pub const fn replicas(self) -> usize {
        match self {
            Self::Cluster => CLUSTER_REPLICAS,
            Self::Dev { .. } | Self::Single | Self::Unknown => 1,
        }
    }

    /// Returns whether events that pile up are stored faster as an atomic batch: where one sync stands
    /// for each message. Elsewhere a batch costs more than it saves.
    pub(crate) const fn commits_in_groups(self) -> bool {
        match self {
            Self::Single => true,
            Self::Dev { .. } | Self::Cluster | Self::Unknown => false,
        }
    }

    /// Reads it from a monitoring port such as `http://127.0.0.1:8222`; whatever goes wrong reads
    /// as unknown, with which everything works.
    pub async fn read(monitor_url: &str) -> Self {
        let address = monitor_url.trim_start_matches("http://").trim_end_matches('/');
        match http::get(address, "/varz", MONITOR_WAIT).await {
            Ok(answer) if answer.status == 200 => Self::from_varz(&answer.body),
            Ok(_) | Err(_) => Self::Unknown,
        }
    }

    fn from_varz(body: &[u8]) -> Self {
        let Ok(varz) = serde_json::from_slice::<Varz>(body) else { return Self::Unknown };
        let Some(config) = varz.jetstream.config else { return Self::Unknown };
        let servers = varz.jetstream.meta.map_or(1, |meta| meta.cluster_size);
        match (config.sync_always, config.sync_interval) {
            (true, _) if servers >= CLUSTER_SERVERS_MIN => Self::Cluster,
            (true, _) => Self::Single,
            (false, Some(nanos)) => Self::Dev { sync_interval: Duration::from_nanos(nanos) },
            (false, None) => Self::Unknown,
        }
    }
}

#[derive(Deserialize)]
struct Varz {
    #[serde(default)]
    jetstream: JetStream,
}

#[derive(Default, Deserialize)]
struct JetStream {
    config: Option<Config>,
    meta: Option<Meta>,
}

#[derive(Deserialize)]
struct Config {
    #[serde(default)]
    sync_always: bool,
    sync_interval: Option<u64>,
}

#[derive(Deserialize)]
struct Meta {
    #[serde(default)]
    cluster_size: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_are_told_apart() {
        let read = |text: &str| Profile::from_varz(text.as_bytes());
        let dev = r#"{"jetstream":{"config":{"sync_interval":1000000000}}}"#;
        assert_eq!(read(dev), Profile::Dev { sync_interval: Duration::from_secs(1) });
        let single = r#"{"jetstream":{"config":{"sync_interval":1,"sync_always":true}}}"#;
        assert_eq!(read(single), Profile::Single);
        let cluster = r#"{"jetstream":{"config":{"sync_always":true},"meta":{"cluster_size":3}}}"#;
        assert_eq!(read(cluster), Profile::Cluster);
        assert_eq!(read(r#"{"jetstream":{}}"#), Profile::Unknown);
    }
}
