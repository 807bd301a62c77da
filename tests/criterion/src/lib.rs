//! What the benches share: a stream of deliveries as the server holds it.

use fold::World;
use model::{Event, Position, Stored, StreamTime};
use serde_json::json;
use testing::Stream;

/// Services of the project; the runs of one wait for each other.
const SERVICES: [&str; 4] = ["carts", "catalogue", "orders", "payment"];

const SHIPYARD: &str = "
apiVersion: spec.keptn.sh/0.2.3
kind: Shipyard
spec:
  stages:
    - name: dev
      sequences:
        - name: delivery
          tasks: [{name: build}, {name: scan}, {name: deploy}, {name: check}, {name: sign}]
";

/// An event as the server holds it.
pub struct Message {
    position: Position,
    time: StreamTime,
    subject: String,
    json: String,
}

impl Message {
    /// Decodes it.
    pub fn stored(&self) -> Stored {
        let event = Event::from_json(self.json.as_bytes());
        Stored::new(self.position, self.time, &self.subject, event)
    }
}

/// Plays deliveries of five tasks each to their ends, and leaves as many open behind them.
pub fn history(ended: usize, open: usize) -> Vec<Message> {
    let mut stream = Stream::with_project(SHIPYARD, &SERVICES);
    for number in 0..ended {
        deliver(&mut stream, number);
        stream.play(|_| "pass");
    }
    for number in 0..open {
        deliver(&mut stream, number);
    }
    stream.events.iter().filter_map(message).collect()
}

fn deliver(stream: &mut Stream, number: usize) {
    let service = SERVICES[number % SERVICES.len()];
    let data = json!({"project": "p", "stage": "dev", "service": service, "labels": {"number": number}});
    stream.trigger("dev.delivery", data);
    stream.settle();
}

fn message(stored: &Stored) -> Option<Message> {
    let event = stored.body.as_ref().ok()?;
    let (position, time) = (stored.position, stored.time);
    Some(Message { position, time, subject: stored.subject.to_string(), json: event.to_json() })
}

/// Folds a stream from its beginning.
pub fn fold(messages: &[Message]) -> World {
    let mut world = World::default();
    for message in messages {
        world.apply(&message.stored());
    }
    world
}
