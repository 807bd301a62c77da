//! The stages: what is released, what was evaluated, and what is newest, per service.
//!
//! A run counts only if it carries an artifact and its sequence has a `deployment` or a `release`
//! task. Identity of artifacts decides, not the order of versions.
//!
//! | seen | mark |
//! |---|---|
//! | `release` closed with pass or warning | released |
//! | run without a `release` task ended with success | released |
//! | last `evaluation` closed with pass or warning | evaluated, on top |
//! | last `evaluation` closed with fail | the mark of the same artifact is gone, the one before counts |
//! | run ended with success in a stage none of whose counting sequences evaluates | evaluated, on top |
//! | `evaluation` of a run that neither deploys nor releases | the same for the released artifact |

use std::sync::Arc;

use imbl::OrdMap;
use model::{
    KeptnContext, Position, ProjectName, SequenceSpec, ServiceName, StageName, StreamTime,
    TaskResult,
};
use serde::{Deserialize, Serialize};

use crate::{
    Definition,
    sequence::{ClosedTask, Fact, Outcome, Run, RunKey, What},
};

/// Artifacts that a stage remembers as evaluated, per service; older ones are forgotten.
const EVALUATED_MAX: usize = 256;
const EVALUATION: &str = "evaluation";
const RELEASE: &str = "release";

/// What is known of every stage.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Stages {
    projects: OrdMap<ProjectName, OrdMap<StageName, OrdMap<ServiceName, Arc<Delivered>>>>,
}

/// What is known of one service in one stage.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Delivered {
    /// What was released last.
    pub released: Option<Released>,
    /// The newest run with an artifact.
    pub newest: Option<Newest>,
    /// Oldest first. Nearly always few, and a shared vector takes room for 64.
    evaluated: Vec<Evaluated>,
}

/// An artifact that was released.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Released {
    /// The artifact.
    pub artifact: Box<str>,
    /// Pass or warning.
    pub result: TaskResult,
    /// Delivery that released it.
    pub context: KeptnContext,
    /// When.
    pub at: StreamTime,
}

/// An artifact that was evaluated successfully.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluated {
    /// The artifact.
    pub artifact: Box<str>,
    /// Pass or warning.
    pub result: TaskResult,
    /// Delivery that evaluated it.
    pub context: KeptnContext,
    /// When.
    pub at: StreamTime,
    /// Position of the event that says so.
    pub position: Position,
    /// False once a later evaluation of the same artifact failed.
    counts: bool,
}

/// The newest run that brought an artifact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Newest {
    /// The artifact.
    pub artifact: Box<str>,
    /// Delivery that brought it.
    pub context: KeptnContext,
    /// The run that brought it.
    pub run: RunKey,
    /// How its evaluation, or else its run, ended; none while that is open.
    pub outcome: Option<Outcome>,
}

impl Delivered {
    /// Returns the artifact that was last evaluated successfully.
    pub fn evaluated(&self) -> Option<&Evaluated> {
        self.evaluated.iter().rev().find(|one| one.counts)
    }

    /// Tells whether an artifact was ever evaluated successfully.
    pub fn was_evaluated(&self, artifact: &str) -> bool {
        self.place_of(artifact).is_some()
    }

    /// Returns where an artifact stands among the evaluated ones; it does so once.
    fn place_of(&self, artifact: &str) -> Option<usize> {
        self.evaluated.iter().position(|one| one.artifact.as_ref() == artifact)
    }

    fn mark(&mut self, evaluated: Evaluated) {
        if let Some(place) = self.place_of(&evaluated.artifact) {
            self.evaluated.remove(place);
        }
        self.evaluated.push(evaluated);
        if self.evaluated.len() > EVALUATED_MAX {
            self.evaluated.remove(0);
        }
    }

    fn unmark(&mut self, artifact: &str) {
        let place = self.place_of(artifact);
        if let Some(one) = place.and_then(|place| self.evaluated.get_mut(place)) {
            one.counts = false;
        }
    }
}

/// When and where something was seen.
#[derive(Clone, Copy)]
struct Moment {
    position: Position,
    at: StreamTime,
}

impl Stages {
    /// Returns what is known of a service in a stage.
    pub fn delivered(
        &self,
        project: &ProjectName,
        stage: &StageName,
        service: &ServiceName,
    ) -> Option<&Delivered> {
        Some(self.projects.get(project)?.get(stage)?.get(service)?.as_ref())
    }

    /// Forgets a project.
    pub(crate) fn forget(&mut self, project: &ProjectName) {
        self.projects.remove(project);
    }

    /// Takes note of what happened to a run.
    pub(crate) fn note(&mut self, fact: &Fact, position: Position, at: StreamTime) {
        let Some(definition) = &fact.definition else { return };
        let run = &fact.run;
        let Some(spec) = definition.sequence(&run.stage, run.sequence.as_str()) else { return };
        let moment = Moment { position, at };
        match &fact.what {
            What::Decided if spec.delivers() => self.note_newest(run),
            What::TaskClosed(closed) if closed.counts => {
                if spec.delivers() {
                    self.note_newest(run);
                }
                self.note_closed(run, spec, closed, moment);
            }
            What::Ended(outcome) if spec.delivers() => {
                self.note_ended(run, (definition, spec), outcome, moment);
            }
            What::Triggered
            | What::Decided
            | What::TaskTriggered
            | What::Answered
            | What::TaskClosed(_)
            | What::Controlled
            | What::Ended(_) => {}
        }
    }

