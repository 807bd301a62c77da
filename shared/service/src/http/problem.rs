//! How an error is told over HTTP: the form that a refused query has over NATS, and a status.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use model::{
    Position,
    view::{QueryErrorCode, Refusal},
};
use serde::Serialize;

/// Kinds of errors; the first three are those of queries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub enum ProblemCode {
    /// The request does not have the right form.
    BadQuery,
    /// There is no such thing.
    NotFound,
    /// The view has not yet read far enough, or the process cannot answer at the moment.
    Behind,
    /// Who asks may not do this.
    NotAllowed,
    /// The path does not take this method.
    WrongMethod,
    /// The body is larger than what is read.
    TooLarge,
    /// The stack has refused what was asked for.
    Refused,
    /// Too many do the same at the moment.
    Busy,
}

impl ProblemCode {
    /// Returns the status that goes with it.
    pub const fn status(self) -> StatusCode {
        match self {
            Self::BadQuery => StatusCode::BAD_REQUEST,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Behind | Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::NotAllowed => StatusCode::FORBIDDEN,
            Self::WrongMethod => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Refused => StatusCode::CONFLICT,
        }
    }
}

impl From<QueryErrorCode> for ProblemCode {
    fn from(code: QueryErrorCode) -> Self {
        match code {
            QueryErrorCode::BadQuery => Self::BadQuery,
            QueryErrorCode::NotFound => Self::NotFound,
            QueryErrorCode::Behind => Self::Behind,
        }
    }
}

/// An error. Shape: `{"error":{"code":"notFound","message":"…","hint":"…"},"position":5}`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// Why.
    pub error: ProblemError,
    /// How far the component has read.
    pub position: Position,
}

/// Why something could not be answered or done.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProblemError {
    /// What kind of error.
    pub code: ProblemCode,
    /// The rule and the value.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

impl Problem {
    /// Puts an error together.
    pub fn new(code: ProblemCode, message: impl Into<String>, hint: impl Into<String>) -> Self {
        let error = ProblemError { code, message: message.into(), hint: Some(hint.into()) };
        Self { error, position: 0 }
    }

    /// Adds how far the component has read.
    #[must_use]
    pub fn at(mut self, position: Position) -> Self {
        self.position = position;
        self
    }
}

impl From<Refusal> for Problem {
    fn from(Refusal { error, position }: Refusal) -> Self {
        let error =
            ProblemError { code: error.code.into(), message: error.message, hint: error.hint };
        Self { error, position }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        (self.error.code.status(), Json(self)).into_response()
    }
}

#[cfg(feature = "openapi")]
mod described {
    //! The answers that every path may give.

    use std::collections::BTreeMap;

    use utoipa::{
        IntoResponses,
        openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder},
    };

    use super::Problem;

    impl IntoResponses for Problem {
        fn responses() -> BTreeMap<String, RefOr<Response>> {
            let answer = |status: &str, description: &str| {
                let schema = Some(Ref::from_schema_name("Problem"));
                let content = ContentBuilder::new().schema(schema).build();
                let response = ResponseBuilder::new().description(description);
                let response = response.content("application/json", content).build();
                (status.to_owned(), RefOr::T(response))
            };
            BTreeMap::from([
                answer("400", "The request does not have the right form."),
                answer("403", "Not allowed, for instance under a host that is not listed."),
                answer("404", "There is no such thing; the hint names the nearest."),
                answer("503", "The view has not read far enough yet; ask again."),
            ])
        }
    }
}
