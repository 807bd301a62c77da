//! Requests to JetStream's own interface, with the few members of its answers that we use.

use std::time::Duration;

use async_nats::{HeaderMap, Message, RequestErrorKind};
use bytes::Bytes;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::connection::Live;

/// How long JetStream may take for an answer; a cluster elects a leader in that time.
pub(crate) const API_WAIT: Duration = Duration::from_secs(5);

/// `stream not found`.
pub(crate) const CODE_STREAM_NOT_FOUND: u64 = 10059;
/// `no message found`.
pub(crate) const CODE_NO_MESSAGE: u64 = 10037;
/// `stream name already in use with a different configuration`.
pub(crate) const CODE_STREAM_NAME_IN_USE: u64 = 10058;
/// `insufficient storage resources available`, and the same for an account.
pub(crate) const CODES_NO_STORAGE: [u64; 3] = [10047, 10023, 10002];

/// Why JetStream did not do what it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// There is no connection, or it broke while waiting.
    #[error("NATS must be connected for `{request}`; try again when it is back")]
    Disconnected {
        /// What was asked.
        request: String,
    },
    /// No answer in time.
    #[error("NATS must answer `{request}` within {limit:?}, did not; look at the server's log")]
    TimedOut {
        /// What was asked.
        request: String,
        /// How long it was waited.
        limit: Duration,
    },
    /// Nobody listens: `JetStream` is off, or not for this account.
    #[error("JetStream must be enabled for `{request}`; start nats-server with `-js`")]
    NoJetStream {
        /// What was asked.
        request: String,
    },
    /// The server said no.
    #[error("NATS refused `{request}`: {description} (code {code})")]
    Refused {
        /// What was asked.
        request: String,
        /// Its error code.
        code: u64,
        /// Its words.
        description: String,
    },
    /// The answer is not what it should be.
    #[error("the answer to `{request}` must be JSON of a known shape: {reason}")]
    BadAnswer {
        /// What was asked.
        request: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl ApiError {
    /// Returns the server's error code, if it said no.
    pub(crate) fn code(&self) -> Option<u64> {
        match self {
            Self::Refused { code, .. } => Some(*code),
            Self::Disconnected { .. }
            | Self::TimedOut { .. }
            | Self::NoJetStream { .. }
            | Self::BadAnswer { .. } => None,
        }
    }

    /// Returns whether the same request may succeed later, without anybody's doing.
    pub fn retryable(&self) -> bool {
        match self {
            Self::Disconnected { .. } | Self::TimedOut { .. } => true,
            Self::NoJetStream { .. } | Self::Refused { .. } | Self::BadAnswer { .. } => false,
        }
    }
}

/// An error as JetStream writes it.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct WireError {
    #[serde(default)]
    pub(crate) code: u64,
    #[serde(default)]
    pub(crate) err_code: u64,
    #[serde(default)]
    pub(crate) description: String,
}

impl WireError {
    /// Returns the error code, or the status where there is none.
    pub(crate) fn number(&self) -> u64 {
        if self.err_code == 0 { self.code } else { self.err_code }
    }
}

#[derive(Deserialize)]
struct Failure {
    error: Option<WireError>,
}

impl Live {
    /// Asks JetStream; `request` is the subject behind `$JS.API.`.
    pub(crate) async fn api<T: DeserializeOwned>(
        &self,
        request: &str,
        body: &impl Serialize,
    ) -> Result<T, ApiError> {
        let payload = serde_json::to_vec(body).map_err(|error| bad(request, &error))?;
        let answer = self
            .request(format!("$JS.API.{request}"), HeaderMap::new(), payload.into(), API_WAIT)
            .await
            .map_err(|kind| api_error(request, kind))?;
        decode(request, &answer.payload)
    }

    /// Sends a request over this connection.
    pub(crate) async fn request(
        &self,
        subject: String,
        headers: HeaderMap,
        payload: Bytes,
        limit: Duration,
    ) -> Result<Message, RequestErrorKind> {
        let request =
            async_nats::Request::new().headers(headers).payload(payload).timeout(Some(limit));
        self.client.send_request(subject, request).await.map_err(|error| error.kind())
    }
}

/// Reads an answer of JetStream, which may be an error.
pub(crate) fn decode<T: DeserializeOwned>(request: &str, payload: &[u8]) -> Result<T, ApiError> {
    let failure: Failure = serde_json::from_slice(payload).map_err(|error| bad(request, &error))?;
    if let Some(error) = failure.error {
        return Err(ApiError::Refused {
            request: request.to_owned(),
            code: error.number(),
            description: error.description,
        });
    }
    serde_json::from_slice(payload).map_err(|error| bad(request, &error))
}

/// Maps what async-nats says about a failed request.
pub(crate) fn api_error(request: &str, kind: RequestErrorKind) -> ApiError {
    let request = request.to_owned();
    match kind {
        RequestErrorKind::TimedOut => ApiError::TimedOut { request, limit: API_WAIT },
        RequestErrorKind::NoResponders => ApiError::NoJetStream { request },
        RequestErrorKind::InvalidSubject => {
            ApiError::BadAnswer { request, reason: "the subject is not valid".to_owned() }
        }
        RequestErrorKind::MaxPayloadExceeded => {
            ApiError::BadAnswer { request, reason: "the request is too large".to_owned() }
        }
        RequestErrorKind::Other => ApiError::Disconnected { request },
    }
}

fn bad(request: &str, error: &serde_json::Error) -> ApiError {
    ApiError::BadAnswer { request: request.to_owned(), reason: error.to_string() }
}
