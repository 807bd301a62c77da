//! A nats-server, a config-store that answers commands, and an executor: what a test needs.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bus::{
    Bus, Outgoing, Publisher, RawMessage, Read, ReadFrom, ReaderOptions, StreamSettings,
    test_server::TestServer,
};
use fold::{Catalog, Owes as _, Waits};
use model::{Event, Position, Stored, StreamTime, StubRule};
use serde_json::{Value, json};
use stub_executor::{
    executor::{Executor, PlayError},
    plays::Plays,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinHandle,
    time::timeout,
};

/// Longest wait for what must come; far above what it takes.
pub(crate) const WAIT: Duration = Duration::from_secs(20);

const SHIPYARD: &str = "apiVersion: spec.keptn.sh/0.2.3\nspec: {stages: [{name: dev}]}\n";

pub(crate) struct Scene {
    pub(crate) server: TestServer,
    pub(crate) bus: Bus,
    publisher: Publisher,
    catalog: Catalog,
    catalog_position: Position,
    said: u64,
}

/// An executor that runs until it is stopped or crashes.
pub(crate) struct Playing(JoinHandle<PlayError>);

impl Playing {
    /// Ends it as a kill would: nothing is finished or said.
    pub(crate) async fn kill(self) {
        self.0.abort();
        self.0.await.ok();
    }

    pub(crate) async fn crashed(self) -> PlayError {
        timeout(WAIT, self.0).await.expect("no crash in time").unwrap()
    }
}

impl Scene {
    pub(crate) async fn new() -> Self {
        let server = TestServer::start().await.unwrap();
        let bus = server.bus().await.unwrap();
        bus.ensure_stream(&StreamSettings::default()).await.unwrap();
        let publisher = bus.publisher();
        let (catalog, catalog_position, said) = (Catalog::default(), 0, 0);
        Self { server, bus, publisher, catalog, catalog_position, said }
    }

    /// A scene with the project `p`, these services in its uniform, and somebody who plays them.
    pub(crate) async fn playing(services: &str) -> (Self, Playing) {
        let mut scene = Self::new().await;
        scene.project("create", services).await;
        let playing = scene.play().await;
        (scene, playing)
    }

    pub(crate) async fn play(&self) -> Playing {
        self.play_with("[]", "*").await
    }

    pub(crate) async fn play_with(&self, rules: &str, plays: &str) -> Playing {
        let bus = self.server.bus().await.unwrap();
        let rules = StubRule::read_list(rules).into_result().unwrap();
        let plays: Plays = plays.parse().unwrap();
        Playing(tokio::spawn(async move {
            let mut executor = match Executor::start(&bus, rules, plays).await {
                Ok(executor) => executor,
                Err(error) => return error,
            };
            loop {
                if let Err(error) = executor.step().await {
                    return error;
                }
            }
        }))
    }

    pub(crate) async fn publish(&self, event: &Event) -> Position {
        let outgoing = Outgoing {
            subject: event.event_type.to_string(),
            event_json: event.to_json(),
            message_id: event.id.to_string(),
            expected_last_subject_sequence: None,
        };
        self.publisher.publish(outgoing).await.unwrap().position
    }

    /// Commands about the project `p`, and answers as config-store does.
    pub(crate) async fn project(&mut self, verb: &str, services: &str) {
        let uniform = format!("version: 0.1.2\nspec:\n  services: {services}\n");
        let data = json!({"project": "p", "shipyard": STANDARD.encode(SHIPYARD),
                          "uniform": STANDARD.encode(uniform)});
        let id = format!("command-{}", self.said);
        let command = event(&id, &format!("project.{verb}.triggered"), &data);
        self.both(command).await;
        let owed = self.catalog.owed_after(self.said).remove(0);
        self.said = owed.number;
        let answer = self.catalog.event(&owed, Waits::default()).unwrap();
        assert_eq!(answer.data.head().status.as_deref(), Some("succeeded"), "{answer:?}");
        self.both(answer).await;
    }

    async fn both(&mut self, event: Event) {
        self.publish(&event).await;
        self.catalog_position += 1;
        let subject = event.event_type.to_string();
        let time = StreamTime::default();
        self.catalog.apply(&Stored::new(self.catalog_position, time, &subject, Ok(event)));
    }

    /// Triggers `task` for carts:1 in dev; `more` goes over its data.
    pub(crate) async fn trigger(&self, id: &str, task: &str, more: Value) -> Position {
        let mut data = json!({"project": "p", "stage": "dev", "service": "carts",
            "configurationChange": {"values": {"image": "carts:1"}}});
        for (key, value) in more.as_object().unwrap() {
            data[key] = value.clone();
        }
        self.publish(&event(id, &format!("{task}.triggered"), &data)).await
    }

    /// Reads answers from the beginning until `is_enough`; fails with what was seen.
    pub(crate) async fn answers_until(&self, is_enough: impl Fn(&[Answer]) -> bool) -> Vec<Answer> {
        let mut reader = self.bus.reader(answer_options());
        let mut answers = Vec::new();
        let reading = async {
            while !is_enough(&answers) {
                if let Read::Message(message) = reader.next().await {
                    answers.push(Answer::of(&message));
                }
            }
        };
        let in_time = timeout(WAIT, reading).await;
        assert!(in_time.is_ok(), "not enough: {:?}", lines(&answers));
        answers
    }

