//! What follows when a sequence's `finished` is seen: the run has ended, its slot is free, and the
//! sequences whose `triggeredOn` fits are owed.

use model::{
    DerivedId, Event, EventType, KeptnContext, Stored, StreamTime, TaskResult, TriggeredOn,
};

use super::{
    Due, Effects, Sequences, Surroundings, What,
    run::{FollowUp, Outcome, Phase, Run, RunKey},
};

impl Sequences {
    /// A sequence's `.finished`: the end of the run that owes it, with what it says.
    pub(super) fn see_end(
        &mut self,
        around: &Surroundings<'_>,
        stored: &Stored,
        event: &Event,
        effects: &mut Effects,
    ) {
        let id = DerivedId::parse(event.id.as_str());
        let Some((id, key)) = id.and_then(|id| Some((id, *self.steps.get(&id)?))) else {
            return effects.note("no run owes an end with this id");
        };
        let head = event.data.head();
        let outcome = Outcome::read(&head);
        let Some(run) = self.runs.get(&key).cloned() else { return };
        let EventType::Sequence(stage, sequence, _) = &event.event_type else { return };
        let is_its = (stage, sequence) == (&run.stage, &run.sequence);
        if !is_its || event.context.as_ref() != Some(&run.context) {
            return effects.note("the end of a sequence under an id of another one");
        }
        let follow_ups = follow_ups(around, &run, &outcome);
        self.failed.note_end(&run, &outcome);
        self.forget_undecided(key);
        self.pass_step(key, id);
        self.queue.close(&run);
        for next in &follow_ups {
            self.owed.insert(next.id, stored.time, Due::FollowUp(key));
        }
        let context = run.context.clone();
        drop(run);
        self.close_approval(key);
        self.change(key, |run| {
            run.phase = Phase::Ended { follow_ups };
            run.cause = stored.time;
        });
        let ended = self.fact(key, What::Ended(outcome));
        self.settle(key, stored.time);
        self.release_leader(key, &context, stored.time);
        effects.facts.extend(ended);
    }

    /// Lets go of the run that this one follows, now that this one is decided or has ended.
    pub(super) fn release_leader(&mut self, key: RunKey, context: &KeptnContext, now: StreamTime) {
        let leader = self.contexts.get(context).and_then(|delivery| {
            delivery.runs.iter().copied().find(|other| {
                self.runs
                    .get(other)
                    .is_some_and(|run| run.follow_ups().iter().any(|next| next.run == Some(key)))
            })
        });
        let Some(leader) = leader else { return };
        self.remember_refused(leader, key);
        self.change(leader, |run| {
            if let Phase::Ended { follow_ups } = &mut run.phase {
                follow_ups.retain(|next| next.run != Some(key));
            }
        });
        self.settle(leader, now);
    }
}

impl Run {
    /// Returns the last result of the task that a selector key `<task>.result` names.
    fn result_of(&self, key: &str) -> Option<TaskResult> {
        let task = key.strip_suffix(".result")?;
        self.results.iter().rev().find(|(name, _)| name.as_str() == task).map(|(_, result)| *result)
    }

    /// Returns the sequences that must follow and whose triggers were not yet seen.
    pub(super) fn owed_follow_ups(&self) -> impl Iterator<Item = &FollowUp> {
        self.follow_ups().iter().filter(|next| next.run.is_none() && !next.is_aborted)
    }

    /// Returns the sequences that must follow and were not yet decided.
    pub fn follow_ups(&self) -> &[FollowUp] {
        match &self.phase {
            Phase::Ended { follow_ups } => follow_ups,
            Phase::Undecided | Phase::Declined(_) | Phase::Decided => &[],
        }
    }
}

/// Returns the sequences that follow a run with this end, by the project's shipyard as it is now.
fn follow_ups(around: &Surroundings<'_>, run: &Run, outcome: &Outcome) -> Vec<FollowUp> {
    let is_decided = matches!(run.phase, Phase::Decided);
    if !is_decided || run.aborted.is_some() {
        return Vec::new();
    }
    let Some(project) = around.catalog.project(run.project.as_str()) else { return Vec::new() };
    let event = format!("{}.{}.finished", run.stage, run.sequence);
    let mut found = Vec::new();
    for stage in &project.definition.shipyard.stages {
        for sequence in &stage.sequences {
            for (index, on) in sequence.triggered_on.iter().enumerate() {
                if on.event == event && fits(on, run, outcome.result) {
                    let detail = format!("{}/{}/{index}", stage.name, sequence.name);
                    found.push(FollowUp {
                        id: run.derived("follow-up", &detail),
                        stage: stage.name.clone(),
                        sequence: sequence.name.clone(),
                        is_aborted: false,
                        run: None,
                        retry: None,
                    });
                }
            }
        }
    }
    found
}

/// Tells whether a selector fits (Keptn 1.4.5, `shipyardcontroller_utils.go`): without one, pass
/// or warning; with one, any of its keys that fits suffices. `<task>.result` may name any task, and
/// `failed` is read as `fail`: ours.
fn fits(on: &TriggeredOn, run: &Run, result: TaskResult) -> bool {
    if on.selector.is_empty() {
        return result != TaskResult::Fail;
    }
    on.selector.iter().any(|(key, wanted)| {
        let wanted = if wanted == "failed" { "fail" } else { wanted };
        let found = if key == "result" { Some(result) } else { run.result_of(key) };
        found.is_some_and(|found| found.as_str() == wanted)
    })
}
