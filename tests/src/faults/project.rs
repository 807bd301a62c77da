//! The project of the common load: two stages of five tasks, played by stubs in 5 to 50 ms.
//!
//! Shipyard and uniform are JSON, which is YAML, so that the checker can read them as well.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// The projects.
pub const PROJECTS: [&str; 4] = ["p0", "p1", "p2", "p3"];
/// The services of each.
pub const SERVICES: [&str; 2] = ["carts", "orders"];
/// The first stage; deliveries go there.
pub const FIRST: &str = "dev";
/// The stage that follows.
pub const LAST: &str = "prod";
/// The sequence of both stages.
pub const SEQUENCE: &str = "delivery";
/// What every executor of the load is called first.
pub const EXECUTOR: &str = "stub-";
/// Tasks of a run, with the executors of each and the milliseconds that they take.
const TASKS: [(&str, &[(&str, u32)]); 5] = [
    ("deployment", &[("stub-deployer", 5)]),
    ("test", &[("stub-tester", 50), ("stub-prober", 20)]),
    ("evaluation", &[("stub-judge", 20)]),
    ("release", &[("stub-releaser", 10)]),
    ("notify", &[("stub-notifier", 30)]),
];
/// What stands in the artifact of a delivery that fails its evaluation in the first stage.
pub const FAILS: &str = "fails";
/// What stands in the artifact of a delivery that passes it with a warning.
pub const WARNS: &str = "warns";

/// Returns the event that creates a project of the load.
pub fn create(project: &str) -> Value {
    json!({"project": project, "shipyard": encoded(&shipyard()), "uniform": encoded(&uniform())})
}

/// Returns a document as a command carries it.
pub fn encoded(document: &Value) -> String {
    STANDARD.encode(document.to_string())
}

/// Returns a shipyard of stages, each with one sequence.
pub fn shipyard_of(stages: &[Value]) -> Value {
    json!({
        "apiVersion": "spec.keptn.sh/0.2.3", "kind": "Shipyard",
        "metadata": {"name": "load"}, "spec": {"stages": stages},
    })
}

fn shipyard() -> Value {
    let tasks: Vec<Value> = TASKS.iter().map(|(task, _)| json!({"name": task})).collect();
    let stage = |name: &str, strategy: &str, more: Value| {
        let mut tasks = tasks.clone();
        tasks[0]["properties"] = json!({"strategy": strategy});
        let mut sequence = json!({"name": SEQUENCE, "tasks": tasks});
        if more.is_array() {
            sequence["triggeredOn"] = more;
        }
        json!({"name": name, "sequences": [sequence]})
    };
    let follows = json!([{"event": format!("{FIRST}.{SEQUENCE}.finished")}]);
    shipyard_of(&[stage(FIRST, "direct", Value::Null), stage(LAST, "blue_green", follows)])
}

fn uniform() -> Value {
    let mut services = Vec::new();
    for (task, executors) in TASKS {
        for (name, millis) in executors {
            let delay = format!("{millis}ms");
            let mut stub = vec![json!({"delay": delay})];
            for service in SERVICES {
                let of = |kind: &str| format!("{service}:{kind}");
                let rule = |kind: &str, result: &str| json!({"task": "evaluation", "artifact": of(kind), "result": result, "delay": delay});
                stub.push(rule(FAILS, "fail"));
                stub.push(rule(WARNS, "warning"));
            }
            services
                .push(json!({"name": name, "events": [format!("{task}.triggered")], "stub": stub}));
        }
    }
    json!({"version": "0.1.2", "type": "Uniform", "spec": {"services": services}})
}
