//! Events on the wire: what is read, what is refused, and what we write.

use super::*;

fn decoded(json: &str) -> Result<Event, Malformed> {
    Event::from_json(json.as_bytes())
}

fn reason(json: &str) -> String {
    decoded(json).unwrap_err().to_string()
}

#[test]
fn an_event_reads_back_as_it_was_written() {
    let json = concat!(
        r#"{"specversion":"1.0","id":"a","source":"s","type":"sh.keptn.event.test.triggered","#,
        r#""time":"2023-12-21T11:45:25Z","datacontenttype":"application/json","#,
        r#""shkeptncontext":"c","triggeredid":"t","shkeptnspecversion":"0.2.4","gitcommitid":"g","#,
        r#""traceparent":"tp","startwithin":5,"finishwithin":0,"data":{"x":1.0}}"#
    );
    assert_eq!(decoded(json).unwrap().to_json(), json);
}

#[test]
fn keptns_own_content_type_and_unknown_attributes_are_read_over() {
    let event = decoded(
        r#"{"contenttype":"application/json","id":"a","type":"sh.keptn.event.x.started","extensions":{"a":[1]},"data":{}}"#,
    );
    assert!(event.is_ok());
}

#[test]
fn the_last_of_two_equal_attributes_counts() {
    let event = decoded(r#"{"id":"a","id":"b","type":"sh.keptn.event.x.started"}"#).unwrap();
    assert_eq!(event.id.as_str(), "b");
}

#[test]
fn a_refusal_names_the_attribute() {
    assert!(reason("hello").contains("must be JSON"));
    assert!(reason("[]").contains("JSON object"));
    assert_eq!(reason(r#"{"type":"sh.keptn.event.x.started"}"#), "`id` is missing");
    assert_eq!(reason(r#"{"id":"a"}"#), "`type` is missing");
    assert!(reason(r#"{"id":7,"type":"sh.keptn.event.x.started"}"#).contains("`id`"));
    assert!(reason(r#"{"id":"a","type":"x"}"#).contains("`type`"));
    assert!(
        reason(r#"{"id":"a","type":"sh.keptn.event.Dev.delivery.triggered"}"#).contains("stage")
    );
    assert!(reason(r#"{"id":"a","type":"sh.keptn.event.x.started","data":[]}"#).contains("`data`"));
    assert!(
        reason(r#"{"id":"a","type":"sh.keptn.event.x.started","startwithin":-1}"#)
            .contains("startwithin")
    );
}

#[test]
fn types_are_told_apart_by_their_parts() {
    use EventType as T;
    let parse = |text| T::parse(text).unwrap();
    assert!(matches!(parse("sh.keptn.event.test.triggered"), T::Task(_, Kind::Triggered)));
    assert!(matches!(parse("sh.keptn.event.test.status.changed"), T::Task(_, Kind::StatusChanged)));
    assert!(matches!(
        parse("sh.keptn.event.dev.delivery.finished"),
        T::Sequence(_, _, Kind::Finished)
    ));
    assert!(matches!(
        parse("sh.keptn.event.project.create.triggered"),
        T::Command(CommandObject::Project, _, Kind::Triggered)
    ));
    assert!(matches!(parse("sh.keptn.log.error"), T::LogError));
    for other in [
        "sh.keptn.events.problem",
        "sh.keptn.event.configuration.change",
        "sh.keptn.event.a.b.c.triggered",
    ] {
        assert!(matches!(parse(other), T::Other(_)), "{other}");
    }
    for text in ["sh.keptn.event.test.status.changed", "sh.keptn.event.dev.delivery.finished"] {
        assert_eq!(parse(text).to_string(), text);
    }
}

#[test]
fn a_type_with_a_wildcard_or_an_empty_part_is_refused() {
    for bad in [
        "sh.keptn.event.*.triggered",
        "sh.keptn.event..triggered",
        "sh.keptn.>",
        "sh.keptn.a b",
        "other",
    ] {
        assert!(EventType::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn an_executor_is_the_last_segment_of_its_source() {
    let mut event = decoded(
        r#"{"id":"a","type":"sh.keptn.event.x.started","source":"https://host/jmeter-service/"}"#,
    )
    .unwrap();
    assert_eq!(event.executor(), "jmeter-service");
    event.source = "jmeter-service".into();
    assert_eq!(event.executor(), "jmeter-service");
}
