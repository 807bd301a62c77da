//! What R8 publishes: subject, body, and whether it can never apply and must be reported.

use serde_json::{Value, json};

const FINISHED: &str = "sh.keptn.event.test.finished";
const TRIGGERED: &str = "sh.keptn.event.dev.run.triggered";
const CONTEXT: &str = "0badc0de-0000-4000-8000-000000000000";

/// One message that does not belong on the bus.
pub struct Poison {
    /// Where it is published.
    pub subject: String,
    /// What it says.
    pub body: Vec<u8>,
    /// It can never be handled: exactly one report. Else at most one.
    pub is_reported: bool,
}

fn poison(subject: &str, body: impl Into<Vec<u8>>, is_reported: bool) -> Poison {
    Poison { subject: subject.to_owned(), body: body.into(), is_reported }
}

/// Returns all of them.
pub fn all() -> Vec<Poison> {
    let mut all = no_events();
    all.extend(bad_envelopes());
    all.extend(bad_data());
    all.extend(bad_names());
    all
}

/// Bytes that are no event at all.
fn no_events() -> Vec<Poison> {
    let deep_list = "[".repeat(10_000);
    let deep_object = "{\"a\":".repeat(10_000);
    let closed = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
    let keys: Vec<String> = (0..60_000).map(|key| format!("\"k{key}\":1")).collect();
    let bodies: Vec<Vec<u8>> = vec![
        b"".to_vec(),
        b"null".to_vec(),
        b"[]".to_vec(),
        b"\"x\"".to_vec(),
        b"1e999".to_vec(),
        b"true".to_vec(),
        b"{\"id\":\"1\",\"typ".to_vec(),
        b"{} trailing".to_vec(),
        b"{}".to_vec(),
        b"\xef\xbb\xbf{}".to_vec(),
        b"\xff\xfe{\0}\0".to_vec(),
        b"{\"id\":\"\xff\xfe\"}".to_vec(),
        b"{\"\xff\":1}".to_vec(),
        b"{\"id\":\"\\ud800\"}".to_vec(),
        b"\0".to_vec(),
        b"{\"id\":\"a\0b\"}".to_vec(),
        deep_list.into_bytes(),
        deep_object.into_bytes(),
        closed.into_bytes(),
        format!("{{\"id\":\"{}\"}}", "x".repeat(900_000)).into_bytes(),
        format!("{{{}}}", keys.join(",")).into_bytes(),
        b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03".to_vec(),
        b"{\"stream\":\"keptn\",\"seq\":7,\"duplicate\":true}".to_vec(),
        b"{\"type\":\"io.nats.jetstream.api.v1.consumer_info_response\",\"stream_name\":\"keptn\"}"
            .to_vec(),
    ];
    bodies.into_iter().map(|body| poison(FINISHED, body, true)).collect()
}

fn finished() -> Value {
    json!({"specversion": "1.0", "id": "poison", "source": "somebody", "type": FINISHED,
        "shkeptncontext": CONTEXT, "triggeredid": CONTEXT,
        "data": {"project": "hands", "stage": "dev", "service": "svc0",
            "status": "succeeded", "result": "pass"}})
}

fn with(key: &str, value: Value) -> Vec<u8> {
    let mut event = finished();
    event[key] = value;
    event.to_string().into_bytes()
}

fn without(key: &str) -> Vec<u8> {
    let mut event = finished();
    event.as_object_mut().and_then(|members| members.remove(key));
    event.to_string().into_bytes()
}

/// Events whose envelope is wrong, or odd.
fn bad_envelopes() -> Vec<Poison> {
    let never: Vec<Vec<u8>> = vec![
        without("id"),
        without("type"),
        with("id", json!(7)),
        with("id", json!("")),
        with("type", json!("sh.keptn.event.release.finished")),
        with("type", json!(7)),
        with("type", json!("")),
    ];
    let odd: Vec<Vec<u8>> = vec![
        without("triggeredid"),
        without("shkeptncontext"),
        without("source"),
        without("specversion"),
        with("triggeredid", json!("unknown")),
        with("triggeredid", json!(["a"])),
        with("shkeptncontext", json!("not a uuid")),
        with("shkeptncontext", json!("x".repeat(10_000))),
        with("specversion", json!("0.2")),
        with("specversion", json!("2.0")),
        with("time", json!("yesterday")),
        with("time", json!("9999-12-31T23:59:59Z")),
        with("source", json!("javascript:alert(1)")),
    ];
    let never = never.into_iter().map(|body| poison(FINISHED, body, true));
    never.chain(odd.into_iter().map(|body| poison(FINISHED, body, false))).collect()
}

/// Events whose data is wrong, or odd.
fn bad_data() -> Vec<Poison> {
    let data = |key: &str, value: Value| {
        let mut event = finished();
        event["data"][key] = value;
        event.to_string().into_bytes()
    };
    let never = [with("data", json!("text")), with("data", json!([1]))];
    let odd = vec![
        with("data", Value::Null),
        without("data"),
        data("labels", json!({"a": {"b": ["c"]}})),
        data("result", json!("splendid")),
        data("status", json!("who knows")),
        data("result", json!(7)),
        data("project", json!(["hands"])),
        b"{\"id\":\"a\",\"id\":\"b\",\"type\":\"sh.keptn.event.test.finished\",\"source\":\"s\"}"
            .to_vec(),
    ];
    let never = never.into_iter().map(|body| poison(FINISHED, body, true));
    never.chain(odd.into_iter().map(|body| poison(FINISHED, body, false))).collect()
}

/// Names that must reach no subject, and types that are none.
fn bad_names() -> Vec<Poison> {
    let long = "x".repeat(300);
    let names =
        ["..", "a/b", "*", ">", "a b", "a\nb", "$JS", &long, "\u{1f600}", "", "a.b", "..%2fetc"];
    let of = |key: &str, name: &str| {
        let mut data = json!({"project": "hands", "stage": "dev", "service": "svc0"});
        data[key] = name.into();
        let event = json!({"specversion": "1.0", "id": format!("poison-{key}-{}", name.len()),
            "source": "somebody", "type": TRIGGERED, "shkeptncontext": CONTEXT, "data": data});
        poison(TRIGGERED, event.to_string(), false)
    };
    let mut all: Vec<Poison> = names.iter().map(|name| of("project", name)).collect();
    all.extend(names.iter().map(|name| of("service", name)));
    let types = [
        "sh.keptn.event.test",
        "sh.keptn.event.a.b.c.d.finished",
        "sh.keptn.event.test.exploded",
        "sh.keptn.event.te$t.finished",
        "sh.keptn.events.problem",
        "sh.keptn.events.deployment-finished",
    ];
    for kind in types {
        let mut event = finished();
        event["type"] = kind.into();
        all.push(poison(kind, event.to_string(), false));
    }
    all
}
