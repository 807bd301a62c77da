//! What follows when a task's own events are seen: it opens, it is answered, it is closed.

use std::time::Duration;

use model::{
    DerivedId, Event, EventType, Kind, Stored, StreamTime, TaskName, TaskResult, TaskStatus,
    payload::DataHead,
};

use super::{
    ClosedTask, Due, Effects, Sequences, What,
    carry::carry,
    emit::SOURCE,
    run::{Outcome, Run, RunKey},
    task::{APPROVAL, OpenTask},
};
use crate::{catalog, owed::Waits, values::Object};

impl Sequences {
    /// A task's `.triggered`: opens the task if it is the step that is owed.
    pub(super) fn see_task(&mut self, stored: &Stored, event: &Event, effects: &mut Effects) {
        let EventType::Task(name, _) = &event.event_type else { return };
        let id = DerivedId::parse(event.id.as_str());
        let Some((id, key)) = id.and_then(|id| Some((id, *self.steps.get(&id)?))) else {
            return effects.note("no run owes a task with this id");
        };
        if self.runs.get(&key).is_none_or(|run| event.context.as_ref() != Some(&run.context)) {
            return effects.note("a task of a delivery under an id of another one");
        }
        // What is in the stream stands: if the next task was triggered, the one before is done.
        if self.runs.get(&key).is_some_and(|run| run.open.is_some()) {
            self.close_task(key, stored.time, None, effects);
        }
        let Some(run) = self.runs.get(&key) else { return };
        let task = self.opened(run, id, name, (stored, event));
        self.pass_step(key, id);
        self.expect_step(key);
        self.open_tasks.insert(id, key);
        self.change(key, |run| {
            run.open = Some(task);
            run.not_before = None;
            if run.aborted.is_some() && name.as_str() == APPROVAL {
                run.open = None;
            }
        });
        if self.runs.get(&key).is_some_and(|run| run.open.is_none()) {
            self.open_tasks.remove(&id);
        }
        self.settle(key, stored.time);
        effects.facts.extend(self.fact(key, What::TaskTriggered));
    }

    fn opened(
        &self,
        run: &Run,
        id: DerivedId,
        name: &TaskName,
        (stored, event): (&Stored, &Event),
    ) -> OpenTask {
        let defaults = if name.as_str() == APPROVAL {
            Waits { start_secs: 0, finish_secs: 0 }
        } else {
            Waits::default()
        };
        let until = |secs: u64| (secs > 0).then(|| stored.time.after(Duration::from_secs(secs)));
        OpenTask {
            id,
            name: name.clone(),
            number: run.step,
            at: stored.time,
            sent: event.data.clone(),
            start_by: until(event.start_within_secs.unwrap_or(defaults.start_secs)),
            finish_by: until(event.finish_within_secs.unwrap_or(defaults.finish_secs)),
            named: self.named_executors(run, name),
            sources: Vec::new(),
        }
    }

    /// Returns the executors that must answer a run's next task.
    fn named_executors(&self, run: &Run, name: &TaskName) -> Vec<model::ServiceName> {
        if name.as_str() == catalog::UPDATE {
            return model::ServiceName::new(catalog::SOURCE).into_iter().collect();
        }
        let Some(uniform) = self.definition(run).and_then(|one| one.uniform.as_ref()) else {
            return Vec::new();
        };
        let at = usize::try_from(run.tasks_done).unwrap_or(usize::MAX);
        let none = Object::new();
        let task = self.spec(run).and_then(|spec| spec.tasks.get(at));
        let properties =
            task.filter(|task| task.name == *name).map_or(&none, |task| &task.properties);
        uniform.executors(name, properties).map(|service| service.name.clone()).collect()
    }

    /// A task's `.started`, `.status.changed` or `.finished`.
    pub(super) fn see_answer(&mut self, stored: &Stored, event: &Event, effects: &mut Effects) {
        let EventType::Task(name, kind) = &event.event_type else { return };
        if *kind == Kind::StatusChanged && event.source == SOURCE {
            return self.see_told(event, stored.time, effects);
        }
        let Some(key) = self.answered_run(event, name) else {
            return effects.note("no open task has this triggeredid in this context");
        };
        if *kind == Kind::Finished && self.is_time_out(key, event) {
            return self.see_time_out(key, stored, event, effects);
        }
        if event.source == SOURCE {
            return effects.note("an answer of the controller's under an id that is not owed");
        }
        self.note_answer(key, *kind, (stored, event), effects);
    }

    /// Finds the run whose open task an answer is for: by triggered id and context alone.
    fn answered_run(&self, event: &Event, name: &TaskName) -> Option<RunKey> {
        let id = DerivedId::parse(event.triggered_id.as_ref()?.as_str())?;
        let key = *self.open_tasks.get(&id)?;
        let run = self.runs.get(&key)?;
        let fits = run.open.as_ref()?.name == *name && event.context.as_ref() == Some(&run.context);
        fits.then_some(key)
    }

