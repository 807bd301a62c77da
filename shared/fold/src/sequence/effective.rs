//! Values: what a service's tasks are sent with, and the hash that names it.
//!
//! A plain run lays what is carried on top of the stage's own values. A sync or a follow-up lays
//! the stage's own on top, and only the artifact wins over them.

use serde_json::Value;

use super::run::{Origin, Run, RunService};
use crate::values::{Object, commit_id, overlay};

impl Run {
    /// Returns the values that a service's tasks are sent with.
    pub(super) fn effective(&self, service: &RunService) -> Object {
        let carried = service.carried.to_map();
        let own = service.own.to_map();
        if self.origin == Origin::Plain {
            let mut values = own;
            overlay(&mut values, &carried);
            return values;
        }
        let image = carried.get("image").cloned();
        let mut values = carried;
        overlay(&mut values, &own);
        if let Some(image) = image {
            values.insert("image".to_owned(), image);
        }
        values
    }
}

/// Names the configuration that a run is pinned to.
pub(super) fn configuration_id(run: &Run) -> Box<str> {
    let services: Object = run
        .services
        .iter()
        .map(|service| (service.name.to_string(), Value::Object(run.effective(service))))
        .collect();
    let mut configuration = Object::new();
    configuration.insert("project".to_owned(), run.project.as_str().into());
    configuration.insert("stage".to_owned(), run.stage.as_str().into());
    configuration.insert("services".to_owned(), Value::Object(services));
    commit_id(&configuration)
}