    /// Reads answers until the task `id` is finished.
    pub(crate) async fn finished(&self, id: &str) -> Vec<Answer> {
        self.answers_until(|answers| answers.iter().any(|one| one.is(id, "finished"))).await
    }

    /// Waits until every task of the pair is acknowledged, then reads all answers there are.
    pub(crate) async fn settled(&self, service: &str, task: &str) -> Vec<Answer> {
        self.all_acknowledged(service, task).await;
        let mut reader = self.bus.reader(answer_options());
        let mut answers = Vec::new();
        while let Read::Message(message) = timeout(WAIT, reader.next()).await.unwrap() {
            answers.push(Answer::of(&message));
        }
        answers
    }

    /// Reads answers until all these tasks are finished, in whatever order.
    pub(crate) async fn all_finished(&self, ids: &[&str]) -> Vec<Answer> {
        let is_finished =
            |answers: &[Answer], id: &str| answers.iter().any(|one| one.is(id, "finished"));
        self.answers_until(|answers| ids.iter().all(|id| is_finished(answers, id))).await
    }

    /// Reads answers until the task `id` is started.
    pub(crate) async fn started(&self, id: &str) -> Vec<Answer> {
        self.answers_until(|answers| answers.iter().any(|one| one.is(id, "started"))).await
    }
}

/// A stored answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) time: StreamTime,
    pub(crate) event: Event,
}

fn answer_options() -> ReaderOptions {
    let filters = vec!["sh.keptn.event.*.started".into(), "sh.keptn.event.*.finished".into()];
    ReaderOptions { filters, from: ReadFrom::Beginning }
}

impl Answer {
    fn of(message: &RawMessage) -> Self {
        let stored = message.stored();
        Self { time: stored.time, event: stored.body.unwrap() }
    }

    pub(crate) fn is(&self, id: &str, kind: &str) -> bool {
        self.answers(id) && self.kind() == kind
    }

    pub(crate) fn kind(&self) -> &'static str {
        self.event.event_type.kind().unwrap().as_str()
    }

    pub(crate) fn answers(&self, id: &str) -> bool {
        self.event.triggered_id.as_ref().is_some_and(|triggered| triggered.as_str() == id)
    }
}

/// Returns answers as `<id> <executor> <kind> <status>/<result>`.
pub(crate) fn lines(answers: &[Answer]) -> Vec<String> {
    let line = |answer: &Answer| {
        let head = answer.event.data.head();
        format!(
            "{} {} {} {}/{}",
            answer.event.triggered_id.as_ref().unwrap(),
            answer.event.source,
            answer.kind(),
            head.status.unwrap(),
            head.result.unwrap()
        )
    };
    answers.iter().map(line).collect()
}

fn event(id: &str, event_type: &str, data: &Value) -> Event {
    let json = json!({"id": id, "source": "test", "shkeptncontext": "c1",
                      "type": format!("sh.keptn.event.{event_type}"), "data": data});
    Event::from_json(json.to_string().as_bytes()).unwrap()
}

impl Scene {
    /// Publishes what may be no event at all.
    pub(crate) async fn publish_raw(&self, subject: &str, body: &str) {
        let outgoing = Outgoing {
            subject: subject.to_owned(),
            event_json: body.to_owned(),
            message_id: format!("raw {body}"),
            expected_last_subject_sequence: None,
        };
        self.publisher.publish(outgoing).await.unwrap();
    }

    /// Waits until every task of the pair was delivered and acknowledged.
    pub(crate) async fn all_acknowledged(&self, service: &str, task: &str) {
        let name = bus::names::task_consumer(service, task);
        let mut look = tokio::time::interval(Duration::from_millis(5));
        let mut seen = Value::Null;
        let waiting = async {
            loop {
                look.tick().await;
                seen = self.consumer(&name).await;
                if seen["num_pending"] == 0 && seen["num_ack_pending"] == 0 {
                    return;
                }
            }
        };
        let in_time = timeout(WAIT, waiting).await;
        assert!(in_time.is_ok(), "tasks of {name} are left: {seen}");
    }

    /// Asks the server's monitoring port for a consumer.
    async fn consumer(&self, name: &str) -> Value {
        let address = self.server.monitor_url().replace("http://", "");
        let mut stream = TcpStream::connect(&address).await.unwrap();
        let request = b"GET /jsz?consumers=true HTTP/1.0\r\n\r\n";
        stream.write_all(request).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        let answer: Value = serde_json::from_str(body).unwrap();
        let consumers = &answer["account_details"][0]["stream_detail"];
        let mut all =
            consumers.as_array().into_iter().flatten().flat_map(|stream| {
                stream["consumer_detail"].as_array().cloned().unwrap_or_default()
            });
        all.find(|consumer| consumer["name"] == name).unwrap_or_default()
    }
}
