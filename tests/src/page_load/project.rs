//! A large project: deliveries go to the first stage, and each stage follows the one before it.

use std::sync::atomic::AtomicBool;

use serde_json::{Value, json};

use super::options::Options;
use crate::faults::project::{encoded, shipyard_of};
use crate::faults::publisher::{Publisher, event};

/// The project.
pub const PROJECT: &str = "large";
/// The sequence of every stage.
const SEQUENCE: &str = "delivery";
/// Events of one run: its trigger, its task's three, its end.
const EVENTS_OF_RUN: usize = 5;

/// Returns the name of a stage.
pub fn stage(number: usize) -> String {
    format!("stage-{number}")
}

/// Returns the name of a service.
pub fn service(number: usize) -> String {
    format!("service-{number:04}")
}

/// Returns how many events a delivery makes.
pub fn events_of_delivery(options: &Options) -> usize {
    options.stages * EVENTS_OF_RUN
}

/// Returns the type of the event that ends a delivery.
pub fn last_type(options: &Options) -> String {
    format!("sh.keptn.event.{}.{SEQUENCE}.finished", stage(options.stages - 1))
}

/// Creates the project with its services, and delivers all of them at once, so that every stage has
/// something to show. Returns the delivery.
pub fn create(port: u16, options: &Options) -> String {
    let mut publisher = Publisher::new(port);
    let never = AtomicBool::new(false);
    let mut say = |kind: &str, id: &str, data: &Value| {
        publisher.say(&event(kind, id, id, data), &never).expect("nobody stops it");
    };
    say(
        "project.create.triggered",
        "create-project",
        &json!({"project": PROJECT, "shipyard": encoded(&shipyard(options)), "uniform": encoded(&uniform())}),
    );
    for number in 0..options.services {
        let data = json!({"project": PROJECT, "service": service(number)});
        say("service.create.triggered", &format!("create-{number}"), &data);
    }
    let image = |number: usize| {
        let values = json!({"values": {"image": format!("{}:1.0.0", service(number))}});
        (service(number), values)
    };
    let services: serde_json::Map<String, Value> = (0..options.services).map(image).collect();
    let first = "load-first".to_owned();
    let data = json!({"project": PROJECT, "stage": stage(0), "services": services});
    say(&trigger_type(), &first, &data);
    first
}

/// Returns the trigger of a delivery of one service.
pub fn delivery(options: &Options, number: usize) -> (String, Value) {
    let context = format!("load-{number}");
    let service = service(number % options.services);
    let image = format!("{service}:1.1.{number}");
    let data = json!({"project": PROJECT, "stage": stage(0), "service": service,
        "configurationChange": {"values": {"image": image}}});
    let trigger = event(&trigger_type(), &context, &context, &data);
    (context, trigger)
}

fn trigger_type() -> String {
    format!("{}.{SEQUENCE}.triggered", stage(0))
}

fn shipyard(options: &Options) -> Value {
    let stages: Vec<Value> = (0..options.stages)
        .map(|number| {
            let mut sequence = json!({"name": SEQUENCE, "tasks": [{"name": "evaluation"}]});
            if let Some(before) = number.checked_sub(1) {
                let end = format!("{}.{SEQUENCE}.finished", stage(before));
                sequence["triggeredOn"] = json!([{"event": end}]);
            }
            json!({"name": stage(number), "sequences": [sequence]})
        })
        .collect();
    shipyard_of(&stages)
}

fn uniform() -> Value {
    let judge = json!({"name": "judge", "events": ["evaluation.triggered"]});
    json!({"version": "0.1.2", "type": "Uniform", "spec": {"services": [judge]}})
}
