//! One fixed stream that holds something of everything a fold keeps: what a snapshot of it looks
//! like is kept as a file for each format.

use serde_json::json;

use crate::{Stream, carts, pass, shipyard};

/// Stages, sequences that queue, wait for a person, are delayed, follow and fail.
const STAGES: [&str; 2] = [
    "{name: dev, sequences: [{name: d, tasks: [{name: deployment}, {name: evaluation}]}, \
     {name: gate, tasks: [{name: approval}]}, {name: slow, tasks: [{name: b, triggeredAfter: 1h}]}, \
     {name: fails, tasks: [{name: a}]}]}",
    "{name: hard, sequences: [{name: d, triggeredOn: [{event: dev.d.finished}], \
     tasks: [{name: deployment, properties: {kind: canary}}]}]}",
];
/// Two executors of one task.
const UNIFORM: &str = "spec: {services: [{name: one, events: [deployment.triggered]}, \
     {name: two, events: [deployment.triggered]}]}";

/// Returns the stream. A change to it changes every fixture.
pub fn fixed() -> Stream {
    let services = ["carts", "carts-db", "catalogue", "orders"];
    let mut stream = Stream::with_documents(&shipyard(&STAGES), Some(UNIFORM), &services);
    let own = json!({"project": "p", "stage": "hard", "service": "carts",
                     "configurationChange": {"values": {"replicaCount": 3, "a": {"b": [1, "x"]}}}});
    stream.command("configuration.change", own);
    let of = |service: &str| {
        json!({"project": "p", "service": service,
               "configurationChange": {"values": {"image": format!("{service}:1.0")}}})
    };
    let (failed, _) = stream.trigger("dev.fails", of("orders"));
    stream.settle();
    stream.finish(&failed, json!({"status": "succeeded", "result": "fail", "message": "no"}));
    let (through, _) = stream.trigger("dev.d", carts("1"));
    stream.settle();
    let task = stream.open_task(&through);
    for executor in ["one", "two"] {
        stream.answer(&task, executor, "started", json!({}));
        stream.answer(&task, executor, "finished", pass());
    }
    stream.settle();
    stream.finish(&through, pass());
    let (_, _) = stream.trigger("dev.d", carts("2"));
    let (_, _) = stream.trigger("dev.d", carts("3"));
    let (_, _) = stream.trigger("dev.gate", of("carts-db"));
    let (paused, _) = stream.trigger("dev.slow", of("catalogue"));
    stream.settle();
    stream.control(&paused, "pause", json!({"project": "p"}));
    let unreadable = model::Malformed::new("`id` must be there");
    stream.store_body("sh.keptn.event.test.finished", Err(unreadable));
    let command = stream.make("service.create.triggered", json!({"project": "p", "service": "x"}));
    stream.store(command);
    let (_, _) = stream.trigger("dev.d", of("x"));
    stream
}

/// Returns a stream in which this many runs wait for an executor, each for a service of its own.
pub fn in_flight(runs: usize) -> Stream {
    let services: Vec<String> = (0..runs).map(|number| format!("service-{number}")).collect();
    let names: Vec<&str> = services.iter().map(String::as_str).collect();
    let mut stream = Stream::with_documents(&shipyard(&STAGES), Some(UNIFORM), &names);
    for name in names {
        stream.trigger(
            "dev.d",
            json!({"project": "p", "service": name,
                   "configurationChange": {"values": {"image": format!("{name}:1")}}}),
        );
    }
    stream.settle();
    stream
}
