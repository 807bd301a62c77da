//! People: they trigger, change, pause, abort, retry and approve, at random moments; and strangers
//! who send what nobody can read, or take an id that is owed.

use std::collections::BTreeSet;

use fastrand::Rng;
use model::{DerivedId, Event, EventId, EventType, KeptnContext, Kind, Position};
use serde_json::{Value, json};

use super::{
    documents::{CHANGING, FIXED, project_data},
    faults::Fault,
    prologue::event,
    run::{Happening, Run},
    stream::Message,
    time::{MILLI, Moment, SECOND},
};

/// Longest that a person thinks about an approval.
const THOUGHT_MAX: Moment = 90 * SECOND;

/// Longest that a hasty person waits behind the end of a task.
const HASTE_MAX: Moment = 400 * MILLI;

/// Something that a person does.
#[derive(Clone, Debug)]
pub(super) enum Deed {
    /// Trigger a sequence.
    Trigger,
    /// Trigger a sequence whose first task is delayed, and abort it meanwhile.
    Regret,
    /// Say the last trigger again.
    TriggerAgain,
    /// Abort, pause, resume or retry.
    Control,
    /// The same, about this delivery.
    Order(&'static str, KeptnContext),
    /// Change a project, its services or values.
    Change,
    /// Send what nobody can read.
    Poison,
    /// Take the id of an event that is owed.
    TakeId,
    /// Approve the task at this position.
    Approve(Position),
}

/// What people remember.
#[derive(Clone, Debug, Default)]
pub(super) struct People {
    triggers: Vec<Event>,
    paused: BTreeSet<KeptnContext>,
    /// Ids that strangers took as message ids.
    pub(super) taken: BTreeSet<DerivedId>,
    events: u64,
}

impl People {
    /// Returns some delivery.
    pub(super) fn any_context(&self, rng: &mut Rng) -> Option<KeptnContext> {
        rng.choice(&self.triggers).map(context_of)
    }
}

fn context_of(trigger: &Event) -> KeptnContext {
    trigger.context.clone().unwrap_or_else(|| KeptnContext::of_trigger(&trigger.id))
}

impl Run<'_> {
    /// Plans what people do.
    pub(super) fn plan_deeds(&mut self, by: Moment) {
        let triggers = self.rng.u32(2..7);
        for _ in 0..triggers {
            let at = self.rng.i64(0..by / 2);
            self.after(at, Happening::Person(Deed::Trigger));
        }
        for _ in 0..self.rng.u32(0..9) {
            let at = self.rng.i64(SECOND..by);
            let deed = match self.rng.u32(0..12) {
                0 => Deed::TriggerAgain,
                1..5 => Deed::Control,
                5..8 => Deed::Change,
                8 => Deed::Poison,
                9..11 => Deed::TakeId,
                _ => Deed::Regret,
            };
            self.after(at, Happening::Person(deed));
        }
    }

    /// A person does something.
    pub(super) fn person(&mut self, deed: &Deed) {
        match deed {
            Deed::Trigger => self.trigger(),
            Deed::Regret => self.regret(),
            Deed::TriggerAgain => {
                if let Some(trigger) = self.people.triggers.last().cloned() {
                    self.count(Fault::DoubleTrigger);
                    self.publish_event(&trigger);
                }
            }
            Deed::Control => self.control(),
            Deed::Order(verb, context) => self.order(verb, context),
            Deed::Change => self.change(),
            Deed::Poison => self.poison(),
            Deed::TakeId => self.take_id(),
            Deed::Approve(position) => self.approve(*position, "pass"),
        }
    }

    /// Makes an event of a person.
    fn make(&mut self, kind: &str, data: &Value) -> Option<Event> {
        self.people.events += 1;
        let id = DerivedId::of(&["person", &self.people.events.to_string()]);
        let made = event(kind, id.to_string().as_str(), data);
        self.tell(|| format!("a person says {kind}"));
        made
    }

    fn publish_event(&mut self, event: &Event) {
        let message = Message::of(event, None);
        let wait = self.delay();
        let is_reliable = self.is_quiet;
        self.after(wait, Happening::Sends { message, is_reliable });
    }

    fn trigger(&mut self) {
        let sequences = ["dev.d", "dev.d", "dev.gate", "dev.gate", "dev.slow", "hard.d", "hard.no"];
        let Some(sequence) = self.rng.choice(sequences) else { return };
        let version = self.rng.u32(1..3);
        let image = |service: &str| json!({"values": {"image": format!("{service}:{version}")}});
        let data = match self.rng.u32(0..8) {
            0..4 => json!({"project": FIXED, "service": "x", "configurationChange": image("x")}),
            4 => json!({"project": FIXED, "service": "y", "configurationChange": image("y")}),
            5 => json!({"project": FIXED, "services": {"x": image("x"), "y": image("y")}}),
            6 => json!({"project": FIXED}),
            _ => json!({"project": CHANGING, "service": "x", "configurationChange": image("x")}),
        };
        self.publish_trigger(sequence, &data);
    }

    fn publish_trigger(&mut self, sequence: &str, data: &Value) -> Option<KeptnContext> {
        let event = self.make(&format!("{sequence}.triggered"), data)?;
        self.people.triggers.push(event.clone());
        self.publish_event(&event);
        Some(context_of(&event))
    }

    fn regret(&mut self) {
        let Some(context) =
            self.publish_trigger("dev.slow", &json!({"project": FIXED, "service": "y"}))
        else {
            return;
        };
        let wait = self.rng.i64(SECOND..9 * SECOND);
        self.after(wait, Happening::Person(Deed::Order("abort", context)));
    }

