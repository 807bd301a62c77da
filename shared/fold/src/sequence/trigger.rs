//! What follows when a trigger is seen: a new run, tied to the run that it follows.

use std::sync::Arc;

use model::{
    DerivedId, Event, KeptnContext, Position, ProjectName, SequenceName, StageName, Stored,
    StreamTime, trace::Trace,
};

use super::{
    Due, Effects, Sequences, Surroundings, What,
    index::{trigger_key, trigger_key_of},
    request::invalid,
    run::{Abort, Begun, Decline, Input, Origin, Phase, Run, RunKey, Standing},
};
use crate::{
    Note,
    refusal::{Code, Refusal},
};

/// Follow-ups in one delivery; the next one ends errored, so that no loop runs for ever.
pub const FOLLOW_UPS_MAX: u32 = 100;

impl Sequences {
    /// A sequence's `.triggered`: a new run, unless the trigger was seen before.
    pub(super) fn see_trigger(
        &mut self,
        around: &Surroundings<'_>,
        stored: &Stored,
        (event, stage, sequence): (&Event, &StageName, &SequenceName),
        effects: &mut Effects,
    ) {
        let head = event.data.head();
        let project = match ProjectName::new(head.project.as_deref().unwrap_or_default()) {
            Ok(project) => project,
            Err(error) => {
                let reason = format!("`data.project`: {error}");
                return self.report(stored, &model::Malformed::new(reason), effects);
            }
        };
        let context = event.context.clone().unwrap_or_else(|| KeptnContext::of_trigger(&event.id));
        let known =
            trigger_key_of(context.as_str(), stage.as_str(), sequence.as_str(), event.id.as_str());
        if self.triggers.contains_key(&known) || self.handled.contains(known) {
            return effects.note("this trigger was seen already");
        }
        let begun = self.begun(&context);
        let mut run = new_run(stored, event, context, (project, stage.clone(), sequence.clone()));
        if let Some(begun) = begun {
            run.begun = begun;
        }
        let named = head.stage.as_deref().filter(|named| !named.is_empty());
        if named.is_some_and(|named| named != stage.as_str()) {
            run.phase = Phase::Declined(Decline::Refused(invalid(
                format!("`data.stage` must be the stage in the type, `{stage}`"),
                "send equal ones, or leave `data.stage` out",
            )));
        }
        let led_by = self.leading_run(&run);
        let project = run.project.clone();
        self.enter(run, led_by, stored, effects);
        let key = stored.position;
        effects.facts.extend(self.fact(key, What::Triggered));
        if self.is_undecided(key) && around.catalog.is_changing(project.as_str(), key) {
            self.undecided.entry(project).or_default().insert(key);
            self.settle(key, stored.time);
        } else {
            self.decide(around, key, stored.time, effects);
        }
    }

    pub(super) fn is_undecided(&self, key: RunKey) -> bool {
        self.runs.get(&key).is_some_and(|run| run.phase == Phase::Undecided)
    }

    /// Returns the run that this one follows, if its trigger is owed as that follow-up.
    fn leading_run(&self, run: &Run) -> Option<(RunKey, DerivedId)> {
        let id = DerivedId::parse(run.trigger_id.as_str())?;
        let Due::FollowUp(key) = self.owed.get(id)? else { return None };
        let leader = self.runs.get(key)?;
        let next = leader.follow_ups().iter().find(|next| next.id == id)?;
        let is_it = leader.project == run.project
            && leader.context == run.context
            && next.stage == run.stage
            && next.sequence == run.sequence;
        is_it.then_some((*key, id))
    }

    /// Puts a new run into every index.
    fn enter(
        &mut self,
        mut run: Run,
        led_by: Option<(RunKey, DerivedId)>,
        stored: &Stored,
        effects: &mut Effects,
    ) {
        let key = run.key;
        let delivery = self.contexts.entry(run.context.clone()).or_default();
        delivery.runs.insert(key);
        run.is_paused =
            delivery.paused.contains(&None) || delivery.paused.contains(&Some(run.stage.clone()));
        if led_by.is_some() {
            delivery.follow_ups += 1;
            if delivery.follow_ups > FOLLOW_UPS_MAX {
                run.phase = Phase::Declined(Decline::Refused(Refusal::new(
                    Code::Refused,
                    format!("this delivery has had {FOLLOW_UPS_MAX} sequences that follow others"),
                    "look for a loop of `triggeredOn` in the shipyard",
                )));
            }
        }
        if let Some((leader, id)) = led_by {
            self.follow(&mut run, leader, id, stored.time);
        }
        let stages = self.by_stage.entry(run.project.clone()).or_default();
        stages.entry(run.stage.clone()).or_default().insert(key);
        self.triggers.insert(trigger_key(&run), key);
        if self.runs.insert(key, Arc::new(run)).is_some() {
            effects.notes.push(Note::new("a position was read twice"));
        }
        self.expect_step(key);
    }

    /// Ties a follow-up to the run that it follows.
    fn follow(&mut self, run: &mut Run, leader: RunKey, id: DerivedId, now: StreamTime) {
        self.owed.remove(id);
        let key = run.key;
        let led = self.change(leader, |leader| {
            let Phase::Ended { follow_ups } = &mut leader.phase else { return None };
            let next = follow_ups.iter_mut().find(|next| next.id == id)?;
            next.run = Some(key);
            Some((next.is_aborted, next.retry))
        });
        let Some(Some((is_aborted, retry))) = led else { return };
        match (retry, self.runs.get(&leader)) {
            (Some(from), Some(failed)) => run.take_over(failed, from),
            (None, Some(leader)) if leader.stage == run.stage => {
                run.origin = Origin::FollowUp;
                run.place = (leader.place.0, key);
            }
            (Some(_) | None, _) => run.origin = Origin::FollowUp,
        }
        if is_aborted {
            run.aborted = Some(Abort { at: now, by: run.trigger_id.clone() });
        }
    }
}

fn new_run(
    stored: &Stored,
    event: &Event,
    context: KeptnContext,
    (project, stage, sequence): (ProjectName, StageName, SequenceName),
) -> Run {
    let key: Position = stored.position;
    let traceparent = short_traceparent(event);
    Run {
        key,
        place: (key, key),
        context,
        trigger_id: event.id.clone(),
        project,
        stage,
        sequence,
        begun: Begun { at: stored.time, traceparent: traceparent.clone() },
        traceparent,
        triggered_at: stored.time,
        origin: Origin::Plain,
        definition: None,
        services: Vec::new(),
        is_bracket: false,
        sync: None,
        carried: event.data.clone(),
        input: Input { data: event.data.clone(), git_commit_id: event.git_commit_id.clone() },
        git_commit_id: event.git_commit_id.clone(),
        phase: Phase::Undecided,
        tasks_done: 0,
        last: None,
        results: Vec::new(),
        open: None,
        step: 1,
        cause: stored.time,
        not_before: None,
        is_paused: false,
        aborted: None,
        told: None,
        is_timed_out: false,
        standing: Standing::Away,
        deadline: None,
    }
}

/// Returns what a run needs of its trigger's trace context: a foreign one may be of any length, and
/// every run of the delivery keeps it.
fn short_traceparent(event: &Event) -> Option<Box<str>> {
    let (trace, span) = Trace::read_parent(event.traceparent.as_deref()?)?;
    Some(trace.parent(span))
}