    fn see_told(&mut self, event: &Event, now: StreamTime, effects: &mut Effects) {
        let id = DerivedId::parse(event.id.as_str());
        let told = id.and_then(|id| Some((id, self.owed.get(id)?.clone())));
        if let Some((id, Due::Told(key))) = told {
            self.owed.remove(id);
            self.change(key, |run| run.told = run.open.as_ref().map(|task| task.number));
            self.settle(key, now);
        } else {
            effects.note("nobody waits to be told this");
        }
    }

    fn note_answer(
        &mut self,
        key: RunKey,
        kind: Kind,
        (stored, event): (&Stored, &Event),
        effects: &mut Effects,
    ) {
        let noted = self.change(key, |run| {
            let task = run.open.as_mut()?;
            Some(match kind {
                Kind::Started => task.note_started(event),
                Kind::Finished => task.note_finished(event),
                Kind::StatusChanged | Kind::Triggered => task.note_progress(event),
            })
        });
        if let Some(Some(Err(note))) = noted {
            effects.notes.push(note);
            return;
        }
        if kind == Kind::Finished {
            self.change(key, |run| carry(run, event, effects));
        }
        let done =
            self.runs.get(&key).and_then(|run| run.open.as_ref()).is_some_and(OpenTask::is_done);
        if done {
            self.close_task(key, stored.time, None, effects);
        } else {
            // Nothing else hangs on it that somebody works on a task that stays open.
            self.settle_deadline(key);
            effects.facts.extend(self.fact(key, What::Answered));
        }
    }

    fn is_time_out(&self, key: RunKey, event: &Event) -> bool {
        let id = DerivedId::parse(event.id.as_str()).filter(|id| id.is_derived());
        id.is_some() && id == self.runs.get(&key).and_then(|run| run.time_out_id())
    }

    fn see_time_out(&mut self, key: RunKey, stored: &Stored, event: &Event, effects: &mut Effects) {
        let standing = self.runs.get(&key).and_then(|run| run.standing_deadline());
        let Some((at, _)) = standing.filter(|(at, _)| stored.time >= *at) else {
            return effects.note("a time-out came before its deadline");
        };
        let head = event.data.head();
        self.change(key, |run| run.is_timed_out = run.is_timed_out || !run.is_ended());
        let outcome = timed_out(&head, at);
        self.close_task(key, stored.time, Some(outcome), effects);
    }

    /// Closes the open task and goes on.
    fn close_task(
        &mut self,
        key: RunKey,
        now: StreamTime,
        forced: Option<Outcome>,
        effects: &mut Effects,
    ) {
        let closed = self.change(key, |run| {
            let task = run.open.take()?;
            let outcome = forced.unwrap_or_else(|| task.outcome());
            let index = run.tasks_done;
            let counts = !run.is_ended() && run.aborted.is_none();
            if counts {
                run.tasks_done += 1;
                run.results.push((task.name.clone(), outcome.result));
                run.last = Some(outcome.clone());
                run.cause = now;
            }
            Some(ClosedTask { task, index, outcome, counts })
        });
        let Some(Some(closed)) = closed else { return };
        self.open_tasks.remove(&closed.task.id);
        self.owe_no_word(key, &closed);
        // Who is over with this task is gone when it is settled. Of any other the fact is taken
        // behind that: a run that a fact holds is copied when it changes.
        let is_over = self.runs.get(&key).is_some_and(|run| run.is_over());
        let closed = What::TaskClosed(closed);
        if is_over {
            effects.facts.extend(self.fact(key, closed));
            self.settle_next(key, now);
        } else {
            self.settle_next(key, now);
            effects.facts.extend(self.fact(key, closed));
        }
    }

    /// Executors of a task that is closed need not be told any more.
    fn owe_no_word(&mut self, key: RunKey, closed: &ClosedTask) {
        if let Some(run) = self.runs.get(&key).filter(|run| run.aborted.is_some()) {
            self.owed.remove(run.derived("status.changed", &closed.task.number.to_string()));
        }
    }

    /// Settles a run whose next step begins now.
    pub(super) fn settle_next(&mut self, key: RunKey, now: StreamTime) {
        if self.runs.get(&key).is_some_and(|run| run.holds()) {
            self.delay_next(key);
        }
        self.settle(key, now);
    }

    /// Closes an open approval of a run that was aborted.
    pub(super) fn close_approval(&mut self, key: RunKey) {
        let closed = self.change(key, |run| {
            if run.open.as_ref().is_some_and(OpenTask::is_approval) {
                run.open.take()
            } else {
                None
            }
        });
        if let Some(Some(task)) = closed {
            self.open_tasks.remove(&task.id);
        }
    }
}

fn timed_out(head: &DataHead<'_>, at: StreamTime) -> Outcome {
    let said = Outcome::read(head).message;
    let message = if said.is_empty() { format!("nobody answered by {at}").into() } else { said };
    Outcome { result: TaskResult::Fail, status: TaskStatus::Errored, message }
}
