//! Ready is who reaches the end, over HTTP and over NATS.

use bus::{Outgoing, StreamSettings, test_server::TestServer};

use super::*;

/// Bound of every wait in these tests.
const LIMIT: Duration = Duration::from_secs(10);

async fn readyz(address: SocketAddr) -> (u16, Readiness) {
    let answer = http::get(&address.to_string(), "/readyz", LIMIT).await.unwrap();
    (answer.status, serde_json::from_slice(&answer.body).unwrap())
}

async fn publish(bus: &Bus, id: &str) {
    let subject = "sh.keptn.event.test.triggered".to_owned();
    let event_json = "{}".to_owned();
    let message_id = id.to_owned();
    let expected_last_subject_sequence = None;
    let outgoing = Outgoing { subject, event_json, message_id, expected_last_subject_sequence };
    bus.publisher().publish(outgoing).await.unwrap();
}

#[tokio::test]
async fn ready_is_who_reaches_the_end_of_the_stream() {
    let server = TestServer::start().await.unwrap();
    let progress = Progress::unconnected();
    let address = progress.serve_http("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let alive = http::get(&address.to_string(), "/healthz", LIMIT).await.unwrap();
    assert_eq!((alive.status, readyz(address).await.0), (200, 503), "alive without NATS");
    assert!(!check(address).await);

    let bus = server.bus().await.unwrap();
    bus.ensure_stream(&StreamSettings::default()).await.unwrap();
    progress.connected(bus.clone());
    publish(&bus, "a").await;
    let (status, readiness) = readyz(address).await;
    assert_eq!((status, readiness.ready, readiness.stream_end), (503, false, 1));

    progress.turned(1, true);
    let (status, readiness) = readyz(address).await;
    assert_eq!((status, readiness.ready, readiness.position), (200, true, 1));
    assert!(check(address).await);

    publish(&bus, "b").await;
    let (asked, ()) = tokio::join!(readyz(address), async {
        tokio::task::yield_now().await;
        progress.turned(2, true);
    });
    assert_eq!((asked.0, asked.1.position), (200, 2), "the end is waited for");
    progress.turned(1, true);
    assert_eq!(readyz(address).await.0, 503, "the end is not reached");
    progress.turned(2, false);
    assert_eq!(readyz(address).await.0, 503, "not caught up");
}

#[tokio::test]
async fn readiness_is_asked_over_nats_too() {
    let server = TestServer::start().await.unwrap();
    let bus = server.bus().await.unwrap();
    bus.ensure_stream(&StreamSettings::default()).await.unwrap();
    let progress = Progress::new(bus.clone());
    progress.turned(0, true);
    progress.serve_ready(&bus, "config-store");
    let readiness: Readiness = timeout(LIMIT, async {
        loop {
            match bus.request_json("config-store.ready", &(), LIMIT).await {
                Ok(readiness) => return readiness,
                Err(_) => tokio::task::yield_now().await,
            }
        }
    })
    .await
    .unwrap();
    assert!(readiness.ready);
    assert_eq!(readiness.version, env!("CARGO_PKG_VERSION"));
}

#[tokio::test]
async fn a_component_adds_routes_of_its_own() {
    let progress = Progress::unconnected();
    let address = progress.serve_http("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let page = async || http::get(&address.to_string(), "/page", LIMIT).await.unwrap();
    assert_eq!(page().await.status, 404);
    progress.serve_also(Router::new().route("/page", get(|| async { "hello" })));
    let answer = page().await;
    assert_eq!((answer.status, answer.body.as_slice()), (200, b"hello".as_slice()));
    let alive = http::get(&address.to_string(), "/healthz", LIMIT).await.unwrap();
    assert_eq!(alive.status, 200);
}
