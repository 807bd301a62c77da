//! For what a run waits, since when and until when. Every open run can say it.

use model::{KeptnContext, ServiceName, StreamTime};

use super::{
    Sequences,
    run::{Next, Phase, Run},
};

/// For what a run waits.
#[derive(Clone, Debug, PartialEq)]
pub struct Waiting {
    /// What kind of thing.
    pub reason: Reason,
    /// Since when.
    pub since: StreamTime,
    /// Until when at most; none = until a person acts.
    pub until: Option<StreamTime>,
}

/// Kinds of waiting.
#[derive(Clone, Debug, PartialEq)]
pub enum Reason {
    /// An answer of these executors; empty = anybody.
    Executor(Vec<String>),
    /// A slot for this service, held or wanted before by that delivery; `until` is set if that one
    /// has ended and only a task that nobody has closed keeps the slot.
    Queue(ServiceName, Option<KeptnContext>),
    /// A person's approval.
    Approval,
    /// A delay.
    Delay,
    /// A person's resume.
    Pause,
    /// The answers to commands on the project.
    Command,
    /// The controller's next event.
    Controller,
}

impl Sequences {
    /// Returns for what an open run waits, none if it has ended.
    pub fn waiting(&self, run: &Run) -> Option<Waiting> {
        let waiting = |reason, since, until| Some(Waiting { reason, since, until });
        if run.is_ended() {
            return None;
        }
        let next = run.next(self.spec(run));
        if let Some(task) = run.open.as_ref().filter(|_| next == Next::Nothing) {
            if task.is_approval() {
                return waiting(Reason::Approval, task.at, run.deadline);
            }
            let mut executors: Vec<String> = task.awaited().map(ToString::to_string).collect();
            for source in task.working() {
                if !executors.iter().any(|name| name == source.executor()) {
                    executors.push(source.executor().to_owned());
                }
            }
            return waiting(Reason::Executor(executors), task.at, run.deadline);
        }
        match (&run.phase, next) {
            (Phase::Undecided, Next::Nothing) => waiting(Reason::Command, run.triggered_at, None),
            (_, Next::Nothing) => waiting(Reason::Pause, run.cause, None),
            (_, Next::Task(_)) if run.is_in_line() => {
                let (key, service) = self.queue.blocker(run)?;
                let before = self.runs.get(&key);
                let behind = before.map(|other| other.context.clone());
                // Who is over keeps its slot for an open task, and not for longer than that.
                let until = before.filter(|other| other.is_ended()).and_then(|one| one.deadline);
                waiting(Reason::Queue(service, behind), run.cause, until)
            }
            (_, Next::Task(_)) if run.not_before.is_some() => {
                waiting(Reason::Delay, run.cause, run.not_before)
            }
            (_, Next::Task(_) | Next::End) => waiting(Reason::Controller, run.cause, None),
        }
    }
}