    fn control(&mut self) {
        let Some(context) = self.people.any_context(&mut self.rng) else { return };
        let verbs = ["abort", "pause", "pause", "resume", "retry", "retry"];
        let Some(verb) = self.rng.choice(verbs) else { return };
        self.order(verb, &context);
    }

    /// A person stops a run right behind the end of a task, while the next step is on its way.
    pub(super) fn may_be_hasty(&mut self, event: &Event) {
        let Some(context) = event.context.clone().filter(|_| self.chance(self.habits.hasty)) else {
            return;
        };
        let verb = if self.rng.bool() { "abort" } else { "pause" };
        let wait = self.rng.i64(0..HASTE_MAX);
        self.after(wait, Happening::Person(Deed::Order(verb, context)));
    }

    fn order(&mut self, verb: &str, context: &KeptnContext) {
        self.count(Fault::Control);
        if verb == "pause" {
            self.people.paused.insert(context.clone());
        }
        let data = json!({"project": FIXED});
        if let Some(mut event) = self.make(&format!("sequence.{verb}.triggered"), &data) {
            event.context = Some(context.clone());
            self.publish_event(&event);
        }
    }

    fn change(&mut self) {
        self.count(Fault::Change);
        let (kind, data) = match self.rng.u32(0..7) {
            0 | 1 => ("project.create", project_data(CHANGING)),
            2 => ("project.update", project_data(CHANGING)),
            3 => ("project.delete", json!({"project": CHANGING})),
            4 => ("service.create", json!({"project": CHANGING, "service": "x"})),
            5 => ("service.delete", json!({"project": CHANGING, "service": "x"})),
            _ => (
                "configuration.change",
                json!({"project": FIXED, "stage": "hard", "service": "x",
                       "configurationChange": {"values": {"replicaCount": 2}}}),
            ),
        };
        if let Some(event) = self.make(&format!("{kind}.triggered"), &data) {
            self.publish_event(&event);
        }
    }

    fn poison(&mut self) {
        self.count(Fault::Poison);
        let texts =
            ["hello", "{}", "{\"id\":\"1\",\"type\":\"sh.keptn.event.dev.d.triggered\"}", ""];
        let text = self.rng.choice(texts).unwrap_or_default();
        let subjects = ["sh.keptn.event.test.finished", "sh.keptn.log.error"];
        let subject = self.rng.choice(subjects).unwrap_or_default().into();
        let message = Message { subject, text: text.into(), id: None, expected: None };
        self.after(0, Happening::Sends { message, is_reliable: false });
    }

    /// Says something else under the id of a step that comes soon; who knows the trigger knows it.
    fn take_id(&mut self) {
        let triggers = &self.people.triggers;
        let Some(trigger) = self.rng.choice(triggers).cloned() else { return };
        let EventType::Sequence(stage, sequence, _) = &trigger.event_type else { return };
        let number = self.rng.u32(1..4).to_string();
        let id = DerivedId::of(&[
            FIXED,
            context_of(&trigger).as_str(),
            stage.as_str(),
            sequence.as_str(),
            trigger.id.as_str(),
            "step",
            &number,
        ]);
        let kinds =
            ["test.status.changed", "prod.d.finished", "service.create.finished", "a.b.c.d"];
        let Some(kind) = self.rng.choice(kinds) else { return };
        let Some(mut foreign) = self.make(kind, &json!({"project": FIXED})) else { return };
        self.count(Fault::ForeignId);
        self.people.taken.insert(id);
        if self.rng.bool() {
            foreign.id = id.event_id();
        }
        let message = Message::of(&foreign, Some(&id.to_string()));
        self.after(0, Happening::Sends { message, is_reliable: false });
    }

    /// Somebody looks at an approval soon.
    pub(super) fn approve_soon(&mut self, position: Position) {
        let wait = self.rng.i64(SECOND..THOUGHT_MAX);
        self.after(wait, Happening::Person(Deed::Approve(position)));
    }

    fn approve(&mut self, position: Position, result: &str) {
        let Some(stored) = self.server.at(position).cloned() else { return };
        let Ok(task) = &stored.body else { return };
        let data = json!({"project": FIXED, "status": "succeeded", "result": result});
        if let Some(mut event) = self.make("approval.finished", &data) {
            event.triggered_id = Some(task.id.clone());
            event.context.clone_from(&task.context);
            self.publish_event(&event);
        }
    }

    /// People resume what is paused and approve what waits; tells whether there was anything.
    pub(super) fn tend(&mut self) -> bool {
        let paused = std::mem::take(&mut self.people.paused);
        for context in &paused {
            self.order("resume", context);
        }
        let mut waiting: Vec<(EventId, Position)> = Vec::new();
        for stored in self.server.all() {
            let Ok(event) = &stored.body else { continue };
            match &event.event_type {
                EventType::Task(task, Kind::Triggered) if task.as_str() == "approval" => {
                    waiting.push((event.id.clone(), stored.position));
                }
                EventType::Task(task, Kind::Finished) if task.as_str() == "approval" => {
                    waiting.retain(|(id, _)| event.triggered_id.as_ref() != Some(id));
                }
                EventType::Task(..)
                | EventType::Sequence(..)
                | EventType::Command(..)
                | EventType::LogError
                | EventType::Other(_) => {}
            }
        }
        for (_, position) in &waiting {
            self.approve(*position, "pass");
        }
        !paused.is_empty() || !waiting.is_empty()
    }
}
