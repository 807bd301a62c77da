//! Servers that are not there, too old, or closed to us; the stream that is made or found.

use std::time::{Duration, Instant};

use bus::{
    ApiError, Bus, ConnectError, ConnectOptions, StreamSettings, profile::Profile,
    test_server::TestServer,
};
use tokio::{io::AsyncWriteExt as _, net::TcpListener};

use super::{LIMIT, event, publish, soon, stream};

fn options(url: &str) -> ConnectOptions {
    ConnectOptions::new(url, "test")
}

#[tokio::test]
async fn a_server_that_is_not_there_yet_is_waited_for() {
    let mut server = TestServer::start().await.unwrap();
    server.kill();
    let url = server.url();
    let waiting = tokio::spawn(async move { Bus::connect(options(&url)).await });
    assert!(matches!(
        Bus::connect_once(options(&server.url()), LIMIT).await,
        Err(ConnectError::Unreachable { .. })
    ));
    server.restart().unwrap();
    let bus = soon("connection", waiting).await.unwrap().unwrap();
    assert!(bus.is_connected());
}

#[tokio::test]
async fn an_old_server_is_named_at_once_even_if_it_says_nothing_more() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("nats://{}", listener.local_addr().unwrap());
    let stub = tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let greeting =
                b"INFO {\"server_id\":\"x\",\"version\":\"2.9.10\",\"max_payload\":1048576}\r\n";
            stream.write_all(greeting).await.unwrap();
            open.push(stream);
        }
    });
    let began = Instant::now();
    let error = Bus::connect(options(&url)).await.unwrap_err();
    stub.abort();
    let text = error.to_string();
    assert!(text.contains("2.9.10") && text.contains("2.15.0"), "{text}");
    assert!(began.elapsed() < Duration::from_millis(500), "{:?}", began.elapsed());
}

#[tokio::test]
async fn wrong_credentials_are_an_error_and_not_waited_out() {
    let server = TestServer::start_with("authorization { user: u, password: p }").await.unwrap();
    let error = soon("error", Bus::connect(options(&server.url()))).await.unwrap_err();
    assert!(matches!(error, ConnectError::NotAllowed { .. }), "{error}");
    let right = server.url().replace("nats://", "nats://u:p@");
    let bus = soon("connection", Bus::connect(options(&right))).await.unwrap();
    assert!(!bus.urls().contains("u:p"), "{}", bus.urls());
}

#[tokio::test]
async fn the_stream_is_as_the_wire_says() {
    let (_server, bus) = stream().await;
    let info = bus.stream_info().await.unwrap();
    assert_eq!((info.first, info.last, info.messages), (0, 0, 0));
    assert!(info.bytes_max.unwrap() > 1 << 30, "{info:?}");
    let again = bus.ensure_stream(&StreamSettings::default()).await.unwrap();
    assert_eq!(again.created, info.created);
    let ahead = bus.server_now().since(again.server_time);
    assert!(ahead < Duration::from_secs(1), "{ahead:?}");
}

#[tokio::test]
async fn the_stream_takes_what_the_server_allows() {
    let server = TestServer::start_with("jetstream { store_dir: \"$STORE\", max_file: 100M }")
        .await
        .unwrap();
    let bus = server.bus().await.unwrap();
    let info = bus.ensure_stream(&StreamSettings::default()).await.unwrap();
    let bytes = info.bytes_max.unwrap();
    assert!((16 << 20..=100 << 20).contains(&bytes), "{bytes}");
    let wish = StreamSettings { bytes_max: Some(1 << 40), ..StreamSettings::default() };
    assert_eq!(bus.ensure_stream(&wish).await.unwrap().created, info.created);
}

#[tokio::test]
async fn only_the_controller_corrects_the_subjects() {
    let server = TestServer::start().await.unwrap();
    let bus = server.bus().await.unwrap();
    let client = async_nats::connect(server.url()).await.unwrap();
    let config = async_nats::jetstream::stream::Config {
        name: "keptn".to_owned(),
        subjects: vec!["other.>".to_owned()],
        allow_direct: true,
        ..Default::default()
    };
    async_nats::jetstream::new(client).create_stream(config).await.unwrap();
    bus.ensure_stream(&StreamSettings::default()).await.unwrap();
    assert!(publish(&bus, event("a", "test")).await.is_err());
    let controller = StreamSettings { corrects_subjects: true, ..StreamSettings::default() };
    bus.ensure_stream(&controller).await.unwrap();
    assert_eq!(publish(&bus, event("a", "test")).await.unwrap().position, 1);
}

#[tokio::test]
async fn a_server_without_jetstream_is_named() {
    let server = TestServer::start_with("# no jetstream").await.unwrap();
    let bus = server.bus().await.unwrap();
    let error = bus.ensure_stream(&StreamSettings::default()).await.unwrap_err();
    assert!(matches!(error, ApiError::NoJetStream { .. }), "{error}");
}

#[tokio::test]
async fn the_profile_is_read_from_the_monitoring_port() {
    let server =
        TestServer::start_with("jetstream { store_dir: \"$STORE\", sync_interval: always }")
            .await
            .unwrap();
    assert_eq!(Profile::read(&server.monitor_url()).await, Profile::Single);
    let server = TestServer::start_with("jetstream { store_dir: \"$STORE\", sync_interval: 1s }")
        .await
        .unwrap();
    let profile = Profile::read(&server.monitor_url()).await;
    assert_eq!(profile, Profile::Dev { sync_interval: Duration::from_secs(1) });
    assert_eq!(Profile::read("http://127.0.0.1:1").await, Profile::Unknown);
}
