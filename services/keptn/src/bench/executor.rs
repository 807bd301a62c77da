//! An executor without work: `started` and `finished` for each task, at once.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use bus::{Bus, Delivery, Outgoing, Publisher, TaskConsumerOptions, names};
use futures_util::{StreamExt as _, future::try_join, stream::FuturesUnordered};
use model::{DerivedId, Event, EventType, Kind, Payload, StreamTime, TaskName};
use serde_json::{Map, Value};

use super::{
    load::{Answered, DELIVERY_TASKS, TASKS},
    part::{Orders, answer, outgoing, say},
    quantiles::{KEPT_MAX, Quantiles},
};
use crate::failure::Failure;

/// Name of the executor, and of its durable consumer.
const NAME: &str = "bench-executor";
/// Tasks that are answered side by side.
const SIDE_BY_SIDE_MAX: usize = 1_000;
/// Members of a task that its answers repeat.
const ECHOED: [&str; 4] = ["project", "stage", "service", "labels"];

/// Answers tasks, those of a bracket, too; for each order it tells how it went with those of the load
/// since the one before.
///
/// # Errors
/// [`Failure`] if an answer can never be stored.
pub(super) async fn run(bus: &Bus, mut orders: Orders) -> Result<(), Failure> {
    let mut tasks = bus.task_consumer(TaskConsumerOptions {
        name: NAME.to_owned(),
        filter: names::task_triggered("*"),
        from: 1,
    });
    let publisher = bus.publisher();
    let mut pace = Pace::default();
    let mut works = FuturesUnordered::new();
    loop {
        tokio::select! {
            Some(done) = works.next(), if !works.is_empty() => done?,
            delivery = tasks.next(), if works.len() < SIDE_BY_SIDE_MAX => {
                let arrived = Instant::now();
                let Ok(event) = delivery.message.event() else { continue };
                pace.arrived(&event, arrived);
                works.push(work(publisher.clone(), delivery, event, bus.server_now()));
            }
            line = orders.next_line() => match line {
                Ok(Some(_)) => answer(&pace.told())?,
                Ok(None) | Err(_) => return Ok(()),
            },
        }
    }
}

/// When sequences were answered last.
#[derive(Debug, Default)]
struct Pace {
    /// Moment at which the last task of a sequence was answered.
    answered: HashMap<String, Instant>,
    gaps: Vec<Duration>,
    tasks: u64,
}

impl Pace {
    fn arrived(&mut self, event: &Event, at: Instant) {
        let Some(number) = number(event) else { return };
        let Some(context) = &event.context else { return };
        self.tasks += 1;
        let before = if number + 1 == TASKS.len() {
            self.answered.remove(context.as_str())
        } else {
            // The answer follows in the same turn.
            self.answered.insert(context.to_string(), at)
        };
        if number > 0
            && self.gaps.len() < KEPT_MAX
            && let Some(before) = before
        {
            self.gaps.push(at.duration_since(before));
        }
    }

    fn told(&mut self) -> Answered {
        let told = Answered { tasks: self.tasks, gap: Quantiles::of(&mut self.gaps) };
        (self.tasks, self.gaps) = (0, Vec::new());
        told
    }
}

/// Returns which task of the load it is.
fn number(event: &Event) -> Option<usize> {
    let EventType::Task(name, Kind::Triggered) = &event.event_type else { return None };
    TASKS.iter().position(|task| *task == name.as_str())
}

async fn work(
    publisher: Publisher,
    delivery: Delivery,
    event: Event,
    now: StreamTime,
) -> Result<(), Failure> {
    if let EventType::Task(name, Kind::Triggered) = &event.event_type
        && (number(&event).is_some() || DELIVERY_TASKS.contains(&name.as_str()))
    {
        let [started, finished] = answers((&event, name), now);
        try_join(say(&publisher, started), say(&publisher, finished)).await?;
    }
    // Without it the task comes again, and its answers are stored once all the same.
    drop(delivery.ack().await);
    Ok(())
}

/// Returns `started` and `finished`.
fn answers(task: (&Event, &TaskName), now: StreamTime) -> [Outgoing; 2] {
    let mut data: Map<String, Value> = task.0.data.to_map();
    data.retain(|member, _| ECHOED.contains(&member.as_str()));
    let text = |text: &str| Value::String(text.to_owned());
    data.insert("status".to_owned(), text("succeeded"));
    let started = said(task, Kind::Started, &data, now);
    data.insert("result".to_owned(), text("pass"));
    data.insert("message".to_owned(), text(""));
    [started, said(task, Kind::Finished, &data, now)]
}

fn said(
    (task, name): (&Event, &TaskName),
    kind: Kind,
    data: &Map<String, Value>,
    now: StreamTime,
) -> Outgoing {
    let id = DerivedId::of(&[task.id.as_str(), NAME, kind.as_str()]).event_id();
    let event_type = EventType::Task(name.clone(), kind);
    let mut event = Event::new(id, NAME, event_type, Payload::from_map(data));
    event.time = Some(now.to_string().into());
    event.context.clone_from(&task.context);
    event.triggered_id = Some(task.id.clone());
    event.traceparent.clone_from(&task.traceparent);
    outgoing(&event)
}
