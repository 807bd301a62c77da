//! Queries about resources: each waits until the catalog has reached its `atLeast`, and is answered
//! beside the loop that folds and speaks.

use std::time::Duration;

use bus::{Bus, Query};
use fold::Catalog;
use model::{
    Position,
    view::{self, QueryError, QueryErrorCode, Refusal, ResourceQuery, ResourcesQuery},
};
use serde::{Serialize, de::DeserializeOwned};
use tokio::{sync::watch, task::JoinSet, time::timeout};
use tracing::debug;

use crate::answers;

/// How long a query waits until the catalog has reached its `atLeast`.
pub const AT_LEAST_WAIT: Duration = Duration::from_secs(2);
/// Queries that wait or are being answered; while there are more, further ones stay in their
/// queue. A content takes up to 1 MiB while it is on its way.
const ANSWERING_MAX: usize = 64;
/// How long an answer may be on its way; whoever asked has given up long before.
const ANSWER_WAIT: Duration = Duration::from_secs(10);

/// The catalog at a position. A copy shares what did not change.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    catalog: Catalog,
    position: Position,
    is_caught_up: bool,
}

impl Seen {
    /// Takes over where the fold stands; tells whether that is news.
    pub(crate) fn follow(
        &mut self,
        catalog: &Catalog,
        position: Position,
        caught_up: bool,
    ) -> bool {
        if self.position == position && self.is_caught_up == caught_up {
            return false;
        }
        // Before the end is reached nobody is answered, and copies would cost the replay.
        if caught_up {
            self.catalog = catalog.clone();
        }
        self.position = position;
        self.is_caught_up = caught_up;
        true
    }

    fn has_reached(&self, at_least: Position) -> bool {
        self.is_caught_up && self.position >= at_least
    }
}

/// Answers queries; never ends.
pub(crate) async fn answer(bus: Bus, seen: watch::Receiver<Seen>) {
    let subjects = [view::RESOURCE, view::RESOURCES].map(str::to_owned);
    let mut queries = bus.serve(bus::names::CONFIG_STORE, env!("CARGO_PKG_VERSION"), &subjects);
    let mut answering = JoinSet::new();
    loop {
        tokio::select! {
            query = queries.next(), if answering.len() < ANSWERING_MAX => {
                let (bus, seen) = (bus.clone(), seen.clone());
                answering.spawn(async move {
                    if timeout(ANSWER_WAIT, one(bus, seen, query)).await.is_err() {
                        debug!("an answer was given up");
                    }
                });
            }
            Some(_) = answering.join_next() => {}
        }
    }
}

async fn one(bus: Bus, mut seen: watch::Receiver<Seen>, query: Query) {
    if query.subject() == view::RESOURCE {
        let answer = resource(&bus, &mut seen, &query).await;
        send(query, answer).await;
    } else {
        let answer = resources(&mut seen, &query).await;
        send(query, answer).await;
    }
}

async fn resource(
    bus: &Bus,
    seen: &mut watch::Receiver<Seen>,
    query: &Query,
) -> Result<view::Resource, Refusal> {
    let (query, seen) = read(seen, query, |query: &ResourceQuery| query.at_least).await?;
    let found = answers::find(&seen.catalog, &query)
        .map_err(|error| Refusal { error, position: seen.position })?;
    content(bus, found, seen.position).await
}

async fn resources(
    seen: &mut watch::Receiver<Seen>,
    query: &Query,
) -> Result<view::Resources, Refusal> {
    let (query, seen) = read(seen, query, |query: &ResourcesQuery| query.at_least).await?;
    answers::list(&seen.catalog, seen.position, &query)
        .map_err(|error| Refusal { error, position: seen.position })
}

/// Parses a query, and waits for the catalog that it asks for.
async fn read<Q: DeserializeOwned>(
    seen: &mut watch::Receiver<Seen>,
    query: &Query,
    at_least: impl Fn(&Q) -> Option<Position>,
) -> Result<(Q, Seen), Refusal> {
    let parsed: Q = query.parse().map_err(|error| Refusal {
        error: QueryError {
            code: QueryErrorCode::BadQuery,
            message: format!("a query on `{}` must be readable: {error}", query.subject()),
            hint: Some("send a JSON object with the members that the query has".to_owned()),
        },
        position: seen.borrow().position,
    })?;
    let at_least = at_least(&parsed).unwrap_or(0);
    if let Ok(Ok(reached)) =
        timeout(AT_LEAST_WAIT, seen.wait_for(|seen| seen.has_reached(at_least))).await
    {
        return Ok((parsed, reached.clone()));
    }
    let position = seen.borrow().position;
    let message = format!(
        "config-store must have read up to position {at_least} and to the end of the stream, has \
         read up to {position}"
    );
    let hint = Some("ask again".to_owned());
    Err(Refusal { error: QueryError { code: QueryErrorCode::Behind, message, hint }, position })
}

/// Reads the one message that holds a content.
async fn content(
    bus: &Bus,
    found: answers::Found,
    position: Position,
) -> Result<view::Resource, Refusal> {
    let at = found.position();
    let refusal = |message: String| Refusal {
        error: QueryError {
            code: QueryErrorCode::Behind,
            message,
            hint: Some("ask again".to_owned()),
        },
        position,
    };
    let message = bus
        .message_at(at)
        .await
        .map_err(|error| refusal(format!("the stream must be readable for a content: {error}")))?;
    let stored = message.map(|message| message.stored());
    let event = stored.as_ref().and_then(|stored| stored.body.as_ref().ok());
    let resource = found.with_content(event, position);
    resource.ok_or_else(|| refusal(format!("the message at {at} does not hold the content")))
}

async fn send(query: Query, answer: Result<impl Serialize, Refusal>) {
    match answer {
        Ok(answer) => query.answer(&answer).await,
        Err(refusal) => {
            debug!(subject = query.subject(), reason = refusal.error.message, "query refused");
            query.answer(&refusal).await;
        }
    }
}
