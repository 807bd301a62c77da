//! A bracket, many services that one sequence delivers together, and the part that always has one
//! under way.

use std::{ops::Range, time::Duration};

use bus::{Bus, Publisher, ReadFrom, Reader, ReaderOptions};
use model::{
    Event, InvalidName, KeptnContext,
    wire::{self, Request, Trigger},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tokio::time::timeout;

use super::{
    driver::passed,
    load::{DELIVERY, FIRST_OTHER, PROJECT, STAGE, service},
    part::{Orders, answer, outgoing, say},
};
use crate::{failure::Failure, stamp};

/// Services of a bracket.
pub(crate) const SERVICES: u64 = 50;
/// Longest time until a bracket has ended; then something is wrong.
const STANDSTILL_MAX: Duration = Duration::from_mins(1);

/// What the part is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Order {
    /// Services of each bracket from now on.
    pub(crate) services: u64,
}

/// Returns the numbers of the services that the part delivers; the load uses none of them.
pub(crate) const fn of_the_part(services: u64) -> Range<u64> {
    FIRST_OTHER..FIRST_OTHER + services
}

/// What the part tells since it was asked last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Bracketed {
    /// Brackets that have ended.
    pub(crate) brackets: u64,
}

/// Triggers a bracket at the first order, and the next one as soon as one has ended, until standard
/// input ends; for each order it tells how many have ended.
///
/// # Errors
/// [`Failure`] if a bracket does not pass, or does not end for a minute.
pub(super) async fn run(bus: &Bus, mut orders: Orders) -> Result<(), Failure> {
    let end = bus.stream_end().await.map_err(|error| Failure::unreachable(error.to_string()))?;
    let reader = bus.reader(ReaderOptions {
        filters: vec![format!("sh.keptn.event.{STAGE}.{DELIVERY}.finished")],
        from: ReadFrom::Position(end + 1),
    });
    let Some(order) = next_order(&mut orders).await? else { return Ok(()) };
    let publisher = bus.publisher();
    let mut brackets = Brackets { publisher, reader, services: order.services, begun: 0, ended: 0 };
    let mut open = brackets.trigger().await?;
    answer(&brackets.told())?;
    loop {
        tokio::select! {
            read = timeout(STANDSTILL_MAX, brackets.reader.next()) => {
                let read = read.map_err(|_| stands_still())?;
                if passed(&read)? == Some(open.as_str()) {
                    brackets.ended += 1;
                    open = brackets.trigger().await?;
                }
            }
            order = next_order(&mut orders) => match order? {
                Some(Order { services }) => {
                    brackets.services = services;
                    answer(&brackets.told())?;
                }
                None => return Ok(()),
            },
        }
    }
}

/// Returns the next order; none when there are no more.
async fn next_order(orders: &mut Orders) -> Result<Option<Order>, Failure> {
    let Ok(Some(line)) = orders.next_line().await else { return Ok(None) };
    let order = serde_json::from_str(&line);
    order.map(Some).map_err(|error| Failure::usage(format!("an order must be readable: {error}")))
}

struct Brackets {
    publisher: Publisher,
    reader: Reader,
    services: u64,
    begun: u64,
    ended: u64,
}

impl Brackets {
    /// Triggers the next bracket, each with artifacts of its own; returns its context.
    async fn trigger(&mut self) -> Result<KeptnContext, Failure> {
        self.begun += 1;
        let event = trigger((PROJECT, STAGE), of_the_part(self.services), self.begun)?;
        say(&self.publisher, outgoing(&event)).await?;
        Ok(KeptnContext::of_trigger(&event.id))
    }

    fn told(&mut self) -> Bracketed {
        Bracketed { brackets: std::mem::take(&mut self.ended) }
    }
}

/// Returns the trigger of a bracket: services of these numbers, each with an artifact of a version.
///
/// # Errors
/// [`Failure`] if a name is none.
pub(super) fn trigger(
    (project, stage): (&str, &str),
    services: Range<u64>,
    version: u64,
) -> Result<Event, Failure> {
    let wrong = |error: InvalidName| Failure::usage(error.to_string());
    let members: Map<String, Value> = services.map(|number| member(number, version)).collect();
    let mut data = Map::new();
    data.insert("services".to_owned(), Value::Object(members));
    let trigger = Trigger {
        project: project.parse().map_err(wrong)?,
        stage: stage.parse().map_err(wrong)?,
        sequence: DELIVERY.parse().map_err(wrong)?,
        // The services stand in the data, each with its artifact.
        request: Request::Sync { from: None, services: Vec::new() },
        labels: Map::new(),
        data,
        git_commit_id: None,
    };
    let id = stamp::new_id()?;
    let context = KeptnContext::of_trigger(&id);
    Ok(wire::trigger(&trigger, &context, stamp::stamp_of(id)))
}

fn member(number: u64, version: u64) -> (String, Value) {
    let name = service(number);
    let image = format!("registry.example/bench/{name}:1.{version}");
    (name, json!({"values": {"image": image}}))
}

fn stands_still() -> Failure {
    let secs = STANDSTILL_MAX.as_secs();
    Failure::unreachable(format!("a bracket must end within {secs} s, did not"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bracket_names_each_service_with_its_artifact() {
        let event = trigger((PROJECT, STAGE), of_the_part(SERVICES), 7).unwrap();
        assert_eq!(event.event_type.to_string(), "sh.keptn.event.bench.delivery.triggered");
        let data = event.data.to_map();
        let services = data["services"].as_object().unwrap();
        assert_eq!(services.len(), 50);
        let image = &services["service-1000"]["values"]["image"];
        assert_eq!(image, "registry.example/bench/service-1000:1.7");
        assert!(!data.contains_key("service") && !data.contains_key("sync"));
    }
}
