//! The bare loop of NATS in the place of the controller: two durable consumers with acknowledgements,
//! one message out for each that comes in, no state, no check, no message ids. What it writes is as
//! large as what the controller writes.

use std::borrow::Cow;

use bus::{Bus, Delivery, Publisher, TaskConsumer, TaskConsumerOptions};
use futures_util::{StreamExt as _, stream::FuturesUnordered};
use model::DerivedId;
use serde::{Deserialize, Serialize};

use super::{
    load::{PROJECT, SEQUENCE, STAGE, TASKS},
    part::Orders,
};
use crate::failure::Failure;

/// Messages that are handled side by side, as by the executor.
const SIDE_BY_SIDE_MAX: usize = 1_000;
/// Bytes that bring a message to the mean size of the controller's; the results show both sizes.
const PAD_BYTES: usize = 392;

/// What is read of a message.
#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    shkeptncontext: Cow<'a, str>,
    #[serde(borrow)]
    data: HeadData<'a>,
}

#[derive(Deserialize)]
struct HeadData<'a> {
    #[serde(borrow)]
    service: Cow<'a, str>,
}

/// What is written.
#[derive(Serialize)]
struct Message<'a> {
    specversion: &'a str,
    id: &'a str,
    source: &'a str,
    r#type: &'a str,
    datacontenttype: &'a str,
    shkeptncontext: &'a str,
    triggeredid: &'a str,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    project: &'a str,
    stage: &'a str,
    service: &'a str,
    status: &'a str,
    result: &'a str,
    pad: &'a str,
}

/// Answers sequences and tasks until standard input ends.
///
/// # Errors
/// [`Failure`] if something can never be stored.
pub(super) async fn run(bus: &Bus, mut orders: Orders) -> Result<(), Failure> {
    let consumer = |name: &str, filter: String| -> TaskConsumer {
        bus.task_consumer(TaskConsumerOptions { name: name.to_owned(), filter, from: 1 })
    };
    let triggered = format!("sh.keptn.event.{STAGE}.*.triggered");
    let mut sequences = consumer("bench-floor-sequences", triggered);
    let mut tasks = consumer("bench-floor-tasks", "sh.keptn.event.*.finished".to_owned());
    let floor = Floor { publisher: bus.publisher(), pad: "x".repeat(PAD_BYTES) };
    let mut works = FuturesUnordered::new();
    loop {
        let has_room = works.len() < SIDE_BY_SIDE_MAX;
        tokio::select! {
            Some(done) = works.next(), if !works.is_empty() => { let (): () = done?; }
            delivery = sequences.next(), if has_room => works.push(floor.answer(delivery)),
            delivery = tasks.next(), if has_room => works.push(floor.answer(delivery)),
            line = orders.next_line() => match line {
                Ok(Some(_)) => {}
                Ok(None) | Err(_) => return Ok(()),
            },
        }
    }
}

struct Floor {
    publisher: Publisher,
    pad: String,
}

impl Floor {
    async fn answer(&self, delivery: Delivery) -> Result<(), Failure> {
        let Some((subject, event_json)) = self.next(&delivery) else { return Ok(()) };
        let stored = self.publisher.publish_anonymous(subject, event_json).await;
        // Without an acknowledgement the message comes again.
        if stored.is_ok() {
            drop(delivery.ack().await);
        }
        Ok(())
    }

    /// Returns what follows a message.
    fn next(&self, delivery: &Delivery) -> Option<(String, String)> {
        let message = &delivery.message;
        let head: Head<'_> = serde_json::from_slice(message.payload()).ok()?;
        let task = message.subject().strip_prefix("sh.keptn.event.")?;
        let task = task.strip_suffix(".finished");
        let next = match task {
            None => TASKS.first(),
            Some(task) => TASKS.iter().skip_while(|one| **one != task).nth(1),
        };
        let subject = match next {
            Some(task) => format!("sh.keptn.event.{task}.triggered"),
            None => format!("sh.keptn.event.{STAGE}.{SEQUENCE}.finished"),
        };
        let id = DerivedId::of(&[&head.id, &subject]).to_string();
        let (project, stage, service) = (PROJECT, STAGE, &*head.data.service);
        let data =
            Data { project, stage, service, status: "succeeded", result: "pass", pad: &self.pad };
        let next = Message {
            specversion: "1.0",
            id: &id,
            source: "bench-floor",
            r#type: &subject,
            datacontenttype: "application/json",
            shkeptncontext: &head.shkeptncontext,
            triggeredid: &head.id,
            data,
        };
        let event_json = serde_json::to_string(&next).ok()?;
        Some((subject, event_json))
    }
}
