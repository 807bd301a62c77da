//! Data: what the events of a run carry.

use model::{Payload, TaskSpec};
use serde_json::{Map, Value, json};

use super::run::{FollowUp, Outcome, Phase, Run};
use crate::values::{Object, merge};

/// Most bytes of the data of an event of ours. A message may be 1 MiB; an executor that echoes the
/// data and adds to it must fit, too. A sequence whose next event would be larger ends errored.
pub const DATA_BYTES_MAX: usize = 768 * 1024;

/// Members of an end that only the controller sets.
const OURS_AT_THE_END: [&str; 4] = ["nothingToDo", "timedOut", "hint", "code"];

impl Run {
    /// Returns the data of a task's `triggered`.
    pub(super) fn task_data(&self, task: &TaskSpec) -> Payload {
        let mut data = self.common_data(true);
        if let Some(last) = &self.last {
            data.insert("result".to_owned(), last.result.as_str().into());
            data.insert("status".to_owned(), last.status.as_str().into());
            data.insert("message".to_owned(), "".into());
        }
        if !task.properties.is_empty() {
            let mut properties = Map::new();
            properties.insert(task.name.to_string(), Value::Object(task.properties.clone()));
            merge(&mut data, properties);
        }
        Payload::from_map(&data)
    }

    /// Returns what every event of the run carries: what answers brought, names, labels and the
    /// services with their effective values, or with the carried ones only.
    fn common_data(&self, with_own: bool) -> Object {
        let mut data = self.carried.to_map();
        data.insert("project".to_owned(), self.project.as_str().into());
        data.insert("stage".to_owned(), self.stage.as_str().into());
        data.entry("labels").or_insert_with(|| json!({}));
        let mut services: Vec<(String, Object)> = self
            .services
            .iter()
            .map(|one| {
                let values = if with_own { self.effective(one) } else { one.carried.to_map() };
                (one.name.to_string(), values)
            })
            .collect();
        if self.is_bracket {
            let members: Object = services
                .iter()
                .map(|(name, values)| (name.clone(), json!({ "values": values })))
                .collect();
            data.insert("services".to_owned(), Value::Object(members));
            if let Some(sync) = &self.sync {
                data.insert("sync".to_owned(), Value::Object(sync.to_map()));
            }
        }
        if services.len() == 1
            && let Some((name, values)) = services.pop()
        {
            data.insert("service".to_owned(), name.into());
            if !values.is_empty() {
                let mut change = Map::new();
                change.insert("configurationChange".to_owned(), json!({ "values": values }));
                merge(&mut data, change);
            }
        }
        data
    }

    /// Returns the data of the end.
    pub(super) fn end_data(&self, outcome: &Outcome) -> Object {
        let is_decided = !matches!(self.phase, Phase::Undecided | Phase::Declined(_));
        let mut data = if is_decided { self.common_data(true) } else { self.names_only() };
        for key in OURS_AT_THE_END {
            data.remove(key);
        }
        insert_outcome(&mut data, outcome);
        data
    }

    /// Returns the data of the trigger of a sequence that follows. If it is too large, the trigger
    /// names no service and says why, and the sequence ends errored.
    pub(super) fn next_data(&self, next: &FollowUp) -> Payload {
        if let Some(from) = next.retry {
            return self.retry_data(from);
        }
        let mut data = self.carried_on(self.last.as_ref());
        data.insert("stage".to_owned(), next.stage.as_str().into());
        let full = Payload::from_map(&data);
        if full.as_str().len() <= DATA_BYTES_MAX {
            return full;
        }
        let message = too_large("what is carried on", full.as_str().len());
        let lean = json!({"project": self.project, "stage": next.stage, "message": message});
        lean.as_object().map_or_else(Payload::empty, Payload::from_map)
    }

    /// Returns what is carried into another run, behind a task with this end.
    pub(super) fn carried_on(&self, last: Option<&Outcome>) -> Object {
        let mut data = self.common_data(false);
        if let Some(last) = last {
            insert_outcome(&mut data, last);
        }
        data.insert("message".to_owned(), "".into());
        data
    }

    /// Returns how many bytes are carried from task to task.
    pub(super) fn carried_bytes(&self) -> usize {
        let services = self.services.iter().map(|one| one.carried.as_str().len());
        services.fold(self.carried.as_str().len(), usize::saturating_add)
    }

    /// Returns data with project, stage, and the names of the services.
    pub(super) fn names_only(&self) -> Object {
        let mut data = Map::new();
        data.insert("project".to_owned(), self.project.as_str().into());
        data.insert("stage".to_owned(), self.stage.as_str().into());
        if let [service] = self.services.as_slice() {
            data.insert("service".to_owned(), service.name.as_str().into());
        } else if self.services.is_empty() {
            if let Some(service) = self.carried.head().service {
                data.insert("service".to_owned(), model::name::shortened(&service).into());
            }
        } else {
            let members: Object =
                self.services.iter().map(|one| (one.name.to_string(), json!({}))).collect();
            data.insert("services".to_owned(), Value::Object(members));
        }
        data
    }
}

/// Says what is too large, how large, and what is allowed.
pub(super) fn too_large(what: &str, bytes: usize) -> String {
    format!("{what} would be {bytes} bytes, over {DATA_BYTES_MAX}")
}

/// Writes how something ended.
pub(super) fn insert_outcome(data: &mut Object, outcome: &Outcome) {
    data.insert("result".to_owned(), outcome.result.as_str().into());
    data.insert("status".to_owned(), outcome.status.as_str().into());
    data.insert("message".to_owned(), outcome.message.as_ref().into());
}
