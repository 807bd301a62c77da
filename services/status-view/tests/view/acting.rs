//! Acting over HTTP: only with the token and from a page of ours; then the event is the command
//! line's.

use std::{fs, os::unix::fs::PermissionsExt as _};

use model::{
    Event, KeptnContext, Position,
    view::{self, Events, EventsQuery, Projects},
};
use serde_json::{Value, json};
use status_view::{Config, http::Token};

use crate::{
    client::{Answer, ask, get},
    running::Running,
    stream::{SHIPYARD, Stream, UNIFORM},
};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";
const VERBS: [&str; 7] = ["trigger", "pause", "resume", "abort", "retry", "approve", "decline"];

/// The view with a token, its stream, and somebody who is logged in.
struct Scene {
    running: Running,
    stream: Stream,
    cookie: String,
    csrf: String,
}

impl Scene {
    async fn over(stream: Stream) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        fs::write(&path, TOKEN).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let token = Some(Token::read(&path).unwrap());
        let running = Running::start_with(Config { token }).await;
        running.publish(&stream).await;
        let mut scene = Self { running, stream, cookie: String::new(), csrf: String::new() };
        scene.wait().await;
        let said = scene.post("/login", &[&scene.origin()], &format!("token={TOKEN}")).await;
        assert_eq!((said.status, said.header("location")), (303, "/"), "{said:?}");
        let cookie = said.header("set-cookie").to_owned();
        for attribute in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=43200"] {
            assert!(cookie.contains(attribute), "{cookie}");
        }
        scene.cookie = format!("Cookie: {}", cookie.split(';').next().unwrap());
        let path = "/api/v1/session";
        let session = ask(scene.running.address, "GET", path, &[&scene.cookie], "").await;
        scene.csrf = session.json()["csrf"].as_str().unwrap().to_owned();
        scene
    }

    fn last(&self) -> Position {
        self.stream.events.len() as Position
    }

    /// Waits until the view has read all that is known here.
    async fn wait(&self) {
        let query = json!({ "atLeast": self.last() });
        self.running.ask::<Projects>(view::PROJECTS, &query).await.unwrap();
    }

    fn origin(&self) -> String {
        format!("Origin: http://{}", self.running.address)
    }

    async fn post(&self, path: &str, headers: &[&str], form: &str) -> Answer {
        let mut all = vec!["Content-Type: application/x-www-form-urlencoded"];
        all.extend(headers);
        ask(self.running.address, "POST", path, &all, form).await
    }

    /// Sends a form as a page of ours does.
    async fn act(&self, verb: &str, form: &str) -> Answer {
        let form = format!("{form}&csrf={}", self.csrf);
        self.post(&format!("/actions/{verb}"), &[&self.origin(), &self.cookie], &form).await
    }

    /// Sends JSON as a program does.
    async fn say(&self, verb: &str, body: &Value) -> Answer {
        let token = format!("Authorization: Bearer {TOKEN}");
        let headers = ["Content-Type: application/json", token.as_str()];
        let path = format!("/api/v1/actions/{verb}");
        ask(self.running.address, "POST", &path, &headers, &body.to_string()).await
    }

    /// Returns what is stored behind what is known here.
    async fn stored(&self) -> Vec<Event> {
        let query = EventsQuery { after: Some(self.last()), ..EventsQuery::default() };
        let events: Events = self.running.ask(view::EVENTS, &query).await.unwrap();
        let entries = events.events.iter();
        entries.map(|one| Event::from_json(one.event.get().as_bytes()).unwrap()).collect()
    }

    /// Plays the controller: takes the next command and publishes what it says.
    async fn decide(&mut self) -> Event {
        let query = json!({ "atLeast": self.last() + 1 });
        self.running.ask::<Projects>(view::PROJECTS, &query).await.unwrap();
        let event = self.stored().await.remove(0);
        let known = self.stream.events.len() + 1;
        self.stream.store(event.clone());
        self.stream.settle();
        for stored in &self.stream.events[known..] {
            let said = stored.body.as_ref().unwrap();
            self.running.say(&stored.subject, &said.to_json(), said.id.as_str()).await;
        }
        event
    }
}

