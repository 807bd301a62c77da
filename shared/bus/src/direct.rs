//! Single messages of the stream, read by position or by subject without a consumer.

use std::sync::Arc;

use async_nats::{HeaderMap, Message, StatusCode};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use model::{Position, StreamTime};
use serde::Deserialize;
use serde_json::json;

use crate::{
    ApiError, Bus, Digest, RawMessage,
    api::{API_WAIT, CODE_NO_MESSAGE, api_error},
    connection::Live,
    names::STREAM,
};

/// Single messages that are asked for at the same time; a page of a list is about as long.
const AT_ONCE_MAX: usize = 64;

impl Bus {
    /// Returns the message at a position; none if it is not stored (any more).
    ///
    /// # Errors
    /// [`ApiError`] if there is no connection or no answer.
    pub async fn message_at(&self, position: Position) -> Result<Option<RawMessage>, ApiError> {
        message_at(&self.live_now("DIRECT.GET")?, position).await
    }

    /// Returns the messages at these positions, in this order, without those that are not stored.
    ///
    /// # Errors
    /// [`ApiError`] if there is no connection or one of them is not answered.
    pub async fn messages_at(&self, positions: &[Position]) -> Result<Vec<RawMessage>, ApiError> {
        let live = self.live_now("DIRECT.GET")?;
        stream::iter(positions.iter().copied())
            .map(|position| message_at(&live, position))
            .buffered(AT_ONCE_MAX)
            .try_filter_map(|message| std::future::ready(Ok(message)))
            .try_collect()
            .await
    }

    /// Returns the last message on a subject, which may have wildcards; none if there is none.
    ///
    /// # Errors
    /// [`ApiError`] if there is no connection or no answer.
    pub async fn last_on_subject(&self, subject: &str) -> Result<Option<RawMessage>, ApiError> {
        let live = self.live_now("DIRECT.GET")?;
        get(&live, STREAM, &json!({ "last_by_subj": subject })).await
    }

    /// Returns the first message from a position on whose subject matches, which may have wildcards;
    /// none if there is none.
    ///
    /// # Errors
    /// [`ApiError`] if there is no connection or no answer.
    pub async fn next_on_subject(
        &self,
        subject: &str,
        from: Position,
    ) -> Result<Option<RawMessage>, ApiError> {
        let live = self.live_now("DIRECT.GET")?;
        get(&live, STREAM, &json!({ "seq": from, "next_by_subj": subject })).await
    }

    /// Returns the last position on any of these subjects, 0 if there is none; without subjects
    /// the last position of the stream.
    ///
    /// # Errors
    /// [`ApiError`] if there is no connection or no answer.
    pub async fn last_position(&self, subjects: &[String]) -> Result<Position, ApiError> {
        if subjects.is_empty() {
            return self.stream_end().await;
        }
        let mut last = 0;
        for subject in subjects {
            let message = self.last_on_subject(subject).await?;
            last = last.max(message.map_or(0, |message| message.position));
        }
        Ok(last)
    }
}

pub(crate) async fn message_at(
    live: &Live,
    position: Position,
) -> Result<Option<RawMessage>, ApiError> {
    get(live, STREAM, &json!({ "seq": position })).await
}

/// Returns the digest of the message at a position as the stream's leader has it: a replica that
/// lags behind would say that there is none.
pub(crate) async fn digest_at(live: &Live, position: Position) -> Result<Option<Digest>, ApiError> {
    #[derive(Deserialize)]
    struct Answer {
        message: Stored,
    }
    #[derive(Deserialize)]
    struct Stored {
        subject: String,
        time: StreamTime,
        #[serde(default)]
        data: String,
    }
    let request = format!("STREAM.MSG.GET.{STREAM}");
    let answer: Answer = match live.api(&request, &json!({ "seq": position })).await {
        Ok(answer) => answer,
        Err(error) if error.code() == Some(CODE_NO_MESSAGE) => return Ok(None),
        Err(error) => return Err(error),
    };
    let Stored { subject, time, data } = answer.message;
    let payload = STANDARD
        .decode(data)
        .map_err(|error| ApiError::BadAnswer { request, reason: error.to_string() })?;
    Ok(Some(Digest::of(time, &subject, &payload)))
}

/// Reads a single message of any stream that allows it.
pub(crate) async fn get(
    live: &Live,
    stream: &str,
    query: &serde_json::Value,
) -> Result<Option<RawMessage>, ApiError> {
    let request = format!("DIRECT.GET.{stream}");
    let answer = live
        .request(format!("$JS.API.{request}"), HeaderMap::new(), query.to_string().into(), API_WAIT)
        .await
        .map_err(|kind| api_error(&request, kind))?;
    match answer.status {
        Some(StatusCode::NOT_FOUND) => Ok(None),
        Some(status) => Err(ApiError::Refused {
            request,
            code: u64::from(status.as_u16()),
            description: answer.description.unwrap_or_default(),
        }),
        None => from_answer(answer).map(Some).ok_or_else(|| ApiError::BadAnswer {
            request,
            reason: "headers `Nats-Subject`, `Nats-Sequence` and `Nats-Time-Stamp` are needed"
                .to_owned(),
        }),
    }
}

fn from_answer(answer: Message) -> Option<RawMessage> {
    let headers = Arc::new(answer.headers?);
    let value = |name: &str| headers.get_last(name).map(async_nats::HeaderValue::as_str);
    let position = value("Nats-Sequence")?.parse().ok()?;
    let time = StreamTime::parse(value("Nats-Time-Stamp")?)?;
    let subject = async_nats::Subject::from(value("Nats-Subject")?.to_owned());
    Some(RawMessage {
        position,
        time,
        pending: 0,
        subject,
        headers: Some(headers),
        bytes: answer.length,
        payload: answer.payload,
    })
}
