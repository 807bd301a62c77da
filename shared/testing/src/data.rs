//! Documents and data as events carry them, and events as short text.

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use model::{Event, Kind};
use serde_json::{Value, json};

/// The story's stages, in the native form.
pub const SHIPYARD: &str = r"
apiVersion: spec.keptn.sh/0.2.3
kind: Shipyard
metadata: {name: shipyard-sockshop}
spec:
  stages:
    - name: dev
      sequences:
        - name: artifact-delivery
          tasks:
            - {name: deployment, properties: {strategy: direct}}
            - {name: test, properties: {kind: functional}}
            - {name: evaluation}
            - {name: release}
    - name: hardening
      sequences:
        - name: artifact-delivery
          tasks:
            - {name: deployment, properties: {strategy: blue_green}}
            - {name: test, properties: {kind: functional}}
            - {name: test, properties: {kind: performance}}
            - {name: evaluation}
            - {name: release}
    - name: production
      sequences:
        - name: artifact-delivery
          triggeredOn: [{event: hardening.artifact-delivery.finished}]
          tasks:
            - {name: update}
            - {name: deployment, properties: {strategy: blue_green}}
            - {name: test, properties: {kind: functional}}
            - {name: test, properties: {kind: performance}}
            - {name: evaluation}
            - {name: release}
";

/// Returns a document as commands carry it.
pub fn encoded(text: &str) -> String {
    BASE64.encode(text)
}

/// Returns the data of a trigger in project `p` that delivers a version of `carts`.
pub fn carts(version: &str) -> Value {
    json!({"project": "p", "service": "carts",
           "configurationChange": {"values": {"image": format!("carts:{version}")}}})
}

/// Returns the data of an answer.
pub fn verdict(status: &str, result: &str) -> Value {
    json!({"status": status, "result": result, "message": ""})
}

/// Returns the data of an answer that passes.
pub fn pass() -> Value {
    verdict("succeeded", "pass")
}

/// Writes a shipyard whose stages are given in YAML's flow form, one a line.
pub fn shipyard(stages: &[&str]) -> String {
    let head =
        "apiVersion: spec.keptn.sh/0.2.3\nkind: Shipyard\nmetadata: {name: s}\nspec:\n  stages:";
    stages.iter().fold(head.to_owned(), |text, stage| format!("{text}\n    - {stage}")) + "\n"
}

/// Returns an event as short text: the end of its type and, for what ends, status and result.
pub fn short(event: &Event) -> String {
    let name = event.event_type.to_string().replace("sh.keptn.event.", "");
    if event.event_type.kind() != Some(Kind::Finished) {
        return name;
    }
    let head = event.data.head();
    let word = |text: Option<Cow<'_, str>>| text.unwrap_or_default().into_owned();
    format!("{name} {}/{}", word(head.status), word(head.result))
}
