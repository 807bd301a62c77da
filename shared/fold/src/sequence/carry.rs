//! What an answer brings and is carried on to the next task.
//!
//! What belongs to the sequence stays as it is, whatever an answer says. What equals the data that
//! the task was sent with is an echo and brings nothing.

use model::{Event, Payload};
use serde_json::Value;

use super::{
    Effects,
    data::DATA_BYTES_MAX,
    run::{Run, RunService},
};
use crate::values::{Object, merge, remove_echo, take_object};

/// Members that belong to the sequence; an answer that says another one is noted.
const OF_THE_SEQUENCE: [&str; 5] = ["project", "stage", "service", "sync", "gitcommitid"];
/// Members that say how the task ended.
const OF_THE_ANSWER: [&str; 3] = ["status", "result", "message"];
const IMAGE: &str = "image";

/// Carries on what an answer brings.
pub(super) fn carry(run: &mut Run, event: &Event, effects: &mut Effects) {
    let Some(task) = run.open.as_ref() else { return };
    if run.is_ended() || run.aborted.is_some() {
        return;
    }
    if run.carried_bytes() > DATA_BYTES_MAX {
        return effects.note("too much is carried already; what this answer brings is dropped");
    }
    let (mut answer, sent) = event.data.difference(&task.sent);
    remove_echo(&mut answer, &sent);
    for key in OF_THE_SEQUENCE {
        if answer.remove(key).is_some_and(|value| !is_blank(&value)) {
            effects.note(format!("an answer says another `{key}`; it is dropped"));
        }
    }
    for key in OF_THE_ANSWER {
        answer.remove(key);
    }
    carry_values(run, &mut answer, effects);
    if answer.is_empty() {
        return;
    }
    let mut carried = run.carried.to_map();
    merge(&mut carried, answer);
    run.carried = Payload::from_map(&carried);
}

fn is_blank(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(str::is_empty)
}

/// Carries values per service.
fn carry_values(run: &mut Run, answer: &mut Object, effects: &mut Effects) {
    let mut services = take_object(answer, "services");
    let mut change = take_object(answer, "configurationChange");
    let single = take_object(&mut change, "values");
    if !change.is_empty() {
        answer.insert("configurationChange".to_owned(), Value::Object(change));
    }
    let is_single = run.services.len() == 1;
    for service in &mut run.services {
        let mut member = take_object(&mut services, service.name.as_str());
        let mut brought = take_object(&mut member, "values");
        if is_single {
            merge(&mut brought, single.clone());
        }
        carry_service(service, brought, effects);
    }
    let is_lost = !is_single && !single.is_empty();
    if is_lost || services.values().any(|one| !is_blank(one)) {
        effects.note("an answer brings values for a service that the run does not have");
    }
}

/// Carries the values of one service; the artifact only if the run had none.
fn carry_service(service: &mut RunService, mut brought: Object, effects: &mut Effects) {
    if let Some(image) = brought.remove(IMAGE).filter(|image| !is_blank(image)) {
        if image.is_string() && service.artifact.is_none() {
            brought.insert(IMAGE.to_owned(), image);
        } else {
            let name = &service.name;
            effects.note(format!("an answer names another artifact for `{name}`; it is dropped"));
        }
    }
    if brought.is_empty() {
        return;
    }
    let mut values = service.carried.to_map();
    merge(&mut values, brought);
    service.artifact = values.get(IMAGE).and_then(Value::as_str).map(Into::into);
    service.carried = Payload::from_map(&values);
}
