//! The configuration of nats-server for the profile `dev`.

use std::path::Path;

use super::ports::Ports;

/// Returns the configuration: one server, on the loopback address, its store synced every second.
///
/// Nothing is lost when a process dies, at most a second when the power fails.
pub(crate) fn config(ports: Ports, store: &Path) -> String {
    format!(
        "# Written by `keptn dev` at every start; changes are lost.\n\
         server_name: \"keptn-dev\"\n\
         listen: \"127.0.0.1:{nats}\"\n\
         http: \"127.0.0.1:{monitor}\"\n\
         # An event is at most 1 MiB.\n\
         max_payload: 1MB\n\
         jetstream {{\n  store_dir: {store}\n  sync_interval: \"1s\"\n}}\n",
        nats = ports.nats,
        monitor = ports.monitor,
        store = quoted(&store.to_string_lossy()),
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
        let config =
            config(Ports { nats: 4222, monitor: 8222, page: None }, Path::new("/data/a \"b\""));
        let expected = "\
# Written by `keptn dev` at every start; changes are lost.
server_name: \"keptn-dev\"
listen: \"127.0.0.1:4222\"
http: \"127.0.0.1:8222\"
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
