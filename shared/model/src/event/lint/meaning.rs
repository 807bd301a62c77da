//! Checks what the type of an event asks of the rest: who may say it, what it must belong to, and
//! words that are read otherwise than written.

use super::members::Members;
use crate::{
    CommandObject, Event, EventType, Kind, ProjectName, StageName,
    document::{reader::Problems, tree::Place},
    name::shortened,
    nearest::{hint, nearest},
};

const KINDS: [&str; 4] = ["triggered", "started", "status.changed", "finished"];
const STATUS: [&str; 4] = ["succeeded", "errored", "aborted", "unknown"];
const RESULT: [&str; 3] = ["pass", "warning", "fail"];

/// Looks at an event by its type.
pub(super) fn check(event: &Event, members: &Members<'_>, problems: &mut Problems) {
    let mut look = Look { event, members, data: members.inner("data"), problems };
    match &event.event_type {
        EventType::Task(task, Kind::Triggered) => look.is_of_the_controller(
            &format!("`{task}.triggered`"),
            "trigger a sequence: `sh.keptn.event.<stage>.<sequence>.triggered`",
        ),
        EventType::Task(_, kind) => look.answer(*kind),
        EventType::Sequence(stage, _, Kind::Triggered) => look.trigger(stage),
        EventType::Sequence(_, _, kind) => look.is_of_the_controller(
            &format!("the `{}` of a sequence", kind.as_str()),
            "answer a task: `sh.keptn.event.<task>.finished`",
        ),
        EventType::Command(object, verb, kind) => look.command(*object, verb, *kind),
        EventType::LogError => look.is_of_the_controller(
            "`sh.keptn.log.error`",
            "say errors in your `finished`: `\"status\":\"errored\"` and a `message`",
        ),
        EventType::Other(text) => look.other(text),
    }
}

struct Look<'a, 't, 'p> {
    event: &'a Event,
    members: &'a Members<'t>,
    data: Option<Members<'t>>,
    problems: &'p mut Problems,
}

