//! Takes back what was made on a server for a measurement.

use serde_json::{Value, json};

use crate::{
    ApiError, Bus,
    api::CODE_STREAM_NOT_FOUND,
    names::{COMPONENTS, LEASE_BUCKET, STREAM, snapshot_bucket},
};

impl Bus {
    /// Returns whether the stream is there.
    ///
    /// # Errors
    /// [`ApiError`] if there is no connection or no answer.
    pub async fn has_stream(&self) -> Result<bool, ApiError> {
        match self.stream_info().await {
            Ok(_) => Ok(true),
            Err(error) if error.code() == Some(CODE_STREAM_NOT_FOUND) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Removes the stream and all buckets of the components, with everything that they hold.
    ///
    /// # Errors
    /// [`ApiError`] if one is there and is not removed; the others may be.
    pub async fn remove_stream_and_buckets(&self) -> Result<(), ApiError> {
        let live = self.live_now("STREAM.DELETE")?;
        let snapshots = COMPONENTS.map(|one| format!("OBJ_{}", snapshot_bucket(one)));
        let others = [STREAM.to_owned(), format!("KV_{LEASE_BUCKET}")];
        for name in others.into_iter().chain(snapshots) {
            let removed = live.api::<Value>(&format!("STREAM.DELETE.{name}"), &json!({})).await;
            match removed {
                Ok(_) => {}
                Err(error) if error.code() == Some(CODE_STREAM_NOT_FOUND) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
