//! Executors: given a task at least once, they answer in all the ways that executors do.

use model::{EventType, Kind, Position};
use serde_json::json;

use super::{
    documents::{FIXED, NAMED},
    faults::Fault,
    prologue::event,
    run::{Happening, Run},
    stream::Message,
    time::{MILLI, Moment, SECOND},
};

/// A task that reaches an executor.
#[derive(Clone, Debug)]
pub(super) struct Attend {
    /// Who attends to it.
    pub(super) source: &'static str,
    /// Where the task stands.
    pub(super) position: Position,
    /// It was given to this executor before.
    pub(super) is_again: bool,
}

/// What an executor says at the end: status and result.
const VERDICTS: [(&str, &str); 4] =
    [("succeeded", "warning"), ("succeeded", "fail"), ("errored", "fail"), ("errored", "pass")];

impl Run<'_> {
    /// Gives a task to those who play it.
    pub(super) fn call_executors(&mut self, position: Position) {
        let stored = self.server.at(position).cloned();
        let Some(Ok(event)) = stored.as_deref().map(|one| &one.body) else { return };
        let EventType::Task(task, kind) = &event.event_type else { return };
        if *kind == Kind::Finished {
            if event.source == fold::sequence::SOURCE {
                self.count(Fault::TimeOut);
            }
            self.may_be_hasty(event);
        }
        if *kind != Kind::Triggered || event.source != fold::sequence::SOURCE {
            return;
        }
        let is_fixed = event.data.head().project.as_deref() == Some(FIXED);
        let sources: &[&'static str] = match task.as_str() {
            "update" => &[],
            "approval" => &["person"],
            "test" if is_fixed => &NAMED,
            _ if self.chance(self.habits.misbehaves) => &["kit", "other-kit"],
            _ => &["kit"],
        };
        for source in sources {
            let wait = self.rng.i64(MILLI..300 * MILLI);
            let attend = Attend { source, position, is_again: false };
            self.after(wait, Happening::Attends(attend));
        }
    }

    /// A task reaches an executor.
    pub(super) fn attend(&mut self, attend: &Attend) {
        if attend.source == "person" {
            return self.approve_soon(attend.position);
        }
        let bad = self.habits.misbehaves;
        if self.chance(bad / 2) {
            self.count(Fault::Silent);
            if self.rng.bool() {
                self.answer(attend, "started", 0, MILLI);
            }
            return;
        }
        let mut finish = self.rng.i64(10 * MILLI..5 * SECOND);
        if self.chance(bad) {
            self.count(Fault::LateAnswer);
            finish = self.rng.i64(30 * SECOND..400 * SECOND);
        }
        let mut start = self.rng.i64(0..finish);
        if self.chance(bad) {
            self.count(Fault::FinishedFirst);
            start = finish + SECOND;
        }
        self.answer(attend, "started", 0, start);
        if self.chance(bad) {
            self.answer(attend, "status.changed", 0, finish);
        }
        self.answer(attend, "finished", 0, finish);
        if self.chance(bad) {
            self.count(Fault::DoubleAnswer);
            let number = self.rng.u32(0..2);
            let wait = self.rng.i64(0..2 * finish);
            self.answer(attend, "started", number, wait);
            self.answer(attend, "finished", number, wait + SECOND);
        }
        if !attend.is_again && self.chance(bad) {
            self.count(Fault::Redelivered);
            let wait = self.rng.i64(0..200 * SECOND);
            self.after(wait, Happening::Attends(Attend { is_again: true, ..attend.clone() }));
        }
    }

    /// An executor answers, a while from now; one answer has one id, however often it is said.
    fn answer(&mut self, attend: &Attend, kind: &str, number: u32, wait: Moment) {
        let Some(stored) = self.server.at(attend.position).cloned() else { return };
        let Ok(task) = &stored.body else { return };
        let EventType::Task(name, _) = &task.event_type else { return };
        let id = format!("{}/{}/{kind}/{number}", attend.position, attend.source);
        let (status, result) = if kind == "finished" && self.chance(self.habits.bad_results) {
            self.count(Fault::BadResult);
            self.rng.choice(VERDICTS).unwrap_or(("succeeded", "pass"))
        } else {
            ("succeeded", "pass")
        };
        let data = json!({"status": status, "result": result, "message": ""});
        let Some(mut answer) = event(&format!("{name}.{kind}"), &id, &data) else { return };
        answer.source = attend.source.into();
        answer.triggered_id = Some(task.id.clone());
        answer.context.clone_from(&task.context);
        if self.chance(self.habits.misbehaves / 3) {
            self.count(Fault::WrongContext);
            let mut wrong = answer.clone();
            wrong.context = self.people.any_context(&mut self.rng).or(answer.context.clone());
            let message = Message::of(&wrong, None);
            if wrong.context != answer.context {
                self.after(wait / 2, Happening::Sends { message, is_reliable: false });
            }
        }
        // Keptn's own executors publish without an id, and hear no ack.
        let is_reliable = self.is_quiet || self.rng.u32(0..6) != 0;
        let message = Message::of(&answer, is_reliable.then_some(id.as_str()));
        self.after(wait, Happening::Sends { message, is_reliable });
    }
}
