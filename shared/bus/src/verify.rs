//! Says whether the stream is still the one that was read.

use crate::{
    ApiError, Bus, Mark, StreamInfo, api::CODE_STREAM_NOT_FOUND, connection::Live,
    direct::digest_at,
};

/// Returns why the stream is not the one in which `mark` was read; none if it is.
pub(crate) async fn difference(
    live: &Live,
    info: &StreamInfo,
    mark: &Mark,
) -> Result<Option<&'static str>, ApiError> {
    if info.created != mark.stream_created {
        return Ok(Some("it was created at another time"));
    }
    if info.last < mark.position {
        return Ok(Some("its end is before our position"));
    }
    Ok(match digest_at(live, mark.position).await? {
        Some(found) if found == mark.digest => None,
        Some(_) => Some("another message stands at our position"),
        // Trimmed up to our position: nothing behind it is missing.
        None if info.first == mark.position + 1 => None,
        None => Some("no message stands at our position"),
    })
}

impl Bus {
    /// Returns why the stream is not the one in which `mark` was read; none if it is.
    ///
    /// # Errors
    /// [`ApiError`] if that cannot be found out now.
    pub async fn difference(
        &self,
        info: &StreamInfo,
        mark: &Mark,
    ) -> Result<Option<&'static str>, ApiError> {
        difference(&self.live_now("STREAM.MSG.GET")?, info, mark).await
    }

    /// Returns what the server says about the stream; one that is missing is created as the last
    /// [`Bus::ensure_stream`] said.
    ///
    /// # Errors
    /// [`ApiError`] as [`Bus::ensure_stream`].
    pub async fn stream_info_or_create(&self) -> Result<StreamInfo, ApiError> {
        let live = self.live_now("STREAM.INFO")?;
        match self.stream_info_on(&live).await {
            Err(error) if error.code() == Some(CODE_STREAM_NOT_FOUND) => {
                self.ensure_stream_on(&live).await
            }
            info => info,
        }
    }
}
