//! The two consumers a reader uses: pulled batches for what is old, pushed messages for what is
//! new. Both are made anew whenever anything seems wrong.

use std::time::Duration;

use async_nats::{
    Message, StatusCode, Subscriber,
    jetstream::consumer::{AckPolicy, Config, DeliverPolicy, ReplayPolicy},
};
use futures_util::StreamExt as _;
use model::Position;
use serde::Deserialize;
use serde_json::json;
use tokio::time::timeout;

use crate::{ApiError, RawMessage, api::api_error, connection::Live, names::STREAM};

/// How often the server says that there is nothing new.
const HEARTBEAT: Duration = Duration::from_millis(500);
/// Silence after which a consumer counts as lost: four heartbeats, for a busy machine.
const SILENCE_MAX: Duration = Duration::from_secs(2);
/// The server removes a consumer that nobody listens to after this.
const INACTIVE_MAX: Duration = Duration::from_secs(5);
/// Messages in a pulled batch.
const BATCH_MESSAGES: usize = 1_000;
/// Bytes in a pulled batch: bounds the memory of a long replay. More than one largest message.
const BATCH_BYTES: usize = 4 * 1024 * 1024;

/// Why a consumer must be made anew.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Lost {
    /// The connection broke.
    Connection,
    /// A message is missing, or the server says nothing.
    Consumer(&'static str),
}

/// What a consumer is asked for.
pub(crate) struct Wanted<'a> {
    pub(crate) from: Position,
    pub(crate) filters: &'a [String],
}

impl Wanted<'_> {
    fn config(&self) -> Config {
        let mut config = Config {
            deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: self.from.max(1) },
            ack_policy: AckPolicy::None,
            replay_policy: ReplayPolicy::Instant,
            max_deliver: 1,
            inactive_threshold: INACTIVE_MAX,
            num_replicas: 1,
            memory_storage: true,
            ..Config::default()
        };
        match self.filters {
            [] => {}
            [one] => config.filter_subject.clone_from(one),
            many => config.filter_subjects = many.to_vec(),
        }
        config
    }
}

#[derive(Deserialize)]
struct WireConsumer {
    name: String,
    num_pending: u64,
}

async fn create(live: &Live, config: &Config) -> Result<WireConsumer, ApiError> {
    let body = json!({ "stream_name": STREAM, "config": config, "action": "create" });
    live.api(&format!("CONSUMER.CREATE.{STREAM}"), &body).await
}

/// What is pushed.
pub(crate) enum Push {
    /// The next message.
    Message(RawMessage),
    /// There is none up to this position that was not pushed.
    NothingUpTo(Position),
}

/// Messages as the server pushes them, without gaps.
pub(crate) struct Pushed {
    live: Live,
    subscriber: Subscriber,
    delivered: u64,
    /// Messages that waited when the consumer was made.
    pub(crate) pending: u64,
}

impl Pushed {
    pub(crate) async fn open(live: &Live, wanted: &Wanted<'_>) -> Result<Self, ApiError> {
        let request = "CONSUMER.CREATE";
        let inbox = live.client.new_inbox();
        let subscriber = live
            .client
            .subscribe(inbox.clone())
            .await
            .map_err(|_| api_error(request, async_nats::RequestErrorKind::Other))?;
        let config = Config {
            deliver_subject: Some(inbox),
            flow_control: true,
            idle_heartbeat: HEARTBEAT,
            ..wanted.config()
        };
        let consumer = create(live, &config).await?;
        Ok(Self { live: live.clone(), subscriber, delivered: 0, pending: consumer.num_pending })
    }

