//! A small project whose executors are played by the row itself, one event at a time.

use std::time::Duration;

use serde_json::{Value, json};

use super::checker;
use super::outcome::Figures;
use super::project::{encoded, shipyard_of};
use super::publisher::event;
use crate::harness::event::Entry;
use crate::harness::stack::{CONTROLLER, SERVICES, Stack};
use crate::harness::stream::Stream;
use crate::harness::wait;

/// The project.
pub const PROJECT: &str = "hands";
/// The only stage.
pub const STAGE: &str = "dev";
/// The only sequence.
pub const SEQUENCE: &str = "run";
/// Who answers, unless a row says otherwise.
pub const HAND: &str = "hand";

/// Services, a project without executors, and the stream.
pub struct Hands {
    /// NATS and the services.
    pub stack: Stack,
    /// What happened.
    pub stream: Stream,
    /// Commands that were said.
    commands: u32,
}

impl Hands {
    /// Starts everything and creates the project with these tasks and services.
    pub fn start(tasks: &Value, services: usize) -> Self {
        Self::on(Stack::start(), tasks, &json!([]), services)
    }

    /// Creates the project, with executors of a uniform, on services that run.
    pub fn on(stack: Stack, tasks: &Value, executors: &Value, services: usize) -> Self {
        let stream = stack.stream();
        let mut hands = Self { stack, stream, commands: 0 };
        let stage = json!({"name": STAGE, "sequences": [{"name": SEQUENCE, "tasks": tasks}]});
        let uniform =
            json!({"version": "0.1.2", "type": "Uniform", "spec": {"services": executors}});
        hands.command(
            "project.create",
            &json!({"project": PROJECT,
            "shipyard": encoded(&shipyard_of(&[stage])), "uniform": encoded(&uniform)}),
        );
        for service in 0..services {
            hands
                .command("service.create", &json!({"project": PROJECT, "service": named(service)}));
        }
        hands
    }

    fn command(&mut self, kind: &str, data: &Value) {
        self.commands += 1;
        let context = format!("00000000-0000-4000-9000-{:012x}", self.commands);
        self.publish(&event(&format!("{kind}.triggered"), &context, &context, data));
        let end = format!("{kind}.finished");
        let answer =
            self.stream.wait_for(&end, |entry| entry.context() == context && entry.short() == end);
        assert_eq!(answer.text("/status"), "succeeded", "{answer:?}");
    }

    /// Publishes as the oldest client would: no header, no acknowledgement.
    pub fn publish(&self, event: &Value) {
        let subject = event["type"].as_str().unwrap_or_default();
        self.stream.client().publish(subject, event.to_string().as_bytes());
    }

    /// Returns the trigger of run `number`.
    pub fn trigger(&self, number: usize, service: usize) -> Value {
        let context = context(number);
        let data = json!({"project": PROJECT, "stage": STAGE, "service": named(service)});
        event(&format!("{STAGE}.{SEQUENCE}.triggered"), &context, &context, &data)
    }

    /// Waits for the trigger of a task of run `number`, behind a position.
    #[track_caller]
    pub fn task(&mut self, number: usize, name: &str, after: u64) -> Entry {
        let (context, kind) = (context(number), format!("{name}.triggered"));
        self.stream.wait_for_after(after, &format!("{kind} of {context}"), |entry| {
            entry.context() == context && entry.short() == kind
        })
    }

    /// Waits for the end of run `number`.
    #[track_caller]
    pub fn end(&mut self, number: usize) -> Entry {
        let (context, kind) = (context(number), format!("{STAGE}.{SEQUENCE}.finished"));
        self.stream.wait_for(&format!("{kind} of {context}"), |entry| {
            entry.context() == context && entry.short() == kind
        })
    }

    /// Plays a task from `started` to `finished` with result pass.
    pub fn play(&self, task: &Entry) {
        self.publish(&answer(task, "started", HAND, 0, &json!({})));
        self.publish(&answer(task, "finished", HAND, 0, &json!({})));
    }

    /// Returns the short types of all that the controller said about run `number`.
    pub fn said(&self, number: usize) -> Vec<String> {
        let context = context(number);
        let own =
            |entry: &&Entry| entry.context() == context && entry.attribute("source") == CONTROLLER;
        self.stream.entries().iter().filter(own).map(|entry| entry.short().to_owned()).collect()
    }

    /// Lets the checker judge the stream when nothing has happened for a moment.
    ///
    /// # Errors
    ///
    /// A service has ended, or a rule was broken.
    pub fn finish(mut self) -> Result<Figures, String> {
        // Long enough for a controller to say something that it should not.
        wait::pass(Duration::from_millis(500));
        for service in SERVICES {
            if !self.stack.service(service).is_running() {
                return Err(format!("{service} ended:\n{}", self.stack.service(service).tail()));
            }
        }
        let verdict = checker::check(&self.stack.nats.url(), None, true)?;
        let figures = Figures::default()
            .with("sequences", verdict.count("sequences"))
            .with("events", verdict.count("events"))
            .with("lost", verdict.count("lost"))
            .with("doubled", verdict.count("doubled"))
            .with("stuck", verdict.count("stuck"));
        let violations = verdict.violations();
        if violations.is_empty() { Ok(figures) } else { Err(violations.join(" ")) }
    }
}

/// Returns the context of run `number`, which is the id of its trigger, too.
pub fn context(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012x}")
}

/// Returns the name of service `number`.
pub fn named(number: usize) -> String {
    format!("svc{number}")
}

/// Returns an answer to a task; `number` tells it from others of the same kind and source.
pub fn answer(task: &Entry, kind: &str, source: &str, number: usize, more: &Value) -> Value {
    let data = &task.event["data"];
    let mut said = json!({"project": data["project"], "stage": data["stage"],
        "service": data["service"], "status": "succeeded", "result": "pass"});
    for (key, value) in more.as_object().into_iter().flatten() {
        said[key] = value.clone();
    }
    let name = task.short().trim_end_matches(".triggered");
    let id = format!("{}-{source}-{kind}-{number}", task.attribute("id"));
    let mut event = event(&format!("{name}.{kind}"), task.context(), &id, &said);
    event["triggeredid"] = task.attribute("id").into();
    event["source"] = source.into();
    event
}
