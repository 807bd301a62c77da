//! A stream of one process: events in order, everybody who folds them, and who says what is owed.

use std::{borrow::Borrow, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use fold::{Applied, Catalog, Owes, Run, Waits, World, sequence::SOURCE};
use model::{Event, EventId, EventType, KeptnContext, Kind, Payload, Stored, StreamTime};
use serde_json::{Value, json};

/// Nanoseconds between two stored events.
const TICK: i64 = 1_000_000;
/// Events that one `settle` may say; more of them are a loop that does not end.
const SAID_MAX: usize = 20_000;

/// The story's project, in the native form.
pub(crate) const SHIPYARD: &str = r"
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

/// Events, and the folds over them.
#[derive(Clone, Default)]
pub(crate) struct Stream {
    pub(crate) world: World,
    pub(crate) config: Catalog,
    pub(crate) events: Vec<Stored>,
    pub(crate) notes: Vec<String>,
    pub(crate) time: i64,
    made: usize,
}

impl Stream {
    /// Starts with a project and services.
    pub(crate) fn with_project(shipyard: &str, services: &[&str]) -> Self {
        Self::with_documents(shipyard, None, services)
    }

    /// Starts with a project, its uniform, and services.
    pub(crate) fn with_documents(shipyard: &str, uniform: Option<&str>, services: &[&str]) -> Self {
        let mut stream = Self::default();
        let mut data = json!({"project": "p", "shipyard": encoded(shipyard)});
        if let Some(uniform) = uniform {
            data["uniform"] = encoded(uniform).into();
        }
        let answer = stream.command("project.create", data);
        assert_eq!(answer["status"], "succeeded", "{answer}");
        for service in services {
            stream.command("service.create", json!({"project": "p", "service": service}));
        }
        stream
    }

    /// Stores an event.
    pub(crate) fn store(&mut self, event: Event) -> Applied {
        let subject = event.event_type.to_string();
        self.store_body(&subject, Ok(event))
    }

    pub(crate) fn store_body(
        &mut self,
        subject: &str,
        body: Result<Event, model::Malformed>,
    ) -> Applied {
        self.time += TICK;
        let position = self.events.len() as u64 + 1;
        let stored = Stored::new(position, StreamTime::from_nanos(self.time), subject, body);
        self.config.apply(&stored);
        let applied = self.world.apply(&stored);
        self.notes.extend(applied.notes.iter().map(ToString::to_string));
        self.events.push(stored);
        applied
    }

    /// Makes an event with a new id.
    pub(crate) fn make(&mut self, kind: &str, data: impl Borrow<Value>) -> Event {
        self.made += 1;
        let id = EventId::new(&format!("e{}", self.made)).unwrap();
        let kind = EventType::parse(&format!("sh.keptn.event.{kind}")).unwrap();
        let data = data.borrow().as_object().unwrap();
        Event::new(id, "test", kind, Payload::from_map(data))
    }

    /// Sends a command and settles; returns the data of its answer.
    pub(crate) fn command(&mut self, kind: &str, data: impl Borrow<Value>) -> Value {
        let event = self.make(&format!("{kind}.triggered"), data);
        self.command_event(event)
    }

    pub(crate) fn command_event(&mut self, event: Event) -> Value {
        let id = event.id.clone();
        self.store(event);
        self.settle();
        self.answer_to(&id)
    }

    /// Returns the data of the `.finished` that answers an event.
    pub(crate) fn answer_to(&self, id: &EventId) -> Value {
        let answer = self.said().find(|event| {
            event.triggered_id.as_ref() == Some(id)
                && event.event_type.kind() == Some(Kind::Finished)
        });
        answer.map_or(Value::Null, |event| Value::Object(event.data.to_map()))
    }

    /// Triggers a sequence; returns its context and id.
    pub(crate) fn trigger(
        &mut self,
        kind: &str,
        data: impl Borrow<Value>,
    ) -> (KeptnContext, EventId) {
        let event = self.make(&format!("{kind}.triggered"), data);
        let (context, id) = (KeptnContext::of_trigger(&event.id), event.id.clone());
        self.store(event);
        (context, id)
    }

    /// Delivers an artifact of `carts` by a sequence and lets every executor pass.
    pub(crate) fn deliver(&mut self, kind: &str, version: &str) -> KeptnContext {
        let (context, _) = self.trigger(kind, carts(version));
        self.play(|_| "pass");
        context
    }

    /// Sends a command on the runs of a delivery; returns the data of its answer.
    pub(crate) fn control(&mut self, context: &KeptnContext, verb: &str, data: Value) -> Value {
        let mut event = self.make(&format!("sequence.{verb}.triggered"), data);
        event.context = Some(context.clone());
        let id = event.id.clone();
        self.store(event);
        let answer =
            self.owed_events().into_iter().find(|one| one.triggered_id.as_ref() == Some(&id));
        self.store(answer.unwrap());
        self.answer_to(&id)
    }

    /// Says everything that controller and config-store owe, until nothing is owed.
    pub(crate) fn settle(&mut self) {
        for _ in 0..SAID_MAX {
            let Some(event) = self.owed_events().into_iter().next() else { return };
            self.store(event);
        }
        panic!("what is owed does not end");
    }

    /// Returns what is owed now.
    pub(crate) fn owed_events(&self) -> Vec<Event> {
        owed(&self.world, StreamTime::from_nanos(self.time))
            .into_iter()
            .chain(owed(&self.config, StreamTime::from_nanos(self.time)))
            .collect()
    }

    /// Answers every open task of an executor with started and the given result, until nothing is
    /// open any more. `update` is config-store's.
    pub(crate) fn play(&mut self, result: impl Fn(&Event) -> &'static str) {
        for _ in 0..SAID_MAX {
            self.settle();
            let Some(task) = self.open_tasks().into_iter().next() else { return };
            let verdict = result(&task);
            self.answer(&task, "executor", "started", json!({"status": "succeeded"}));
            self.answer(
                &task,
                "executor",
                "finished",
                json!({"status": "succeeded", "result": verdict, "message": ""}),
            );
        }
        panic!("tasks do not end");
    }

    /// Returns the `triggered` events of tasks that are open.
    pub(crate) fn open_tasks(&self) -> Vec<Event> {
        let open: Vec<String> = self
            .world
            .sequences
            .runs()
            .filter_map(|run| run.open.as_ref())
            .filter(|task| task.name.as_str() != "update")
            .map(|task| task.id.to_string())
            .collect();
        self.said()
            .filter(|event| matches!(event.event_type, EventType::Task(_, Kind::Triggered)))
            .filter(|event| open.iter().any(|id| id == event.id.as_str()))
            .cloned()
            .collect()
    }

    /// Stores an answer to a task.
    pub(crate) fn answer(
        &mut self,
        task: &Event,
        source: &str,
        kind: &str,
        data: impl Borrow<Value>,
    ) -> Applied {
        let EventType::Task(name, _) = &task.event_type else { panic!("no task") };
        let mut event = self.make(&format!("{name}.{kind}"), data);
        event.source = source.into();
        event.context.clone_from(&task.context);
        event.triggered_id = Some(task.id.clone());
        self.store(event)
    }

    /// Returns all events that could be read.
    pub(crate) fn said(&self) -> impl DoubleEndedIterator<Item = &Event> {
        self.events.iter().filter_map(|stored| stored.body.as_ref().ok())
    }

    /// Returns the types of the task events of a context, without the prefix, by stage.
    pub(crate) fn task_events(&self, context: &KeptnContext, stage: &str) -> Vec<String> {
        self.said()
            .filter(|event| event.context.as_ref() == Some(context))
            .filter(|event| matches!(event.event_type, EventType::Task(_, _)))
            .filter(|event| {
                let of = self.stage_of(event);
                of.as_deref() == Some(stage)
            })
            .map(|event| event.event_type.to_string().replace("sh.keptn.event.", ""))
            .collect()
    }

    fn stage_of(&self, event: &Event) -> Option<String> {
        let task = match &event.triggered_id {
            Some(id) => self.said().find(|other| other.id == *id)?,
            None => event,
        };
        task.data.head().stage.map(std::borrow::Cow::into_owned)
    }

    /// Returns the data of the first event of a type in a context.
    pub(crate) fn data_of(&self, context: &KeptnContext, kind: &str) -> Value {
        let kind = format!("sh.keptn.event.{kind}");
        self.said()
            .find(|event| {
                event.context.as_ref() == Some(context) && event.event_type.to_string() == kind
            })
            .map_or(Value::Null, |event| Value::Object(event.data.to_map()))
    }

    /// Returns the newest run of a delivery that is not over.
    pub(crate) fn run(&self, context: &KeptnContext) -> Option<&Arc<Run>> {
        self.world.sequences.runs().filter(|run| run.context == *context).last()
    }

    /// Returns the `triggered` of the open task of a delivery.
    pub(crate) fn open_task(&self, context: &KeptnContext) -> Event {
        let task =
            self.open_tasks().into_iter().find(|task| task.context.as_ref() == Some(context));
        task.unwrap()
    }

    /// Starts and finishes the open task of a delivery, and settles.
    pub(crate) fn finish(&mut self, context: &KeptnContext, data: impl Borrow<Value>) {
        let task = self.open_task(context);
        self.answer(&task, "executor", "started", json!({}));
        self.answer(&task, "executor", "finished", data);
        self.settle();
    }

    /// Returns what the controller owes in a delivery, without the answers to commands.
    pub(crate) fn owed_in(&self, context: &KeptnContext) -> Vec<Event> {
        let mut owed = owed(&self.world, StreamTime::from_nanos(self.time));
        owed.retain(|event| {
            event.context.as_ref() == Some(context)
                && !matches!(event.event_type, EventType::Command(..))
        });
        owed
    }

    /// Returns what the controller said in a delivery, as short text.
    pub(crate) fn told(&self, context: &KeptnContext) -> Vec<String> {
        self.said()
            .filter(|event| {
                event.context.as_ref() == Some(context) && event.source.as_ref() == SOURCE
            })
            .map(short)
            .collect()
    }

    /// Tells whether nothing is open, owed, or held.
    pub(crate) fn is_empty(&self) -> bool {
        self.world.sequences.runs().count() == 0
            && self.owed_events().is_empty()
            && self.world.next_deadline().is_none()
    }

    /// Lets time pass.
    pub(crate) fn pass(&mut self, secs: i64) {
        self.time += secs * 1_000_000_000;
    }
}

/// Returns the events that a fold owes at a moment.
pub(crate) fn owed<F: Owes>(fold: &F, now: StreamTime) -> Vec<Event> {
    let mut owed = fold.owed_after(0);
    owed.extend(fold.due_by(now));
    owed.iter().filter_map(|one| fold.event(one, Waits::default())).collect()
}

/// Returns a document as commands carry it.
pub(crate) fn encoded(text: &str) -> String {
    BASE64.encode(text)
}

/// Returns the data of a trigger that delivers a version of `carts`.
pub(crate) fn carts(version: &str) -> Value {
    json!({"project": "p", "service": "carts",
           "configurationChange": {"values": {"image": format!("carts:{version}")}}})
}

/// Returns the data of an answer.
pub(crate) fn verdict(status: &str, result: &str) -> Value {
    json!({"status": status, "result": result, "message": ""})
}

/// Returns the data of an answer that passes.
pub(crate) fn pass() -> Value {
    verdict("succeeded", "pass")
}

/// Writes a shipyard whose stages are given in YAML's flow form, one a line.
pub(crate) fn shipyard(stages: &[&str]) -> String {
    let head =
        "apiVersion: spec.keptn.sh/0.2.3\nkind: Shipyard\nmetadata: {name: s}\nspec:\n  stages:";
    stages.iter().fold(head.to_owned(), |text, stage| format!("{text}\n    - {stage}")) + "\n"
}

/// Returns an event as short text: the end of its type and, for what ends, status and result.
pub(crate) fn short(event: &Event) -> String {
    let name = event.event_type.to_string().replace("sh.keptn.event.", "");
    if event.event_type.kind() != Some(Kind::Finished) {
        return name;
    }
    let head = event.data.head();
    let word = |text: Option<std::borrow::Cow<'_, str>>| text.unwrap_or_default().into_owned();
    format!("{name} {}/{}", word(head.status), word(head.result))
}
