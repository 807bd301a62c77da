//! How spans are written: `ExportTraceServiceRequest` of OTLP 1 in its JSON form. Ids are
//! hexadecimal there, and 64-bit numbers are texts.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::Span;

/// Kind of a span that is neither a request nor an answer.
const KIND_INTERNAL: u8 = 1;
/// Code of a span that failed.
const STATUS_ERROR: u8 = 2;
/// What the spans are made by.
const SCOPE: &str = "slipway";

/// Writes spans of a service.
pub(super) fn request(service_name: &str, spans: &[Span]) -> Bytes {
    let version = env!("CARGO_PKG_VERSION");
    let resource = [("service.name", service_name), ("service.version", version)];
    let body = json!({"resourceSpans": [{
        "resource": {"attributes": resource.map(|(key, value)| attribute(key, value))},
        "scopeSpans": [{
            "scope": {"name": SCOPE, "version": version},
            "spans": spans.iter().map(span).collect::<Vec<_>>(),
        }],
    }]});
    body.to_string().into()
}

/// Returns how many spans a collector says that it refused, of those it answered for.
pub(super) fn rejected(answer: &[u8]) -> u64 {
    let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
    let rejected = answer.pointer("/partialSuccess/rejectedSpans");
    let as_text = || rejected?.as_str()?.parse().ok();
    rejected.and_then(Value::as_u64).or_else(as_text).unwrap_or(0)
}

fn span(span: &Span) -> Value {
    let mut members = Map::new();
    let mut insert = |key: &str, value: Value| members.insert(key.to_owned(), value);
    insert("traceId", span.trace.id().to_string().into());
    insert("spanId", span.id.to_string().into());
    if let Some(parent) = span.parent {
        insert("parentSpanId", parent.to_string().into());
    }
    insert("name", span.name.as_str().into());
    insert("kind", KIND_INTERNAL.into());
    insert("startTimeUnixNano", span.start.as_nanos().to_string().into());
    insert("endTimeUnixNano", span.end.as_nanos().to_string().into());
    insert(
        "attributes",
        span.attributes.iter().map(|(key, value)| attribute(key, value)).collect(),
    );
    if let Some((trace, id)) = span.link {
        let link = json!({"traceId": trace.id().to_string(), "spanId": id.to_string()});
        insert("links", json!([link]));
    }
    if let Some(error) = &span.error {
        insert("status", json!({"code": STATUS_ERROR, "message": error}));
    }
    Value::Object(members)
}

fn attribute(key: &str, value: &str) -> Value {
    json!({"key": key, "value": {"stringValue": value}})
}

#[cfg(test)]
mod tests {
    use model::{
        EventId, KeptnContext, StreamTime,
        trace::{SpanId, Trace},
    };

    use super::*;

    #[test]
    fn spans_are_written_as_otlp_has_them() {
        let context = KeptnContext::new("8e273904-d0d6-11eb-a902-784f43552794").unwrap();
        let trace = Trace::of(None, &context);
        let (id, parent) = (SpanId::of(&EventId::new("a").unwrap()), SpanId::of_delivery(&context));
        let root = Span {
            trace,
            id: parent,
            parent: None,
            link: None,
            name: "delivery".to_owned(),
            start: StreamTime::from_nanos(1_700_000_000_123_456_789),
            end: StreamTime::from_nanos(1_700_000_001_000_000_000),
            attributes: vec![("keptn.project", "p\"\n".to_owned())],
            error: None,
        };
        let failed = Span {
            id,
            parent: Some(parent),
            link: Some((trace, parent)),
            error: Some("no".to_owned()),
            attributes: Vec::new(),
            ..root.clone()
        };
        let written: Value = serde_json::from_slice(&request("s", &[root, failed])).unwrap();
        let trace = "8e273904d0d611eba902784f43552794";
        let (id, parent) = (id.to_string(), parent.to_string());
        let version = env!("CARGO_PKG_VERSION");
        let (start, end) = ("1700000000123456789", "1700000001000000000");
        let expected = json!({"resourceSpans": [{
            "resource": {"attributes": [
                {"key": "service.name", "value": {"stringValue": "s"}},
                {"key": "service.version", "value": {"stringValue": version}},
            ]},
            "scopeSpans": [{
                "scope": {"name": "slipway", "version": version},
                "spans": [
                    {"traceId": trace, "spanId": parent, "name": "delivery", "kind": 1,
                     "startTimeUnixNano": start, "endTimeUnixNano": end,
                     "attributes": [{"key": "keptn.project", "value": {"stringValue": "p\"\n"}}]},
                    {"traceId": trace, "spanId": id, "parentSpanId": parent, "name": "delivery",
                     "kind": 1, "startTimeUnixNano": start, "endTimeUnixNano": end,
                     "attributes": [], "links": [{"traceId": trace, "spanId": parent}],
                     "status": {"code": 2, "message": "no"}},
                ],
            }],
        }]});
        assert_eq!(written, expected);
    }

    #[test]
    fn what_a_collector_refused_is_read_from_its_answer() {
        assert_eq!(rejected(br#"{"partialSuccess":{"rejectedSpans":"3","errorMessage":"x"}}"#), 3);
        assert_eq!(rejected(br#"{"partialSuccess":{"rejectedSpans":2}}"#), 2);
        for nothing in ["", "{}", "no JSON", r#"{"partialSuccess":{}}"#] {
            assert_eq!(rejected(nothing.as_bytes()), 0, "{nothing}");
        }
    }
}
