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
    Position, StreamTime,
    name::shortened,
    view::{
        self, EventsQuery, ProjectsQuery, QueryError, QueryErrorCode, Refusal, SequenceQuery,
        SequencesQuery, StageQuery,
    },
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::value::{RawValue, to_raw_value};
use tokio::{
    sync::{mpsc, oneshot},
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

/// Questions from inside the process that may wait for the loop.
const COUNTER_MAX: usize = 256;

/// A query that was read.
#[derive(Debug)]
pub enum Asked {
    /// What a stage has and lacks.
    Stage(StageQuery),
    /// What a sync of a stage would take.
    Plan(StageQuery),
    /// Runs, newest first.
    Sequences(SequencesQuery),
    /// One delivery.
    Sequence(SequenceQuery),
    /// Stored events.
    Events(EventsQuery),
    /// Projects.
    Projects(ProjectsQuery),
}

/// Who waits for an answer.
#[derive(Debug)]
enum ReplyTo {
    Nats(Box<Query>),
    Here(oneshot::Sender<Reply>),
}

/// An answer as JSON, or why there is none.
pub type Reply = Result<Box<RawValue>, Refusal>;

/// A question from inside the process, which [`Desk::take_local`] takes.
#[derive(Debug)]
pub struct LocalQuery(Local);

#[derive(Debug)]
enum Local {
    Ask(Asked, oneshot::Sender<Reply>),
    Look(oneshot::Sender<Sight>),
    /// The view as it is, caught up or not.
    View(oneshot::Sender<View>),
}

/// The whole view between two events, so that everything that is read from it holds at one
/// position. It shares with the view what has not changed since.
#[derive(Clone, Debug)]
pub struct Sight {
    /// The view.
    pub view: View,
    /// The time by the server's clock.
    pub now: StreamTime,
}

/// Where the rest of the process asks what clients ask over NATS, and is answered the same.
#[derive(Clone, Debug)]
pub struct Counter {
    questions: mpsc::Sender<LocalQuery>,
}

impl Counter {
    /// Returns a counter, and what the loop hands to the desk.
    pub fn open() -> (Self, mpsc::Receiver<LocalQuery>) {
        let (questions, asked) = mpsc::channel(COUNTER_MAX);
        (Self { questions }, asked)
    }

    /// Asks, and returns the answer as it is sent to clients.
    ///
    /// # Errors
    /// What a client would get; `behind` if the process is about to stop.
    pub async fn ask(&self, asked: Asked) -> Reply {
        let (reply, answer) = oneshot::channel();
        let question = LocalQuery(Local::Ask(asked, reply));
        let sent = self.questions.send(question).await;
        match (sent, answer.await) {
            (Ok(()), Ok(answer)) => answer,
            (Err(_), _) | (_, Err(_)) => Err(Refusal { error: behind(0, 0, false), position: 0 }),
        }
    }

    /// Returns the view as it is between two events, once it has caught up.
    ///
    /// # Errors
    /// `behind` if that takes longer than [`AT_LEAST_WAIT`], or the process is about to stop.
    pub async fn look(&self) -> Result<Sight, Refusal> {
        let (reply, sight) = oneshot::channel();
        let asked = async {
            self.questions.send(LocalQuery(Local::Look(reply))).await.ok()?;
            sight.await.ok()
        };
        timeout(AT_LEAST_WAIT, asked)
            .await
            .ok()
            .flatten()
            .ok_or_else(|| Refusal { error: behind(0, 0, false), position: 0 })
    }

    /// Returns a copy of the view, caught up or not; none if the process is about to stop.
    pub async fn view(&self) -> Option<View> {
        let (reply, view) = oneshot::channel();
        self.questions.send(LocalQuery(Local::View(reply))).await.ok()?;
        view.await.ok()
    }

    /// Asks, and reads the answer.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub async fn read<T: DeserializeOwned>(&self, asked: Asked) -> Result<T, Refusal> {
        let json = self.ask(asked).await?;
        serde_json::from_str(json.get()).map_err(|error| Refusal {
            error: bad(format!("the answer must be readable: {error}")),
            position: 0,
        })
    }
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
    waiting: BTreeMap<Ticket, (ReplyTo, Asked)>,
    /// All wait equally long, so the first that came is the first to give up.
    deadlines: VecDeque<(Instant, Ticket)>,
    taken: u64,
    looking: Vec<oneshot::Sender<Sight>>,
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
            looking: Vec::new(),
            answering: JoinSet::new(),
        }
    }

    /// Tells whether another query can be taken.
    pub fn has_room(&self) -> bool {
        self.answering.len() < ANSWERING_MAX
    }

    /// Takes a query; it is answered by [`Self::answer`].
    pub fn take(&mut self, query: Query) {
        match Asked::read(&query) {
            Ok(asked) => self.queue(ReplyTo::Nats(Box::new(query)), asked),
            Err(error) => self.refuse(ReplyTo::Nats(Box::new(query)), error, 0),
        }
    }

    /// Takes a question of the own process.
    pub fn take_local(&mut self, query: LocalQuery, view: &View) {
        match query.0 {
            Local::Ask(asked, reply) => self.queue(ReplyTo::Here(reply), asked),
            // Whoever asked and left is not waited for.
            Local::View(reply) => drop(reply.send(view.clone())),
            Local::Look(reply) => {
                self.looking.retain(|waiting| !waiting.is_closed());
                // One too many is told at once that the view is behind.
                if self.looking.len() < WAITING_MAX {
                    self.looking.push(reply);
                }
            }
        }
    }

    fn queue(&mut self, reply_to: ReplyTo, asked: Asked) {
        self.taken += 1;
        let ticket = (asked.at_least(), self.taken);
        self.deadlines.push_back((Instant::now() + AT_LEAST_WAIT, ticket));
        self.waiting.insert(ticket, (reply_to, asked));
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
            let (reply_to, asked) = first.remove();
            match asked.answer(view) {
                Ok(answer) => self.send(reply_to, answer),
                Err(error) => self.refuse(reply_to, error, position),
            }
        }
        self.give_up(position, is_caught_up);
        if is_caught_up {
            for reply in self.looking.drain(..) {
                // Whoever looked and left is not waited for.
                drop(reply.send(Sight { view: view.clone(), now: self.bus.clock().now() }));
            }
        }
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
            if let Some((reply_to, _)) = self.waiting.remove(&ticket) {
                self.refuse(reply_to, behind(ticket.0, position, is_caught_up), position);
            }
        }
    }

    fn refuse(&mut self, reply_to: ReplyTo, error: QueryError, position: Position) {
        debug!(reason = error.message, "query refused");
        self.reply(reply_to, Err(Refusal { error, position }));
    }

    fn send(&mut self, reply_to: ReplyTo, answer: Answer) {
        match answer {
            Answer::Json(json) => self.reply(reply_to, Ok(json)),
            Answer::Events(page) => self.read_events(reply_to, page),
        }
    }

    fn read_events(&mut self, reply_to: ReplyTo, page: EventsPage) {
        let bus = self.bus.clone();
        self.spawn(async move {
            let read = reading::events(&bus, &page).await;
            let json = read.and_then(|events| {
                raw(&events).map_err(|error| Refusal { error, position: page.position })
            });
            reply_to.reply(json).await;
        });
    }

    fn reply(&mut self, reply_to: ReplyTo, reply: Reply) {
        self.spawn(reply_to.reply(reply));
    }

    fn spawn(&mut self, sent: impl Future<Output = ()> + Send + 'static) {
        self.answering.spawn(async move {
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

impl ReplyTo {
    async fn reply(self, reply: Reply) {
        match (self, reply) {
            (Self::Nats(query), Ok(json)) => query.answer(&json).await,
            (Self::Nats(query), Err(refusal)) => query.answer(&refusal).await,
            // Whoever asked and left is not waited for.
            (Self::Here(waiting), reply) => drop(waiting.send(reply)),
        }
    }
}

impl Asked {
    fn read(query: &Query) -> Result<Self, QueryError> {
        match query.subject() {
            view::STAGE => parsed(query).map(Self::Stage),
            view::PLAN => parsed(query).map(Self::Plan),
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
            Self::Stage(query) | Self::Plan(query) => query.at_least,
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
            Self::Plan(query) => json(answers::plan(view, query)),
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
    raw(&answer?).map(Answer::Json)
}

fn raw(answer: &impl Serialize) -> Result<Box<RawValue>, QueryError> {
    to_raw_value(answer).map_err(|error| bad(format!("the answer has no JSON form: {error}")))
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
