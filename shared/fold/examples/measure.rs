//! Measures the pure fold: events per second, what a snapshot costs on the path of an event, and
//! how large it is. `cargo run --release -p fold --example measure -- 10000`

use std::{
    io::{Write as _, stdout},
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use fold::{Owes as _, Waits, World};
use model::{Event, EventId, EventType, Payload, Stored, StreamTime};
use serde_json::{Value, json};

/// Sequences that are open at the same time when the command line names no number.
const OPEN: usize = 10_000;
/// Events that are applied while a copy for a snapshot is alive.
const WATCHED: usize = 20_000;

const SHIPYARD: &str = "
apiVersion: spec.keptn.sh/0.2.3
kind: Shipyard
spec:
  stages:
    - name: dev
      sequences:
        - name: delivery
          tasks: [{name: a}, {name: b}, {name: c}, {name: d}, {name: e}]
";

#[derive(Default)]
struct Bench {
    world: World,
    catalog: fold::Catalog,
    position: u64,
    said: u64,
    worst: Duration,
}

impl Bench {
    fn store(&mut self, event: &Event) {
        self.position += 1;
        let time = StreamTime::from_nanos(i64::try_from(self.position).unwrap_or(0) * 1_000);
        let json = event.to_json();
        let subject = event.event_type.to_string();
        let began = Instant::now();
        let stored = Stored::new(self.position, time, &subject, Event::from_json(json.as_bytes()));
        self.world.apply(&stored);
        self.worst = self.worst.max(began.elapsed());
        if subject.contains(".project.") || subject.contains(".service.") {
            self.catalog.apply(&stored);
        }
    }

    fn make(&self, kind: &str, data: &Value) -> Option<Event> {
        let id = EventId::new(&format!("e{}", self.position)).ok()?;
        let kind = EventType::parse(&format!("sh.keptn.event.{kind}")).ok()?;
        Some(Event::new(id, "executor", kind, Payload::from_map(data.as_object()?)))
    }

    fn say(&mut self, kind: &str, data: &Value) {
        if let Some(event) = self.make(kind, data) {
            self.store(&event);
        }
    }

    /// Stores everything that is owed; returns the tasks among it.
    fn settle(&mut self) -> Vec<Event> {
        let mut tasks = Vec::new();
        for owed in self.catalog.owed_after(0) {
            if let Some(event) = self.catalog.event(&owed, Waits::default()) {
                self.store(&event);
            }
        }
        for owed in self.world.owed_after(self.said) {
            self.said = owed.number;
            if let Some(event) = self.world.event(&owed, Waits::default()) {
                self.store(&event);
                if matches!(event.event_type, EventType::Task(_, _)) {
                    tasks.push(event);
                }
            }
        }
        tasks
    }

    fn answer(&mut self, task: &Event, kind: &str) {
        let name = task.event_type.to_string().replace("triggered", kind);
        let name = name.trim_start_matches("sh.keptn.event.").to_owned();
        let data = json!({"project": "p", "stage": "dev", "status": "succeeded", "result": "pass", "message": ""});
        if let Some(mut event) = self.make(&name, &data) {
            event.context.clone_from(&task.context);
            event.triggered_id = Some(task.id.clone());
            self.store(&event);
        }
    }
}

fn main() -> std::io::Result<()> {
    let open = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(OPEN);
    let mut bench = Bench::default();
    let shipyard = BASE64.encode(SHIPYARD);
    bench.say("project.create.triggered", &json!({"project": "p", "shipyard": shipyard}));
    bench.settle();
    for n in 0..open {
        bench.say("service.create.triggered", &json!({"project": "p", "service": format!("s{n}")}));
        bench.settle();
    }
    let began = (Instant::now(), bench.position);
    let mut tasks = Vec::new();
    for n in 0..open {
        let image = json!({"values": {"image": format!("s{n}:1.0")}});
        let data =
            json!({"project": "p", "service": format!("s{n}"), "configurationChange": image});
        bench.say("dev.delivery.triggered", &data);
        tasks.extend(bench.settle());
    }
    report(
        "events folded per second, from JSON, while sequences open",
        rate(began, bench.position),
    )?;
    let began = Instant::now();
    let copy = bench.world.clone();
    report("copy for a snapshot, microseconds", began.elapsed().as_micros())?;
    let began = Instant::now();
    let bytes = postcard::to_allocvec(&copy).map_or(0, |bytes| bytes.len());
    report("writing a snapshot beside the loop, milliseconds", began.elapsed().as_millis())?;
    report("bytes of a snapshot per open sequence", bytes / open.max(1))?;
    bench.worst = Duration::ZERO;
    let began = (Instant::now(), bench.position);
    while usize::try_from(bench.position - began.1).unwrap_or(usize::MAX) < WATCHED
        && !tasks.is_empty()
    {
        let round = std::mem::take(&mut tasks);
        for task in round {
            bench.answer(&task, "started");
            bench.answer(&task, "finished");
            tasks.extend(bench.settle());
        }
    }
    report(
        "events folded per second, from JSON, while a copy is alive",
        rate(began, bench.position),
    )?;
    report("slowest event while a copy is alive, microseconds", bench.worst.as_micros())?;
    drop(copy);
    Ok(())
}

fn rate((began, from): (Instant, u64), to: u64) -> u128 {
    u128::from(to - from) * 1_000_000 / began.elapsed().as_micros().max(1)
}

fn report(what: &str, figure: impl std::fmt::Display) -> std::io::Result<()> {
    writeln!(stdout(), "{figure:>12}  {what}")
}
