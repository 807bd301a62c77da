//! Live pages over HTTP: with a nats-server of the test's own, and with many listeners.

use std::{net::SocketAddr, time::Duration};

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode},
};
use model::Position;
use serde_json::json;
use status_view::{page, queries::Counter};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::watch,
    time::{Instant, timeout_at},
};
use tower_service::Service as _;

use crate::{running::Running, stream::Stream};

/// How long anything may take on a machine that does other work.
const LIMIT: Duration = Duration::from_secs(10);
/// How soon a change must be seen: 50 ms of the view, 50 ms of the page, and the rest is a machine
/// that does other work.
const UPDATE_WITHIN: Duration = Duration::from_secs(2);

/// A connection over which an answer comes in, piece by piece.
struct Connection {
    socket: TcpStream,
    read: String,
}

impl Connection {
    async fn get(address: SocketAddr, path: &str, headers: &str) -> Self {
        let mut socket = TcpStream::connect(address).await.unwrap();
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n");
        socket.write_all(request.as_bytes()).await.unwrap();
        Self { socket, read: String::new() }
    }

    /// Reads until the answer holds a text, and returns how long that took.
    async fn until(&mut self, wanted: &str) -> Duration {
        let begun = Instant::now();
        let mut piece = vec![0; 64 * 1024];
        while !self.read.contains(wanted) {
            let read = timeout_at(begun + LIMIT, self.socket.read(&mut piece)).await;
            let read = read.unwrap_or_else(|_| panic!("no `{wanted}` in: {}", self.read)).unwrap();
            assert_ne!(read, 0, "the end, and no `{wanted}` in: {}", self.read);
            self.read.push_str(&String::from_utf8_lossy(&piece[..read]));
        }
        begun.elapsed()
    }

    fn events(&self) -> usize {
        self.read.matches("event: page").count()
    }
}

/// Loads a page until it holds a text.
async fn load(address: SocketAddr, path: &str, wanted: &str) -> String {
    let until = Instant::now() + LIMIT;
    loop {
        let mut connection = Connection::get(address, path, "").await;
        let all = connection.socket.read_to_string(&mut connection.read);
        timeout_at(until, all).await.expect("an answer in time").unwrap();
        if connection.read.contains(wanted) {
            return connection.read;
        }
        assert!(Instant::now() < until, "no `{wanted}` in: {}", connection.read);
        tokio::task::yield_now().await;
    }
}

fn position(html: &str) -> Position {
    let (_, rest) = html.split_once("data-position=\"").unwrap();
    rest.split_once('"').unwrap().0.parse().unwrap()
}

#[tokio::test]
async fn a_page_that_is_open_shows_what_happens_soon_and_nothing_else() {
    let (running, mut stream) = (Running::start().await, Stream::behind());
    let address = running.address;
    running.publish(&stream).await;
    let html = load(address, "/projects/sockshop", "out of sync · 2").await;
    let at = position(&html);

    // What the browser has is not sent again.
    let path = format!("/projects/sockshop?live={at}");
    let mut matrix = Connection::get(address, &path, "").await;
    matrix.until("text/event-stream").await;
    let mut events = Connection::get(address, "/projects/sockshop/events?live=0", "").await;
    events.until("event: page").await;
    // The view moves, the matrix does not change.
    let known = stream.events.len();
    stream.say("other.triggered", &json!({"project": "sockshop"}));
    running.publish_from(&stream, known).await;
    events.until("other.triggered").await;
    assert_eq!((events.events(), matrix.events()), (2, 0), "{}", matrix.read);

    let known = stream.events.len();
    stream.sync("hardening");
    running.publish_from(&stream, known).await;
    let took = matrix.until("running · 1").await;
    assert!(took <= UPDATE_WITHIN, "{took:?}");
    // At most one drawing for each event, fewer if they come close together.
    let published = stream.events.len() - known;
    assert!((1..=published).contains(&matrix.events()), "{} of {published}", matrix.events());
    assert!(matrix.read.contains("data-title=\"hardening is out of sync · sockshop\""));
    let id = matrix.read.rsplit_once("\nid: ").unwrap().1.lines().next().unwrap().trim().to_owned();
    assert!(id.parse::<Position>().unwrap() > at, "{id}");

    // Who comes back with that position has it; who comes back with an older one gets it.
    let later = load(address, "/projects/sockshop", "running · 1").await;
    let mut back =
        Connection::get(address, &path, &format!("Last-Event-ID: {}\r\n", position(&later))).await;
    let mut old = Connection::get(address, &path, "Last-Event-ID: 1\r\n").await;
    old.until("running · 1").await;
    back.until("text/event-stream").await;
    assert_eq!(back.events(), 0, "{}", back.read);
}

#[tokio::test]
async fn the_address_of_one_project_is_the_matrix_and_files_are_kept_for_ever() {
    let (running, stream) = (Running::start().await, Stream::behind());
    let address = running.address;
    running.publish(&stream).await;
    load(address, "/projects/sockshop", "<table class=\"matrix").await;
    let home = load(address, "/", "HTTP/1.1").await;
    assert!(
        home.starts_with("HTTP/1.1 303") && home.contains("location: /projects/sockshop"),
        "{home}"
    );
    let html = load(address, "/projects", "<table").await;
    for asset in html.split('"').filter(|value| value.starts_with("/assets/")) {
        let file = load(address, asset, "HTTP/1.1").await;
        assert!(file.starts_with("HTTP/1.1 200") && file.contains("immutable"), "{file:.300}");
    }
    let missing = load(address, "/projects/nowhere", "HTTP/1.1").await;
    assert!(missing.starts_with("HTTP/1.1 404") && missing.contains("does not exist"), "{missing}");
    // Nothing of ours needs more than the strictest policy gives.
    for forbidden in ["<style", " style=", "javascript:", " onclick="] {
        assert!(!html.contains(forbidden), "{forbidden}");
    }
}

#[tokio::test]
async fn listeners_are_bounded_and_a_place_becomes_free_again() {
    let (counter, _questions) = Counter::open();
    let (_position, seen) = watch::channel(0);
    let mut routes: Router = page::routes(counter, seen, false);
    let mut ask = async || {
        let request = Request::get("/projects/p?live").body(Body::empty()).unwrap();
        routes.call(request).await.unwrap()
    };
    let mut listeners = Vec::new();
    for _ in 0..page::LISTENERS_MAX {
        let answer = ask().await;
        assert_eq!(answer.status(), StatusCode::OK);
        listeners.push(answer);
    }
    let refused = ask().await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.headers().contains_key("retry-after"));
    listeners.pop();
    assert_eq!(ask().await.status(), StatusCode::OK);
}
