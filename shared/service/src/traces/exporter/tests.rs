//! What waits, what is let go, and what is sent at the end.

use axum::{Json, Router, extract::State, routing::post};
use model::{
    KeptnContext, StreamTime,
    trace::{SpanId, Trace},
};
use serde_json::Value;
use tokio::net::TcpListener;

use super::*;

/// Bound of every wait in these tests.
const LIMIT: Duration = Duration::from_secs(20);

fn span(name: &str) -> Span {
    let context = KeptnContext::new("c").unwrap();
    Span {
        trace: Trace::of(None, &context),
        id: SpanId::of_delivery(&context),
        parent: None,
        link: None,
        name: name.to_owned(),
        start: StreamTime::from_nanos(1),
        end: StreamTime::from_nanos(2),
        attributes: Vec::new(),
        error: None,
    }
}

fn sender(is_ours: bool) -> Sender {
    Sender {
        collector: Collector::at("http://127.0.0.1:1").unwrap(),
        service_name: "s".to_owned(),
        holds: Box::new(move || is_ours),
        fresh: mpsc::channel(1).1,
        waiting: VecDeque::new(),
        is_ours,
        is_failing: false,
    }
}

fn names(sender: &Sender) -> Vec<&str> {
    sender.waiting.iter().map(|(_, span)| span.name.as_str()).collect()
}

#[test]
fn who_stands_by_keeps_what_may_be_missing_when_it_takes_over() {
    let (mut sender, begin) = (sender(false), Instant::now());
    sender.keep(span("old"), begin);
    sender.keep(span("young"), begin + Duration::from_secs(1));
    sender.forget_old(begin + STANDBY_KEEP);
    assert_eq!(names(&sender), ["old", "young"]);
    sender.forget_old(begin + STANDBY_KEEP + Duration::from_millis(1));
    assert_eq!(names(&sender), ["young"]);
}

#[test]
fn what_waits_is_bounded_and_only_who_sends_loses_something() {
    for (is_ours, first, lost) in [(true, "0", Kept::LostOne), (false, "1", Kept::All)] {
        let (mut sender, now) = (sender(is_ours), Instant::now());
        for number in 0..SPANS_WAITING_MAX {
            assert_eq!(sender.keep(span(&number.to_string()), now), Kept::All);
        }
        assert_eq!(sender.keep(span("more"), now), lost);
        assert_eq!(sender.waiting.len(), SPANS_WAITING_MAX);
        assert_eq!(names(&sender).first(), Some(&first));
    }
}

/// A collector that keeps the names of what it is sent.
async fn collector() -> (Collector, mpsc::UnboundedReceiver<String>) {
    let (told, heard) = mpsc::unbounded_channel();
    let take = |State(told): State<mpsc::UnboundedSender<String>>, Json(body): Json<Value>| async move {
        let spans = body["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap().clone();
        for span in spans {
            told.send(span["name"].as_str().unwrap().to_owned()).unwrap();
        }
        "{}"
    };
    let routes = Router::new().route("/v1/traces", post(take)).with_state(told);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(crate::http::serve(listener, routes));
    (Collector::at(&address).unwrap(), heard)
}

async fn next(heard: &mut mpsc::UnboundedReceiver<String>) -> Option<String> {
    timeout(LIMIT, heard.recv()).await.unwrap()
}

#[tokio::test]
async fn spans_are_sent_while_the_lease_is_held_and_what_is_left_at_the_end() {
    let (collector, mut heard) = collector().await;
    let (exporter, sink) = Exporter::start(collector, "s".to_owned(), || true);
    sink.take(span("one"));
    assert_eq!(next(&mut heard).await.as_deref(), Some("one"));
    sink.take(span("left"));
    drop(sink);
    exporter.finish().await;
    assert_eq!(heard.try_recv().ok().as_deref(), Some("left"));
}
