//! What stands in a path and behind it: read whole, or refused with the name that is wrong.

use axum::{
    extract::{FromRequestParts, Path, Query},
    http::request::Parts,
};
use model::{Position, name::shortened, nearest};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use service::http::{Problem, ProblemCode};
use utoipa::IntoParams;

use super::Here;

/// Names in a path.
pub(super) struct Names<T>(pub(super) T);

impl<T: DeserializeOwned + Send> FromRequestParts<Here> for Names<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, here: &Here) -> Result<Self, Problem> {
        let read = Path::<T>::from_request_parts(parts, here).await;
        read.map(|Path(names)| Self(names)).map_err(|error| {
            bad(error.body_text(), "write the names as UTF-8, with %XX where needed")
                .at(here.position())
        })
    }
}

/// Parameters of a query; one that is unknown is refused, because leaving it out would answer
/// something else than what was asked.
pub(super) struct Parameters<T>(pub(super) T);

impl<T: Serialize + DeserializeOwned + Send> FromRequestParts<Here> for Parameters<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, here: &Here) -> Result<Self, Problem> {
        read(parts).map(Self).map_err(|problem| problem.at(here.position()))
    }
}

fn read<T: Serialize + DeserializeOwned>(parts: &Parts) -> Result<T, Problem> {
    let unreadable = "see /api/v1/openapi.json";
    let Query(read) =
        Query::<T>::try_from_uri(&parts.uri).map_err(|error| bad(error.body_text(), unreadable))?;
    let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri)
        .map_err(|error| bad(error.body_text(), unreadable))?;
    // What a query can say is what it has.
    let known = match serde_json::to_value(&read) {
        Ok(Value::Object(members)) => members,
        Ok(_) | Err(_) => serde_json::Map::new(),
    };
    match pairs.iter().find(|(name, _)| !known.contains_key(name)) {
        None => Ok(read),
        Some((unknown, _)) => {
            let names = known.keys().map(String::as_str);
            let message = format!("`{}` is no parameter here", shortened(unknown));
            Err(bad(message, nearest::hint(unknown, names)))
        }
    }
}

pub(super) fn bad(message: impl Into<String>, hint: impl Into<String>) -> Problem {
    Problem::new(ProblemCode::BadQuery, message, hint)
}

/// How fresh an answer must be.
#[derive(Debug, Serialize, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(super) struct Freshness {
    /// Position that the answer must have reached; the view waits two seconds for it.
    pub(super) at_least: Option<Position>,
}

/// What a stage is compared with.
#[derive(Debug, Serialize, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(super) struct Comparison {
    /// Compare with this stage instead of the preceding one.
    pub(super) from: Option<String>,
    /// Position that the answer must have reached; the view waits two seconds for it.
    pub(super) at_least: Option<Position>,
}
