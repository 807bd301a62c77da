//! What follows when a trigger is seen: it waits for commands that stand before it, then it is
//! decided once and for all what the run delivers, with which documents and which values.

use std::sync::Arc;

use model::{
    DerivedId, Event, KeptnContext, Payload, Position, ProjectName, SequenceName, SequenceSpec,
    StageName, Stored, StreamTime,
};
use serde_json::{Map, Value, json};

use super::{
    Due, Effects, Held, Sequences, Surroundings, What,
    index::{trigger_key, trigger_key_of},
    request::{self, Request, invalid, unknown_sequence},
    run::{Abort, Decline, Origin, Phase, Run, RunKey, RunService},
};
use crate::{
    Note,
    catalog::{Project, known_stage},
    plan,
    refusal::{Code, Refusal},
    values::{Object, commit_id, overlay, text},
};

/// Follow-ups in one delivery; the next one ends errored, so that no loop runs for ever.
pub const FOLLOW_UPS_MAX: u32 = 100;

/// What a decided run is made of.
struct Decided {
    services: Vec<RunService>,
    is_bracket: bool,
    sync: Option<Payload>,
    carried: Payload,
    origin: Origin,
}

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
        let mut run = new_run(stored, event, context, (project, stage.clone(), sequence.clone()));
        if head.stage.as_deref().is_some_and(|named| named != stage.as_str()) {
            run.phase = Phase::Declined(Decline::Refused(invalid(
                format!("`data.stage` must be the stage in the type, `{stage}`"),
                "send equal ones, or leave `data.stage` out",
            )));
        }
        let led_by = self.leading_run(event);
        self.enter(run, led_by, stored, effects);
        let key = stored.position;
        effects.facts.extend(self.fact(key, What::Triggered));
        if self.is_undecided(key)
            && around.catalog.is_changing(head.project.as_deref().unwrap_or_default(), key)
        {
            let project = self.runs.get(&key).map(|run| run.project.clone());
            if let Some(project) = project {
                self.undecided.entry(project).or_default().insert(key);
            }
            self.settle(key, stored.time);
        } else {
            self.decide(around, key, stored.time, effects);
        }
    }

    fn is_undecided(&self, key: RunKey) -> bool {
        self.runs.get(&key).is_some_and(|run| run.phase == Phase::Undecided)
    }

    /// Returns the run that this trigger follows, if its id is owed as a follow-up.
    fn leading_run(&self, event: &Event) -> Option<(RunKey, DerivedId)> {
        let id = DerivedId::parse(event.id.as_str())?;
        match self.owed.get(id)? {
            Due::FollowUp(leader) => Some((*leader, id)),
            Due::Step(_) | Due::Told(_) | Due::TimeOut(_) | Due::Control(_) | Due::LogError(_) => {
                None
            }
        }
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
        run.origin = Origin::FollowUp;
        let key = run.key;
        let led = self.change(leader, |leader| {
            let place = leader.place;
            let stage = leader.stage.clone();
            let Phase::Ended { follow_ups } = &mut leader.phase else { return None };
            let next = follow_ups.iter_mut().find(|next| next.id == id)?;
            next.run = Some(key);
            Some((place, stage, next.is_aborted))
        });
        let Some(Some((place, stage, is_aborted))) = led else { return };
        if stage == run.stage {
            run.place = (place.0, key);
        }
        if is_aborted {
            run.aborted = Some(Abort { at: now, by: run.trigger_id.clone() });
        }
    }

    /// Decides the triggers that no longer wait for a command.
    pub(super) fn decide_waiting(
        &mut self,
        around: &Surroundings<'_>,
        stored: &Stored,
        effects: &mut Effects,
    ) {
        let Ok(event) = &stored.body else { return };
        let head = event.data.head();
        let Some(project) = head.project.as_deref().and_then(|name| ProjectName::new(name).ok())
        else {
            return;
        };
        let waiting: Vec<RunKey> =
            self.undecided.get(&project).into_iter().flatten().copied().collect();
        for key in waiting {
            if around.catalog.is_changing(project.as_str(), key) {
                break;
            }
            self.decide(around, key, stored.time, effects);
        }
    }

    /// Forgets that a run waits for commands.
    pub(super) fn forget_undecided(&mut self, key: RunKey) {
        let Some(run) = self.runs.get(&key) else { return };
        let project = run.project.clone();
        if let Some(keys) = self.undecided.get_mut(&project) {
            keys.remove(&key);
            if keys.is_empty() {
                self.undecided.remove(&project);
            }
        }
    }

    fn decide(
        &mut self,
        around: &Surroundings<'_>,
        key: RunKey,
        now: StreamTime,
        effects: &mut Effects,
    ) {
        self.forget_undecided(key);
        let Some(run) = self.runs.get(&key).cloned() else { return };
        if run.phase == Phase::Undecided && run.aborted.is_none() {
            let project = around.catalog.project(run.project.as_str()).cloned();
            let decided = match &project {
                None => Err(Decline::Refused(around.catalog.unknown_project(&run.project))),
                Some(project) => self.decided(around, &run, project),
            };
            drop(run);
            self.take_decision(key, project.as_deref(), decided, now);
        }
        self.settle(key, now);
        self.release_leader(key, now);
        effects.facts.extend(self.fact(key, What::Decided));
    }

    fn decided(
        &self,
        around: &Surroundings<'_>,
        run: &Run,
        project: &Project,
    ) -> Result<Decided, Decline> {
        known_stage(project, run.stage.as_str()).map_err(Decline::Refused)?;
        let spec = project
            .definition
            .sequence(&run.stage, run.sequence.as_str())
            .ok_or_else(|| Decline::Refused(unknown_sequence(project, run)))?;
        if spec.tasks.is_empty() {
            return Err(Decline::Refused(invalid(
                format!("sequence `{}` does not contain any tasks", run.sequence),
                "list its tasks in the shipyard",
            )));
        }
        let mut data = run.carried.to_map();
        let request = request::read(run, project, &mut data).map_err(Decline::Refused)?;
        let sync = data.remove("sync").filter(Value::is_object);
        let (services, is_bracket, sync, origin) = match request {
            Request::Services { services, is_bracket } => (services, is_bracket, sync, run.origin),
            Request::Sync { from, narrowed } => {
                let (services, sync) = self.planned(
                    (around, run, project, spec),
                    from.as_deref(),
                    narrowed.as_deref(),
                )?;
                (services, true, Some(sync), Origin::Sync)
            }
        };
        for key in ["project", "stage", "service", "result", "status", "message"] {
            data.remove(key);
        }
        let services = services
            .into_iter()
            .map(|(name, values)| RunService {
                artifact: text(&values, "image").map(Into::into),
                own: project.own(&run.stage, &name),
                carried: Payload::from_map(&values),
                name,
            })
            .collect();
        let sync = sync.and_then(|sync| sync.as_object().map(Payload::from_map));
        Ok(Decided { services, is_bracket, sync, carried: Payload::from_map(&data), origin })
    }

    /// Plans a sync: what differs now, less what is under way already.
    fn planned(
        &self,
        (around, run, project, spec): (&Surroundings<'_>, &Run, &Project, &SequenceSpec),
        from: Option<&str>,
        narrowed: Option<&[model::ServiceName]>,
    ) -> Result<(Vec<(model::ServiceName, Object)>, Value), Decline> {
        if !spec.delivers() {
            return Err(Decline::Refused(invalid(
                format!(
                    "sequence `{}` has neither a `deployment` nor a `release` task, so it cannot be a sync",
                    run.sequence
                ),
                "name a service",
            )));
        }
        let from = plan::source_stage(project, &run.stage, from).map_err(Decline::Refused)?;
        let candidates = plan::candidates(around.stages, project, &run.stage, &from);
        let mut services = Vec::new();
        let mut origins = Map::new();
        let mut under_way = None;
        for candidate in candidates {
            if narrowed.is_some_and(|names| !names.contains(&candidate.service)) {
                continue;
            }
            let newest = self.newest_open(&run.project, &run.stage, &candidate.service);
            if let Some(other) = newest
                .filter(|other| other.artifact(&candidate.service) == Some(&candidate.artifact))
            {
                under_way = Some(other.context.clone());
                continue;
            }
            let mut values = Object::new();
            values.insert("image".to_owned(), candidate.artifact.as_ref().into());
            origins.insert(candidate.service.to_string(), candidate.origin());
            services.push((candidate.service, values));
        }
        if services.is_empty() {
            return Err(Decline::NothingToDo(nothing_to_do(run, &from, under_way.as_ref())));
        }
        Ok((services, json!({ "from": from, "candidates": origins })))
    }

    fn take_decision(
        &mut self,
        key: RunKey,
        project: Option<&Project>,
        decided: Result<Decided, Decline>,
        now: StreamTime,
    ) {
        let definition = project.map(|project| project.definition.clone());
        let position = definition.as_ref().map(|one| one.position);
        if let Some(definition) = definition {
            let held = Held { definition: definition.clone(), uses: 0 };
            self.definitions.entry(definition.position).or_insert(held).uses += 1;
        }
        self.change(key, |run| {
            run.definition = position;
            run.cause = now;
            match decided {
                Err(decline) => run.phase = Phase::Declined(decline),
                Ok(decided) => {
                    run.phase = Phase::Decided;
                    run.services = decided.services;
                    run.is_bracket = decided.is_bracket;
                    run.sync = decided.sync;
                    run.carried = decided.carried;
                    run.origin = decided.origin;
                    let id = run.git_commit_id.take();
                    run.git_commit_id = Some(id.unwrap_or_else(|| configuration_id(run)));
                }
            }
        });
        if let Some(run) = self.runs.get(&key).filter(|run| run.is_running()) {
            self.queue.open(run);
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
    Run {
        key,
        place: (key, key),
        context,
        trigger_id: event.id.clone(),
        project,
        stage,
        sequence,
        traceparent: event.traceparent.clone(),
        triggered_at: stored.time,
        origin: Origin::Plain,
        definition: None,
        services: Vec::new(),
        is_bracket: false,
        sync: None,
        carried: event.data.clone(),
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
        is_told: false,
        is_timed_out: false,
        holds: false,
        in_line: false,
        deadline: None,
    }
}

fn nothing_to_do(run: &Run, from: &StageName, under_way: Option<&KeptnContext>) -> Box<str> {
    match under_way {
        Some(context) => format!(
            "nothing is left to do: what {} would take over from {from} is under way in {context}",
            run.stage
        ),
        None => format!("nothing to do: {} has everything that was evaluated in {from}", run.stage),
    }
    .into()
}

impl Run {
    /// Returns the values that a service's tasks are sent with.
    pub(super) fn effective(&self, service: &RunService) -> Object {
        let carried = service.carried.to_map();
        let own = service.own.to_map();
        if self.origin == Origin::Plain {
            let mut values = own;
            overlay(&mut values, &carried);
            return values;
        }
        let image = carried.get("image").cloned();
        let mut values = carried;
        overlay(&mut values, &own);
        if let Some(image) = image {
            values.insert("image".to_owned(), image);
        }
        values
    }
}

/// Names the configuration that a run is pinned to.
fn configuration_id(run: &Run) -> Box<str> {
    let services: Object = run
        .services
        .iter()
        .map(|service| (service.name.to_string(), Value::Object(run.effective(service))))
        .collect();
    let mut configuration = Object::new();
    configuration.insert("project".to_owned(), run.project.as_str().into());
    configuration.insert("stage".to_owned(), run.stage.as_str().into());
    configuration.insert("services".to_owned(), Value::Object(services));
    commit_id(&configuration)
}
