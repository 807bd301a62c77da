//! The interface over HTTP: the same bytes as over NATS, errors in their form, events as they come.

use std::time::Duration;

use bytes::Bytes;
use model::{
    KeptnContext, Position,
    view::{self, Delivery, Events, Projects, Sequences, StageStatus, SyncPlan},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::Instant};

use crate::{
    client::{Follower, ask, get},
    running::{LIMIT, Running},
    stream::Stream,
};

/// What a healthy request may take beside thousands of others.
const HEALTHY: Duration = Duration::from_secs(1);

/// Starts the view over the story's stream, and waits until it has read all of it.
async fn running() -> (Running, Stream, Position) {
    let (running, stream) = (Running::start().await, Stream::behind());
    running.publish(&stream).await;
    let last = stream.events.len() as Position;
    running.ask::<Projects>(view::PROJECTS, &json!({ "atLeast": last })).await.unwrap();
    (running, stream, last)
}

/// Returns what a program gets that reads the type and writes it again: what `keptn -o json` prints
/// is the indented form of it.
fn written_again<T: Serialize + DeserializeOwned>(answer: &str) -> String {
    let value: T = serde_json::from_str(answer).unwrap();
    serde_json::to_string(&value).unwrap()
}

type Again = fn(&str) -> String;

/// Every kind of answer: where it is over HTTP, and the same query over NATS.
fn cases(context: &KeptnContext, before: Position) -> Vec<(String, &'static str, Value, Again)> {
    let of = |path: String, subject, query, again: Again| (path, subject, query, again);
    let hardening = json!({"project": "sockshop", "stage": "hardening"});
    let from = json!({"project": "sockshop", "stage": "production", "from": "dev"});
    let project = json!({"project": "sockshop"});
    let some = json!({"project": "sockshop", "stage": "dev", "service": "carts", "limit": 1});
    let delivery = json!({"keptnContext": context.short()});
    let typed = json!({"eventType": "test.finished", "after": 3, "limit": 2});
    let paged = json!({"project": "sockshop", "keptnContext": context, "before": before});
    let stages = "/api/v1/projects/sockshop/stages";
    let (runs, events) = ("/api/v1/sequences", "/api/v1/events");
    let some_runs = format!("{runs}?project=sockshop&stage=dev&service=carts&limit=1");
    let page = format!("{events}?project=sockshop&keptnContext={context}&before={before}");
    vec![
        of("/api/v1/projects".into(), view::PROJECTS, json!({}), written_again::<Projects>),
        of("/api/v1/projects/sockshop".into(), view::PROJECTS, project, written_again::<Projects>),
        of(
            format!("{stages}/hardening/status"),
            view::STAGE,
            hardening.clone(),
            written_again::<StageStatus>,
        ),
        of(
            format!("{stages}/production/status?from=dev"),
            view::STAGE,
            from.clone(),
            written_again::<StageStatus>,
        ),
        of(format!("{stages}/hardening/plan"), view::PLAN, hardening, written_again::<SyncPlan>),
        of(
            format!("{stages}/production/plan?from=dev"),
            view::PLAN,
            from,
            written_again::<SyncPlan>,
        ),
        of(runs.into(), view::SEQUENCES, json!({}), written_again::<Sequences>),
        of(some_runs, view::SEQUENCES, some, written_again::<Sequences>),
        of(
            format!("{runs}?openOnly=true"),
            view::SEQUENCES,
            json!({"openOnly": true}),
            written_again::<Sequences>,
        ),
        of(
            format!("{runs}/{}", context.short()),
            view::SEQUENCE,
            delivery,
            written_again::<Delivery>,
        ),
        of(events.into(), view::EVENTS, json!({}), written_again::<Events>),
        of(
            format!("{events}?eventType=test.finished&after=3&limit=2"),
            view::EVENTS,
            typed,
            written_again::<Events>,
        ),
        of(page, view::EVENTS, paged, written_again::<Events>),
    ]
}

#[tokio::test]
async fn every_answer_is_byte_for_byte_the_one_over_nats() {
    let (running, mut stream, known) = running().await;
    let context = stream.sync("hardening");
    for stored in stream.events.iter().filter(|one| one.position > known) {
        let event = stored.body.as_ref().unwrap();
        running.say(&stored.subject, &event.to_json(), event.id.as_str()).await;
    }
    let last = stream.events.len() as Position;
    running.ask::<Projects>(view::PROJECTS, &json!({ "atLeast": last })).await.unwrap();
    for (path, subject, query, written_again) in cases(&context, last) {
        let answer = get(running.address, &path).await;
        let query = Bytes::from(query.to_string());
        let over_nats = running.bus.request(subject, query, LIMIT).await.unwrap();
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(answer.body.as_bytes(), &over_nats[..], "{path}");
        assert_eq!(answer.body, written_again(&answer.body), "{path}");
        assert_eq!(answer.json()["position"], last, "{path}");
    }
}

