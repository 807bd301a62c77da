//! Asks other components: one question, one answer, one bound.

use std::time::Duration;

use async_nats::{HeaderMap, RequestErrorKind};
use bytes::Bytes;
use model::view::Refusal;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::time::{Instant, timeout_at};

use crate::Bus;

/// Why a question was not answered.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// Nobody listens on the subject.
    #[error("somebody must answer `{subject}`, nobody does; is that service running?")]
    NoResponders {
        /// What was asked.
        subject: String,
    },
    /// No answer in time.
    #[error("`{subject}` must be answered within {limit:?}, was not")]
    TimedOut {
        /// What was asked.
        subject: String,
        /// How long it was waited.
        limit: Duration,
    },
    /// There was no connection in time, or it broke.
    #[error("NATS must be connected to ask `{subject}`, is not")]
    Disconnected {
        /// What was asked.
        subject: String,
    },
    /// The one who was asked says why there is no answer.
    #[error("{}", .0.error.message)]
    Refused(Box<Refusal>),
    /// The one who was asked failed.
    #[error("`{subject}` failed: {reason}")]
    Failed {
        /// What was asked.
        subject: String,
        /// Its words.
        reason: String,
    },
    /// The answer cannot be read.
    #[error("the answer of `{subject}` must be readable; are both of one version?")]
    BadAnswer {
        /// What was asked.
        subject: String,
        /// What the parser said.
        source: serde_json::Error,
    },
}

#[derive(Deserialize)]
struct MaybeRefused {
    error: Option<serde_json::Value>,
}

impl Bus {
    /// Asks with JSON and reads the answer as JSON; waits for a connection, too, all in `limit`.
    ///
    /// # Errors
    /// [`RequestError`]; [`RequestError::Refused`] holds what the view says about a bad query.
    pub async fn request_json<Q: Serialize + Sync, A: DeserializeOwned>(
        &self,
        subject: &str,
        query: &Q,
        limit: Duration,
    ) -> Result<A, RequestError> {
        let bad = |source| RequestError::BadAnswer { subject: subject.to_owned(), source };
        let body = serde_json::to_vec(query).map_err(bad)?;
        let answer = self.request(subject, Bytes::from(body), limit).await?;
        let refused = serde_json::from_slice::<MaybeRefused>(&answer)
            .is_ok_and(|answer| answer.error.is_some());
        if refused && let Ok(refusal) = serde_json::from_slice(&answer) {
            return Err(RequestError::Refused(Box::new(refusal)));
        }
        serde_json::from_slice(&answer).map_err(bad)
    }

    /// Asks with bytes and returns the answer's.
    ///
    /// # Errors
    /// [`RequestError`] without the variants that read the answer.
    pub async fn request(
        &self,
        subject: &str,
        body: Bytes,
        limit: Duration,
    ) -> Result<Bytes, RequestError> {
        let deadline = Instant::now() + limit;
        let subject = subject.to_owned();
        let Ok(live) = timeout_at(deadline, self.live()).await else {
            return Err(RequestError::Disconnected { subject });
        };
        let left = deadline.saturating_duration_since(Instant::now());
        let answer = live.request(subject.clone(), HeaderMap::new(), body, left).await;
        let answer = answer.map_err(|kind| match kind {
            RequestErrorKind::NoResponders => {
                RequestError::NoResponders { subject: subject.clone() }
            }
            RequestErrorKind::TimedOut => {
                RequestError::TimedOut { subject: subject.clone(), limit }
            }
            RequestErrorKind::Other => RequestError::Disconnected { subject: subject.clone() },
            RequestErrorKind::InvalidSubject | RequestErrorKind::MaxPayloadExceeded => {
                RequestError::Failed { subject: subject.clone(), reason: kind.to_string() }
            }
        })?;
        let failure = answer.headers.as_ref().and_then(|all| all.get_last(SERVICE_ERROR));
        if let Some(reason) = failure {
            return Err(RequestError::Failed { subject, reason: reason.as_str().to_owned() });
        }
        Ok(answer.payload)
    }
}

/// Header by which a NATS service says that it failed.
const SERVICE_ERROR: &str = "Nats-Service-Error";
