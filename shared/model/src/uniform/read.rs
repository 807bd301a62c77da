//! Reads a uniform: its services and what each of them answers.

use std::{collections::BTreeSet, rc::Rc};

use super::{Subscription, Uniform, UniformService, selector, stub};
use crate::{
    ServiceName, TaskName,
    document::{
        reader::{Entry, Fields, Problems},
        tree::{Content, Node, Place},
    },
    name::shortened,
};

const KIND: &str = "Uniform";
/// Versions of the form; the two differ only in `actions` and `events`, and both may hold either.
const VERSION_FIRST: &str = "0.1.1";
const VERSION_LAST: &str = "0.1.2";
const HEAD: &[&str] = &["apiVersion", "version", "kind", "type", "metadata", "spec"];
const SERVICE: &[&str] = &["name", "image", "actions", "events", "selector", "stub"];
const EVENT_PREFIX: &str = "sh.keptn.event.";
const TRIGGERED: &str = ".triggered";

/// Reads a whole uniform; none if something is missing without which it is none.
pub(super) fn read(root: &Node, problems: &mut Problems) -> Option<Uniform> {
    let head = problems.fields(root, "a uniform", HEAD)?;
    check_head(&head, problems);
    let Some(spec) = head.get("spec") else {
        problems.error_hint(head.at, "a uniform must have `spec.services`", "add `spec:`");
        return None;
    };
    let spec = problems.fields(spec.value, "`spec`", &["services"])?;
    let mut seen = BTreeSet::new();
    let mut services = Vec::new();
    for item in problems.list(spec.get("services")) {
        let Some(service) = service(item, problems) else { continue };
        if !seen.insert(service.name.clone()) {
            let message = format!("service name `{}` must be unique in a uniform", service.name);
            problems.error_hint(item.at, message, "rename one of the two, or merge them");
        }
        services.push(service);
    }
    Some(Uniform { services })
}

fn check_head(head: &Fields<'_>, problems: &mut Problems) {
    for key in ["kind", "type"] {
        let entry = head.get(key);
        let kind = problems.text(entry).unwrap_or(KIND);
        if kind != KIND {
            let message = format!("`{key}: {}` should be `{KIND}`", shortened(kind));
            problems.warn(head.place(key), message, Some(format!("write `{key}: {KIND}`")));
        }
    }
    let version = problems.text(head.get("version")).unwrap_or(VERSION_LAST);
    if ![VERSION_FIRST, VERSION_LAST].contains(&version) {
        let message = format!("version `{}` is read as {VERSION_LAST}", shortened(version));
        problems.warn(head.place("version"), message, None);
    }
}

fn service(item: &Node, problems: &mut Problems) -> Option<UniformService> {
    let fields = problems.fields(item, "a service of a uniform", SERVICE)?;
    let name = problems.text(fields.get("name")).unwrap_or_default();
    let name = ServiceName::new(name).map_err(|error| {
        problems.error_hint(fields.place("name"), error.to_string(), "rename the service");
    });
    let mut subscriptions = Vec::new();
    for key in ["actions", "events"] {
        for item in problems.list(fields.get(key)) {
            subscriptions.extend(subscription(item, key, problems));
        }
    }
    if let Some(entry) = fields.get("selector") {
        let common = selector::read(entry, problems);
        for one in &mut subscriptions {
            one.selector.restrict(&common);
        }
    }
    let stub = stub::read_list(problems.list(fields.get("stub")), problems);
    let name = name.ok()?;
    if fields.get("actions").is_none() && fields.get("events").is_none() {
        let hint = "add `actions: [<task>]` or `events: [<task>.triggered]`".to_owned();
        problems.warn(fields.at, format!("service `{name}` answers nothing"), Some(hint));
    }
    Some(UniformService { name, subscriptions, stub })
}

/// Reads `- test`, `- test.triggered`, `- test.triggered: {selector: …}`, or the story's form with
/// `selector` beside the event instead of below it.
fn subscription(item: &Rc<Node>, key: &str, problems: &mut Problems) -> Option<Subscription> {
    let is_event = key == "events";
    match &item.content {
        Content::Scalar(scalar) => {
            let task = task(item.at, &scalar.text, is_event, problems)?;
            Some(Subscription { task, selector: selector::Selector::default() })
        }
        Content::Map(_) => with_selector(item, is_event, problems),
        Content::Null | Content::List(_) => {
            let form = if is_event { "<task>.triggered" } else { "<task>" };
            problems.error(item.at, format!("an entry of `{key}` must be `{form}`"));
            None
        }
    }
}

fn with_selector(item: &Rc<Node>, is_event: bool, problems: &mut Problems) -> Option<Subscription> {
    let entries = problems.entries(item);
    let (beside, named): (Vec<Entry<'_>>, Vec<Entry<'_>>) =
        entries.into_iter().partition(|entry| entry.key == "selector");
    let [named] = named.as_slice() else {
        let message = format!("a subscription must name one event, names {}", named.len());
        problems.error_hint(item.at, message, "put `- ` before each event");
        return None;
    };
    let task = task(named.at, named.key, is_event, problems);
    let below = problems.fields(named.value, "a subscription", &["selector"])?;
    let mut selector = selector::Selector::default();
    for entry in beside.into_iter().chain(below.get("selector")) {
        selector.restrict(&selector::read(entry, problems));
    }
    Some(Subscription { task: task?, selector })
}

/// Returns the task that an entry names; other events than a task's `triggered` are warned of.
fn task(at: Place, text: &str, is_event: bool, problems: &mut Problems) -> Option<TaskName> {
    let name = if is_event {
        let Some(name) = text.strip_prefix(EVENT_PREFIX).unwrap_or(text).strip_suffix(TRIGGERED)
        else {
            let message = format!("event `{}` is not answered", shortened(text));
            problems.warn(at, message, Some("write `<task>.triggered`".to_owned()));
            return None;
        };
        name
    } else {
        text
    };
    TaskName::new(name)
        .map_err(|error| {
            let hint = if is_event { "write `<task>.triggered`" } else { "write `<task>`" };
            problems.error_hint(at, error.to_string(), hint);
        })
        .ok()
}
