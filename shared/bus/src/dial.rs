//! Makes one connection: reads the server's greeting, refuses old servers, and takes away
//! async-nats' own way of reconnecting, which would publish what was queued before.

use std::{borrow::Cow, sync::Arc, time::Duration};

use async_nats::{ConnectErrorKind, Event, ServerAddr, ServerError, ServerInfo, jetstream};
use serde::Deserialize;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader},
    net::TcpStream,
    sync::watch,
    time::timeout,
};
use tracing::{debug, warn};

use crate::{
    ConnectError, ConnectOptions, SERVER_VERSION_MIN,
    api::API_WAIT,
    binary_mode::decode_percent,
    connection::{Live, Violation},
    options::{Credentials, shown},
    publisher::IN_FLIGHT_MAX,
};

/// How long one server may take for the handshake.
const HANDSHAKE_WAIT: Duration = Duration::from_secs(2);

/// A silent connection is asked this often; the third question without an answer ends it, so a
/// network that swallows everything is noticed within three times this.
const PING_EVERY: Duration = Duration::from_secs(2);

/// Commands to the connection that may be queued: what may be in flight and as much again.
const COMMANDS_MAX: usize = 2 * IN_FLIGHT_MAX;

/// Messages that may wait in one subscription; async-nats drops what is beyond, readers notice the
/// gap. As much as the server's flow control lets through at its smallest messages.
const SUBSCRIPTION_MESSAGES_MAX: usize = 65_536;

/// Most bytes of a greeting; real ones have about 500, and more in large clusters.
const GREETING_BYTES_MAX: u64 = 64 * 1024;

/// An address that refuses at once: async-nats reconnects there, fails, and gives up.
const NOWHERE: &str = "nats://127.0.0.1:0";

/// Tries each server once; each generation begins with the next one.
pub(crate) async fn dial(options: &ConnectOptions, number: u64) -> Result<Live, ConnectError> {
    let mut last = None;
    let first = usize::try_from(number).unwrap_or(0) % options.urls.len().max(1);
    for url in options.urls.iter().cycle().skip(first).take(options.urls.len()) {
        match dial_one(options, url, number).await {
            Ok(live) => return Ok(live),
            Err(error) if error.retryable() => last = Some(error),
            Err(error) => return Err(error),
        }
    }
    Err(last.unwrap_or_else(|| ConnectError::Unreachable {
        urls: options.shown_urls(),
        reason: "no address is given".to_owned(),
    }))
}

async fn dial_one(options: &ConnectOptions, url: &str, number: u64) -> Result<Live, ConnectError> {
    let unreachable = |reason: String| ConnectError::Unreachable { urls: shown(url), reason };
    let address: ServerAddr =
        url.parse().map_err(|error: std::io::Error| unreachable(error.to_string()))?;
    let (violation_tx, violations) = watch::channel(None);
    let prepared = client_options(options, &address, violation_tx).await?;
    let connect = Box::pin(prepared.connect(address.clone()));
    let client = tokio::select! {
        biased;
        old = too_old_greeting(&address) => return Err(old),
        connected = connect => connected.map_err(|error| connect_error(url, &error))?,
    };
    check_version(url, &client.server_info())?;
    client
        .set_server_pool(NOWHERE)
        .await
        .map_err(|_| unreachable("the connection broke at once".to_owned()))?;
    let end = client
        .subscribe(client.new_inbox())
        .await
        .map_err(|_| unreachable("the connection broke at once".to_owned()))?;
    let jetstream = jetstream::ContextBuilder::new().timeout(API_WAIT).build(client.clone());
    let (end, refuses_batches) = (Arc::new(end.into()), Arc::default());
    Ok(Live { client, jetstream, number, violations, end, refuses_batches })
}

async fn client_options(
    options: &ConnectOptions,
    address: &ServerAddr,
    violation_tx: watch::Sender<Option<Violation>>,
) -> Result<async_nats::ConnectOptions, ConnectError> {
    let violation_tx = Arc::new(violation_tx);
    let mut client = async_nats::ConnectOptions::new()
        .name(&options.name)
        .connection_timeout(HANDSHAKE_WAIT)
        .ping_interval(PING_EVERY)
        .client_capacity(COMMANDS_MAX)
        .subscription_capacity(SUBSCRIPTION_MESSAGES_MAX)
        .ignore_discovered_servers()
        .max_reconnects(1)
        .event_callback(move |event| {
            note_event(&event, &violation_tx);
            std::future::ready(())
        });
    let who = with_url_credentials(&options.credentials, address);
    if let Some(token) = &who.token {
        client = client.token(token.clone());
    }
    if let Some(user) = &who.user {
        client = client.user_and_password(user.clone(), who.password.clone().unwrap_or_default());
    }
    if let Some(path) = &who.creds_file {
        client = client
            .credentials_file(path)
            .await
            .map_err(|source| ConnectError::Credentials { path: path.clone(), source })?;
    }
    if let Some(path) = &who.nkey_file {
        let seed = tokio::fs::read_to_string(path)
            .await
            .map_err(|source| ConnectError::Credentials { path: path.clone(), source })?;
        client = client.nkey(seed.trim().to_owned());
    }
    if let Some(path) = &options.ca_file {
        client = client.add_root_certificates(path.clone()).require_tls(true);
    }
    if let Some((certificate, key)) = &options.client_certificate {
        client = client.add_client_certificate(certificate.clone(), key.clone());
    }
    Ok(client)
}

