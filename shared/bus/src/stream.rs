//! The one stream: created where it is missing, used as it is where it exists.

use std::time::Duration;

use async_nats::jetstream::stream::{Config, DiscardPolicy, StorageType};
use model::{Position, StreamTime, event::MESSAGE_BYTES_MAX};
use serde::Deserialize;
use serde_json::json;
use tracing::{info, warn};

use crate::{
    ApiError, BootTime, Bus,
    api::{API_WAIT, CODE_STREAM_NAME_IN_USE, CODE_STREAM_NOT_FOUND, CODES_NO_STORAGE, api_error},
    connection::Live,
    names::{STREAM, STREAM_SUBJECTS},
};

/// Bytes the stream may have if nobody says otherwise; about ten million events.
pub const STREAM_BYTES_MAX: u64 = 8 * 1024 * 1024 * 1024;

/// Fewer bytes than this are of no use; a server that has not even these is refused.
pub const STREAM_BYTES_MIN: u64 = 16 * 1024 * 1024;

/// How long the server remembers message ids. What is said again later must be fenced; more than
/// two minutes would cost the server some 300 bytes for each event in the window.
pub const DUPLICATE_WINDOW: Duration = Duration::from_mins(2);

/// How the stream is to be, where we are the ones to create it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamSettings {
    /// Bytes it may have; none: [`STREAM_BYTES_MAX`] or what the server allows.
    pub bytes_max: Option<u64>,
    /// Copies of each message.
    pub replicas: usize,
    /// Whether wrong subjects of an existing stream are corrected; the controller does.
    pub corrects_subjects: bool,
}

impl Default for StreamSettings {
    fn default() -> Self {
        Self { bytes_max: None, replicas: 1, corrects_subjects: false }
    }
}

/// What the server says about the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamInfo {
    /// When it was created; another time is another stream.
    pub created: StreamTime,
    /// First position that is still stored; one above `last` if it is empty.
    pub first: Position,
    /// Last position ever given; 0 before the first.
    pub last: Position,
    /// Messages stored.
    pub messages: u64,
    /// Bytes stored.
    pub bytes: u64,
    /// Bytes allowed; none without a bound.
    pub bytes_max: Option<u64>,
    /// Copies of each message.
    pub replicas: u64,
    /// The server's time when it said so.
    pub server_time: StreamTime,
}

impl StreamInfo {
    /// Returns how many more bytes fit; none without a bound.
    pub fn bytes_free(&self) -> Option<u64> {
        self.bytes_max.map(|most| most.saturating_sub(self.bytes))
    }

    /// Returns how full it is, 0 to 100.
    pub fn percent_full(&self) -> u64 {
        self.bytes_max.map_or(0, |most| self.bytes.saturating_mul(100) / most.max(1)).min(100)
    }

    /// Returns whether messages are missing at the beginning.
    pub fn is_trimmed(&self) -> bool {
        self.first > 1
    }
}

#[derive(Deserialize)]
struct WireInfo {
    created: StreamTime,
    #[serde(default)]
    ts: StreamTime,
    state: WireState,
    config: WireConfig,
}

#[derive(Deserialize)]
struct WireState {
    messages: u64,
    bytes: u64,
    first_seq: u64,
    last_seq: u64,
}

#[derive(Deserialize)]
struct WireConfig {
    max_bytes: i64,
    #[serde(default)]
    num_replicas: u64,
}

impl From<WireInfo> for StreamInfo {
    fn from(wire: WireInfo) -> Self {
        Self {
            created: wire.created,
            first: wire.state.first_seq,
            last: wire.state.last_seq,
            messages: wire.state.messages,
            bytes: wire.state.bytes,
            bytes_max: u64::try_from(wire.config.max_bytes).ok().filter(|most| *most > 0),
            replicas: wire.config.num_replicas,
            server_time: wire.ts,
        }
    }
}

impl Bus {
    /// Creates the stream if it is missing, else uses it as it is; differences are logged, wrong
    /// subjects corrected if `settings` say so. A reader that finds it missing later creates it by
    /// the same settings.
    ///
    /// # Errors
    /// [`ApiError`] if it cannot be created or not be looked at.
    pub async fn ensure_stream(&self, settings: &StreamSettings) -> Result<StreamInfo, ApiError> {
        self.set_stream_settings(settings);
        let live = self.live_now("STREAM.CREATE")?;
        self.ensure_stream_on(&live).await
    }

    /// Returns what the server says about the stream, and learns the server's time from it.
    ///
    /// # Errors
    /// [`ApiError`] if there is no connection, no stream, or no answer.
    pub async fn stream_info(&self) -> Result<StreamInfo, ApiError> {
        self.stream_info_on(&self.live_now("STREAM.INFO")?).await
    }

