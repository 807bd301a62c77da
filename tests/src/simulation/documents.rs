//! What is delivered in a run: one project that never changes, and one that people make and unmake.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use model::Shipyard;

/// The project whose documents never change.
pub(super) const FIXED: &str = "p";
/// The project that people create, change and delete.
pub(super) const CHANGING: &str = "q";
/// Executors that the uniform of the fixed project names.
pub(super) const NAMED: [&str; 2] = ["one", "two"];

const SHIPYARD: &str = "
apiVersion: spec.keptn.sh/0.2.3
kind: Shipyard
metadata: {name: s}
spec:
  stages:
    - name: dev
      sequences:
        - {name: d, tasks: [{name: deployment}, {name: evaluation, timeout: 40s}]}
        - {name: gate, tasks: [{name: approval}, {name: deployment}]}
        - {name: slow, tasks: [{name: build, triggeredAfter: 10s}, {name: deployment, timeout: 1m}]}
    - name: hard
      sequences:
        - name: d
          triggeredOn: [{event: dev.gate.finished}]
          tasks: [{name: deployment, timeout: 1m}, {name: test, timeout: 2m}, {name: release}]
        - name: rollback
          triggeredOn: [{event: hard.d.finished, selector: {match: {result: fail}}}]
          tasks: [{name: deployment}]
    - name: prod
      sequences:
        - name: d
          triggeredOn:
            - {event: hard.d.finished, selector: {match: {result: warning, test.result: pass}}}
          tasks: [{name: update}, {name: release}]
";

const UNIFORM: &str = "
spec:
  services:
    - {name: one, events: [test.triggered]}
    - {name: two, events: [test.triggered]}
";

const SMALL: &str = "
apiVersion: spec.keptn.sh/0.2.3
kind: Shipyard
metadata: {name: t}
spec:
  stages:
    - {name: dev, sequences: [{name: d, tasks: [{name: deployment}]}]}
";

/// Returns the shipyard of the fixed project.
pub(super) fn shipyard() -> Option<Shipyard> {
    Shipyard::read(SHIPYARD).value
}

/// Returns a project's documents as a command carries them.
pub(super) fn project_data(project: &str) -> serde_json::Value {
    let encoded = |text: &str| BASE64.encode(text);
    if project == FIXED {
        serde_json::json!({
            "project": project, "shipyard": encoded(SHIPYARD), "uniform": encoded(UNIFORM)
        })
    } else {
        serde_json::json!({ "project": project, "shipyard": encoded(SMALL) })
    }
}
