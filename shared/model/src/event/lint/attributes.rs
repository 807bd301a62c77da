//! Warns of attributes that are spelled otherwise, missing, or read otherwise than written.

use super::members::Members;
use crate::{
    StreamTime, document::reader::Problems, document::tree::Place, id::is_uuid, name::shortened,
    nearest::nearest,
};

/// Attributes of `CloudEvents` and of Keptn (go-utils 0.20.4, `keptn_context_extended_c_e.go`), and
/// the two waits of ours.
const KNOWN: [&str; 19] = [
    "contenttype",
    "data",
    "datacontenttype",
    "dataschema",
    "extensions",
    "finishwithin",
    "gitcommitid",
    "id",
    "shkeptncontext",
    "shkeptnspecversion",
    "source",
    "specversion",
    "startwithin",
    "subject",
    "time",
    "traceparent",
    "tracestate",
    "triggeredid",
    "type",
];
/// The version of `CloudEvents` that everybody speaks.
const SPEC_VERSION: &str = "1.0";
const JSON: &str = "application/json";

/// Checks the attributes one by one.
pub(super) fn check(members: &Members<'_>, problems: &mut Problems) {
    unknown(members, problems);
    spec_version(members, problems);
    content_type(members, problems);
    source_and_time(members, problems);
    let context = members.text("shkeptncontext").filter(|context| !context.is_empty());
    if context.is_some_and(|context| !is_uuid(&context)) {
        let hint = Some("write a UUID".to_owned());
        let message = "`shkeptncontext` is no UUID: Keptn's API replaces it";
        problems.warn(members.place("shkeptncontext"), message, hint);
    }
    if members.get("data").is_none() {
        let hint = Some("write `\"data\":{\"project\":…}`".to_owned());
        problems.warn(Place::START, "`data` is missing and read as `{}`", hint);
    }
}

fn unknown(members: &Members<'_>, problems: &mut Problems) {
    for key in members.last_of_each().into_keys().filter(|key| !KNOWN.contains(key)) {
        let shown = shortened(key);
        let hint = nearest(&shown.to_ascii_lowercase(), KNOWN)
            .map(|name| format!("did you mean `{name}`?"));
        let message = format!("unknown attribute `{shown}` has no effect");
        problems.warn(members.place(key), message, hint);
    }
}

fn spec_version(members: &Members<'_>, problems: &mut Problems) {
    let hint = Some(format!("write `\"specversion\":\"{SPEC_VERSION}\"`"));
    match members.text("specversion") {
        Some(version) if version == SPEC_VERSION => {}
        Some(version) => {
            let message =
                format!("specversion `{}` is read as `{SPEC_VERSION}`", shortened(&version));
            problems.warn(members.place("specversion"), message, hint);
        }
        None => problems.warn(
            members.place("specversion"),
            format!("`specversion` is missing and read as `{SPEC_VERSION}`"),
            hint,
        ),
    }
}

fn content_type(members: &Members<'_>, problems: &mut Problems) {
    for key in ["datacontenttype", "contenttype"] {
        if members.text(key).is_some_and(|value| !value.starts_with(JSON)) {
            let hint = Some(format!("write `\"datacontenttype\":\"{JSON}\"`"));
            let message = format!("`{key}` is not looked at: data is read as JSON");
            problems.warn(members.place(key), message, hint);
        }
    }
    if members.get("contenttype").is_some() && members.get("datacontenttype").is_none() {
        problems.warn(
            members.place("contenttype"),
            "`contenttype` is Keptn's own spelling: other readers of CloudEvents ignore it",
            Some("write `datacontenttype`".to_owned()),
        );
    }
}

fn source_and_time(members: &Members<'_>, problems: &mut Problems) {
    if members.text("source").is_none_or(|source| source.is_empty()) {
        problems.warn(
            members.place("source"),
            "`source` is missing: answers are paired by who says them",
            Some("write the name of your service".to_owned()),
        );
    }
    let message = match members.text("time").filter(|time| !time.is_empty()) {
        None => "`time` is missing: the stream's counts",
        Some(time) if StreamTime::parse(&time).is_none() => {
            "`time` is not RFC 3339 and not looked at: the stream's counts"
        }
        Some(_) => return,
    };
    let hint = Some("for instance `2026-11-23T12:00:00.000Z`".to_owned());
    problems.warn(members.place("time"), message, hint);
}