    /// Returns the last position of the stream.
    ///
    /// # Errors
    /// [`ApiError`] as [`Self::stream_info`].
    pub async fn stream_end(&self) -> Result<Position, ApiError> {
        Ok(self.stream_info().await?.last)
    }

    /// Returns in what the stream differs from one that `settings` would create. Changes nothing.
    ///
    /// # Errors
    /// [`ApiError`] as [`Self::stream_info`].
    pub async fn stream_differences(
        &self,
        settings: &StreamSettings,
    ) -> Result<Vec<Difference>, ApiError> {
        let live = self.live_now("STREAM.INFO")?;
        let found = found_config(&live).await?;
        let ours = config(settings, settings.bytes_max.unwrap_or(STREAM_BYTES_MAX));
        let subjects = (found.subjects != ours.subjects).then_some(OTHER_SUBJECTS);
        Ok(subjects.into_iter().chain(differences(&found, &ours, settings)).collect())
    }

    /// Removes all messages below `first`. Only the controller does, and only below the snapshots
    /// of every component.
    ///
    /// # Errors
    /// [`ApiError`] if the server does not do it; nothing is removed then.
    pub async fn trim_below(&self, first: Position) -> Result<(), ApiError> {
        let live = self.live_now("STREAM.PURGE")?;
        let request = format!("STREAM.PURGE.{STREAM}");
        let _: serde_json::Value = live.api(&request, &json!({ "seq": first })).await?;
        Ok(())
    }

    pub(crate) async fn stream_info_on(&self, live: &Live) -> Result<StreamInfo, ApiError> {
        let wire: WireInfo = live.api(&format!("STREAM.INFO.{STREAM}"), &json!({})).await?;
        let info = StreamInfo::from(wire);
        if info.server_time != StreamTime::default() {
            self.clock().answered(info.server_time, BootTime::now());
        }
        Ok(info)
    }

    pub(crate) async fn ensure_stream_on(&self, live: &Live) -> Result<StreamInfo, ApiError> {
        let settings = self.stream_settings();
        match self.stream_info_on(live).await {
            Ok(_) => check(live, &settings).await?,
            Err(error) if error.code() == Some(CODE_STREAM_NOT_FOUND) => {
                create(live, &settings).await?;
            }
            Err(error) => return Err(error),
        }
        self.stream_info_on(live).await
    }
}

/// Asks the account what it may store.
async fn bytes_allowed(live: &Live) -> Result<Option<u64>, ApiError> {
    #[derive(Deserialize)]
    struct Account {
        limits: Limits,
    }
    #[derive(Deserialize)]
    struct Limits {
        max_storage: i64,
    }
    let account: Account = live.api("INFO", &json!({})).await?;
    Ok(u64::try_from(account.limits.max_storage).ok())
}

async fn create(live: &Live, settings: &StreamSettings) -> Result<(), ApiError> {
    let mut bytes = match settings.bytes_max {
        Some(bytes) => bytes,
        // A quarter is left to the buckets of an account that is bounded.
        None => bytes_allowed(live)
            .await?
            .map_or(STREAM_BYTES_MAX, |most| STREAM_BYTES_MAX.min(most / 4 * 3)),
    };
    loop {
        match create_with(live, settings, bytes).await {
            Ok(()) => {
                info!(stream = STREAM, bytes_max = bytes, "stream created");
                return Ok(());
            }
            Err(error) if error.code() == Some(CODE_STREAM_NAME_IN_USE) => {
                return check(live, settings).await;
            }
            Err(error)
                if error.code().is_some_and(|code| CODES_NO_STORAGE.contains(&code))
                    && settings.bytes_max.is_none()
                    && bytes / 2 >= STREAM_BYTES_MIN =>
            {
                bytes /= 2;
            }
            Err(error) => return Err(error),
        }
    }
}

async fn create_with(live: &Live, settings: &StreamSettings, bytes: u64) -> Result<(), ApiError> {
    let config = config(settings, bytes);
    let request = format!("STREAM.CREATE.{STREAM}");
    let _: WireInfo = live.api(&request, &config).await?;
    Ok(())
}

fn config(settings: &StreamSettings, bytes: u64) -> Config {
    Config {
        name: STREAM.to_owned(),
        description: Some("Every event of every delivery".to_owned()),
        subjects: vec![STREAM_SUBJECTS.to_owned()],
        storage: StorageType::File,
        num_replicas: settings.replicas,
        discard: DiscardPolicy::New,
        deny_delete: true,
        allow_direct: true,
        allow_atomic_publish: true,
        duplicate_window: DUPLICATE_WINDOW,
        max_bytes: i64::try_from(bytes).unwrap_or(i64::MAX),
        max_message_size: i32::try_from(MESSAGE_BYTES_MAX).unwrap_or(i32::MAX),
        max_messages: -1,
        max_messages_per_subject: -1,
        max_consumers: -1,
        ..Config::default()
    }
}

