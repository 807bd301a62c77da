//! How the command line asks and tells: queries to the view, events into the stream, and the
//! answers to commands. All of it through NATS, all of it with a bound.

use std::time::Duration;

use bus::{
    Bus, ConnectError, ConnectOptions, Outgoing, PublishError, Read, ReadFrom, ReaderOptions,
    RequestError,
    options::{ContextError, ContextFiles},
};
use model::{
    Event, EventId, Position, StreamTime, TaskStatus,
    view::{QueryErrorCode, Refusal},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::time::timeout;

use crate::{
    arguments::ConnectionArgs,
    environment,
    failure::{Exit, Failure},
    stamp, terminal,
};

/// Name of the connection, as NATS lists it.
const CONNECTION_NAME: &str = "keptn-cli";
/// Longest time until NATS lets us in.
const CONNECT_WAIT: Duration = Duration::from_secs(4);
/// Longest time until a service answers a query: the view itself waits up to 2 s for a position.
const QUERY_WAIT: Duration = Duration::from_secs(5);
/// Longest time until a command is decided.
pub(crate) const ANSWER_WAIT: Duration = Duration::from_secs(10);

/// What to do when NATS is not there.
const HINT_NATS: &str = "start one with `keptn dev`, or name it with --server or NATS_URL";
/// What to do when a service does not answer.
const HINT_SERVICE: &str = "start the services with `keptn dev` or `docker compose up -d`";

/// A connection to NATS.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    bus: Bus,
}

/// Why a command was refused: `data.code` of its `.finished`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
enum RefusalCode {
    Exists,
    NotFound,
    Invalid,
    Decided,
    Refused,
}

impl RefusalCode {
    const fn exit(self) -> Exit {
        match self {
            Self::NotFound | Self::Invalid => Exit::Usage,
            Self::Exists | Self::Decided | Self::Refused => Exit::Refused,
        }
    }
}

/// What an answer to a command says about a refusal.
#[derive(Debug, Default, Deserialize)]
struct Answer {
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    hint: Option<String>,
    #[serde(default)]
    code: Option<RefusalCode>,
}

impl Client {
    /// Connects as the flags and the environment say.
    ///
    /// # Errors
    /// Exit code 3 if NATS is not there or too old, 4 if it does not let us in, 2 for bad settings.
    pub(crate) async fn connect(arguments: &ConnectionArgs) -> Result<Self, Failure> {
        Self::connect_to(options(arguments)?).await
    }

    /// Connects to a server of this process, whatever the environment says.
    ///
    /// # Errors
    /// As [`Self::connect`].
    pub(crate) async fn connect_to_url(url: &str) -> Result<Self, Failure> {
        Self::connect_to(ConnectOptions::new(url, CONNECTION_NAME)).await
    }

    async fn connect_to(options: ConnectOptions) -> Result<Self, Failure> {
        let bus =
            Bus::connect_once(options, CONNECT_WAIT).await.map_err(|error| refused(&error))?;
        let version = bus.server_version().unwrap_or_default();
        terminal::detail(&format!("connected to {}, nats-server {version}", bus.urls()));
        Ok(Self { bus })
    }

    /// Returns the connection, for reads that are no queries.
    pub(crate) const fn bus(&self) -> &Bus {
        &self.bus
    }

    /// Returns the version of nats-server.
    pub(crate) fn server_version(&self) -> Option<String> {
        self.bus.server_version()
    }

    /// Returns the server's time if it is known, else this machine's.
    pub(crate) fn now(&self) -> StreamTime {
        let server = self.bus.server_now();
        if server == StreamTime::default() { stamp::now() } else { server }
    }

    /// Asks a service.
    ///
    /// # Errors
    /// Exit code 2 if it refuses the query, 3 if it does not answer or lags too far behind.
    pub(crate) async fn ask<A: DeserializeOwned>(
        &self,
        subject: &str,
        query: &(impl Serialize + Sync),
    ) -> Result<A, Failure> {
        self.ask_within(subject, query, QUERY_WAIT).await
    }

