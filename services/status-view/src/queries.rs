//! Queries: those that wait until the view has read far enough, and those that are being answered.
//!
//! What an answer says is computed in the loop, between two events, so that it holds at one
//! position; sending it, and reading events from the stream, is done beside the loop.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use bus::{Bus, Query};
use model::{
    Position,
    name::shortened,
    view::{
        self, EventsQuery, ProjectsQuery, QueryError, QueryErrorCode, Refusal, SequenceQuery,
        SequencesQuery, StageQuery,
    },
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::value::{RawValue, to_raw_value};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until, timeout},
};
use tracing::debug;

use crate::{View, answers, answers::EventsPage, reading};

/// How long a query waits until the view has read up to its `atLeast`.
pub const AT_LEAST_WAIT: Duration = Duration::from_secs(2);
/// Queries that may wait; one more is told at once that the view is behind.
pub const WAITING_MAX: usize = 1_000;
/// Answers on their way; while there are more, further queries stay in their queue.
const ANSWERING_MAX: usize = 256;
/// How long an answer may be on its way; whoever asked has given up long before.
const ANSWER_WAIT: Duration = Duration::from_secs(10);

/// A query that was read.
#[derive(Debug)]
enum Asked {
    Stage(StageQuery),
    Sequences(SequencesQuery),
    Sequence(SequenceQuery),
    Events(EventsQuery),
    Projects(ProjectsQuery),
}

/// What a query comes to at the view's position.
enum Answer {
    Json(Box<RawValue>),
    Events(EventsPage),
}

/// What the view must have read, and in which order the queries came.
type Ticket = (Position, u64);

/// Queries that wait or are being answered.
#[derive(Debug)]
pub struct Desk {
    bus: Bus,
    waiting: BTreeMap<Ticket, (Query, Asked)>,
    /// All wait equally long, so the first that came is the first to give up.
    deadlines: VecDeque<(Instant, Ticket)>,
    taken: u64,
    answering: JoinSet<()>,
}

impl Desk {
    /// Begins without queries.
    pub fn new(bus: Bus) -> Self {
        Self {
            bus,
            waiting: BTreeMap::new(),
            deadlines: VecDeque::new(),
            taken: 0,
            answering: JoinSet::new(),
        }
    }

    /// Tells whether another query can be taken.
    pub fn has_room(&self) -> bool {
        self.answering.len() < ANSWERING_MAX
    }

    /// Takes a query; it is answered by [`Self::answer`].
    pub fn take(&mut self, query: Query) {
        let asked = match Asked::read(&query) {
            Ok(asked) => asked,
            Err(error) => return self.refuse(query, error, 0),
        };
        self.taken += 1;
        let ticket = (asked.at_least(), self.taken);
        self.deadlines.push_back((Instant::now() + AT_LEAST_WAIT, ticket));
        self.waiting.insert(ticket, (query, asked));
    }

    /// Waits until a query has waited long enough, or an answer is on its way. Cancel-safe.
    pub async fn turn(&mut self) {
        let first = self.deadlines.front().map(|(at, _)| *at);
        let is_answering = !self.answering.is_empty();
        tokio::select! {
            () = sleep_until(first.unwrap_or_else(Instant::now)), if first.is_some() => {}
            _ = self.answering.join_next(), if is_answering => {}
            () = std::future::pending() => {}
        }
    }

    /// Answers what can be answered now, and tells those that have waited long enough that the
    /// view is behind. While the view has not caught up yet, all of them wait.
    pub fn answer(&mut self, view: &View, is_caught_up: bool) {
        let position = view.position();
        while is_caught_up
            && self.has_room()
            && let Some(first) = self.waiting.first_entry()
            && first.key().0 <= position
        {
            let (query, asked) = first.remove();
            match asked.answer(view) {
                Ok(answer) => self.send(query, answer),
                Err(error) => self.refuse(query, error, position),
            }
        }
        self.give_up(position, is_caught_up);
    }

