//! The configuration of nats-server.

use std::path::Path;

use super::{place::Place, ports::Ports};

/// When the store is written through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sync {
    /// Nothing is lost when a process dies, at most a second when the power fails.
    EverySecond,
    /// Nothing acknowledged is ever lost.
    Always,
}

impl Sync {
    const fn interval(self) -> &'static str {
        match self {
            Self::EverySecond => "1s",
            Self::Always => "always",
        }
    }
}

/// Returns the configuration: one server, on the loopback address.
pub(crate) fn config(ports: Ports, place: &Place, sync: Sync) -> String {
    written(ports, (&place.nats_store(), &place.nats_process_id()), sync)
}

fn written(ports: Ports, (store, process_id): (&Path, &Path), sync: Sync) -> String {
    format!(
        "# Written by `keptn dev` at every start; changes are lost.\n\
         server_name: \"keptn-dev\"\n\
         listen: \"127.0.0.1:{nats}\"\n\
         http: \"127.0.0.1:{monitor}\"\n\
         pid_file: {process_id}\n\
         # An event is at most 1 MiB.\n\
         max_payload: 1MB\n\
         jetstream {{\n  store_dir: {store}\n  sync_interval: \"{interval}\"\n}}\n",
        nats = ports.nats,
        monitor = ports.monitor,
        process_id = quoted(&process_id.to_string_lossy()),
        store = quoted(&store.to_string_lossy()),
        interval = sync.interval(),
    )
}

/// Quotes a text for nats-server's configuration.
fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_binds_to_loopback_and_syncs_every_second() {
        let ports = Ports { nats: 4222, monitor: 8222, page: None };
        let paths = (Path::new("/data/a \"b\""), Path::new("/data/pid"));
        let config = written(ports, paths, Sync::EverySecond);
        let expected = "\
# Written by `keptn dev` at every start; changes are lost.
server_name: \"keptn-dev\"
listen: \"127.0.0.1:4222\"
http: \"127.0.0.1:8222\"
pid_file: \"/data/pid\"
# An event is at most 1 MiB.
max_payload: 1MB
jetstream {
  store_dir: \"/data/a \\\"b\\\"\"
  sync_interval: \"1s\"
}
";
        assert_eq!(config, expected);
    }
}