    /// Asks a service with a bound of one's own.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub(crate) async fn ask_within<A: DeserializeOwned>(
        &self,
        subject: &str,
        query: &(impl Serialize + Sync),
        limit: Duration,
    ) -> Result<A, Failure> {
        terminal::detail(&format!("asking {subject}"));
        self.bus.request_json(subject, query, limit).await.map_err(not_asked)
    }

    /// Asks the view for what is newer than it was; none if nothing is within the view's own wait.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub(crate) async fn ask_newer<A: DeserializeOwned>(
        &self,
        subject: &str,
        query: &(impl Serialize + Sync),
    ) -> Result<Option<A>, Failure> {
        match self.bus.request_json(subject, query, QUERY_WAIT).await {
            Ok(answer) => Ok(Some(answer)),
            Err(RequestError::Refused(refusal)) if refusal.error.code == QueryErrorCode::Behind => {
                Ok(None)
            }
            Err(error) => Err(not_asked(error)),
        }
    }

    /// Stores an event, and returns where.
    ///
    /// # Errors
    /// Exit code 3 if that is not known within a bound, 4 if it is not allowed, 5 if it is refused.
    pub(crate) async fn store(&self, event: &Event) -> Result<Position, Failure> {
        self.store_json(event, event.to_json()).await
    }

    /// Stores an event in a form of one's own.
    ///
    /// # Errors
    /// As [`Self::store`].
    pub(crate) async fn store_json(
        &self,
        event: &Event,
        event_json: String,
    ) -> Result<Position, Failure> {
        let outgoing = Outgoing {
            subject: event.event_type.to_string(),
            event_json,
            message_id: event.id.to_string(),
            expected_last_subject_sequence: None,
        };
        let stored = self.bus.publisher().publish(outgoing).await;
        let position = stored.map(|ack| ack.position).map_err(|error| not_stored(&error))?;
        terminal::detail(&format!("stored {} at position {position}", event.event_type));
        Ok(position)
    }

    /// Stores a command and waits until it is decided; returns its `.finished`.
    ///
    /// # Errors
    /// As [`Self::store`]; what the command is refused for; exit code 3 if nobody decides in time.
    pub(crate) async fn carry_out(&self, command: &Event) -> Result<Event, Failure> {
        let position = self.store(command).await?;
        let subject = command.event_type.to_string();
        let answers = subject.strip_suffix("triggered").unwrap_or(&subject).to_owned() + "finished";
        let answer = timeout(ANSWER_WAIT, self.answer(answers, position, &command.id)).await;
        let answer = answer.map_err(|_| not_answered(position))?;
        let answer = answer.ok_or_else(|| not_answered(position))?;
        check(answer)
    }

    /// Reads on behind `position` until the answer to `id` is there; none if the stream is gone.
    async fn answer(&self, subject: String, position: Position, id: &EventId) -> Option<Event> {
        let mut reader = self.bus.reader(ReaderOptions {
            filters: vec![subject],
            from: ReadFrom::Position(position + 1),
        });
        loop {
            match reader.next().await {
                Read::Message(message) => {
                    if let Ok(event) = message.stored().body
                        && event.triggered_id.as_ref() == Some(id)
                    {
                        return Some(event);
                    }
                }
                Read::CaughtUp => {}
                Read::Replaced => return None,
            }
        }
    }
}

/// Says that a command is stored, but nobody has decided it yet.
pub(crate) fn not_answered(position: Position) -> Failure {
    Failure::unreachable(format!("stored at position {position}, will be carried out"))
        .hint("no service has answered within 10 s; is the stack running?")
}

/// Finds the connection: a context if one is named, the variables over it, the flag over both.
fn options(arguments: &ConnectionArgs) -> Result<ConnectOptions, Failure> {
    let named = arguments.nats_context.clone().or_else(|| environment::get("NATS_CONTEXT"));
    let mut options = match named.filter(|name| !name.is_empty()) {
        Some(name) => load_context(&name)?,
        None => ConnectOptions::new(bus::options::DEFAULT_URL, CONNECTION_NAME),
    };
    let get = |name: &str| match (name, &arguments.server) {
        ("NATS_URL", Some(server)) => Some(server.clone()),
        // A context that was asked for by flag is not overruled by a variable.
        ("NATS_URL", None) if arguments.nats_context.is_some() => None,
        _ => environment::get(name),
    };
    options.overlay(get).map_err(|error| Failure::usage(error.to_string()))?;
    Ok(options)
}

fn load_context(name: &str) -> Result<ConnectOptions, Failure> {
    let files = ContextFiles::find(environment::get).ok_or_else(|| {
        Failure::usage("the home directory must be known to find NATS contexts").hint("set HOME")
    })?;
    files
        .load(name, CONNECTION_NAME)
        .map_err(|error: ContextError| Failure::usage(error.to_string()))
}

/// Splits a sentence of the form `what is wrong; what to do`.
fn split_hint(text: &str) -> (&str, Option<&str>) {
    text.rsplit_once("; ").map_or((text, None), |(message, hint)| (message, Some(hint)))
}

