//! NATS: its version, how durable it is, and whether the stream is as it must be and has room.

use std::time::Duration;

use bus::{ApiError, StreamInfo, StreamSettings, profile::Profile};
use tokio::time::{Instant, timeout_at};

use super::finding::Finding;
use crate::{client::Client, environment};

/// From here on there is still time to act.
const PERCENT_WARN: u64 = 80;
/// With less room than this no event of full size fits.
const ROOM_BYTES_MIN: u64 = 1024 * 1024;
/// What `keptn dev` may lose when the power fails; more than this is a default nobody chose.
const LOSS_MAX: Duration = Duration::from_secs(1);

/// Looks at the server and the stream.
pub(super) async fn look(client: &Client, until: Instant) -> Vec<Finding> {
    let profile = match environment::get("NATS_MONITOR_URL").filter(|url| !url.is_empty()) {
        Some(url) => timeout_at(until, Profile::read(&url)).await.unwrap_or_default(),
        None => Profile::Unknown,
    };
    let mut findings = vec![version(client), durability(profile)];
    match timeout_at(until, look_at_stream(client, profile)).await {
        Ok(found) => findings.extend(found),
        Err(_) => findings.push(
            Finding::problem("stream", "NATS does not answer in time")
                .hint("look at the log of nats-server"),
        ),
    }
    findings
}

fn version(client: &Client) -> Finding {
    let version = client.server_version().unwrap_or_default();
    Finding::ok("nats", format!("nats-server {version} at {}", client.bus().urls()))
}

fn durability(profile: Profile) -> Finding {
    let found = profile.to_string();
    match profile {
        Profile::Unknown => Finding::warning(
            "profile",
            "unknown: nothing says what a power cut costs",
        )
        .hint(
            "set NATS_MONITOR_URL to the server's monitoring port, such as http://127.0.0.1:8222",
        ),
        Profile::Dev { sync_interval } if sync_interval > LOSS_MAX => {
            Finding::warning("profile", found)
                .hint("set `sync_interval: always` (or `1s`) in the jetstream block of nats-server")
        }
        Profile::Dev { .. } | Profile::Single | Profile::Cluster => Finding::ok("profile", found),
    }
}

async fn look_at_stream(client: &Client, profile: Profile) -> Vec<Finding> {
    let info = match client.bus().stream_info().await {
        Ok(info) => info,
        Err(error) => return vec![no_stream(&error)],
    };
    let replicas = match profile {
        Profile::Unknown => usize::try_from(info.replicas).unwrap_or(1),
        known @ (Profile::Dev { .. } | Profile::Single | Profile::Cluster) => known.replicas(),
    };
    let settings = StreamSettings { replicas, ..StreamSettings::default() };
    let mut findings = vec![room(&info)];
    match client.bus().stream_differences(&settings).await {
        Ok(differences) => findings.extend(differences.into_iter().map(|one| {
            let found = if one.loses { Finding::problem } else { Finding::warning };
            found("stream", one.what).hint("correct it with `nats stream edit keptn`")
        })),
        Err(error) => findings.push(no_stream(&error)),
    }
    findings
}

fn no_stream(error: &ApiError) -> Finding {
    Finding::problem("stream", error.to_string())
        .hint("the services make it; start them with `keptn dev` or `docker compose up -d`")
}

fn room(info: &StreamInfo) -> Finding {
    let percent = info.percent_full();
    let held = format!("{} events, {percent} % of its bytes are used", info.messages);
    let hint = "give it more bytes: `nats stream edit keptn --max-bytes=…`";
    if info.bytes_free().is_some_and(|free| free < ROOM_BYTES_MIN) {
        return Finding::problem("stream", format!("full: {held}; nothing more is stored"))
            .hint(hint);
    }
    if percent >= PERCENT_WARN {
        return Finding::warning("stream", format!("nearly full: {held}")).hint(hint);
    }
    Finding::ok("stream", held)
}

#[cfg(test)]
mod tests {
    use model::StreamTime;

    use super::*;

    fn room_at(percent: u64) -> Finding {
        const MIB: u64 = 1024 * 1024;
        room(&StreamInfo {
            created: StreamTime::default(),
            first: 1,
            last: 9,
            messages: 9,
            bytes: percent * MIB,
            bytes_max: Some(100 * MIB),
            replicas: 1,
            server_time: StreamTime::default(),
        })
    }

    #[test]
    fn a_stream_warns_before_it_is_full() {
        assert_eq!(room_at(79), Finding::ok("stream", "9 events, 79 % of its bytes are used"));
        let text = super::super::finding::text(&[room_at(80)], crate::render::Paint::PLAIN);
        assert!(text.starts_with("warning  stream  — nearly full"), "{text}");
        assert!(room_at(100).is_problem());
    }

    #[test]
    fn a_server_that_writes_through_every_two_minutes_is_a_warning() {
        let dev = |secs| durability(Profile::Dev { sync_interval: Duration::from_secs(secs) });
        assert!(!dev(120).is_problem());
        assert_ne!(dev(120), Finding::ok("profile", dev_text(120)));
        assert_eq!(dev(1), Finding::ok("profile", dev_text(1)));
    }

    fn dev_text(secs: u64) -> String {
        Profile::Dev { sync_interval: Duration::from_secs(secs) }.to_string()
    }
}