impl Look<'_, '_, '_> {
    fn warn(&mut self, at: Place, message: impl Into<String>, hint: &str) {
        self.problems.warn(at, message, Some(hint.to_owned()));
    }

    /// Returns the place of a member of the data, or of the data.
    fn place(&self, key: &str) -> Place {
        match &self.data {
            Some(data) if data.get(key).is_some() => data.place(key),
            Some(_) | None => self.members.place("data"),
        }
    }

    fn text(&self, key: &str) -> Option<String> {
        self.data.as_ref()?.text(key).filter(|text| !text.is_empty())
    }

    fn has(&self, key: &str) -> bool {
        self.data.as_ref().is_some_and(|data| data.get(key).is_some())
    }

    fn is_of_the_controller(&mut self, what: &str, hint: &str) {
        let message = format!("shipyard-controller alone says {what}: nothing follows from this");
        self.warn(self.members.place("type"), message, hint);
    }

    /// `started`, `status.changed` and `finished` of a task.
    fn answer(&mut self, kind: Kind) {
        if self.event.triggered_id.is_none() {
            let hint = "write the `id` of the `triggered` event that this answers";
            let message = "`triggeredid` is missing: this answers no task";
            self.warn(self.members.place("triggeredid"), message, hint);
        }
        if self.event.context.is_none() {
            let hint = "copy it from the `triggered` event";
            let message = "`shkeptncontext` is missing: this answers no task";
            self.warn(self.members.place("shkeptncontext"), message, hint);
        }
        for key in ["project", "stage", "service"] {
            // A bracket of several services has no `service`.
            if self.text(key).is_none() && !(key == "service" && self.has("services")) {
                let message =
                    format!("`data.{key}` is missing: Keptn's API refuses the event without it");
                self.warn(self.place(key), message, "copy it from the `triggered` event");
            }
        }
        self.word("status", &STATUS, kind, "unknown, and the result as fail");
        self.word("result", &RESULT, kind, "fail");
    }

    /// A word that must be one of a few; a `finished` must have it.
    fn word(&mut self, key: &str, words: &[&str], kind: Kind, read_as: &str) {
        let advice = |text: &str| hint(text, words.iter().copied());
        match self.text(key) {
            Some(text) if words.contains(&text.as_str()) => {}
            Some(text) => {
                let text = shortened(&text);
                let message = format!("{key} `{text}` is read as {read_as}");
                self.warn(self.place(key), message, &advice(&text));
            }
            None if kind == Kind::Finished => {
                let message = format!("`data.{key}` is missing and read as {read_as}");
                self.warn(self.place(key), message, &advice(""));
            }
            None => {}
        }
    }

    /// The `triggered` of a sequence.
    fn trigger(&mut self, stage: &StageName) {
        let project = self.text("project").unwrap_or_default();
        if let Err(error) = ProjectName::new(&project) {
            let message = if project.is_empty() {
                "`data.project` is missing".to_owned()
            } else {
                format!("`data.project`: {error}")
            };
            let at = self.place("project");
            self.problems.error_hint(at, message, "name the project of the stage");
        }
        match self.text("stage") {
            Some(named) if named != stage.as_str() => {
                let message = format!(
                    "data.stage `{}` is not the stage in the type, `{stage}`: the run ends errored",
                    shortened(&named)
                );
                self.warn(self.place("stage"), message, "write the same stage in both");
            }
            Some(_) => {}
            None => {
                let message = "`data.stage` is missing: Keptn's API refuses the event without it";
                let hint = format!("write `\"stage\":\"{stage}\"`");
                self.warn(self.place("stage"), message, &hint);
            }
        }
        if self.text("service").is_none() && !self.has("services") {
            let message = "`data.service` is missing: this asks for a sync of the whole stage, \
                           and Keptn's API refuses it";
            self.warn(self.place("service"), message, "name a service, or leave it for a sync");
        }
        if self.event.triggered_id.is_some() {
            let at = self.members.place("triggeredid");
            self.warn(at, "`triggeredid` has no effect on a trigger", "leave it out");
        }
    }

    fn command(&mut self, object: CommandObject, verb: &str, kind: Kind) {
        let at = self.members.place("type");
        let verbs = object.verbs();
        let object = object.as_str();
        if kind != Kind::Triggered {
            let message = format!("nothing follows from `{object}.{verb}.{}`", kind.as_str());
            let hint = format!("ask for it: `sh.keptn.event.{object}.{verb}.triggered`");
            return self.warn(at, message, &hint);
        }
        if !verbs.contains(&verb) {
            let message =
                format!("`{object}.{}` is no command and will be refused", shortened(verb));
            self.warn(at, message, &hint(&shortened(verb), verbs.iter().copied()));
        }
        if self.text("project").is_none() && self.text("projectName").is_none() {
            let message = "`data.project` is missing: the command will be refused";
            self.warn(self.place("project"), message, "name the project");
        }
    }

    /// A type on which nobody acts.
    fn other(&mut self, text: &str) {
        let at = self.members.place("type");
        let shown = shortened(text);
        if text.starts_with("sh.keptn.events.") || text.starts_with("sh.keptn.internal.") {
            let message = format!("nobody acts on `{shown}`, a form before Keptn 0.8");
            let hint = "write `sh.keptn.event.<task>.finished` or \
                        `sh.keptn.event.<stage>.<sequence>.triggered`";
            return self.warn(at, message, hint);
        }
        let last = shortened(text.rsplit('.').next().unwrap_or_default());
        let (message, hint) = match nearest(&last, KINDS) {
            Some(kind) => (
                format!("nobody acts on `{shown}`: `{last}` is no kind of event"),
                format!("did you mean `{kind}`?"),
            ),
            None => (
                format!("nobody acts on `{shown}`"),
                format!("a type ends with one of {}", KINDS.join(", ")),
            ),
        };
        self.warn(at, message, &hint);
    }
}
