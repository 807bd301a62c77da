//! A NATS of the test's own, with a view and a config-store that know just enough to answer.

use bus::{Bus, Query, Read, ReadFrom, ReaderOptions, StreamSettings, test_server::TestServer};
use model::view;
use serde_json::{Value, json};
use tokio::{process::Command, task::JoinHandle};

/// A started NATS, and who answers on it.
pub(crate) struct Scene {
    server: TestServer,
    bus: Bus,
    answering: Vec<JoinHandle<()>>,
}

/// How a command ended.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Drop for Scene {
    fn drop(&mut self) {
        self.answering.iter().for_each(JoinHandle::abort);
    }
}

impl Scene {
    /// Starts NATS alone: no stream, no services.
    pub(crate) async fn bare() -> Self {
        let server = TestServer::start().await.unwrap();
        let bus = server.bus().await.unwrap();
        Self { server, bus, answering: Vec::new() }
    }

    /// Starts NATS with the stream and who answers.
    pub(crate) async fn start() -> Self {
        let mut scene = Self::bare().await;
        scene.bus.ensure_stream(&StreamSettings::default()).await.unwrap();
        let subjects = [view::STAGE, view::SEQUENCE, view::PROJECTS].map(str::to_owned);
        let mut queries = scene.bus.serve("status-view", "0.1.0", &subjects);
        let bus = scene.bus.clone();
        scene.answering.push(tokio::spawn(async move {
            loop {
                let query = queries.next().await;
                let answer = answer(&bus, &query).await;
                query.answer(&answer).await;
            }
        }));
        scene.answering.push(tokio::spawn(decide(scene.bus.clone())));
        // A question that is answered shows that the service is announced.
        let limit = std::time::Duration::from_secs(5);
        while scene.bus.request_json::<_, Value>(view::PROJECTS, &json!({}), limit).await.is_err() {
            tokio::task::yield_now().await;
        }
        scene
    }

    /// Runs the command line.
    pub(crate) async fn keptn(&self, arguments: &[&str]) -> Ran {
        let output = Command::new(env!("CARGO_BIN_EXE_keptn"))
            .args(arguments)
            .env("NATS_URL", self.server.url())
            .env_remove("NATS_CONTEXT")
            .kill_on_drop(true)
            .output()
            .await
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ran {
            code: output.status.code().unwrap_or(-1),
            out: text(&output.stdout),
            err: text(&output.stderr),
        }
    }

    /// Writes a file, and returns its path.
    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        let path = self.server.directory().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_string_lossy().into_owned()
    }

    /// Returns how many events the stream holds.
    pub(crate) async fn events_stored(&self) -> u64 {
        self.bus.stream_end().await.unwrap()
    }

    /// Returns the newest event.
    pub(crate) async fn last_event(&self) -> Value {
        last_event(&self.bus).await.unwrap()
    }
}

async fn last_event(bus: &Bus) -> Option<Value> {
    let end = bus.stream_end().await.ok().filter(|end| *end > 0)?;
    let options = ReaderOptions { filters: Vec::new(), from: ReadFrom::Position(end) };
    match bus.reader(options).next().await {
        Read::Message(message) => serde_json::from_slice(message.payload()).ok(),
        Read::CaughtUp | Read::Replaced => None,
    }
}

/// Answers commands by the name of their service.
async fn decide(bus: Bus) {
    let filters = ["service.create.triggered", "configuration.change.triggered"]
        .map(|kind| format!("sh.keptn.event.{kind}"));
    let options = ReaderOptions { filters: filters.to_vec(), from: ReadFrom::Beginning };
    let mut reader = bus.reader(options);
    loop {
        let Read::Message(message) = reader.next().await else { continue };
        let command: Value = serde_json::from_slice(message.payload()).unwrap();
        let id = command["id"].as_str().unwrap();
        let mut data = command["data"].clone();
        let service = data["service"].as_str().unwrap().to_owned();
        let refused = |code: &str| json!({"status":"errored","result":"fail","code":code,"message":format!("no {service}"),"hint":"another"});
        match service.as_str() {
            "silence" => continue,
            "notfound" => data = refused("notFound"),
            "exists" | "decided" | "refused" | "invalid" => data = refused(&service),
            _ => data["status"] = json!("succeeded"),
        }
        let subject = message.subject().replace("triggered", "finished");
        let event = json!({
            "specversion": "1.0", "id": format!("answer-{id}"), "source": "config-store",
            "type": subject, "triggeredid": id, "data": data,
        });
        let outgoing = bus::Outgoing {
            subject,
            event_json: event.to_string(),
            message_id: format!("answer-{id}"),
            expected_last_subject_sequence: None,
        };
        bus.publisher().publish(outgoing).await.unwrap();
    }
}

