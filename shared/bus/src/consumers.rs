//! How much the server has sent to consumers.

use serde::Deserialize;
use serde_json::json;

use crate::{ApiError, Bus, names::STREAM};

#[derive(Deserialize)]
struct WireList {
    #[serde(default)]
    consumers: Vec<WireConsumer>,
}

#[derive(Deserialize)]
struct WireConsumer {
    delivered: WireDelivered,
}

#[derive(Deserialize)]
struct WireDelivered {
    consumer_seq: u64,
}

impl Bus {
    /// Returns how many messages the stream's consumers were sent since they were created, as far
    /// as they exist still; of more than 256 consumers, the first.
    ///
    /// # Errors
    /// [`ApiError`] if there is no connection, no stream, or no answer.
    pub async fn deliveries(&self) -> Result<u64, ApiError> {
        let live = self.live_now("CONSUMER.LIST")?;
        let request = format!("CONSUMER.LIST.{STREAM}");
        let list: WireList = live.api(&request, &json!({})).await?;
        Ok(list.consumers.iter().map(|one| one.delivered.consumer_seq).sum())
    }
}
