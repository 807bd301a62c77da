//! Publishing as a client does that gives up nothing: until JetStream has acknowledged it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::nats_client::NatsClient;
use crate::harness::wait;

/// Who speaks.
pub const SOURCE: &str = "load";
/// Pause before an event is said again.
const PAUSE: Duration = Duration::from_millis(20);

/// A publisher that connects again whenever it must.
pub struct Publisher {
    port: u16,
    client: Option<NatsClient>,
    /// Position and id of every event that was acknowledged.
    pub acknowledged: Vec<(u64, String)>,
}

/// Returns an event; its id is its context unless `id` says another one.
pub fn event(kind: &str, context: &str, id: &str, data: &Value) -> Value {
    json!({
        "specversion": "1.0", "id": id, "source": SOURCE, "shkeptncontext": context,
        "type": format!("sh.keptn.event.{kind}"), "data": data,
    })
}

impl Publisher {
    /// Begins without a connection.
    pub fn new(port: u16) -> Self {
        Self { port, client: None, acknowledged: Vec::new() }
    }

    /// Says an event until it is acknowledged, and returns its position; `None` if told to stop.
    pub fn say(&mut self, event: &Value, stop: &AtomicBool) -> Option<u64> {
        let subject = event["type"].as_str().unwrap_or_default().to_owned();
        let id = event["id"].as_str().unwrap_or_default().to_owned();
        let body = event.to_string();
        while !stop.load(Ordering::Relaxed) {
            if let Ok(position) = self.try_once(&subject, body.as_bytes()) {
                self.acknowledged.push((position, id));
                return Some(position);
            }
            wait::pass(PAUSE);
        }
        None
    }

    /// Says something once.
    ///
    /// # Errors
    ///
    /// It was not acknowledged; the text says why. It may be stored all the same.
    pub fn try_once(&mut self, subject: &str, body: &[u8]) -> Result<u64, String> {
        if self.client.is_none() {
            let client = NatsClient::connect(self.port).map_err(|error| error.to_string())?;
            self.client = Some(client);
        }
        let Some(client) = &self.client else { return Err("no connection".to_owned()) };
        let answer = match client.request(subject, body) {
            Ok(answer) => answer,
            Err(error) => {
                self.client = None;
                return Err(error);
            }
        };
        // A refusal has a position, too: 0.
        if !answer["error"].is_null() {
            return Err(answer["error"].to_string());
        }
        answer["seq"].as_u64().ok_or_else(|| format!("no position in {answer}"))
    }
}