/// Compares what exists with what we would create; corrects the subjects where we may.
async fn check(live: &Live, settings: &StreamSettings) -> Result<(), ApiError> {
    let found = &found_config(live).await?;
    let bytes = settings.bytes_max.unwrap_or(STREAM_BYTES_MAX);
    for Difference { what: difference, .. } in
        differences(found, &config(settings, bytes), settings)
    {
        warn!(stream = STREAM, difference, "the stream differs from ours and is used as it is");
    }
    if found.subjects == [STREAM_SUBJECTS] {
        return Ok(());
    }
    if !settings.corrects_subjects {
        warn!(stream = STREAM, subjects = ?found.subjects, "the stream must hold `sh.keptn.>`; shipyard-controller corrects it");
        return Ok(());
    }
    let corrected = Config { subjects: vec![STREAM_SUBJECTS.to_owned()], ..found.clone() };
    let request = format!("STREAM.UPDATE.{STREAM}");
    let _: WireInfo = live.api(&request, &corrected).await?;
    warn!(stream = STREAM, was = ?found.subjects, "subjects of the stream corrected");
    Ok(())
}

async fn found_config(live: &Live) -> Result<Config, ApiError> {
    let request = format!("STREAM.INFO.{STREAM}");
    let stream = live
        .jetstream
        .get_stream(STREAM)
        .await
        .map_err(|_| api_error(&request, async_nats::RequestErrorKind::Other))?;
    Ok(stream.cached_info().config.clone())
}

/// In what a stream that exists differs from the one that we would create.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What differs, and what comes of it.
    pub what: &'static str,
    /// Whether events are missed or lost by it.
    pub loses: bool,
}

const OTHER_SUBJECTS: Difference =
    Difference { what: "its subjects are not `sh.keptn.>`: events are missing in it", loses: true };

fn differences(found: &Config, ours: &Config, settings: &StreamSettings) -> Vec<Difference> {
    let explicit = settings.bytes_max.is_some();
    let losing = [
        (found.max_age != ours.max_age, "max_age is set: old projects and approvals will vanish"),
        (found.discard != ours.discard, "discard is not new: events will vanish when it is full"),
        (found.storage != ours.storage, "storage is not file: a restart of NATS loses everything"),
    ];
    let others = [
        (found.deny_delete != ours.deny_delete, "deny_delete is off: events can be removed"),
        (!found.allow_direct, "allow_direct is off: single events cannot be read"),
        (
            !found.allow_atomic_publish,
            "allow_atomic is off: events cannot be written through in groups",
        ),
        (found.duplicate_window != ours.duplicate_window, "duplicate_window is not two minutes"),
        (found.max_bytes <= 0, "max_bytes is not set: the disk can fill up"),
        (explicit && found.max_bytes != ours.max_bytes, "max_bytes is not KEPTN_STREAM_BYTES_MAX"),
        (found.num_replicas != ours.num_replicas, "the number of replicas is another"),
    ];
    let losing = losing.map(|(differs, what)| (differs, Difference { what, loses: true }));
    let others = others.map(|(differs, what)| (differs, Difference { what, loses: false }));
    let all = losing.into_iter().chain(others);
    all.filter_map(|(differs, difference)| differs.then_some(difference)).collect()
}

/// Longest time that finding or creating the stream takes, for callers with a bound of their own.
pub const ENSURE_WAIT: Duration = API_WAIT.saturating_mul(4);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_configuration_does_not_differ() {
        let settings = StreamSettings::default();
        let ours = config(&settings, STREAM_BYTES_MAX);
        assert_eq!(differences(&ours, &ours, &settings), []);
        assert_eq!(ours.max_age, Duration::ZERO);
    }

    #[test]
    fn dangerous_differences_are_named() {
        let settings = StreamSettings { bytes_max: Some(1), ..StreamSettings::default() };
        let ours = config(&settings, 1);
        let found = Config {
            max_age: Duration::from_secs(1),
            discard: DiscardPolicy::Old,
            deny_delete: false,
            max_bytes: -1,
            ..ours.clone()
        };
        let named = differences(&found, &ours, &settings);
        let losing = named.iter().filter(|one| one.loses).count();
        assert_eq!((named.len(), losing), (5, 2), "{named:?}");
    }

    #[test]
    fn room_is_what_is_left() {
        let info = StreamInfo {
            created: StreamTime::default(),
            first: 1,
            last: 9,
            messages: 9,
            bytes: 81,
            bytes_max: Some(100),
            replicas: 1,
            server_time: StreamTime::default(),
        };
        assert_eq!((info.bytes_free(), info.percent_full()), (Some(19), 81));
    }
}
