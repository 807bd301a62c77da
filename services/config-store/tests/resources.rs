//! The running service: a nats-server of the test's own, commands into the stream, queries over
//! the wire.
#![cfg(test)]

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use bus::{Bus, Outgoing, RequestError, StreamSettings, test_server::TestServer};
use model::{
    Event, EventId, EventType, Payload, Position,
    view::{
        self, QueryErrorCode, RESOURCE_BYTES_MAX, Resource, ResourceQuery, Resources,
        ResourcesQuery,
    },
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use service::{Progress, Shutdown, Start};
use tokio::{task::JoinHandle, time::Instant};

/// Bound of every wait; the two seconds that a query may wait are in it.
const LIMIT: Duration = Duration::from_secs(20);
const SHIPYARD: &str = "apiVersion: spec.keptn.sh/0.2.3\nspec: {stages: [{name: dev}]}\n";

/// A server, config-store beside it, and a client.
struct Running {
    bus: Bus,
    store: JoinHandle<()>,
    _server: TestServer,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.store.abort();
    }
}

impl Running {
    /// Starts a server and config-store, and makes a project with a service.
    async fn start() -> Self {
        let server = TestServer::start().await.unwrap();
        let bus = server.bus().await.unwrap();
        bus.ensure_stream(&StreamSettings::default()).await.unwrap();
        let start = Start {
            bus: server.bus().await.unwrap(),
            shutdown: Shutdown::listen(false),
            progress: Progress::new(bus.clone()),
            config: (),
        };
        let store = tokio::spawn(async move { config_store::run(start).await.unwrap() });
        let running = Self { bus, store, _server: server };
        running.carry_out("project.create", json!({"shipyard": BASE64.encode(SHIPYARD)})).await;
        running.carry_out("service.create", json!({"service": "carts"})).await;
        running
    }

    /// Stores a command on project `p`, and returns the position and the data of its answer.
    async fn carry_out(&self, kind: &str, mut data: Value) -> (Position, Value) {
        data["project"] = "p".into();
        let asked = EventType::parse(&format!("sh.keptn.event.{kind}.triggered")).unwrap();
        let id = EventId::new(&format!("{}", self.bus.stream_end().await.unwrap() + 1)).unwrap();
        let payload = Payload::from_map(data.as_object().unwrap());
        let event = Event::new(id, "test", asked.clone(), payload);
        let outgoing = Outgoing {
            subject: asked.to_string(),
            event_json: event.to_json(),
            message_id: event.id.to_string(),
            expected_last_subject_sequence: None,
        };
        self.bus.publisher().publish(outgoing).await.unwrap();
        let answers = format!("sh.keptn.event.{kind}.finished");
        let begin = Instant::now();
        loop {
            let last = self.bus.last_on_subject(&answers).await.unwrap();
            if let Some(last) = last
                && let Ok(answer) = last.stored().body
                && answer.triggered_id.as_ref() == Some(&event.id)
            {
                return (last.position, Value::Object(answer.data.to_map()));
            }
            assert!(begin.elapsed() < LIMIT, "no {answers} in {LIMIT:?}");
            tokio::task::yield_now().await;
        }
    }

    /// Updates a resource, and returns the position of the answer.
    async fn update(&self, level: Value, uri: &str, content: &[u8]) -> Position {
        let mut data = level;
        data["resourceURI"] = uri.into();
        data["resourceContent"] = BASE64.encode(content).into();
        let (position, answer) = self.carry_out("resource.update", data).await;
        assert_eq!(answer["status"], "succeeded", "{answer}");
        assert_eq!(answer.get("resourceContent"), None);
        position
    }

    async fn ask<A: DeserializeOwned>(
        &self,
        subject: &str,
        query: &(impl Serialize + Sync),
    ) -> Result<A, RequestError> {
        let begin = Instant::now();
        loop {
            match self.bus.request_json(subject, query, LIMIT).await {
                // config-store has only just begun to listen.
                Err(RequestError::NoResponders { .. }) if begin.elapsed() < LIMIT => {
                    tokio::task::yield_now().await;
                }
                answer => return answer,
            }
        }
    }

