//! The interface over HTTP beside the command line and NATS: three ways to one answer.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

use model::view::{Delivery, Events, Projects, Sequences, StageStatus};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::harness::nats_client::NatsClient;
use crate::harness::stack::{
    CONFIG_STORE, CONTROLLER, SERVICES, STATUS_VIEW, STUB_EXECUTOR, Stack,
};

/// Starts everything, with status-view on a port of its own, and plays the demo.
fn played() -> (Stack, u16) {
    let mut stack = Stack::bare();
    for service in [CONTROLLER, CONFIG_STORE, STUB_EXECUTOR] {
        stack.run(service);
    }
    let free = TcpListener::bind("127.0.0.1:0").and_then(|one| one.local_addr());
    let port = free.expect("a port is free").port();
    stack = stack.with_setting("HEALTH_ENDPOINT_PORT", &port.to_string());
    stack.run(STATUS_VIEW);
    stack.wait_until_ready(&SERVICES);
    stack.user.keptn(&["demo"]).done();
    (stack, port)
}

fn get(port: u16, path: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("status-view listens");
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("a request is taken");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer is text");
    let (head, body) = answer.split_once("\r\n\r\n").expect("an answer has a head");
    assert!(head.starts_with("HTTP/1.1 200"), "{path}: {answer}");
    body.to_owned()
}

/// Writes what the command line shows of an answer: the whole, or the members of a list.
fn shown<T: DeserializeOwned, S: Serialize>(answer: &str, part: impl Fn(T) -> S) -> String {
    let answer: T = serde_json::from_str(answer).expect("an answer has its type");
    serde_json::to_string_pretty(&part(answer)).expect("an answer has a form") + "\n"
}

#[test]
fn http_nats_and_the_command_line_say_the_same_byte_for_byte() {
    let (stack, port) = played();
    let client = NatsClient::connect(stack.nats.port()).expect("NATS accepts a connection");
    let same =
        |path: &str, subject: &str, query: &str, line: &str, show: &dyn Fn(&str) -> String| {
            let over_http = get(port, path);
            let over_nats = client.request_bytes(subject, query.as_bytes()).expect("an answer");
            assert_eq!(over_http.as_bytes(), over_nats, "{path}");
            let words: Vec<&str> = line.split(' ').chain(["-o", "json"]).collect();
            assert_eq!(show(&over_http), stack.user.keptn(&words).done(), "{path}, {line}");
            over_http
        };
    same(
        "/api/v1/projects/sockshop/stages/hardening/status",
        "status-view.stage",
        r#"{"project":"sockshop","stage":"hardening"}"#,
        "view status -p sockshop -s hardening",
        &|answer| shown(answer, |status: StageStatus| status),
    );
    same("/api/v1/projects", "status-view.projects", "{}", "get project", &|answer| {
        shown(answer, |answer: Projects| answer.projects)
    });
    same(
        "/api/v1/projects/sockshop",
        "status-view.projects",
        r#"{"project":"sockshop"}"#,
        "get project sockshop",
        &|answer| shown(answer, |answer: Projects| answer.projects.into_iter().next()),
    );
    let runs = same(
        "/api/v1/sequences?project=sockshop&limit=3",
        "status-view.sequences",
        r#"{"project":"sockshop","limit":3}"#,
        "get sequence -p sockshop --limit 3",
        &|answer| shown(answer, |answer: Sequences| answer.sequences),
    );
    let runs: Sequences = serde_json::from_str(&runs).expect("runs");
    let context = &runs.sequences.first().expect("a run").keptn_context;
    same(
        &format!("/api/v1/sequences/{context}"),
        "status-view.sequence",
        &format!(r#"{{"keptnContext":"{context}"}}"#),
        &format!("get sequence {context}"),
        &|answer| shown(answer, |delivery: Delivery| delivery),
    );
    same(
        &format!("/api/v1/events?keptnContext={context}"),
        "status-view.events",
        &format!(r#"{{"keptnContext":"{context}"}}"#),
        &format!("get event -c {context}"),
        &|answer| shown(answer, |answer: Events| answer.events),
    );
}
