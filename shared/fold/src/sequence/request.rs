//! What a trigger asks for, read from its data.

use model::{ServiceName, nearest::hint};
use serde_json::{Map, Value};

use super::run::{Origin, Run};
use crate::{
    catalog::{Project, known_service},
    refusal::{Code, Refusal},
    values::{Object, take_object, text},
};

/// What a trigger asks for.
#[derive(Debug, PartialEq)]
pub(super) enum Request {
    /// These services with these values.
    Services {
        /// Each with what the trigger gives for it.
        services: Vec<(ServiceName, Object)>,
        /// Given as `services`, not as `service`.
        is_bracket: bool,
    },
    /// What another stage evaluated.
    Sync {
        /// That stage; none = the preceding one.
        from: Option<String>,
        /// Only these services; none = all.
        narrowed: Option<Vec<ServiceName>>,
    },
}

/// Reads what a trigger asks for. `data` keeps what is carried; what belongs to the sequence is
/// taken out of it.
pub(super) fn read(run: &Run, project: &Project, data: &mut Object) -> Result<Request, Refusal> {
    let service = text(data, "service").filter(|name| !name.is_empty()).map(str::to_owned);
    let services = data.remove("services").filter(|value| !value.is_null());
    let sync = data.get("sync").filter(|value| !value.is_null()).cloned();
    let mut change = take_object(data, "configurationChange");
    let values = take_values(&mut change);
    if !change.is_empty() {
        data.insert("configurationChange".to_owned(), Value::Object(change));
    }
    match (services, service, sync) {
        (Some(services), _, _) => bracket(project, services),
        (None, Some(service), sync) if sync.is_none() || run.origin == Origin::FollowUp => {
            let name = known_service(project, &service)?;
            check_image(&name, &values)?;
            Ok(Request::Services { services: vec![(name, values)], is_bracket: false })
        }
        (None, None, None) if run.origin == Origin::FollowUp => Err(Refusal::new(
            Code::Invalid,
            text(data, "message").unwrap_or("the trigger names no service").to_owned(),
            "let executors answer with less data, or with a link to it",
        )),
        (None, service, sync) => request_sync(project, service.as_deref(), sync.as_ref(), &values),
    }
}

fn bracket(project: &Project, services: Value) -> Result<Request, Refusal> {
    let Value::Object(members) = services else {
        return Err(invalid(
            "`services` must be an object",
            "{\"carts\":{\"values\":{\"image\":\"carts:1.0\"}}}",
        ));
    };
    if members.is_empty() {
        return Err(invalid(
            "`services` must name at least one service",
            "leave it out for a sync",
        ));
    }
    let mut read = Vec::with_capacity(members.len());
    for (name, member) in members {
        let name = known_service(project, &name)?;
        let Value::Object(mut member) = member else {
            return Err(invalid(
                format!("`services.{name}` must be an object"),
                "{\"values\":{\"image\":\"…\"}}",
            ));
        };
        let values = take_values(&mut member);
        check_image(&name, &values)?;
        read.push((name, values));
    }
    Ok(Request::Services { services: read, is_bracket: true })
}

fn request_sync(
    project: &Project,
    service: Option<&str>,
    sync: Option<&Value>,
    values: &Map<String, Value>,
) -> Result<Request, Refusal> {
    if values.contains_key("image") {
        return Err(invalid(
            "an artifact needs a service",
            "name it: `keptn trigger … --service NAME --artifact …`",
        ));
    }
    let from = sync.and_then(|sync| sync.get("from")).and_then(Value::as_str).map(str::to_owned);
    let mut narrowed = Vec::new();
    let listed = sync.and_then(|sync| sync.get("services")).and_then(Value::as_array);
    for name in listed.into_iter().flatten() {
        narrowed.push(known_service(project, name.as_str().unwrap_or_default())?);
    }
    if let Some(service) = service {
        narrowed.push(known_service(project, service)?);
    }
    Ok(Request::Sync { from, narrowed: (!narrowed.is_empty()).then_some(narrowed) })
}

/// Takes the values out of what is given for a service; an `image` that is null says nothing.
fn take_values(member: &mut Object) -> Object {
    let mut values = take_object(member, "values");
    if values.get("image").is_some_and(Value::is_null) {
        values.remove("image");
    }
    values
}

fn check_image(name: &ServiceName, values: &Object) -> Result<(), Refusal> {
    match values.get("image") {
        None => Ok(()),
        Some(Value::String(image)) if !image.is_empty() => Ok(()),
        Some(_) => Err(invalid(
            format!("`image` of service `{name}` must be text that is not empty"),
            "for instance \"carts:0.10.17\"",
        )),
    }
}

pub(super) fn invalid(
    message: impl Into<std::borrow::Cow<'static, str>>,
    hint: &'static str,
) -> Refusal {
    Refusal::new(Code::Invalid, message, hint)
}

/// Says that a sequence is unknown in a stage, with the nearest one.
pub(super) fn unknown_sequence(project: &Project, run: &Run) -> Refusal {
    let stage = project.definition.shipyard.stage(run.stage.as_str());
    let known: Vec<&str> = stage
        .map(|stage| stage.sequences.iter().map(|one| one.name.as_str()).collect())
        .unwrap_or_default();
    Refusal::new(
        Code::NotFound,
        format!("sequence `{}` does not exist in stage `{}`", run.sequence, run.stage),
        hint(run.sequence.as_str(), known),
    )
}
