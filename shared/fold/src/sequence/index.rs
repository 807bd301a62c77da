//! Keeps slots, deadlines and what is owed equal to what the runs say.
//!
//! A change to a run is made on the run alone; [`Sequences::settle`] then brings everything that is
//! derived from it up to date, and does the same for the runs that this sets free.

use std::sync::Arc;

use model::{DerivedId, StreamTime};

use super::{
    Due, Sequences,
    run::{Next, Phase, Run, RunKey, Slot, Standing},
};

impl Sequences {
    /// Changes a run. The caller settles it afterwards.
    pub(super) fn change<T>(
        &mut self,
        key: RunKey,
        change: impl FnOnce(&mut Run) -> T,
    ) -> Option<T> {
        self.runs.get_mut(&key).map(|run| change(Arc::make_mut(run)))
    }

    /// Brings everything that is derived from a run up to date.
    pub(super) fn settle(&mut self, key: RunKey, now: StreamTime) {
        let mut freed = vec![key];
        while let Some(key) = freed.pop() {
            self.settle_slot(key, now, &mut freed);
            self.settle_step(key);
            self.settle_told(key);
            self.settle_deadline(key);
            self.drop_if_over(key);
        }
    }

    fn settle_slot(&mut self, key: RunKey, now: StreamTime, freed: &mut Vec<RunKey>) {
        let Some(run) = self.runs.get(&key).cloned() else { return };
        let slot = run.slot(self.spec(&run));
        let (old, new) = (run.standing, self.standing(&run, slot));
        if old == new {
            return;
        }
        if old == Standing::InLine || slot == Slot::Wants && new == Standing::Holds {
            self.queue.leave(&run);
        }
        if new == Standing::Holds {
            self.queue.hold(&run);
        }
        if old == Standing::Holds {
            self.queue.release(&run);
        }
        if old != Standing::Away {
            freed.extend(self.queue.firsts(&run));
        }
        let takes = new == Standing::Holds && slot == Slot::Wants;
        drop(run);
        self.change(key, |run| {
            run.standing = new;
            if takes {
                run.cause = run.cause.max(now);
            }
        });
        if takes {
            self.delay_next(key);
        }
    }

    /// Returns where a run with this wish comes to stand; who wants joins the lines first.
    fn standing(&mut self, run: &Run, slot: Slot) -> Standing {
        match slot {
            Slot::Keeps => Standing::Holds,
            Slot::Free => Standing::Away,
            Slot::Wants => {
                if !run.is_in_line() {
                    self.queue.join(run);
                }
                if self.queue.may_take(run) { Standing::Holds } else { Standing::InLine }
            }
        }
    }

    /// Sets the delay of the next task, which begins when its turn comes.
    pub(super) fn delay_next(&mut self, key: RunKey) {
        let Some(run) = self.runs.get(&key) else { return };
        let not_before = match run.next(self.spec(run)) {
            Next::Task(task) => task.triggered_after.map(|delay| run.cause.after(delay)),
            Next::Nothing | Next::End => None,
        };
        if run.not_before != not_before {
            self.change(key, |run| run.not_before = not_before);
        }
    }

    fn settle_step(&mut self, key: RunKey) {
        let Some(run) = self.runs.get(&key) else { return };
        let is_due = match run.next(self.spec(run)) {
            Next::Nothing => false,
            Next::End => true,
            Next::Task(_) => run.holds() && run.not_before.is_none(),
        };
        if is_due {
            self.owed.insert(run.next_id(), run.cause, Due::Step(key));
        } else if run.open.is_none() {
            // Behind an open task nothing was due yet.
            self.owed.remove(run.next_id());
        }
    }

    /// Executors of an open task are told of an abort once.
    fn settle_told(&mut self, key: RunKey) {
        let Some(run) = self.runs.get(&key) else { return };
        let Some(id) = run.told_id() else { return };
        let Some(abort) = run.aborted.as_ref() else { return };
        let since = abort.at;
        if run.told == run.open.as_ref().map(|task| task.number) {
            self.owed.remove(id);
        } else {
            self.owed.insert(id, since, Due::Told(key));
        }
    }

    pub(super) fn settle_deadline(&mut self, key: RunKey) {
        let Some(run) = self.runs.get(&key) else { return };
        let old = run.deadline;
        let new = match run.standing_deadline() {
            Some((at, _)) => Some(at),
            None if run.holds() && matches!(run.next(self.spec(run)), Next::Task(_)) => {
                run.not_before
            }
            None => None,
        };
        if old == new {
            return;
        }
        if let Some(old) = old {
            self.deadlines.remove(&(old, key));
        }
        if let Some(new) = new {
            self.deadlines.insert((new, key));
        }
        self.change(key, |run| run.deadline = new);
    }

    fn drop_if_over(&mut self, key: RunKey) {
        if !self.runs.get(&key).is_some_and(|run| run.is_over()) {
            return;
        }
        let Some(run) = self.runs.remove(&key) else { return };
        self.queue.close(&run);
        self.handled.insert(trigger_key(&run));
        self.triggers.remove(&trigger_key(&run));
        if let Some(delivery) = self.contexts.get_mut(&run.context) {
            delivery.runs.remove(&key);
            if delivery.runs.is_empty() {
                self.contexts.remove(&run.context);
            }
        }
        self.forget_stage(&run);
        self.release_definition(&run);
    }

    fn forget_stage(&mut self, run: &Run) {
        let Some(stages) = self.by_stage.get_mut(&run.project) else { return };
        if let Some(keys) = stages.get_mut(&run.stage) {
            keys.remove(&run.key);
            if keys.is_empty() {
                stages.remove(&run.stage);
            }
        }
        if stages.is_empty() {
            self.by_stage.remove(&run.project);
        }
    }

    fn release_definition(&mut self, run: &Run) {
        let Some(position) = run.definition else { return };
        let Some(held) = self.definitions.get_mut(&position) else { return };
        held.uses = held.uses.saturating_sub(1);
        if held.uses == 0 {
            self.definitions.remove(&position);
        }
    }

    /// Notes that the step of a run with this id was seen: the next one has another.
    pub(super) fn pass_step(&mut self, key: RunKey, id: DerivedId) {
        self.steps.remove(&id);
        self.owed.remove(id);
        self.change(key, |run| run.step += 1);
    }

    /// Registers the id of a run's next step.
    pub(super) fn expect_step(&mut self, key: RunKey) {
        if let Some(run) = self.runs.get(&key) {
            self.steps.insert(run.next_id(), key);
        }
    }
}

/// Returns the key under which a trigger is known.
pub(super) fn trigger_key(run: &Run) -> DerivedId {
    trigger_key_of(
        run.context.as_str(),
        run.stage.as_str(),
        run.sequence.as_str(),
        run.trigger_id.as_str(),
    )
}

/// Returns the key under which a trigger is known: context, type and id.
pub(super) fn trigger_key_of(context: &str, stage: &str, sequence: &str, id: &str) -> DerivedId {
    DerivedId::of(&["trigger", context, stage, sequence, id])
}

impl Run {
    /// Returns the id under which executors are told of an abort, if a task is open.
    pub(super) fn told_id(&self) -> Option<DerivedId> {
        let task = self.open.as_ref()?;
        self.aborted.as_ref()?;
        Some(self.derived("status.changed", &task.number.to_string()))
    }

    /// Tells whether it was decided to run tasks and has not ended.
    pub(super) fn is_running(&self) -> bool {
        matches!(self.phase, Phase::Decided) && self.aborted.is_none()
    }
}
