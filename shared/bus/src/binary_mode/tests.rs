//! What the binding says, and what the CloudEvents SDK thinks of what we write.

use cloudevents::{AttributesReader as _, Data};
use model::{Event, EventId, EventType, Payload};
use serde_json::json;

use super::*;

fn headers(list: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in list {
        headers.insert(*name, *value);
    }
    headers
}

#[test]
fn attributes_are_headers_and_the_body_is_the_data() {
    let headers = headers(&[
        ("ce-specversion", "1.0"),
        ("CE-Id", "a-1"),
        ("ce-source", "my%20ci"),
        ("ce-type", "sh.keptn.event.dev.artifact-delivery.triggered"),
        ("ce-shkeptncontext", "c-1"),
        ("ce-startwithin", "600"),
        ("Content-Type", "application/json"),
        ("Nats-Msg-Id", "x"),
    ]);
    assert!(is_binary(&headers));
    let json = to_json(&headers, br#"{"project":"sockshop","n":1.10}"#).unwrap();
    let event = Event::from_json(&json).unwrap();
    assert_eq!(event.id.as_str(), "a-1");
    assert_eq!(&*event.source, "my ci");
    assert_eq!(event.context.unwrap().as_str(), "c-1");
    assert_eq!(event.start_within_secs, Some(600));
    assert_eq!(event.data.as_str(), r#"{"project":"sockshop","n":1.10}"#);
}

#[test]
fn a_body_that_is_no_json_is_malformed_and_not_repeated() {
    let headers = headers(&[("ce-id", "a")]);
    let reason = to_json(&headers, b"secret").unwrap_err().to_string();
    assert!(!reason.contains("secret") && reason.contains("JSON"), "{reason}");
}

#[test]
fn percent_encoding_is_undone() {
    assert_eq!(decode_percent("a%20b%25%22").as_deref(), Some("a b%\""));
    assert_eq!(decode_percent("100%").as_deref(), Some("100%"));
    assert_eq!(decode_percent("%zz").as_deref(), Some("%zz"));
    assert_eq!(decode_percent("%ff"), None);
    assert_eq!(decode_percent("%C3%A4").as_deref(), Some("ä"));
}

#[test]
fn what_we_write_is_a_cloud_event_to_the_sdk() {
    let mut ours = Event::new(
        EventId::new("a-1").unwrap(),
        "shipyard-controller",
        EventType::parse("sh.keptn.event.test.triggered").unwrap(),
        Payload::from_map(json!({"project": "sockshop", "test": {"n": 3}}).as_object().unwrap()),
    );
    ours.time = Some("2023-12-21T11:45:25.123456789Z".into());
    ours.context = Some(model::KeptnContext::new("c-1").unwrap());
    let theirs: cloudevents::Event = serde_json::from_str(&ours.to_json()).unwrap();
    assert_eq!(theirs.id(), "a-1");
    assert_eq!(theirs.ty(), "sh.keptn.event.test.triggered");
    assert_eq!(theirs.extension("shkeptncontext").unwrap().to_string(), "c-1");
    let Some(Data::Json(data)) = theirs.data() else { panic!("data is no JSON") };
    assert_eq!(data["test"]["n"], json!(3));
    let back = Event::from_json(serde_json::to_string(&theirs).unwrap().as_bytes()).unwrap();
    assert_eq!(back.id, ours.id);
    assert_eq!(back.event_type, ours.event_type);
    assert_eq!(back.context, ours.context);
    assert_eq!(back.data, ours.data);
}
