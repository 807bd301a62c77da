//! The closed loop: as many sequences open as there are to be, and another one for each that ends.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use bus::{Bus, Outgoing, Publisher, Read, ReadFrom, Reader, ReaderOptions};
use futures_util::{StreamExt as _, stream::FuturesUnordered};
use model::{
    KeptnContext,
    wire::{self, Request, Trigger},
};
use serde::Deserialize;
use serde_json::Map;
use tokio::time::timeout;

use super::{
    load::{Driven, Load, PROJECT, SEQUENCE, STAGE, service},
    part::{Orders, answer, outgoing, say},
    quantiles::Quantiles,
};
use crate::{failure::Failure, stamp};

/// Longest time in which no sequence ends; then something is wrong.
const STANDSTILL_MAX: Duration = Duration::from_mins(1);

/// What is read of the end of a sequence.
#[derive(Deserialize)]
struct Ended<'a> {
    shkeptncontext: &'a str,
    data: EndedData<'a>,
}

#[derive(Deserialize)]
struct EndedData<'a> {
    result: Option<&'a str>,
}

/// A sequence that has not ended.
struct Open {
    service: u64,
    since: Instant,
}

/// Runs each load that it is told, and tells how long it took.
///
/// # Errors
/// [`Failure`] if a sequence does not pass, or none ends for a minute.
pub(super) async fn run(bus: &Bus, mut orders: Orders) -> Result<(), Failure> {
    let unread = |error: std::io::Error| Failure::usage(format!("an order is unreadable: {error}"));
    let end = bus.stream_end().await.map_err(|error| Failure::unreachable(error.to_string()))?;
    let reader = bus.reader(ReaderOptions {
        filters: vec![format!("sh.keptn.event.{STAGE}.{SEQUENCE}.finished")],
        from: ReadFrom::Position(end + 1),
    });
    let mut driver = Driver { publisher: bus.publisher(), reader, open: HashMap::new() };
    while let Some(line) = orders.next_line().await.map_err(unread)? {
        let load: Load = serde_json::from_str(&line)
            .map_err(|error| Failure::usage(format!("an order must be a load: {error}")))?;
        answer(&driver.drive(load).await?)?;
    }
    Ok(())
}

struct Driver {
    publisher: Publisher,
    reader: Reader,
    open: HashMap<String, Open>,
}

impl Driver {
    async fn drive(&mut self, load: Load) -> Result<Driven, Failure> {
        let mut free: Vec<u64> = (0..load.concurrency.min(load.sequences)).rev().collect();
        let mut saying = FuturesUnordered::new();
        let mut took = Vec::new();
        let (begun, mut said) = (Instant::now(), 0);
        while (took.len() as u64) < load.sequences {
            while said < load.sequences
                && let Some(number) = free.pop()
            {
                let outgoing = self.trigger(number)?;
                let publisher = self.publisher.clone();
                saying.push(async move { say(&publisher, outgoing).await });
                said += 1;
            }
            let next = async {
                tokio::select! {
                    Some(stored) = saying.next(), if !saying.is_empty() => stored.map(|()| None),
                    read = self.reader.next() => Ok(Some(read)),
                }
            };
            let next = timeout(STANDSTILL_MAX, next).await.map_err(|_| stands_still())??;
            if let Some(ended) = next.map(|read| self.ended(&read)).transpose()?.flatten() {
                free.push(ended.service);
                took.push(ended.since.elapsed());
            }
        }
        Ok(Driven { elapsed: begun.elapsed(), sequence: Quantiles::of(&mut took) })
    }

    fn trigger(&mut self, number: u64) -> Result<Outgoing, Failure> {
        let trigger = trigger(SEQUENCE, &service(number))?;
        let id = stamp::new_id()?;
        let context = KeptnContext::of_trigger(&id);
        let event = wire::trigger(&trigger, &context, stamp::stamp_of(id));
        self.open.insert(context.to_string(), Open { service: number, since: Instant::now() });
        Ok(outgoing(&event))
    }

    /// Returns the sequence that has ended, if it is one of ours.
    fn ended(&mut self, read: &Read) -> Result<Option<Open>, Failure> {
        Ok(passed(read)?.and_then(|context| self.open.remove(context)))
    }
}

/// Returns the context of a sequence that has ended, if it is that what was read.
///
/// # Errors
/// [`Failure`] if it did not pass.
pub(super) fn passed(read: &Read) -> Result<Option<&str>, Failure> {
    let Read::Message(message) = read else { return Ok(None) };
    let ended: Ended<'_> = serde_json::from_slice(message.payload())
        .map_err(|error| Failure::usage(format!("the end of a sequence: {error}")))?;
    match ended.data.result {
        Some("pass") => Ok(Some(ended.shkeptncontext)),
        other => Err(Failure::refused(format!(
            "every sequence must pass, one ended with `{}`",
            other.unwrap_or_default()
        ))),
    }
}

/// Returns the trigger of a sequence for a service.
///
/// # Errors
/// [`Failure`] if a name is none.
pub(super) fn trigger(sequence: &str, service: &str) -> Result<Trigger, Failure> {
    let wrong = |error: model::InvalidName| Failure::usage(error.to_string());
    Ok(Trigger {
        project: PROJECT.parse().map_err(wrong)?,
        stage: STAGE.parse().map_err(wrong)?,
        sequence: sequence.parse().map_err(wrong)?,
        request: Request::Service {
            service: service.parse().map_err(wrong)?,
            artifact: None,
            values: Map::new(),
        },
        labels: Map::new(),
        data: Map::new(),
        git_commit_id: None,
    })
}

fn stands_still() -> Failure {
    let secs = STANDSTILL_MAX.as_secs();
    Failure::unreachable(format!("a sequence must end within {secs} s, none did"))
}