    fn give_up(&mut self, position: Position, is_caught_up: bool) {
        let now = Instant::now();
        while let Some((at, ticket)) = self.deadlines.front().copied() {
            let is_surplus = self.waiting.len() > WAITING_MAX;
            let is_answered = !self.waiting.contains_key(&ticket);
            if at > now && !is_surplus && !is_answered {
                return;
            }
            self.deadlines.pop_front();
            if let Some((query, _)) = self.waiting.remove(&ticket) {
                self.refuse(query, behind(ticket.0, position, is_caught_up), position);
            }
        }
    }

    fn refuse(&mut self, query: Query, error: QueryError, position: Position) {
        debug!(subject = query.subject(), reason = error.message, "query refused");
        match to_raw_value(&Refusal { error, position }) {
            Ok(json) => self.send(query, Answer::Json(json)),
            Err(error) => debug!(error = %error, "a refusal has no written form"),
        }
    }

    fn send(&mut self, query: Query, answer: Answer) {
        let bus = self.bus.clone();
        self.answering.spawn(async move {
            let sent = async {
                match answer {
                    Answer::Json(json) => query.answer(&json).await,
                    Answer::Events(page) => match reading::events(&bus, &page).await {
                        Ok(events) => query.answer(&events).await,
                        Err(refusal) => query.answer(&refusal).await,
                    },
                }
            };
            if timeout(ANSWER_WAIT, sent).await.is_err() {
                debug!("an answer was given up");
            }
        });
    }

    /// Waits until what is being answered is on its way.
    pub async fn finish(mut self) {
        // Each of them ends by itself in time.
        while self.answering.join_next().await.is_some() {}
    }
}

impl Asked {
    fn read(query: &Query) -> Result<Self, QueryError> {
        match query.subject() {
            view::STAGE => parsed(query).map(Self::Stage),
            view::SEQUENCES => parsed(query).map(Self::Sequences),
            view::SEQUENCE => parsed(query).map(Self::Sequence),
            view::EVENTS => parsed(query).map(Self::Events),
            view::PROJECTS => parsed(query).map(Self::Projects),
            other => Err(bad(format!("`{}` is no query", shortened(other)))),
        }
    }

    /// Returns the position that the answer must have reached.
    fn at_least(&self) -> Position {
        let at_least = match self {
            Self::Stage(query) => query.at_least,
            Self::Sequences(query) => query.at_least,
            Self::Sequence(query) => query.at_least,
            Self::Events(query) => query.at_least,
            Self::Projects(query) => query.at_least,
        };
        at_least.unwrap_or(0)
    }

    fn answer(&self, view: &View) -> Result<Answer, QueryError> {
        match self {
            Self::Stage(query) => json(answers::stage(view, query)),
            Self::Sequences(query) => json(answers::sequences(view, query)),
            Self::Sequence(query) => json(answers::delivery(view, query)),
            Self::Events(query) => answers::events(view, query).map(Answer::Events),
            Self::Projects(query) => json(answers::projects(view, query)),
        }
    }
}

fn parsed<T: DeserializeOwned>(query: &Query) -> Result<T, QueryError> {
    query.parse().map_err(|error| {
        bad(format!("a query on `{}` must be readable: {error}", shortened(query.subject())))
    })
}

fn json(answer: Result<impl Serialize, QueryError>) -> Result<Answer, QueryError> {
    let json = to_raw_value(&answer?);
    json.map(Answer::Json).map_err(|error| bad(format!("the answer has no JSON form: {error}")))
}

fn bad(message: String) -> QueryError {
    let hint = "send a JSON object with the members that the query has".to_owned();
    QueryError { code: QueryErrorCode::BadQuery, message, hint: Some(hint) }
}

fn behind(at_least: Position, position: Position, is_caught_up: bool) -> QueryError {
    let message = if is_caught_up {
        format!("the view must have read up to position {at_least}, has read up to {position}")
    } else {
        format!("the view must have read the whole stream, has read up to position {position}")
    };
    QueryError { code: QueryErrorCode::Behind, message, hint: Some("ask again".to_owned()) }
}