#[tokio::test]
async fn errors_have_one_form_and_a_status_that_fits() {
    let (running, _, last) = running().await;
    let stage = "/api/v1/projects/sockshop/stages";
    let behind = format!("/api/v1/projects?atLeast={}", last + 1);
    for (method, path, status, code, said) in [
        ("GET", "/api/v1/projects/sokshop", 404, "notFound", "sockshop"),
        ("GET", &format!("{stage}/hardning/status"), 404, "notFound", "hardening"),
        ("GET", &format!("{stage}/dev/plan"), 400, "badQuery", "first stage"),
        ("GET", &format!("{stage}/dev/status?form=dev"), 400, "badQuery", "did you mean `from`"),
        ("GET", "/api/v1/sequences?limit=many", 400, "badQuery", "limit"),
        ("GET", "/api/v1/sequences/short", 400, "badQuery", "at least 8"),
        ("GET", "/api/v1/sequences/00000000-none", 404, "notFound", "keptn get sequence"),
        ("GET", "/api/v1/events/stream?limit=5", 400, "badQuery", "after"),
        ("GET", "/api/v1/events/stream?project=none", 404, "notFound", "none"),
        ("GET", "/api/v1/projects/%FF", 400, "badQuery", "UTF-8"),
        ("GET", "/api/v1/nothing", 404, "notFound", "/api/v1/nothing"),
        ("GET", "/api/v2/projects", 404, "notFound", "openapi.json"),
        ("POST", "/api/v1/projects", 405, "wrongMethod", "POST"),
        ("DELETE", "/api/v1/sequences/x", 405, "wrongMethod", "DELETE"),
        ("GET", "/api/v1/actions/trigger", 405, "wrongMethod", "GET"),
        ("GET", &behind, 503, "behind", "read up to"),
    ] {
        let answer = ask(running.address, method, path, &[], "").await;
        assert_eq!(answer.status, status, "{path}: {answer:?}");
        let json = answer.json();
        assert_eq!(json["error"]["code"], code, "{path}: {json}");
        assert_eq!(json["position"], last, "{path}: {json}");
        let text = format!("{} {}", json["error"]["message"], json["error"]["hint"]);
        assert!(text.contains(said), "{path}: {text}");
        for name in ["content-security-policy", "x-content-type-options", "referrer-policy"] {
            assert!(!answer.header(name).is_empty(), "{path} lacks {name}");
        }
    }
    let over_nats = Bytes::from(json!({"project": "sokshop"}).to_string());
    let over_nats = running.bus.request(view::PROJECTS, over_nats, LIMIT).await.unwrap();
    let over_http = get(running.address, "/api/v1/projects/sokshop").await;
    assert_eq!(over_http.body.as_bytes(), &over_nats[..]);
}

#[tokio::test]
async fn the_description_names_every_path_and_every_type_that_it_refers_to() {
    let (running, ..) = running().await;
    let answer = get(running.address, "/api/v1/openapi.json").await;
    let described = answer.json();
    let paths: Vec<&String> = described["paths"].as_object().unwrap().keys().collect();
    assert_eq!(
        paths,
        [
            "/api/v1/actions/{verb}",
            "/api/v1/events",
            "/api/v1/events/stream",
            "/api/v1/projects",
            "/api/v1/projects/{project}",
            "/api/v1/projects/{project}/stages/{stage}/plan",
            "/api/v1/projects/{project}/stages/{stage}/status",
            "/api/v1/sequences",
            "/api/v1/sequences/{keptnContext}",
            "/api/v1/session",
        ]
    );
    let schemas = described["components"]["schemas"].as_object().unwrap();
    let references: Vec<&str> = answer
        .body
        .split("\"$ref\": \"#/components/schemas/")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
        .collect();
    assert!(references.len() > 20, "{references:?}");
    for reference in references {
        assert!(schemas.contains_key(reference), "{reference} is not described");
    }
    // What is described is what is answered.
    let status = get(running.address, "/api/v1/projects/sockshop/stages/hardening/status").await;
    let status = status.json();
    let members: Vec<&String> = status.as_object().unwrap().keys().collect();
    let mut properties: Vec<&String> =
        schemas["StageStatus"]["properties"].as_object().unwrap().keys().collect();
    properties.sort();
    assert_eq!(members, properties);
}

#[tokio::test]
async fn a_badge_says_in_words_how_a_stage_is() {
    let (running, ..) = running().await;
    for (stage, text) in [
        ("hardening", "out of sync · 2"),
        ("production", "in sync"),
        ("dev", "first stage"),
        ("%3Cscript%3E", "unknown"),
    ] {
        let answer = get(running.address, &format!("/badge/sockshop/{stage}.svg")).await;
        assert_eq!((answer.status, answer.header("cache-control")), (200, "no-cache"), "{stage}");
        assert_eq!(answer.header("content-type"), "image/svg+xml");
        assert!(answer.body.contains(&format!(">{text}</text>")), "{stage}: {}", answer.body);
        assert!(!answer.body.contains("<script"), "{}", answer.body);
    }
}

