//! The bus against real servers, one for each test.
#![cfg(test)]
#![expect(clippy::print_stdout, reason = "measured times are shown with `--nocapture`")]

mod buckets;
mod connecting;
mod groups;
mod publishing;
mod reading;
mod requests;
mod tasks;

use std::{future::Future, time::Duration};

use bus::{
    Bus, Outgoing, PublishAck, PublishError, RawMessage, Read, ReadFrom, Reader, ReaderOptions,
    StreamSettings, test_server::TestServer,
};

/// Bound of every wait in these tests.
const LIMIT: Duration = Duration::from_secs(10);

/// Waits for what must come, and fails when it does not.
async fn soon<T>(what: &str, wait: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, wait).await.unwrap_or_else(|_| panic!("no {what} in {LIMIT:?}"))
}

/// A server with the stream, and a bus to it.
async fn stream() -> (TestServer, Bus) {
    let server = TestServer::start().await.unwrap();
    let bus = server.bus().await.unwrap();
    bus.ensure_stream(&StreamSettings::default()).await.unwrap();
    (server, bus)
}

fn event(id: &str, task: &str) -> Outgoing {
    let subject = format!("sh.keptn.event.{task}.triggered");
    Outgoing {
        event_json: format!(
            r#"{{"specversion":"1.0","id":"{id}","source":"test","type":"{subject}","data":{{}}}}"#
        ),
        subject,
        message_id: id.to_owned(),
        expected_last_subject_sequence: None,
    }
}

async fn publish(bus: &Bus, outgoing: Outgoing) -> Result<PublishAck, PublishError> {
    soon("acknowledgement", bus.publisher().publish(outgoing)).await
}

/// Publishes until it is stored, as services do after a break.
async fn publish_surely(bus: &Bus, outgoing: Outgoing) -> PublishAck {
    let publisher = bus.publisher();
    soon("acknowledgement", async {
        loop {
            match publisher.publish(outgoing.clone()).await {
                Ok(ack) => return ack,
                Err(error) if error.retryable() => tokio::task::yield_now().await,
                Err(error) => panic!("{error}"),
            }
        }
    })
    .await
}

fn read_all(bus: &Bus) -> Reader {
    bus.reader(ReaderOptions { filters: Vec::new(), from: ReadFrom::Beginning })
}

/// Takes the next message and returns its position and the id of its event.
async fn next_message(reader: &mut Reader) -> (u64, String) {
    let message = next_raw(reader).await;
    (message.position, message.event().unwrap().id.as_str().to_owned())
}

/// Takes the next message.
async fn next_raw(reader: &mut Reader) -> RawMessage {
    soon("message", async {
        loop {
            match reader.next().await {
                Read::Message(message) => return message,
                Read::CaughtUp => {}
                Read::Replaced => panic!("replaced"),
            }
        }
    })
    .await
}

/// Reads to the end that the reader found, and returns the ids on the way.
async fn catch_up(reader: &mut Reader) -> Vec<String> {
    soon("catching up", async {
        let mut ids = Vec::new();
        loop {
            match reader.next().await {
                Read::Message(message) => ids.push(message.event().unwrap().id.as_str().to_owned()),
                Read::CaughtUp => return ids,
                Read::Replaced => panic!("replaced"),
            }
        }
    })
    .await
}