fn refused(error: &ConnectError) -> Failure {
    let text = error.to_string();
    let (message, hint) = split_hint(&text);
    match error {
        ConnectError::Unreachable { .. } | ConnectError::TimedOut { .. } => {
            Failure::unreachable(message).hint(HINT_NATS)
        }
        ConnectError::NotAllowed { .. } => {
            Failure::new(Exit::NotAllowed, message).hint_if(hint.map(str::to_owned))
        }
        ConnectError::Credentials { .. } => Failure::usage(text.as_str()),
        ConnectError::TooOld { .. } | ConnectError::Tls { .. } => {
            Failure::unreachable(message).hint_if(hint.map(str::to_owned))
        }
    }
}

fn not_stored(error: &PublishError) -> Failure {
    let text = error.to_string();
    let (message, hint) = split_hint(&text);
    let hint = hint.map(str::to_owned);
    match error {
        PublishError::NoStream { .. } => Failure::unreachable(message).hint(HINT_SERVICE),
        PublishError::NoAck { .. } | PublishError::Disconnected { .. } => {
            Failure::unreachable(message)
                .hint("it may be stored all the same; look before trying again")
        }
        PublishError::NotAllowed { .. } => Failure::new(Exit::NotAllowed, message).hint_if(hint),
        PublishError::TooLarge { .. } => Failure::usage(message).hint_if(hint),
        PublishError::NoRoom { .. }
        | PublishError::Refused { .. }
        | PublishError::WrongLastSequence { .. } => Failure::refused(message).hint_if(hint),
    }
}

fn not_asked(error: RequestError) -> Failure {
    let text = error.to_string();
    let (message, hint) = split_hint(&text);
    match error {
        RequestError::Refused(refusal) => query_refused(*refusal),
        RequestError::BadAnswer { .. } | RequestError::Failed { .. } => {
            Failure::unreachable(message).hint_if(hint.map(str::to_owned))
        }
        RequestError::NoResponders { .. }
        | RequestError::TimedOut { .. }
        | RequestError::Disconnected { .. } => Failure::unreachable(message).hint(HINT_SERVICE),
    }
}

fn query_refused(refusal: Refusal) -> Failure {
    let Refusal { error, position } = refusal;
    let failure = match error.code {
        QueryErrorCode::BadQuery | QueryErrorCode::NotFound => Failure::usage(error.message),
        QueryErrorCode::Behind => {
            Failure::unreachable(format!("{} (it has read up to {position})", error.message))
        }
    };
    failure.hint_if(error.hint)
}

/// Tells the answer to a command that was carried out from one that was refused.
fn check(answer: Event) -> Result<Event, Failure> {
    let head = answer.data.head();
    if TaskStatus::read(head.status.as_deref()) == TaskStatus::Succeeded {
        return Ok(answer);
    }
    let said: Answer = answer.data.parse().unwrap_or_default();
    let exit = said.code.map_or(Exit::Refused, RefusalCode::exit);
    let message = said.message.unwrap_or_else(|| format!("{} refused", answer.event_type));
    Err(Failure::new(exit, message).hint_if(said.hint))
}

impl From<model::id::InvalidId> for Failure {
    fn from(error: model::id::InvalidId) -> Self {
        Self::usage(error.to_string())
    }
}

impl From<crate::render::document::UnwritableDocument> for Failure {
    fn from(error: crate::render::document::UnwritableDocument) -> Self {
        Self::unreachable(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn answer(data: &Value) -> Event {
        let event =
            json!({"id": "a", "type": "sh.keptn.event.project.create.finished", "data": data});
        Event::from_json(event.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn a_refused_command_ends_as_its_code_says() {
        for (code, exit) in [
            ("exists", Exit::Refused),
            ("decided", Exit::Refused),
            ("refused", Exit::Refused),
            ("notFound", Exit::Usage),
            ("invalid", Exit::Usage),
        ] {
            let data =
                json!({"status":"errored","result":"fail","code":code,"message":"m","hint":"h"});
            let failure = check(answer(&data)).unwrap_err();
            assert_eq!(failure.exit(), exit, "{code}");
            assert_eq!(failure.to_string(), "error: m\nhint: h\n");
        }
        assert!(check(answer(&json!({"status":"succeeded","result":"pass"}))).is_ok());
    }

    #[test]
    fn a_refused_query_ends_as_its_code_says() {
        let refusal = |code| {
            let json = json!({"error":{"code":code,"message":"m","hint":"h"},"position":5});
            not_asked(RequestError::Refused(Box::new(serde_json::from_value(json).unwrap())))
        };
        assert_eq!(refusal("notFound"), Failure::usage("m").hint("h"));
        assert_eq!(refusal("badQuery").exit(), Exit::Usage);
        assert_eq!(refusal("behind").exit(), Exit::Unreachable);
    }

    #[test]
    fn sentences_are_split_before_the_hint() {
        assert_eq!(split_hint("a is b; do c"), ("a is b", Some("do c")));
        assert_eq!(split_hint("a is b"), ("a is b", None));
    }
}