async fn answer(bus: &Bus, query: &Query) -> Value {
    let asked: Value = query.parse().unwrap();
    match query.subject() {
        view::STAGE if asked["stage"] == "hardening" => hardening(),
        view::STAGE => json!({
            "error": {"code":"notFound","message":"stage `nowhere` is unknown","hint":"there is dev, hardening"},
            "position": 1,
        }),
        view::SEQUENCE => {
            let context = asked["keptnContext"].as_str().unwrap();
            delivery(context, last_event(bus).await.as_ref())
        }
        _ => json!({"position": 1, "projects": [project()]}),
    }
}

fn service(service: &str, released: &str, evaluated: &str) -> Value {
    let differs = released != evaluated;
    json!({
        "service": service, "released": released, "evaluated": evaluated,
        "evaluatedResult": "pass", "evaluatedContext": null, "evaluatedAt": null,
        "state": if differs { "behind" } else { "in-sync" }, "differs": differs,
        "notEligible": null,
    })
}

fn hardening() -> Value {
    let mut carts = service("carts", "carts:0.10.1", "carts:0.10.17");
    carts["notEligible"] = json!({
        "artifact":"carts:0.10.18","result":"fail","message":"p95 is over 600 ms","keptnContext":"c",
    });
    json!({
        "project": "sockshop", "stage": "hardening", "from": "dev", "syncStatus": "out-of-sync",
        "position": 18204, "ongoing": [],
        "services": [
            carts,
            service("carts-db", "carts-db:0.4.0", "carts-db:0.4.1"),
            service("catalogue", "catalogue:1.7.0", "catalogue:1.7.0"),
        ],
        "command": "keptn trigger artifact-delivery --project=sockshop --stage=hardening",
    })
}

fn project() -> Value {
    let stage = |name: &str, from: Value| {
        json!({
            "stage": name, "from": from, "syncStatus": "in-sync", "differing": 0, "running": 0,
            "sequences": [{"sequence":"artifact-delivery","tasks":["deployment"],"delivers":true}],
        })
    };
    json!({
        "project": "sockshop", "createdAt": "2026-11-23T12:00:00Z", "shipyardVersion": "0.2.3",
        "stages": [stage("dev", Value::Null), stage("hardening", json!("dev"))],
        "services": [{"service":"carts","createdAt":"2026-11-23T12:00:00Z"}],
    })
}

/// The delivery of the last event: its run is as the tag of its artifact says.
fn delivery(context: &str, last: Option<&Value>) -> Value {
    let image = last.and_then(|event| event.pointer("/data/configurationChange/values/image"));
    let image = image.and_then(Value::as_str).unwrap_or("carts:0.10.17");
    let is_approval = context == "approval";
    let answered = is_approval && last.is_some();
    let (state, result, is_open) = match image {
        "carts:pass" => ("finished", json!("pass"), false),
        "carts:fail" => ("finished", json!("fail"), false),
        "carts:abort" => ("aborted", Value::Null, false),
        _ => ("started", Value::Null, true),
    };
    let place = last
        .and_then(|event| event.pointer("/data/stage"))
        .and_then(Value::as_str)
        .unwrap_or("production");
    let is_done = answered || !is_open;
    let task = json!({
        "name": if is_approval { "approval" } else { "deployment" },
        "label": if is_approval { "approval" } else { "deployment" },
        "state": if is_done { "finished" } else { "started" },
        "result": if answered { json!("fail") } else { result.clone() }, "status": null,
        "message": if image == "carts:fail" { json!("disk full") } else { Value::Null },
        "triggeredId": "approval-1", "triggeredAt": "2026-11-23T12:00:00Z",
        "startedAt": "2026-11-23T12:00:00Z",
        "finishedAt": if is_done { json!("2026-11-23T12:00:02Z") } else { Value::Null },
        "executors": [],
    });
    json!({
        "position": 2, "keptnContext": context, "open": is_open, "follows": [],
        "sequences": [{
            "keptnContext": context, "triggerId": "t", "position": 1, "project": "sockshop",
            "stage": place, "sequence": "artifact-delivery",
            "services": [{"service":"carts","artifact":image,"released":"carts:0.10.1"}],
            "from": if place == "hardening" { json!("dev") } else { Value::Null },
            "state": state, "result": result, "status": null, "message": null, "hint": null,
            "nothingToDo": false, "triggeredAt": "2026-11-23T12:00:00Z",
            "startedAt": "2026-11-23T12:00:00Z",
            "finishedAt": if is_open { Value::Null } else { json!("2026-11-23T12:00:02Z") },
            "tasks": [task], "waitingFor": null, "gitCommitId": null,
        }],
    })
}