    async fn resource(&self, query: ResourceQuery) -> Result<Resource, RequestError> {
        self.ask(view::RESOURCE, &query).await
    }
}

fn query(stage: Option<&str>, uri: &str, at_least: Position) -> ResourceQuery {
    ResourceQuery {
        project: "p".to_owned(),
        stage: stage.map(str::to_owned),
        resource_uri: uri.to_owned(),
        at_least: Some(at_least),
        ..ResourceQuery::default()
    }
}

fn refusal(answer: Result<Resource, RequestError>) -> (QueryErrorCode, String, String) {
    match answer {
        Err(RequestError::Refused(refusal)) => {
            (refusal.error.code, refusal.error.message, refusal.error.hint.unwrap_or_default())
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_content_is_answered_from_the_message_that_holds_it() {
    let running = Running::start().await;
    let first = running.update(json!({}), "helm/values.bin", &[0, 159, 146, 150]).await;
    let last = running.update(json!({}), "helm/values.bin", b"new").await;
    let newest = running.resource(query(None, "helm/values.bin", last)).await.unwrap();
    assert_eq!(BASE64.decode(&newest.resource_content).unwrap(), b"new");
    assert!(newest.position >= last && first < last);
    assert_eq!(newest.metadata.version.version, newest.version);
    let [earlier] = newest.metadata.earlier.as_slice() else { panic!("{newest:?}") };
    let wanted = Some(earlier.version[..8].to_owned());
    let before = ResourceQuery { version: wanted, ..query(None, "helm/values.bin", 0) };
    let before = running.resource(before).await.unwrap();
    assert_eq!(BASE64.decode(&before.resource_content).unwrap(), [0, 159, 146, 150]);
    let held = running.bus.message_at(before.metadata.version.position).await.unwrap().unwrap();
    assert_eq!(held.subject(), "sh.keptn.event.resource.update.triggered");
}

#[tokio::test]
async fn what_is_not_there_is_refused_with_where_it_is() {
    let running = Running::start().await;
    let last = running.update(json!({}), "slo.yaml", b"x").await;
    let (code, message, hint) =
        refusal(running.resource(query(Some("dev"), "slo.yaml", last)).await);
    assert_eq!(code, QueryErrorCode::NotFound);
    assert_eq!(message, "resource `slo.yaml` does not exist at stage `dev`, project `p`");
    assert_eq!(hint, "there is one of this name at project level");
    let (code, _, _) = refusal(running.resource(query(None, "../x", last)).await);
    assert_eq!(code, QueryErrorCode::BadQuery);
    let (code, message, _) = refusal(running.resource(query(None, "slo.yaml", last + 100)).await);
    assert_eq!(code, QueryErrorCode::Behind, "{message}");
}

#[tokio::test]
async fn the_largest_content_comes_back_and_lists_have_pages() {
    let running = Running::start().await;
    let level = json!({"stage": "dev", "service": "carts"});
    let large = vec![7; RESOURCE_BYTES_MAX];
    let last = running.update(level.clone(), "large", &large).await;
    let service =
        ResourceQuery { service: Some("carts".to_owned()), ..query(Some("dev"), "large", last) };
    let answer = running.resource(service).await.unwrap();
    assert!(BASE64.decode(&answer.resource_content).unwrap() == large);
    running.update(level.clone(), "b", b"b").await;
    let last = running.update(level, "a", b"a").await;
    let mut found = Vec::new();
    let mut pages = ResourcesQuery {
        project: "p".to_owned(),
        stage: Some("dev".to_owned()),
        service: Some("carts".to_owned()),
        page_size: 2,
        at_least: Some(last),
        ..ResourcesQuery::default()
    };
    loop {
        let page: Resources = running.ask(view::RESOURCES, &pages).await.unwrap();
        assert_eq!(page.total_count, 3);
        found.extend(page.resources.into_iter().map(|entry| entry.resource_uri));
        pages.next_page_key = page.next_page_key;
        if pages.next_page_key.is_none() {
            break;
        }
    }
    assert_eq!(found, ["a", "b", "large"]);
}
