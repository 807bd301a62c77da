//! Events as a test reads them: what the stream holds, and short words for comparing lists.

use serde_json::Value;

/// What every type of ours starts with.
const PREFIX: &str = "sh.keptn.event.";

/// One message of the stream.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Position in the stream.
    pub position: u64,
    /// The event; null if the message is no JSON.
    pub event: Value,
}

impl Entry {
    /// Returns the type without its prefix: `test.finished`.
    pub fn short(&self) -> &str {
        let full = self.attribute("type");
        full.strip_prefix(PREFIX).unwrap_or(full)
    }

    /// Returns an attribute of the envelope, empty if it is absent.
    pub fn attribute(&self, name: &str) -> &str {
        self.event[name].as_str().unwrap_or_default()
    }

    /// Returns a text of the data by JSON pointer, empty if it is absent.
    pub fn text(&self, pointer: &str) -> &str {
        self.event["data"].pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    /// Returns the delivery it belongs to.
    pub fn context(&self) -> &str {
        self.attribute("shkeptncontext")
    }

    /// Tells whether it is about a task: `<task>.<kind>`, not a sequence or a command.
    pub fn is_task(&self) -> bool {
        let short = self.short();
        short.ends_with(".status.changed") || short.split('.').count() == 2
    }
}

/// Returns the events of the tasks, each `triggered started finished`, as short types.
pub fn answered(tasks: &[&str]) -> Vec<String> {
    let kinds = ["triggered", "started", "finished"];
    tasks.iter().flat_map(|task| kinds.map(|kind| format!("{task}.{kind}"))).collect()
}
