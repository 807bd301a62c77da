//! Ready is who reaches the end, over HTTP and over NATS.

use bus::{Outgoing, StreamSettings, http, test_server::TestServer};

use super::*;

/// Any free port of this machine.
const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);
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
    let address = progress.serve_http(ANY, "config-store", &[]).await.unwrap();
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
    let address = progress.serve_http(ANY, "config-store", &[]).await.unwrap();
    let page = async || http::get(&address.to_string(), "/page", LIMIT).await.unwrap();
    assert_eq!(page().await.status, 404);
    progress.serve_also(Router::new().route("/page", get(|| async { "hello" })));
    let answer = page().await;
    assert_eq!((answer.status, answer.body.as_slice()), (200, b"hello".as_slice()));
    let alive = http::get(&address.to_string(), "/healthz", LIMIT).await.unwrap();
    assert_eq!(alive.status, 200);
}

#[tokio::test]
async fn who_has_stopped_folding_is_not_ready_though_it_is_at_the_end() {
    let server = TestServer::start().await.unwrap();
    let bus = server.bus().await.unwrap();
    bus.ensure_stream(&StreamSettings::default()).await.unwrap();
    publish(&bus, "a").await;
    let progress = Progress::new(bus.clone());
    progress.turned(1, true);
    assert!(progress.readiness().await.ready);
    let long_ago = BootTime::now().as_nanos() - i64::try_from(TURN_WITHIN.as_nanos()).unwrap();
    progress.shared.turned_at.store(long_ago, Ordering::Relaxed);
    let readiness = progress.readiness().await;
    assert_eq!((readiness.ready, readiness.position, readiness.stream_end), (false, 1, 1));
    let address =
        progress.serve_http("127.0.0.1:0".parse().unwrap(), "status-view", &[]).await.unwrap();
    assert_eq!(readyz(address).await.0, 503);
    let alive = http::get(&address.to_string(), "/healthz", LIMIT).await.unwrap();
    assert_eq!(alive.status, 200, "alive is not ready");
}

#[tokio::test]
async fn who_does_not_fold_a_new_event_is_not_ready() {
    let server = TestServer::start().await.unwrap();
    let bus = server.bus().await.unwrap();
    bus.ensure_stream(&StreamSettings::default()).await.unwrap();
    let progress = Progress::new(bus.clone());
    progress.turned(0, true);
    progress.serve_ready(&bus, "status-view");
    publish(&bus, "a").await;
    let readiness: Readiness = timeout(LIMIT, async {
        loop {
            match bus.request_json("status-view.ready", &(), LIMIT).await {
                Ok(readiness) => return readiness,
                Err(_) => tokio::task::yield_now().await,
            }
        }
    })
    .await
    .unwrap();
    assert_eq!((readiness.ready, readiness.position, readiness.stream_end), (false, 0, 1));
}
