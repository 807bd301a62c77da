//! What we say keeps the schemas of Keptn's specification, as far as Keptn itself keeps them. The
//! schemas are not part of the project; without them the test says so and ends.
//!
//! Relaxed: further members are allowed (payloads carry others' data on), a task's own members
//! come from the shipyard and its executors, not from us, and `triggeredid` and `gitcommitid` are
//! not on every event. The types of members, the enumerated words and the other attributes hold.
#![cfg(test)]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use jsonschema::Validator;
use model::{Event, EventType};
use serde_json::{Map, Value};

use testing::{SHIPYARD, Stream};

/// Attributes that Keptn's schema asks for and its controller does not send on every event.
const NOT_ALWAYS: [&str; 2] = ["triggeredid", "gitcommitid"];
/// Words of ours, and of Keptn's own code, that the schema's enumerations lack.
const STATUS_TOO: &str = "aborted";
/// Members whose content the shipyard and the executors decide.
const NOT_OURS: [&str; 9] = [
    "action",
    "approval",
    "configurationChange",
    "deployment",
    "evaluation",
    "problem",
    "release",
    "rollback",
    "test",
];

#[expect(clippy::print_stderr, reason = "a test without its input must say that it did nothing")]
fn schemas() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(3)?;
    let path = root.join("shared/corpus/event-schemas");
    if !path.is_dir() {
        eprintln!("corpus/event-schemas is not there: nothing was validated");
        return None;
    }
    Some(path)
}

/// Relaxes a schema at any depth, as the head of this file says.
fn relax(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if members.get("additionalProperties") == Some(&Value::Bool(false)) {
                members.remove("additionalProperties");
            }
            if let Some(Value::Array(required)) = members.get_mut("required") {
                let is_optional =
                    |name: &str| NOT_ALWAYS.contains(&name) || NOT_OURS.contains(&name);
                required.retain(|name| !name.as_str().is_some_and(is_optional));
            }
            // Draft 4 wants at least one.
            if members.get("required") == Some(&Value::Array(Vec::new())) {
                members.remove("required");
            }
            if let Some(Value::Array(words)) = members.get_mut("enum")
                && words.contains(&"errored".into())
            {
                words.push(STATUS_TOO.into());
            }
            if let Some(Value::Object(properties)) = members.get_mut("properties") {
                for name in NOT_OURS {
                    properties.remove(name);
                }
            }
            // The reference is enough; a second dialect in the middle of a schema is not read.
            if members.contains_key("$ref") && !members.contains_key("definitions") {
                members.remove("$schema");
            }
            members.values_mut().for_each(relax);
        }
        Value::Array(items) => items.iter_mut().for_each(relax),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn validator(path: &Path) -> Option<Validator> {
    let text = fs::read_to_string(path).ok()?;
    let mut schema: Value = serde_json::from_str(&text).unwrap();
    relax(&mut schema);
    Some(jsonschema::draft4::new(&schema).unwrap())
}

fn problems(validator: &Validator, value: &Value) -> Vec<String> {
    validator
        .iter_errors(value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

/// Every event of the golden files, one JSON document each.
fn golden() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let files =
        fs::read_dir(folder).unwrap().map(|entry| fs::read_to_string(entry.unwrap().path()));
    files.flat_map(|text| text.unwrap().lines().map(str::to_owned).collect::<Vec<_>>()).collect()
}

/// Everything that is said in deliveries that pass, warn and fail, and in a sync.
fn story() -> Vec<String> {
    let mut stream = Stream::with_project(SHIPYARD, &["carts", "carts-db"]);
    for (service, result) in [("carts", "pass"), ("carts-db", "warning"), ("carts", "fail")] {
        let data = serde_json::json!({"project": "p", "service": service,
            "configurationChange": {"values": {"image": format!("{service}:1")}}});
        stream.trigger("dev.artifact-delivery", data);
        stream.play(|_| result);
    }
    stream.trigger("hardening.artifact-delivery", serde_json::json!({"project": "p"}));
    stream.play(|_| "pass");
    let ours = ["shipyard-controller", "config-store"];
    let said = stream.events.iter().filter_map(|stored| stored.body.as_ref().ok());
    said.filter(|event| ours.contains(&event.source.as_ref())).map(Event::to_json).collect()
}

#[test]
#[expect(clippy::print_stderr, reason = "how many were validated is a result")]
fn what_we_say_keeps_the_relaxed_schemas() {
    let Some(folder) = schemas() else { return };
    let envelope = validator(&folder.join("envelope.json")).unwrap();
    let mut by_type: BTreeMap<String, Option<Validator>> = BTreeMap::new();
    let (mut broken, mut envelopes, mut datas) = (Vec::new(), 0, 0);
    for json in golden().into_iter().chain(story()) {
        let event = Event::from_json(json.as_bytes()).unwrap();
        let value: Map<String, Value> = serde_json::from_str(&json).unwrap();
        let name = event.event_type.to_string();
        // Who says a log error answers for no delivery.
        if event.event_type != EventType::LogError {
            let found = problems(&envelope, &Value::Object(value.clone()));
            broken.extend(found.into_iter().map(|problem| format!("{name}: {problem}")));
            envelopes += 1;
        }
        let read = || validator(&folder.join(format!("{name}.data.json")));
        if let Some(validator) = by_type.entry(name.clone()).or_insert_with(read) {
            let found = problems(validator, &value["data"]);
            broken.extend(found.into_iter().map(|problem| format!("{name}: data{problem}")));
            datas += 1;
        }
    }
    let types = by_type.values().flatten().count();
    eprintln!("validated: {envelopes} envelopes, {datas} data of {types} types");
    broken.dedup();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    assert!(envelopes > 0 && datas > 0 && types > 5);
}

#[test]
fn a_relaxed_schema_still_refuses() {
    let Some(folder) = schemas() else { return };
    let finished = validator(&folder.join("sh.keptn.event.deployment.finished.data.json")).unwrap();
    let said = |data: Value| problems(&finished, &data).len();
    assert_eq!(said(serde_json::json!({"project": "p", "result": "pass", "extra": 1})), 0);
    assert_eq!(said(serde_json::json!({"project": "p", "result": "passed"})), 1);
    assert_eq!(said(serde_json::json!({"project": 7, "labels": {"a": 1}})), 2);
}
