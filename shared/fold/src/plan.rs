//! What differs between two stages: the verdict that people see and the plan that a sync takes.
//! Both are the same function, so what the view shows is what a trigger takes.

use model::{
    KeptnContext, Position, ServiceName, StageName, StreamTime, TaskResult, view::ServiceState,
};
use serde_json::{Value, json};

use crate::{
    catalog::{Project, known_stage},
    refusal::{Code, Refusal},
    stage::{Delivered, Newest, Stages},
};

/// A service that a sync would bring up to date.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The service.
    pub service: ServiceName,
    /// What was evaluated upstream.
    pub artifact: Box<str>,
    /// Delivery that evaluated it.
    pub context: KeptnContext,
    /// Position of the event that says so.
    pub position: Position,
}

impl Candidate {
    /// Returns it as `data.sync.candidates` carries it.
    pub(crate) fn origin(&self) -> Value {
        json!({ "image": self.artifact, "keptnContext": self.context, "evaluated": self.position })
    }
}

/// How a service in a stage stands to the stage it is compared with.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// The service.
    pub service: ServiceName,
    /// What is released in the stage.
    pub released: Option<Box<str>>,
    /// What was evaluated upstream, and how, by which delivery, when, and where that stands.
    pub evaluated: Option<(Box<str>, TaskResult, KeptnContext, StreamTime, Position)>,
    /// The newest run upstream, if its artifact does not count.
    pub not_eligible: Option<Newest>,
    /// Why it is as it is.
    pub state: ServiceState,
}

impl Comparison {
    /// Tells whether a sync would change the service.
    pub fn differs(&self) -> bool {
        match &self.evaluated {
            Some((artifact, ..)) => self.released.as_ref() != Some(artifact),
            None => false,
        }
    }
}

/// Returns the stage that a stage is compared with: `from`, else the one before it.
///
/// # Errors
/// [`Refusal`] if `from` is unknown or the stage itself, or if there is none before it.
pub fn source_stage(
    project: &Project,
    stage: &StageName,
    from: Option<&str>,
) -> Result<StageName, Refusal> {
    let Some(from) = from.filter(|name| !name.is_empty()) else {
        return project.definition.shipyard.preceding(stage.as_str()).cloned().ok_or_else(|| {
            Refusal::new(
                Code::Invalid,
                format!("{stage} is the first stage: there is none before it to take over from"),
                "deliver to it: `keptn trigger … --service NAME --artifact ARTIFACT`",
            )
        });
    };
    let from = known_stage(project, from)?;
    if from == *stage {
        return Err(Refusal::new(
            Code::Invalid,
            format!("stage `{stage}` cannot take over from itself"),
            "name another stage with `--from`, or leave it out",
        ));
    }
    Ok(from)
}

/// Compares every service of a stage with another stage, by name. Without `from` nothing differs.
pub fn compare(
    stages: &Stages,
    project: &Project,
    stage: &StageName,
    from: Option<&StageName>,
) -> Vec<Comparison> {
    project
        .services
        .keys()
        .filter_map(|service| {
            let here = stages.delivered(&project.name, stage, service);
            let upstream = from.and_then(|from| stages.delivered(&project.name, from, service));
            let is_known = here.is_some_and(|here| here.released.is_some() || from.is_none());
            (is_known || upstream.is_some()).then(|| comparison(service, here, upstream, from))
        })
        .collect()
}

fn comparison(
    service: &ServiceName,
    here: Option<&Delivered>,
    upstream: Option<&Delivered>,
    from: Option<&StageName>,
) -> Comparison {
    let released = here.and_then(|here| here.released.as_ref()).map(|one| one.artifact.clone());
    let evaluated = upstream
        .and_then(Delivered::evaluated)
        .map(|one| (one.artifact.clone(), one.result, one.context.clone(), one.at, one.position));
    let not_eligible = upstream
        .and_then(|upstream| upstream.newest.as_ref())
        .filter(|newest| {
            evaluated.as_ref().is_none_or(|(artifact, ..)| *artifact != newest.artifact)
        })
        .cloned();
    let state = match (from, &released, &evaluated) {
        (None, _, _) => ServiceState::InSync,
        (Some(_), Some(released), Some((artifact, ..))) if released == artifact => {
            ServiceState::InSync
        }
        (Some(_), Some(released), Some(_)) => {
            let is_known = upstream.is_some_and(|upstream| upstream.was_evaluated(released));
            if is_known { ServiceState::Behind } else { ServiceState::Ahead }
        }
        (Some(_), None, Some(_)) => ServiceState::New,
        (Some(_), _, None) if upstream.is_some() => ServiceState::NotEligible,
        (Some(_), _, None) => ServiceState::OnlyHere,
    };
    Comparison { service: service.clone(), released, evaluated, not_eligible, state }
}

/// Returns the services that differ, by name.
pub fn candidates(
    stages: &Stages,
    project: &Project,
    stage: &StageName,
    from: &StageName,
) -> Vec<Candidate> {
    compare(stages, project, stage, Some(from))
        .into_iter()
        .filter(Comparison::differs)
        .filter_map(|one| {
            let (artifact, _, context, _, position) = one.evaluated?;
            Some(Candidate { service: one.service, artifact, context, position })
        })
        .collect()
}
