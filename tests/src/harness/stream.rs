//! The stream, followed from its first message: what happened, in order, and nothing else.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::Receiver;
use std::time::Instant;

use serde_json::{Value, json};

use super::event::Entry;
use super::nats_client::{Message, NatsClient};
use super::wait::{self, LIMIT};

/// Name of the stream.
const STREAM: &str = "keptn";

/// A reader of the stream and all that it has read.
pub struct Stream {
    client: NatsClient,
    live: Receiver<Message>,
    entries: Vec<Entry>,
}

impl Stream {
    /// Waits until a service has created the stream, and starts reading at its beginning.
    pub fn follow(port: u16) -> Self {
        static FOLLOWERS: AtomicU32 = AtomicU32::new(0);
        let client = NatsClient::connect(port).expect("NATS accepts a connection");
        let info = format!("$JS.API.STREAM.INFO.{STREAM}");
        wait::until("a service creates the stream", || {
            let answer = client.request(&info, b"")?;
            if answer["error"].is_null() { Ok(()) } else { Err(answer["error"].to_string()) }
        });
        // Of this follower alone: the consumer of an earlier one may have survived a restart of NATS.
        let number = FOLLOWERS.fetch_add(1, Ordering::Relaxed);
        let inbox = format!("_INBOX.stream.{}.{number}", std::process::id());
        let live = client.subscribe(&inbox);
        let consumer = json!({
            "stream_name": STREAM,
            "config": {
                "deliver_subject": inbox, "deliver_policy": "all",
                "ack_policy": "none", "replay_policy": "instant",
            },
        });
        let create = format!("$JS.API.CONSUMER.CREATE.{STREAM}");
        let answer = client.request(&create, consumer.to_string().as_bytes());
        let answer = answer.expect("JetStream answers");
        assert!(answer["error"].is_null(), "consumer of the test: {answer}");
        Self { client, live, entries: Vec::new() }
    }

    /// Returns the connection, for publishing.
    pub fn client(&self) -> &NatsClient {
        &self.client
    }

    /// Returns all that has been read; [`Stream::wait_for`] and [`Stream::read_to_end`] read on.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Reads all that is stored at this moment; returns the last position.
    #[track_caller]
    pub fn read_to_end(&mut self) -> u64 {
        let info = self.client.request(&format!("$JS.API.STREAM.INFO.{STREAM}"), b"");
        let info = info.expect("JetStream answers");
        let end = info["state"]["last_seq"].as_u64().expect("a stream has a last position");
        if end > 0 {
            self.wait_for("the end of the stream", |entry| entry.position == end);
        }
        end
    }

    /// Reads on until an entry fits, from the beginning; returns a copy of it.
    #[track_caller]
    pub fn wait_for(&mut self, what: &str, fits: impl Fn(&Entry) -> bool) -> Entry {
        self.wait_for_after(0, what, fits)
    }

    /// Reads on until an entry behind `position` fits; returns a copy of it.
    #[track_caller]
    pub fn wait_for_after(
        &mut self,
        position: u64,
        what: &str,
        fits: impl Fn(&Entry) -> bool,
    ) -> Entry {
        let deadline = Instant::now() + LIMIT;
        let mut looked = 0;
        loop {
            let unseen = self.entries.iter().skip(looked);
            let found = unseen.filter(|entry| entry.position > position).find(|entry| fits(entry));
            if let Some(entry) = found {
                return entry.clone();
            }
            looked = self.entries.len();
            let left = deadline.saturating_duration_since(Instant::now());
            match self.live.recv_timeout(left) {
                Ok(message) => self.entries.extend(entry(&message)),
                Err(error) => {
                    panic!("{what}: not within {LIMIT:?} ({error})\nstream:\n{}", self.tail())
                }
            }
        }
    }

    /// Reads on until the end of a run, and returns it.
    #[track_caller]
    pub fn wait_for_end(&mut self, context: &str, stage: &str) -> Entry {
        let end = format!("{stage}.artifact-delivery.finished");
        self.wait_for(&format!("{end} of {context}"), |entry| {
            entry.context() == context && entry.short() == end
        })
    }

    /// Returns the short types of the task events of one run, in the order of the stream.
    pub fn tasks(&self, context: &str, stage: &str) -> Vec<String> {
        let of_run = |entry: &&Entry| {
            entry.is_task() && entry.context() == context && entry.text("/stage") == stage
        };
        self.entries.iter().filter(of_run).map(|entry| entry.short().to_owned()).collect()
    }

    /// Returns the last events, one line each, for a failure message.
    pub fn tail(&self) -> String {
        const SHOWN: usize = 60;
        let from = self.entries.len().saturating_sub(SHOWN);
        let lines = self.entries.iter().skip(from).map(|entry| {
            let data = &entry.event["data"];
            let says = ["stage", "service", "status", "result", "message"];
            let says: Vec<&str> = says.iter().filter_map(|key| data[key].as_str()).collect();
            format!(
                "{:5} {} {} [{}]",
                entry.position,
                entry.context(),
                entry.short(),
                says.join(", ")
            )
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}

/// Reads an entry; `None` for a heartbeat or a status of the consumer.
fn entry(message: &Message) -> Option<Entry> {
    // $JS.ACK.<stream>.<consumer>.<deliveries>.<stream position>.<consumer position>.<time>.<left>
    let position = message.reply.split('.').nth(5)?.parse().ok()?;
    let event = serde_json::from_slice(&message.body).unwrap_or(Value::Null);
    Some(Entry { position, event })
}

#[test]
fn a_stream_is_read_from_its_beginning_and_then_live_over_a_restart_of_nats() {
    let mut nats = super::nats_server::NatsServer::start();
    let client = NatsClient::connect(nats.port()).expect("NATS accepts a connection");
    let stream = json!({"name": STREAM, "subjects": ["sh.keptn.>"], "storage": "file"});
    let created = client
        .request(&format!("$JS.API.STREAM.CREATE.{STREAM}"), stream.to_string().as_bytes())
        .expect("JetStream answers");
    assert!(created["error"].is_null(), "{created}");
    let publish = |client: &NatsClient, task: &str| {
        let subject = format!("sh.keptn.event.{task}.triggered");
        let event = json!({"type": subject, "shkeptncontext": "c", "data": {"stage": "dev"}});
        client.publish(&subject, event.to_string().as_bytes());
    };
    publish(&client, "a");
    let mut stream = Stream::follow(nats.port());
    publish(stream.client(), "b");
    stream.wait_for("b", |entry| entry.short() == "b.triggered");

    nats.kill();
    nats.restart();
    let mut stream = Stream::follow(nats.port());
    stream.client().publish("sh.keptn.event.c.triggered", b"no JSON");
    let last = stream.wait_for("what is no JSON", |entry| entry.event.is_null());
    assert_eq!(last.position, 3);
    assert_eq!(stream.tasks("c", "dev"), ["a.triggered", "b.triggered"]);
}
