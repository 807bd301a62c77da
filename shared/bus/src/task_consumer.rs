//! How an executor gets its tasks: a durable consumer per service and task, with one filter that
//! never changes. What is not acknowledged in time comes again.

use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, pull};
use bytes::Bytes;
use futures_util::StreamExt as _;
use model::Position;
use tokio::time::sleep;
use tracing::{debug, warn};

use crate::{ApiError, Bus, RawMessage, api::api_error, connection::Live, names::STREAM};

/// A delivery that nobody acknowledges comes again after this; whoever works on one says so more
/// often, see [`IN_PROGRESS_EVERY`].
pub(crate) const ACK_WAIT: Duration = Duration::from_secs(1);
/// How often a task in work is confirmed: three times before it would come again.
pub const IN_PROGRESS_EVERY: Duration = Duration::from_millis(300);
/// Tasks of one consumer that are in work at the same time; more wait in the stream.
const IN_WORK_MAX: i64 = 1_000;
/// Tasks that are fetched at once.
const BATCH_MAX: usize = 64;
/// How long a fetch waits at the server.
const FETCH_WAIT: Duration = Duration::from_secs(10);
/// How often the server says that there is nothing; two missed ones, and the consumer is made anew.
const HEARTBEAT: Duration = Duration::from_millis(500);
/// Pause before the consumer is opened again.
const AGAIN_PAUSE: Duration = Duration::from_millis(50);

/// Which tasks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskConsumerOptions {
    /// Name of the durable consumer, see [`crate::names::task_consumer`].
    pub name: String,
    /// The one subject.
    pub filter: String,
    /// First position, when the consumer is created; an existing one goes on where it stands.
    pub from: Position,
}

/// Tasks as they are delivered.
#[derive(Debug)]
pub struct TaskConsumer {
    bus: Bus,
    options: TaskConsumerOptions,
    open: Option<Open>,
}

struct Open {
    live: Live,
    messages: pull::Stream,
}

impl std::fmt::Debug for Open {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Open").field("connection", &self.live.number).finish_non_exhaustive()
    }
}

/// One delivery of a task. Dropped without a word, it comes again.
#[derive(Debug)]
pub struct Delivery {
    /// The event, undecoded.
    pub message: RawMessage,
    /// How often it was delivered, this time included.
    pub count: u64,
    live: Live,
    reply: async_nats::Subject,
}

impl Bus {
    /// Returns the tasks of a durable consumer; it is created at the first look.
    pub fn task_consumer(&self, options: TaskConsumerOptions) -> TaskConsumer {
        TaskConsumer { bus: self.clone(), options, open: None }
    }
}

impl TaskConsumer {
    /// Waits for the next delivery, over any number of breaks; never ends. Cancel-safe.
    pub async fn next(&mut self) -> Delivery {
        loop {
            let Some(open) = &mut self.open else {
                let live = self.bus.live().await;
                match open(&live, &self.options).await {
                    Ok(messages) => self.open = Some(Open { live, messages }),
                    Err(error) => {
                        sleep(AGAIN_PAUSE).await;
                        let consumer = &self.options.name;
                        // A connection that broke in the meantime is no news of this consumer.
                        if self.bus.is_connected() && self.bus.reconnects() == live.number {
                            warn!(consumer, error = %error, "tasks cannot be fetched yet");
                        } else {
                            debug!(consumer, error = %error, "tasks cannot be fetched yet");
                        }
                    }
                }
                continue;
            };
            match open.messages.next().await {
                Some(Ok(message)) => {
                    let reply = message.reply.clone();
                    let read = RawMessage::from_delivery(message.message);
                    if let (Some((raw, delivered)), Some(reply)) = (read, reply) {
                        let live = open.live.clone();
                        return Delivery { message: raw, count: delivered.count, live, reply };
                    }
                }
                Some(Err(error)) => {
                    debug!(consumer = self.options.name, error = %error, "fetching tasks again");
                    self.open = None;
                    sleep(AGAIN_PAUSE).await;
                }
                None => self.open = None,
            }
        }
    }
}

async fn open(live: &Live, options: &TaskConsumerOptions) -> Result<pull::Stream, ApiError> {
    let request = format!("CONSUMER.CREATE.{STREAM}.{}", options.name);
    let broken = || api_error(&request, async_nats::RequestErrorKind::Other);
    let refused =
        |description: String| ApiError::Refused { request: request.clone(), code: 0, description };
    let config = pull::Config {
        durable_name: Some(options.name.clone()),
        filter_subject: options.filter.clone(),
        deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: options.from.max(1) },
        ack_policy: AckPolicy::Explicit,
        ack_wait: ACK_WAIT,
        max_deliver: -1,
        max_ack_pending: IN_WORK_MAX,
        ..pull::Config::default()
    };
    let found = live.jetstream.get_consumer_from_stream(&options.name, STREAM).await;
    let consumer: async_nats::jetstream::consumer::Consumer<pull::Config> = match found {
        Ok(consumer) => consumer,
        Err(_) => live
            .jetstream
            .create_consumer_on_stream(config, STREAM)
            .await
            .map_err(|error| refused(error.to_string()))?,
    };
    if consumer.cached_info().config.filter_subject != options.filter {
        return Err(refused("its filter is another one, and must never change".to_owned()));
    }
    consumer
        .stream()
        .max_messages_per_batch(BATCH_MAX)
        .expires(FETCH_WAIT)
        .heartbeat(HEARTBEAT)
        .messages()
        .await
        .map_err(|_| broken())
}

impl Delivery {
    /// Says that it is being worked on: it does not come again for another second.
    ///
    /// # Errors
    /// [`ApiError::Disconnected`] if the connection it came over is gone.
    pub async fn in_progress(&self) -> Result<(), ApiError> {
        self.say(Bytes::from_static(b"+WPI")).await
    }

    /// Says that it is done.
    ///
    /// # Errors
    /// [`ApiError::Disconnected`]; it comes again then.
    pub async fn ack(self) -> Result<(), ApiError> {
        self.say(Bytes::from_static(b"+ACK")).await
    }

    /// Says that it is to come again after `delay`.
    ///
    /// # Errors
    /// [`ApiError::Disconnected`]; it comes again sooner then.
    pub async fn nak(self, delay: Duration) -> Result<(), ApiError> {
        let body = format!("-NAK {{\"delay\": {}}}", delay.as_nanos());
        self.say(Bytes::from(body)).await
    }

    /// Says that it must never come again.
    ///
    /// # Errors
    /// [`ApiError::Disconnected`]; it comes again then.
    pub async fn term(self) -> Result<(), ApiError> {
        self.say(Bytes::from_static(b"+TERM")).await
    }

    async fn say(&self, word: Bytes) -> Result<(), ApiError> {
        self.live
            .client
            .publish(self.reply.clone(), word)
            .await
            .map_err(|_| ApiError::Disconnected { request: "acknowledgement".to_owned() })
    }
}
