//! Who acts on a stream: a person who triggers and commands, executors who answer.

use std::borrow::Borrow;

use fold::Applied;
use model::{Event, EventId, EventType, KeptnContext};
use serde_json::{Value, json};

use crate::{
    data::{carts, verdict},
    stream::{SAID_MAX, Stream},
};

impl<V> Stream<V> {
    /// Triggers a sequence (`dev.delivery`); returns its context and id.
    pub fn trigger(&mut self, kind: &str, data: impl Borrow<Value>) -> (KeptnContext, EventId) {
        let event = self.make(&format!("{kind}.triggered"), data);
        let (context, id) = (KeptnContext::of_trigger(&event.id), event.id.clone());
        self.store(event);
        (context, id)
    }

    /// Delivers an artifact of `carts` by a sequence and lets every executor pass.
    pub fn deliver(&mut self, kind: &str, version: &str) -> KeptnContext {
        let (context, _) = self.trigger(kind, carts(version));
        self.play(|_| "pass");
        context
    }

    /// Sends a command on the runs of a delivery and says its answer, but nothing else that is owed;
    /// returns the data of the answer.
    pub fn control(&mut self, context: &KeptnContext, verb: &str, data: Value) -> Value {
        let mut event = self.make(&format!("sequence.{verb}.triggered"), data);
        event.context = Some(context.clone());
        let id = event.id.clone();
        self.store(event);
        let answer =
            self.owed_events().into_iter().find(|one| one.triggered_id.as_ref() == Some(&id));
        self.store(answer.unwrap());
        self.answer_to(&id)
    }

    /// Answers every open task of an executor with started and the given result, until nothing is
    /// open any more.
    pub fn play(&mut self, result: impl Fn(&Event) -> &'static str) {
        for _ in 0..SAID_MAX {
            self.settle();
            let Some(task) = self.open_tasks().into_iter().next() else { return };
            let result = result(&task);
            self.answer(&task, "executor", "started", json!({"status": "succeeded"}));
            self.answer(&task, "executor", "finished", verdict("succeeded", result));
        }
        panic!("tasks do not end");
    }

    /// Stores an answer (`started`, `status.changed`, `finished`) of a source to a task.
    pub fn answer(
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

    /// Starts and finishes the open task of a delivery, and settles.
    pub fn finish(&mut self, context: &KeptnContext, data: impl Borrow<Value>) {
        let task = self.open_task(context);
        self.answer(&task, "executor", "started", json!({}));
        self.answer(&task, "executor", "finished", data);
        self.settle();
    }
}
