//! The bounds of the HTTP port, from outside: raw bytes over real connections.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use axum::{
    Router,
    body::Bytes,
    response::Html,
    routing::{get as get_route, post},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::{Instant, timeout},
};

use super::*;
use crate::Progress;

/// Bound of every wait.
const LIMIT: Duration = Duration::from_secs(20);
/// What a healthy request may take beside an attack.
const HEALTHY: Duration = Duration::from_secs(1);

/// Serves the health endpoints, `/echo`, which reads its body, and a page.
async fn served() -> SocketAddr {
    let progress = Progress::unconnected();
    let length = |body: Bytes| async move { body.len().to_string() };
    let page = || async { Html("<form method=post></form>") };
    let routes = Router::new().route("/echo", post(length)).route("/page", get_route(page));
    progress.serve_also(routes);
    let any = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
    progress.serve_http(any, "config-store", &["view.example".to_owned()]).await.unwrap()
}

/// Sends bytes and returns what comes back until the connection ends.
async fn said(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // Whoever refuses a request may close before all of it is sent.
    drop(stream.write_all(request).await);
    let mut answer = Vec::new();
    drop(timeout(LIMIT, stream.read_to_end(&mut answer)).await.unwrap());
    String::from_utf8_lossy(&answer).into_owned()
}

async fn get(address: SocketAddr, host: &str, path: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    said(address, request.as_bytes()).await
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or_else(|| panic!("no answer: {answer:?}"))
}

#[test]
fn only_names_of_this_machine_and_named_ones_are_hosts() {
    let bound = |ip: &str| Hosts::new(ip.parse().unwrap(), &["View.example".to_owned()]);
    let hosts = bound("127.0.0.1");
    for host in [
        "localhost",
        "LOCALHOST:8080",
        "localhost.",
        "127.0.0.1:1",
        "[::1]:8080",
        "view.EXAMPLE:80",
    ] {
        assert!(hosts.allows(host), "{host}");
    }
    for host in [
        "",
        "evil.example",
        "localhost.evil.example",
        "10.0.0.7",
        "a@localhost",
        "127.0.0.1.evil.io",
    ] {
        assert!(!hosts.allows(host), "{host}");
    }
    assert!(bound("10.0.0.7").allows("10.0.0.7:8080"));
    assert!(bound("0.0.0.0").allows("10.0.0.7:8080"));
    assert!(!bound("0.0.0.0").allows("evil.example"));
}

#[tokio::test]
async fn every_answer_tells_the_browser_what_it_may_do() {
    let address = served().await;
    for (host, path, expected) in [
        ("localhost", "/healthz", "200"),
        ("view.example", "/metrics", "200"),
        ("localhost", "/readyz", "503"),
        ("localhost", "/nothing", "404"),
        ("localhost", "/echo", "405"),
        ("evil.example", "/healthz", "403"),
        ("evil.example", "/nothing", "403"),
    ] {
        let answer = get(address, host, path).await;
        assert_eq!(status(&answer), expected, "{host}{path}");
        let head = answer.split("\r\n\r\n").next().unwrap();
        for line in [
            "content-security-policy: default-src 'none'; script-src 'self'; style-src 'self'; \
             img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; \
             frame-ancestors 'none'",
            "x-content-type-options: nosniff",
            "referrer-policy: no-referrer",
        ] {
            assert!(head.contains(line), "{path}: {head}");
        }
        assert!(!head.contains("access-control-allow-origin"), "{head}");
    }
    let refused = get(address, "evil.example", "/").await;
    assert!(refused.contains("HTTP_ALLOWED_HOSTS"), "{refused}");
}

#[tokio::test]
async fn a_form_of_a_page_may_be_sent_here_and_says_from_where_it_comes() {
    let answer = get(served().await, "localhost", "/page").await;
    assert!(answer.contains("form-action 'self'"), "{answer}");
    // With `no-referrer` a browser sends `Origin: null`, as if it came from anywhere.
    assert!(answer.contains("referrer-policy: same-origin"), "{answer}");
}

#[tokio::test]
async fn large_bodies_and_heads_are_refused_before_they_are_read() {
    let address = served().await;
    let post = |length: &str| {
        format!("POST /echo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{length}\r\n\r\n")
    };
    let small = post("Content-Length: 3") + "abc";
    assert!(said(address, small.as_bytes()).await.ends_with("\r\n\r\n3"));
    let gigabyte = post("Content-Length: 1073741824");
    assert_eq!(status(&said(address, gigabyte.as_bytes()).await), "413");
    let chunk = format!("{:x}\r\n{}\r\n", BODY_BYTES_MAX, "x".repeat(BODY_BYTES_MAX));
    let chunked = post("Transfer-Encoding: chunked") + &chunk.repeat(4) + "0\r\n\r\n";
    assert_eq!(status(&said(address, chunked.as_bytes()).await), "413");
    let headed =
        format!("GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n", "x".repeat(100_000));
    assert_eq!(status(&said(address, headed.as_bytes()).await), "431");
    assert_eq!(status(&get(address, "localhost", "/healthz").await), "200");
}

#[tokio::test]
async fn idle_connections_do_not_stop_others_and_are_ended() {
    const IDLE: usize = 500;
    let address = served().await;
    let mut idle = Vec::new();
    for number in 0..IDLE {
        let mut stream = TcpStream::connect(address).await.unwrap();
        // Some say nothing, some begin, some have been answered once.
        let begun: &[u8] = match number % 3 {
            0 => b"",
            1 => b"GET /healthz HTTP/1.1\r\nHost: local",
            _ => b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
        };
        stream.write_all(begun).await.unwrap();
        idle.push(stream);
    }
    let asked = Instant::now();
    assert_eq!(status(&get(address, "localhost", "/healthz").await), "200");
    assert!(asked.elapsed() < HEALTHY, "{:?}", asked.elapsed());
    for mut stream in idle {
        drop(timeout(LIMIT, stream.read_to_end(&mut Vec::new())).await.expect("idle for ever"));
    }
}

#[tokio::test]
async fn the_figures_are_a_page_that_prometheus_reads() {
    let address = served().await;
    get(address, "localhost", "/healthz").await;
    let answer = get(address, "localhost", "/metrics").await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("content-type: text/plain; version=0.0.4"), "{head}");
    let (mut helped, mut typed, mut series) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for line in body.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            assert!(helped.insert(rest.split(' ').next().unwrap()), "twice: {line}");
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert!(helped.contains(name) && typed.insert(name), "{line}");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
        } else {
            let (name, value) = line.rsplit_once(' ').unwrap();
            assert!(value.parse::<f64>().is_ok(), "{line}");
            assert!(typed.contains(name.split('{').next().unwrap()), "{line}");
            assert!(series.insert(name), "twice: {line}");
        }
    }
    for name in [
        "slipway_position",
        "slipway_events_applied_total",
        "slipway_log_lines_total{level=\"error\"}",
        "slipway_http_requests_total{code=\"2xx\"}",
        "process_resident_memory_bytes",
        "process_cpu_seconds_total",
        "process_start_time_seconds",
    ] {
        assert!(series.contains(name), "{name} is missing: {body}");
    }
}
