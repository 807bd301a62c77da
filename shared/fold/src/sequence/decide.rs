//! A trigger waits for commands that stand before it; then it is decided once and for all what the
//! run delivers, with which documents and which values.

use model::{KeptnContext, Payload, ProjectName, SequenceSpec, StageName, StreamTime};
use serde_json::{Map, Value, json};

use super::{
    Effects, Held, Sequences, Surroundings, What,
    effective::configuration_id,
    request::{self, Request, invalid, unknown_sequence},
    retry::{RETRY_OF, RETRY_TASK},
    run::{Decline, Origin, Phase, Run, RunKey, RunService},
};
use crate::{
    catalog::{Project, known_stage},
    plan,
    refusal::{Code, Refusal},
    values::{Object, text},
};

/// Members of a trigger's data that are said anew in every event, or about the trigger alone.
const NOT_CARRIED: [&str; 8] =
    ["project", "stage", "service", "result", "status", "message", RETRY_OF, RETRY_TASK];

/// What a decided run is made of.
struct Decided {
    services: Vec<RunService>,
    is_bracket: bool,
    sync: Option<Payload>,
    carried: Payload,
    input: Payload,
    origin: Origin,
}

impl Sequences {
    /// Decides the triggers that no longer wait for a command.
    pub(super) fn decide_waiting(
        &mut self,
        around: &Surroundings<'_>,
        now: StreamTime,
        effects: &mut Effects,
    ) {
        let is_ready =
            |project: &ProjectName, key| !around.catalog.is_changing(project.as_str(), key);
        let ready: Vec<RunKey> = self
            .undecided
            .iter()
            .flat_map(|(project, keys)| keys.iter().take_while(move |key| is_ready(project, **key)))
            .copied()
            .collect();
        for key in ready {
            self.decide(around, key, now, effects);
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

    /// Decides a run that waits for no command, unless it ends before.
    pub(super) fn decide(
        &mut self,
        around: &Surroundings<'_>,
        key: RunKey,
        now: StreamTime,
        effects: &mut Effects,
    ) {
        self.forget_undecided(key);
        let Some(run) = self.runs.get(&key).cloned() else { return };
        let context = run.context.clone();
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
        self.release_leader(key, &context, now);
        if !self.is_undecided(key) {
            effects.facts.extend(self.fact(key, What::Decided));
        }
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
        if !run.skips_the_same(spec) {
            return Err(Decline::Refused(Refusal::new(
                Code::Refused,
                format!(
                    "the tasks of `{}` before the failed one are not those that were done",
                    run.sequence
                ),
                "retry it from the start",
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
        for key in NOT_CARRIED {
            data.remove(key);
        }
        let input = match origin {
            Origin::Sync => planned_input(&run.carried, &services, sync.as_ref()),
            Origin::Plain | Origin::FollowUp => run.carried.clone(),
        };
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
        let carried = Payload::from_map(&data);
        Ok(Decided { services, is_bracket, sync, carried, input, origin })
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
            if let Some(other) = self.under_way(&run.project, &run.stage, &candidate) {
                under_way = Some(other.clone());
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
                    run.input.data = decided.input;
                    run.origin = decided.origin;
                    let id = run.git_commit_id.take();
                    run.git_commit_id = Some(id.unwrap_or_else(|| configuration_id(run)));
                }
            }
        });
        if let Some(run) = self.runs.get(&key).filter(|run| run.is_running()) {
            self.queue.open(run);
            // A task of it may have been seen before it was decided.
            if run.holds() {
                self.queue.hold(run);
            }
        }
    }
}

/// Returns the data of a trigger that gives what was planned.
fn planned_input(
    given: &Payload,
    services: &[(model::ServiceName, Object)],
    sync: Option<&Value>,
) -> Payload {
    let mut data = given.to_map();
    data.remove("service");
    let members =
        services.iter().map(|(name, values)| (name.to_string(), json!({ "values": values })));
    data.insert("services".to_owned(), Value::Object(members.collect()));
    if let Some(sync) = sync {
        data.insert("sync".to_owned(), sync.clone());
    }
    Payload::from_map(&data)
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
