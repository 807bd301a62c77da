//! The wire, byte for byte: every event that controller and config-store say in the story, as
//! golden files. A change to a form that others read shows up here as a difference.
//!
//! `UPDATE_GOLDEN=1 cargo test -p fold --test wire` writes them anew.
#![cfg(test)]

use std::{fs, path::PathBuf};

use serde_json::{Value, json};
use testing::{SHIPYARD, Stream};

/// Compares text with a golden file, or writes it when that is asked for.
fn matches_golden(name: &str, text: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, text).unwrap();
    }
    let golden = fs::read_to_string(&path).unwrap_or_default();
    for (line, (got, wanted)) in text.lines().zip(golden.lines()).enumerate() {
        assert_eq!(got, wanted, "line {} of {name}", line + 1);
    }
    assert_eq!(text.lines().count(), golden.lines().count(), "lines of {name}");
}

/// Returns every event that we say behind `position`, one JSON document a line. What the
/// executor of the test says is left out.
fn said(stream: &Stream, position: usize) -> String {
    let ours = ["shipyard-controller", "config-store"];
    let events = stream.events.iter().skip(position).filter_map(|stored| stored.body.as_ref().ok());
    events
        .filter(|event| ours.contains(&event.source.as_ref()))
        .fold(String::new(), |text, event| text + &event.to_json() + "\n")
}

fn deliver(stream: &mut Stream, version: &str) {
    let image = format!("carts:{version}");
    let data = json!({"project": "p", "service": "carts", "labels": {"build": "17"},
                      "configurationChange": {"values": {"image": image, "big": 12_345_678_901_234_567_890_u64}}});
    stream.trigger("dev.artifact-delivery", data);
    stream.play(|_| "pass");
}

#[test]
fn commands_are_answered_as_written_down() {
    let mut stream = Stream::with_project(SHIPYARD, &["carts"]);
    let change = |values: Value| {
        json!({"project": "p", "stage": "hardening", "service": "carts",
               "configurationChange": {"values": values}})
    };
    stream.command("configuration.change", change(json!({"replicaCount": 3, "a": {"b": true}})));
    stream.command("configuration.change", change(json!({"image": "x"})));
    stream.command("service.create", json!({"project": "p", "service": "carts"}));
    stream.command("service.create", json!({"project": "q", "service": "carts"}));
    let file = |content: &str| {
        json!({"project": "p", "stage": "dev", "service": "carts", "resourceURI": "slo.yaml",
               "resourceContent": testing::encoded(content)})
    };
    stream.command("resource.create", file("objectives: []\n"));
    stream.command("resource.create", file("objectives: []\n"));
    stream.command("resource.delete", json!({"project": "p", "resourceURI": "slo.yaml"}));
    matches_golden("commands.jsonl", &said(&stream, 0));
}

#[test]
fn a_delivery_is_said_as_written_down() {
    let mut stream = Stream::with_project(SHIPYARD, &["carts"]);
    let from = stream.events.len();
    deliver(&mut stream, "0.10.1");
    matches_golden("delivery.jsonl", &said(&stream, from));
}

#[test]
fn a_sync_and_what_follows_are_said_as_written_down() {
    let mut stream = Stream::with_project(SHIPYARD, &["carts", "carts-db"]);
    let values = json!({"values": {"replicaCount": 3}});
    stream.command(
        "configuration.change",
        json!({"project": "p", "stage": "hardening", "service": "carts", "configurationChange": values}),
    );
    deliver(&mut stream, "0.10.1");
    let data = json!({"project": "p", "service": "carts-db",
                      "configurationChange": {"values": {"image": "carts-db:0.4.1"}}});
    stream.trigger("dev.artifact-delivery", data);
    stream.play(|_| "pass");
    let from = stream.events.len();
    stream.trigger("hardening.artifact-delivery", json!({"project": "p"}));
    stream.play(|_| "pass");
    matches_golden("sync.jsonl", &said(&stream, from));
}

#[test]
fn refusals_aborts_and_poison_are_said_as_written_down() {
    let mut stream = Stream::with_project(SHIPYARD, &["carts"]);
    let from = stream.events.len();
    stream.trigger("qa.artifact-delivery", json!({"project": "p", "service": "carts"}));
    stream.settle();
    stream.trigger("hardening.artifact-delivery", json!({"project": "p"}));
    stream.settle();
    let (context, _) =
        stream.trigger("dev.artifact-delivery", json!({"project": "p", "service": "carts"}));
    stream.settle();
    let mut abort = stream.make("sequence.abort.triggered", json!({"project": "p"}));
    abort.context = Some(context);
    stream.command_event(abort);
    let poison = Err(model::Malformed::new("must be JSON (line 1, column 1)"));
    stream.store_body("sh.keptn.event.test.finished", poison);
    stream.settle();
    matches_golden("refusals.jsonl", &said(&stream, from));
}

#[test]
fn a_retry_is_said_as_written_down() {
    let mut stream = Stream::with_project(SHIPYARD, &["carts"]);
    deliver(&mut stream, "0.10.1");
    let begin = stream.events.len();
    let (context, _) = stream.trigger("hardening.artifact-delivery", json!({"project": "p"}));
    stream
        .play(|task| if task.event_type.to_string().contains(".test.") { "fail" } else { "pass" });
    stream.control(&context, "retry", json!({"project": "p", "from": "failedTask"}));
    stream.play(|_| "fail");
    stream.control(&context, "retry", json!({"project": "p"}));
    stream.play(|_| "fail");
    matches_golden("retry.jsonl", &said(&stream, begin));
}