#[tokio::test]
async fn events_come_without_a_gap_and_without_a_repetition() {
    let (running, mut stream, last) = running().await;
    let mut all = Follower::open(running.address, "/api/v1/events/stream?after=0", None).await;
    let first: Vec<Position> = (1..=last).collect();
    assert_eq!(all.positions(first.len()).await, first);

    let mut new = Follower::open(running.address, "/api/v1/events/stream", None).await;
    new.until(|text| text.contains("retry: ")).await;
    // An event as somebody else wrote it, with line ends in its text and between its members.
    let odd = "{\"id\":\"odd\",\r\n \"type\":\"sh.keptn.event.odd.started\",\n\"data\":{\"a\":\"b\\nc\"}}";
    running.say("sh.keptn.event.odd.started", odd, "odd").await;
    let event = stream.make("other.triggered", json!({"project": "sockshop"}));
    running.say(&event.event_type.to_string(), &event.to_json(), event.id.as_str()).await;
    assert_eq!(new.positions(2).await, [last + 1, last + 2]);
    let heard = new.until(|_| true).await;
    let line = heard.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
    let entry: Value = serde_json::from_str(line).unwrap();
    assert_eq!(
        (&entry["position"], &entry["event"]["data"]["a"]),
        (&json!(last + 1), &json!("b\nc"))
    );

    // Cut off in the middle, it goes on where it was.
    let path = "/api/v1/events/stream?project=sockshop";
    let mut some = Follower::open(running.address, path, Some(3)).await;
    let expected: Vec<Position> = (4..=last).chain([last + 2]).collect();
    assert_eq!(some.positions(expected.len()).await, expected);
    let wrong = ask(running.address, "GET", path, &["Last-Event-ID: x"], "").await;
    assert_eq!(wrong.status, 400);
}

#[tokio::test]
async fn thousands_who_come_and_go_do_not_stop_others() {
    const CLIENTS: usize = 3_000;
    let (running, ..) = running().await;
    let mut held = Vec::new();
    let mut slowest = Duration::ZERO;
    for number in 0..CLIENTS {
        let mut client = Follower::open(running.address, "/api/v1/events/stream", None).await;
        if number % 20 == 0 {
            client.until(|text| text.contains("\r\n\r\n")).await;
            held.push(client);
        }
        if number % 300 == 0 {
            let asked = Instant::now();
            assert_eq!(get(running.address, "/healthz").await.status, 200);
            slowest = slowest.max(asked.elapsed());
        }
    }
    assert!(slowest < HEALTHY, "{slowest:?}");
    drop(held);
    // Whoever left has given the place back.
    let until = Instant::now() + LIMIT;
    loop {
        let mut client = Follower::open(running.address, "/api/v1/events/stream", None).await;
        let answer = client.until(|text| text.contains("\r\n\r\n")).await;
        if answer.starts_with("HTTP/1.1 200") {
            break;
        }
        assert!(Instant::now() < until, "{answer}");
    }
}

#[tokio::test]
async fn one_more_than_there_are_places_is_told_to_come_later() {
    let (running, ..) = running().await;
    let mut held = Vec::new();
    for _ in 0..status_view::http::STREAMS_MAX {
        let mut client = Follower::open(running.address, "/api/v1/events/stream", None).await;
        client.until(|text| text.contains("retry: ")).await;
        held.push(client);
    }
    let refused = get(running.address, "/api/v1/events/stream").await;
    assert_eq!((refused.status, &refused.json()["error"]["code"]), (503, &json!("busy")));
    assert_eq!(get(running.address, "/api/v1/projects").await.status, 200);
    drop(TcpStream::connect(running.address).await.unwrap());
}

#[tokio::test]
async fn the_figures_name_open_runs_by_state() {
    let (running, mut stream) = (Running::start().await, Stream::behind());
    stream.sync("hardening");
    running.publish(&stream).await;
    let last = stream.events.len();
    running.ask::<Projects>(view::PROJECTS, &json!({ "atLeast": last })).await.unwrap();
    let figures = get(running.address, "/metrics").await.body;
    for line in [
        "slipway_build_info{component=\"status-view\",version=\"0.1.0\"} 1".to_owned(),
        "slipway_sequences_open{state=\"started\"} 1".to_owned(),
        "slipway_sequences_open{state=\"waiting\"} 0".to_owned(),
        format!("slipway_position {last}"),
        "slipway_lag_events 0".to_owned(),
        "slipway_nats_connected 1".to_owned(),
        format!("slipway_events_published_total {last}"),
    ] {
        assert!(figures.lines().any(|one| one == line), "{line} is missing: {figures}");
    }
}