    fn entry(&mut self, run: &Run, service: &ServiceName) -> &mut Delivered {
        let stages = self.projects.entry(run.project.clone()).or_default();
        let services = stages.entry(run.stage.clone()).or_default();
        Arc::make_mut(services.entry(service.clone()).or_default())
    }

    fn known(&mut self, run: &Run, service: &ServiceName) -> Option<&mut Delivered> {
        let services = self.projects.get_mut(&run.project)?.get_mut(&run.stage)?;
        services.get_mut(service).map(Arc::make_mut)
    }

    /// Notes the artifacts of a run, unless a newer run brought others.
    fn note_newest(&mut self, run: &Run) {
        for (service, artifact) in artifacts(run) {
            let delivered = self.entry(run, service);
            if delivered.newest.as_ref().is_some_and(|newest| newest.run >= run.key) {
                continue;
            }
            delivered.newest = Some(Newest {
                artifact: artifact.into(),
                context: run.context.clone(),
                run: run.key,
                outcome: None,
            });
        }
    }

    fn note_closed(&mut self, run: &Run, spec: &SequenceSpec, closed: &ClosedTask, moment: Moment) {
        let succeeded = closed.outcome.goes_on();
        match closed.task.name.as_str() {
            RELEASE if succeeded => self.release(run, &closed.outcome, moment),
            EVALUATION if !is_last(spec, closed.index) => {}
            EVALUATION if spec.delivers() => {
                for (service, artifact) in artifacts(run) {
                    let delivered = self.entry(run, service);
                    evaluate(delivered, artifact, run, (&closed.outcome, moment));
                }
            }
            EVALUATION => {
                for service in &run.services {
                    let delivered = self.entry(run, &service.name);
                    let Some(released) = delivered.released.as_ref() else { continue };
                    let artifact = released.artifact.clone();
                    evaluate(delivered, &artifact, run, (&closed.outcome, moment));
                }
            }
            _ => {}
        }
    }

    fn note_ended(
        &mut self,
        run: &Run,
        (definition, spec): (&Definition, &SequenceSpec),
        outcome: &Outcome,
        moment: Moment,
    ) {
        let is_success = outcome.is_success();
        if is_success && !spec.has_task(RELEASE) {
            self.release(run, outcome, moment);
        }
        let is_evaluated = is_success && !evaluates(definition, &run.stage);
        for (service, artifact) in artifacts(run) {
            let Some(delivered) = self.known(run, service) else { continue };
            if is_evaluated {
                evaluate(delivered, artifact, run, (outcome, moment));
            }
            let newest = delivered.newest.as_mut().filter(|newest| newest.run == run.key);
            if let Some(newest) = newest.filter(|newest| newest.outcome.is_none()) {
                newest.outcome = Some(outcome.clone());
            }
        }
    }

    fn release(&mut self, run: &Run, outcome: &Outcome, moment: Moment) {
        for (service, artifact) in artifacts(run) {
            self.entry(run, service).released = Some(Released {
                artifact: artifact.into(),
                result: outcome.result,
                context: run.context.clone(),
                at: moment.at,
            });
        }
    }
}

fn evaluate(
    delivered: &mut Delivered,
    artifact: &str,
    run: &Run,
    (outcome, moment): (&Outcome, Moment),
) {
    if outcome.goes_on() {
        delivered.mark(Evaluated {
            artifact: artifact.into(),
            result: outcome.result,
            context: run.context.clone(),
            at: moment.at,
            position: moment.position,
            counts: true,
        });
    } else {
        delivered.unmark(artifact);
    }
    let newest = delivered.newest.as_mut().filter(|newest| newest.artifact.as_ref() == artifact);
    if let Some(newest) = newest {
        newest.outcome = Some(outcome.clone());
    }
}

fn artifacts(run: &Run) -> impl Iterator<Item = (&ServiceName, &str)> {
    run.services.iter().filter_map(|one| Some((&one.name, one.artifact.as_deref()?)))
}

/// Tells whether no later task of the sequence is an evaluation.
fn is_last(spec: &SequenceSpec, index: u32) -> bool {
    let next = usize::try_from(index).map_or(usize::MAX, |index| index.saturating_add(1));
    spec.tasks.iter().skip(next).all(|task| task.name.as_str() != EVALUATION)
}

/// Tells whether some sequence of the stage that delivers also evaluates.
fn evaluates(definition: &Definition, stage: &StageName) -> bool {
    definition.shipyard.stage(stage.as_str()).is_some_and(|stage| {
        stage.sequences.iter().any(|one| one.delivers() && one.has_task(EVALUATION))
    })
}