#[tokio::test]
async fn a_sync_by_form_is_the_event_of_the_command_line_and_goes_to_the_run() {
    let scene = Scene::over(Stream::behind()).await;
    let form = "project=sockshop&stage=hardening&sequence=&service=&keptnContext=";
    let answer = scene.act("trigger", form).await;
    assert_eq!(answer.status, 303, "{answer:?}");
    let [event] = &scene.stored().await[..] else { panic!("one event") };
    let context = event.context.as_ref().unwrap();
    assert_eq!(answer.header("location"), format!("/runs/{context}"));
    assert_eq!(
        event.event_type.to_string(),
        "sh.keptn.event.hardening.artifact-delivery.triggered"
    );
    assert_eq!(&*event.source, "slipway-page");
    assert_eq!(
        Value::Object(event.data.to_map()),
        json!({"project": "sockshop", "stage": "hardening"})
    );
}

#[tokio::test]
async fn an_artifact_is_delivered_by_a_program() {
    let scene = Scene::over(Stream::behind()).await;
    let body = json!({"project": "sockshop", "stage": "dev", "sequence": "artifact-delivery",
        "service": "carts", "artifact": "carts:2"});
    let answer = scene.say("trigger", &body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let [event] = &scene.stored().await[..] else { panic!("one event") };
    assert_eq!(answer.json()["keptnContext"], event.context.as_ref().unwrap().as_str());
    assert_eq!(
        Value::Object(event.data.to_map()),
        json!({"project": "sockshop", "stage": "dev", "service": "carts",
            "configurationChange": {"values": {"image": "carts:2"}}})
    );
}

#[tokio::test]
async fn commands_wait_for_their_answer_and_tell_a_refusal() {
    let mut stream = Stream::behind();
    let context = stream.sync("hardening");
    let mut scene = Scene::over(stream).await;
    for (verb, status) in [("pause", 303), ("resume", 303), ("retry", 409), ("abort", 303)] {
        let form = format!("project=sockshop&keptnContext={}", context.short());
        let asked = scene.csrf.clone();
        let (origin, cookie, address) =
            (scene.origin(), scene.cookie.clone(), scene.running.address);
        let sent = tokio::spawn(async move {
            let kind = "Content-Type: application/x-www-form-urlencoded";
            let form = format!("{form}&csrf={asked}");
            ask(address, "POST", &format!("/actions/{verb}"), &[kind, &origin, &cookie], &form)
                .await
        });
        let event = scene.decide().await;
        assert_eq!(
            event.event_type.to_string(),
            format!("sh.keptn.event.sequence.{verb}.triggered")
        );
        assert_eq!(event.context.as_ref(), Some(&context));
        let answer = sent.await.unwrap();
        assert_eq!(answer.status, status, "{verb}: {answer:?}");
        if status == 409 {
            assert!(answer.body.starts_with("error: "), "{answer:?}");
        } else {
            assert_eq!(answer.header("location"), format!("/runs/{context}"));
        }
    }
}

#[tokio::test]
async fn an_approval_is_answered_once() {
    let shipyard = SHIPYARD.replacen("- {name: evaluation}", "- {name: approval}", 1);
    let mut stream =
        Stream::with_project(&shipyard, Some(UNIFORM), &["carts", "carts-db", "catalogue"]);
    let context = stream.trigger("dev", "carts", "carts:1");
    stream.play_until_approval();
    let mut scene = Scene::over(stream).await;
    let body = json!({"keptnContext": context, "message": "looks good"});
    assert_eq!(scene.say("approve", &body).await.status, 200);
    let event = scene.decide().await;
    assert_eq!(event.event_type.to_string(), "sh.keptn.event.approval.finished");
    let data = Value::Object(event.data.to_map());
    assert_eq!((&data["result"], &data["message"]), (&json!("pass"), &json!("looks good")));
    scene.wait().await;
    let again = scene.say("decline", &body).await;
    assert_eq!((again.status, &again.json()["error"]["code"]), (409, &json!("refused")));
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_and_stores_nothing() {
    let scene = Scene::over(Stream::behind()).await;
    for (verb, body, status, said) in [
        ("trigger", json!({}), 400, "`project` is needed"),
        ("trigger", json!({"project": "sokshop", "stage": "dev"}), 404, "sockshop"),
        ("trigger", json!({"project": "sockshop", "stage": "hardning"}), 404, "hardening"),
        (
            "trigger",
            json!({"project": "sockshop", "stage": "dev", "sequence": "artifact-delivery"}),
            400,
            "first stage",
        ),
        (
            "trigger",
            json!({"project": "sockshop", "stage": "hardening", "sequence": "nothing"}),
            404,
            "artifact-delivery",
        ),
        (
            "trigger",
            json!({"project": "sockshop", "stage": "hardening", "sequence": "check"}),
            400,
            "needs a service",
        ),
        (
            "trigger",
            json!({"project": "sockshop", "stage": "hardening", "service": "cart"}),
            404,
            "carts",
        ),
        (
            "trigger",
            json!({"project": "sockshop", "stage": "hardening", "unknown": "x"}),
            400,
            "unknown",
        ),
        ("pause", json!({}), 400, "`keptnContext` is needed"),
        ("abort", json!({"keptnContext": "00000000-0000"}), 404, "no sequence"),
        ("start", json!({}), 404, "trigger"),
    ] {
        let answer = scene.say(verb, &body).await;
        assert_eq!(answer.status, status, "{verb} {body}: {answer:?}");
        assert!(answer.body.contains(said), "{verb} {body}: {answer:?}");
    }
    assert_eq!(scene.stored().await, []);
}

#[tokio::test]
async fn another_site_can_do_nothing() {
    let mut stream = Stream::behind();
    let context: KeptnContext = stream.sync("hardening");
    let scene = Scene::over(stream).await;
    let form =
        |csrf: &str| format!("project=sockshop&stage=hardening&keptnContext={context}&csrf={csrf}");
    let (good, none) = (form(&scene.csrf), form(""));
    let (ours, cookie) = (scene.origin(), scene.cookie.as_str());
    let bearer = format!("Authorization: Bearer {TOKEN}");
    let foreign = "Origin: http://evil.example";
    // Even with the cookie and the value of the session: from elsewhere, or from nowhere.
    let mut tries: Vec<(String, Vec<&str>, &str)> = Vec::new();
    for verb in VERBS {
        tries.push((format!("/actions/{verb}"), vec![cookie, foreign], &good));
        tries.push((format!("/actions/{verb}"), vec![cookie, "Sec-Fetch-Site: cross-site"], &good));
    }
    let path = "/actions/trigger".to_owned();
    tries.push((path.clone(), vec![cookie, "Origin: null"], &good));
    tries.push((path.clone(), vec![cookie], &good));
    tries.push((path.clone(), vec![cookie, &ours], &none));
    tries.push((path.clone(), vec![&ours], &good));
    tries.push((path, vec!["Cookie: slipway-session=made-up", &ours], &good));
    tries.push(("/api/v1/actions/trigger".to_owned(), vec![&bearer, foreign], "{}"));
    tries.push(("/api/v1/actions/trigger".to_owned(), vec![cookie, &ours], "{}"));
    tries.push(("/logout".to_owned(), vec![cookie, foreign], &good));
    let login = format!("token={TOKEN}");
    tries.push(("/login".to_owned(), vec![foreign], &login));
    tries.push(("/login".to_owned(), vec![&ours], "token=wrong"));
    assert!(tries.len() >= 20);
    for (path, headers, body) in tries {
        let answer = scene.post(&path, &headers, body).await;
        assert_eq!(answer.status, 403, "{path} {headers:?}: {answer:?}");
        assert_eq!(answer.header("set-cookie"), "", "{path} {headers:?}");
    }
    for path in ["/actions/abort", "/logout"] {
        assert_eq!(get(scene.running.address, path).await.status, 405);
    }
    assert_eq!(scene.stored().await, []);
    let session = ask(scene.running.address, "GET", "/api/v1/session", &[cookie], "").await;
    assert!(session.json()["csrf"].is_string(), "still logged in");
    let end = scene.post("/logout", &[cookie, &ours], &format!("csrf={}", scene.csrf)).await;
    assert_eq!(end.status, 303);
    assert_eq!(scene.act("trigger", "project=sockshop&stage=hardening").await.status, 403);
}

#[tokio::test]
async fn without_a_token_everything_is_read_only() {
    let running = Running::start().await;
    running.ask::<Projects>(view::PROJECTS, &json!({})).await.unwrap();
    for (path, kind) in [
        ("/login", "Content-Type: application/x-www-form-urlencoded"),
        ("/actions/trigger", "Content-Type: application/x-www-form-urlencoded"),
        ("/api/v1/actions/trigger", "Content-Type: application/json"),
    ] {
        let origin = format!("Origin: http://{}", running.address);
        let refused = ask(running.address, "POST", path, &[kind, &origin], "{}").await;
        assert_eq!(refused.status, 403, "{path}: {refused:?}");
        assert!(refused.body.contains("UI_TOKEN_FILE"), "{path}: {refused:?}");
    }
    let session = get(running.address, "/api/v1/session").await.json();
    assert_eq!(session, json!({"possible": false, "csrf": null}));
}