    /// Returns the next message, or how far there is none. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Result<Push, Lost> {
        loop {
            let message = timeout(SILENCE_MAX, self.subscriber.next())
                .await
                .map_err(|_| Lost::Consumer("no heartbeat"))?
                .ok_or(Lost::Connection)?;
            match message.status {
                Some(StatusCode::IDLE_HEARTBEAT) => {
                    if let Some(position) = self.heartbeat(&message).await? {
                        return Ok(Push::NothingUpTo(position));
                    }
                }
                Some(_) => return Err(Lost::Consumer("the server ended it")),
                None => return self.take(message).map(Push::Message),
            }
        }
    }

    fn take(&mut self, message: Message) -> Result<RawMessage, Lost> {
        let (raw, delivered) =
            RawMessage::from_delivery(message).ok_or(Lost::Consumer("no position"))?;
        if delivered.consumer_sequence != self.delivered + 1 {
            return Err(Lost::Consumer("a message is missing"));
        }
        self.delivered += 1;
        Ok(raw)
    }

    /// Answers flow control, and compares what was delivered with what arrived. Returns how far
    /// the server has looked, if it says so and nothing is missing.
    async fn heartbeat(&mut self, message: &Message) -> Result<Option<Position>, Lost> {
        let value = |name: &str| {
            let headers = message.headers.as_ref()?;
            Some(headers.get_last(name)?.as_str().to_owned())
        };
        let stalled = value("Nats-Consumer-Stalled").map(async_nats::Subject::from);
        if let Some(reply) = message.reply.clone().or(stalled) {
            let answered = self.live.client.publish(reply, bytes::Bytes::new()).await;
            return answered.map(|()| None).map_err(|_| Lost::Connection);
        }
        let number = |name: &str| value(name).and_then(|last| last.parse::<u64>().ok());
        match number("Nats-Last-Consumer") {
            Some(last) if last == self.delivered => Ok(number("Nats-Last-Stream")),
            Some(_) => Err(Lost::Consumer("messages are missing")),
            None => Ok(None),
        }
    }
}

/// Messages that are fetched batch by batch; the next is asked for when one is used up.
pub(crate) struct Pulled {
    live: Live,
    name: String,
    inbox: String,
    subscriber: Subscriber,
    delivered: u64,
    /// `delivered` when the batch was asked for.
    delivered_before: u64,
    left: usize,
}

impl Pulled {
    pub(crate) async fn open(live: &Live, wanted: &Wanted<'_>) -> Result<(Self, u64), ApiError> {
        let request = "CONSUMER.CREATE";
        let inbox = live.client.new_inbox();
        let subscriber = live
            .client
            .subscribe(inbox.clone())
            .await
            .map_err(|_| api_error(request, async_nats::RequestErrorKind::Other))?;
        let consumer = create(live, &wanted.config()).await?;
        let pending = consumer.num_pending;
        let live = live.clone();
        let pulled = Self {
            live,
            name: consumer.name,
            inbox,
            subscriber,
            delivered: 0,
            delivered_before: 0,
            left: 0,
        };
        Ok((pulled, pending))
    }

    /// Returns the next message; none when there is none, or none that fits into a batch.
    /// Cancel-safe.
    pub(crate) async fn next(&mut self) -> Result<Option<RawMessage>, Lost> {
        loop {
            if self.left == 0 {
                self.ask().await?;
            }
            let message = timeout(SILENCE_MAX, self.subscriber.next())
                .await
                .map_err(|_| Lost::Consumer("no batch"))?
                .ok_or(Lost::Connection)?;
            match message.status {
                None => return self.take(message).map(Some),
                Some(StatusCode::NOT_FOUND | StatusCode::TIMEOUT) => {
                    self.left = 0;
                    return Ok(None);
                }
                // The batch ended at its bytes.
                Some(StatusCode::REQUEST_TERMINATED) => {
                    self.left = 0;
                    if self.delivered == self.delivered_before {
                        return Ok(None);
                    }
                }
                Some(StatusCode::IDLE_HEARTBEAT) => {}
                Some(_) => return Err(Lost::Consumer("the server ended it")),
            }
        }
    }

    async fn ask(&mut self) -> Result<(), Lost> {
        let body = json!({ "batch": BATCH_MESSAGES, "max_bytes": BATCH_BYTES, "no_wait": true });
        let subject = format!("$JS.API.CONSUMER.MSG.NEXT.{STREAM}.{}", self.name);
        self.live
            .client
            .publish_with_reply(subject, self.inbox.clone(), body.to_string().into())
            .await
            .map_err(|_| Lost::Connection)?;
        self.left = BATCH_MESSAGES;
        self.delivered_before = self.delivered;
        Ok(())
    }

    fn take(&mut self, message: Message) -> Result<RawMessage, Lost> {
        let (raw, delivered) =
            RawMessage::from_delivery(message).ok_or(Lost::Consumer("no position"))?;
        if delivered.consumer_sequence != self.delivered + 1 {
            return Err(Lost::Consumer("a message is missing"));
        }
        self.delivered += 1;
        self.left = self.left.saturating_sub(1);
        Ok(raw)
    }

    /// Removes the consumer; the server would after some seconds, too.
    pub(crate) async fn close(self) {
        let request = format!("CONSUMER.DELETE.{STREAM}.{}", self.name);
        let deleted = self.live.api::<serde_json::Value>(&request, &json!({})).await;
        if let Err(error) = deleted {
            tracing::debug!(error = %error, "consumer of a replay not removed");
        }
    }
}