/// Takes user and password from the address where the options have none; a user alone is a token.
fn with_url_credentials(who: &Credentials, address: &ServerAddr) -> Credentials {
    let url = address.clone().into_inner();
    let plain = |text: &str| decode_percent(text).map(Cow::into_owned);
    let mut who = who.clone();
    if url.username().is_empty() || who.user.is_some() || who.token.is_some() {
        return who;
    }
    match url.password() {
        Some(password) => {
            who.user = plain(url.username());
            who.password = plain(password);
        }
        None => who.token = plain(url.username()),
    }
    who
}

/// Logs what the server complains about, and hands on that a publish was not allowed.
fn note_event(event: &Event, violations: &watch::Sender<Option<Violation>>) {
    match event {
        Event::ServerError(ServerError::Other(text)) => {
            warn!(reason = %text, "NATS complained");
            if let Some(violation) = Violation::parse(text) {
                violations.send_replace(Some(violation));
            }
        }
        Event::ServerError(
            error @ (ServerError::AuthorizationViolation | ServerError::SlowConsumer(_)),
        ) => warn!(reason = %error, "NATS complained"),
        Event::SlowConsumer(_) => debug!("a subscription overflowed and will be read again"),
        Event::Connected
        | Event::Disconnected
        | Event::LameDuckMode
        | Event::Draining
        | Event::Closed
        | Event::ClientError(_) => debug!(%event, "connection event"),
    }
}

fn connect_error(url: &str, error: &async_nats::ConnectError) -> ConnectError {
    let url = shown(url);
    let reason =
        std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string);
    match error.kind() {
        ConnectErrorKind::Authentication | ConnectErrorKind::AuthorizationViolation => {
            ConnectError::NotAllowed { url }
        }
        ConnectErrorKind::Tls => ConnectError::Tls { url, reason },
        ConnectErrorKind::TimedOut => ConnectError::TimedOut { urls: url, limit: HANDSHAKE_WAIT },
        ConnectErrorKind::ServerParse
        | ConnectErrorKind::Dns
        | ConnectErrorKind::Io
        | ConnectErrorKind::MaxReconnects => ConnectError::Unreachable { urls: url, reason },
    }
}

fn check_version(url: &str, info: &ServerInfo) -> Result<(), ConnectError> {
    if is_new_enough(&info.version) {
        return Ok(());
    }
    Err(ConnectError::TooOld {
        url: shown(url),
        found: info.version.clone(),
        minimum: SERVER_VERSION_MIN,
    })
}

#[derive(Deserialize)]
struct Greeting {
    #[serde(default)]
    version: String,
}

/// Ends only if the server's greeting names an old version: such a server may not go on with a
/// handshake that we understand.
async fn too_old_greeting(address: &ServerAddr) -> ConnectError {
    match timeout(HANDSHAKE_WAIT, greeting_version(address)).await {
        Ok(Some(found)) if !is_new_enough(&found) => ConnectError::TooOld {
            url: shown(address.as_url_str()),
            found,
            minimum: SERVER_VERSION_MIN,
        },
        Ok(_) | Err(_) => std::future::pending().await,
    }
}

async fn greeting_version(address: &ServerAddr) -> Option<String> {
    let stream = TcpStream::connect((address.host(), address.port())).await.ok()?;
    let mut line = String::new();
    BufReader::new(stream.take(GREETING_BYTES_MAX)).read_line(&mut line).await.ok()?;
    let greeting: Greeting = serde_json::from_str(line.strip_prefix("INFO ")?.trim()).ok()?;
    Some(greeting.version)
}

/// Compares the first three numbers; a version that is none of ours is taken to be too old.
pub(crate) fn is_new_enough(version: &str) -> bool {
    match (version_numbers(version), version_numbers(SERVER_VERSION_MIN)) {
        (Some(found), Some(minimum)) => found >= minimum,
        (_, _) => false,
    }
}

fn version_numbers(version: &str) -> Option<[u64; 3]> {
    let plain = version.trim_start_matches('v');
    let plain = plain.split(['-', '+']).next()?;
    let mut numbers = plain.split('.').map(str::parse);
    let mut next = || numbers.next()?.ok();
    Some([next()?, next()?, next()?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_of_the_address_are_used() {
        let from = |url: &str| {
            with_url_credentials(&Credentials::default(), &url.parse::<ServerAddr>().unwrap())
        };
        let both = from("nats://u:p%40ss@host");
        assert_eq!((both.user.as_deref(), both.password.as_deref()), (Some("u"), Some("p@ss")));
        assert_eq!(from("nats://secret@host").token.as_deref(), Some("secret"));
        assert_eq!(from("nats://host"), Credentials::default());
    }

    #[test]
    fn versions_compare_as_numbers() {
        for new in ["2.15.0", "2.15.1", "2.16.0-RC.1", "3.0.0", "v2.15.2"] {
            assert!(is_new_enough(new), "{new}");
        }
        for old in ["2.9.10", "2.14.9", "1.99.99", "", "two"] {
            assert!(!is_new_enough(old), "{old}");
        }
    }
}
