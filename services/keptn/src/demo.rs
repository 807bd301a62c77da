//! The demo's history: project `sockshop`, in which hardening has fallen behind dev. It is played
//! by events alone, as any client could.
//!
//! 1. One version of each service goes to dev, then hardening is synced, and production follows.
//! 2. Sixteen more versions of carts, one of which fails its evaluation, a version of carts-db, and
//!    last of all a version of carts that fails.

use std::{collections::BTreeSet, time::Duration};

use bus::names;
use model::{
    KeptnContext, Position, ProjectName, ServiceName, StageName,
    view::{
        Delivery, PROJECTS, Projects, ProjectsQuery, Readiness, SEQUENCE, SEQUENCES,
        SEQUENCES_PAGE_MAX, SequenceQuery, Sequences, SequencesQuery,
    },
};
use serde_json::{Map, json};
use tokio::time::{Instant, sleep};

use crate::{
    client::Client,
    failure::Failure,
    stamp,
    wire::{self, Request, Trigger},
};

/// The demo's stages and sequences.
pub(crate) const SHIPYARD: &str = include_str!("../../../deploy/demo/shipyard.yaml");
/// Who plays its tasks, and how.
pub(crate) const UNIFORM: &str = include_str!("../../../deploy/demo/uniform.yaml");

const PROJECT: &str = "sockshop";
const SEQUENCE_NAME: &str = "artifact-delivery";
const SERVICES: [&str; 3] = ["carts", "carts-db", "catalogue"];
/// Values of the stages: no rolling updates in dev, three replicas in hardening.
const REPLICA_COUNTS: [(&str, u32); 2] = [("dev", 1), ("hardening", 3)];
/// What goes to dev before hardening is synced.
const FIRST_ARTIFACTS: [(&str, &str); 3] =
    [("carts", "carts:0.10.1"), ("carts-db", "carts-db:0.4.0"), ("catalogue", "catalogue:1.7.0")];
/// Patch versions of carts 0.10 that follow in dev.
const CARTS_PATCHES: std::ops::RangeInclusive<u32> = 2..=17;
/// What goes to dev at the last: the second one fails its evaluation.
const LAST_ARTIFACTS: [(&str, &str); 2] =
    [("carts-db", "carts-db:0.4.1"), ("carts", "carts:0.10.18")];

/// Longest time until all components are ready.
const READY_WAIT: Duration = Duration::from_secs(30);
/// Longest time until one component says whether it is ready.
const READY_ANSWER_WAIT: Duration = Duration::from_millis(500);
/// Longest time until the runs of one part of the history have ended; none of its tasks takes time.
const HISTORY_WAIT: Duration = Duration::from_mins(2);
/// Pause between two looks.
const LOOK_PAUSE: Duration = Duration::from_millis(20);

/// What `play` did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Played {
    /// The history was played.
    Now {
        /// Its runs.
        runs: usize,
    },
    /// The project was there already; nothing was changed.
    Before,
}

/// Waits until components are ready.
///
/// # Errors
/// Exit code 3 with the names of those that are not.
pub(crate) async fn wait_until_ready(
    client: &Client,
    components: &[&'static str],
) -> Result<(), Failure> {
    let until = Instant::now() + READY_WAIT;
    let mut missing: BTreeSet<&str> = components.iter().copied().collect();
    loop {
        for component in missing.clone() {
            let subject = names::ready_subject(component);
            let answer: Result<Readiness, Failure> =
                client.ask_within(&subject, &json!({}), READY_ANSWER_WAIT).await;
            if answer.is_ok_and(|answer| answer.ready) {
                missing.remove(component);
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        if Instant::now() >= until {
            let names: Vec<&str> = missing.into_iter().collect();
            let secs = READY_WAIT.as_secs();
            let message = format!("{} must be ready within {secs} s", names.join(", "));
            return Err(Failure::unreachable(message)
                .hint("start the services with `keptn dev` or `docker compose up -d`"));
        }
        sleep(LOOK_PAUSE).await;
    }
}

/// Plays the history, unless the project exists.
///
/// # Errors
/// Exit code 3 if a service does not go on; what was played until then stays.
pub(crate) async fn play(client: &Client) -> Result<Played, Failure> {
    let project = name::<ProjectName>(PROJECT)?;
    let known: Projects = client.ask(PROJECTS, &ProjectsQuery::default()).await?;
    if known.projects.iter().any(|one| one.project == project) {
        return Ok(Played::Before);
    }
    let player = Player { client, project };
    player.set_up().await?;
    player
        .deliver(&FIRST_ARTIFACTS.map(|(service, artifact)| (service, artifact.to_owned())))
        .await?;
    let synced = player.sync_hardening().await?;
    let mut artifacts: Vec<(&str, String)> =
        CARTS_PATCHES.map(|patch| ("carts", format!("carts:0.10.{patch}"))).collect();
    artifacts.extend(LAST_ARTIFACTS.map(|(service, artifact)| (service, artifact.to_owned())));
    player.deliver(&artifacts).await?;
    player.wait_for_delivery(&synced).await?;
    Ok(Played::Now { runs: player.runs().await? })
}

/// Says the events of the history.
struct Player<'a> {
    client: &'a Client,
    project: ProjectName,
}

impl Player<'_> {
    /// Creates the project, its services, and the values of its stages.
    async fn set_up(&self) -> Result<(), Failure> {
        let create =
            wire::project("create", &self.project, SHIPYARD, Some(UNIFORM), stamp::stamp()?);
        // The commands on one project are decided one after the other, so the last answer says
        // that all are carried out; but the first may be refused.
        self.client.carry_out(&create).await?;
        for service in SERVICES {
            let service = name::<ServiceName>(service)?;
            self.client
                .store(&wire::service("create", &self.project, &service, stamp::stamp()?))
                .await?;
            for (stage, replicas) in REPLICA_COUNTS {
                let values = Map::from_iter([("replicaCount".to_owned(), json!(replicas))]);
                let stage = name::<StageName>(stage)?;
                let change = wire::configuration_change(
                    &self.project,
                    &stage,
                    &service,
                    &values,
                    stamp::stamp()?,
                );
                self.client.store(&change).await?;
            }
        }
        Ok(())
    }

    /// Delivers artifacts to dev, in order, and waits until all their runs have ended.
    async fn deliver(&self, artifacts: &[(&str, String)]) -> Result<(), Failure> {
        let mut last = 0;
        for (service, artifact) in artifacts {
            let request = Request::Service {
                service: name::<ServiceName>(service)?,
                artifact: Some(artifact.clone()),
                values: Map::new(),
            };
            (_, last) = self.trigger("dev", request).await?;
        }
        self.wait_for_stage("dev", last).await
    }

    /// Syncs hardening, and returns once it is decided what the sync takes over.
    async fn sync_hardening(&self) -> Result<(KeptnContext, Position), Failure> {
        let request = Request::Sync { from: None, services: Vec::new() };
        let synced = self.trigger("hardening", request).await?;
        let until = Instant::now() + HISTORY_WAIT;
        loop {
            let delivery = self.delivery(&synced).await;
            if delivery
                .is_some_and(|found| found.sequences.iter().any(|run| !run.services.is_empty()))
            {
                return Ok(synced);
            }
            pause(until, "the sync of hardening").await?;
        }
    }

    async fn trigger(
        &self,
        stage: &str,
        request: Request,
    ) -> Result<(KeptnContext, Position), Failure> {
        let trigger = Trigger {
            project: self.project.clone(),
            stage: name(stage)?,
            sequence: name(SEQUENCE_NAME)?,
            request,
            labels: Map::new(),
            data: Map::new(),
            git_commit_id: None,
        };
        let context = KeptnContext::of_trigger(&stamp::new_id()?);
        let event = wire::trigger(&trigger, &context, stamp::stamp()?);
        let position = self.client.store(&event).await?;
        Ok((context, position))
    }

    /// Waits until no run of a stage is open.
    async fn wait_for_stage(&self, stage: &str, at_least: Position) -> Result<(), Failure> {
        let query = SequencesQuery {
            project: Some(self.project.to_string()),
            stage: Some(stage.to_owned()),
            open_only: true,
            at_least: Some(at_least),
            ..SequencesQuery::default()
        };
        let until = Instant::now() + HISTORY_WAIT;
        loop {
            let answer: Result<Sequences, Failure> = self.client.ask(SEQUENCES, &query).await;
            if answer.is_ok_and(|open| open.sequences.is_empty()) {
                return Ok(());
            }
            pause(until, stage).await?;
        }
    }

    /// Waits until a delivery has ended in all stages.
    async fn wait_for_delivery(&self, delivery: &(KeptnContext, Position)) -> Result<(), Failure> {
        let until = Instant::now() + HISTORY_WAIT;
        while self.delivery(delivery).await.is_none_or(|found| found.open) {
            pause(until, "the sync of hardening").await?;
        }
        Ok(())
    }

    async fn delivery(&self, (context, position): &(KeptnContext, Position)) -> Option<Delivery> {
        let query = SequenceQuery { keptn_context: context.to_string(), at_least: Some(*position) };
        self.client.ask(SEQUENCE, &query).await.ok()
    }

    /// Counts the runs of the history.
    async fn runs(&self) -> Result<usize, Failure> {
        let query = SequencesQuery {
            project: Some(self.project.to_string()),
            limit: SEQUENCES_PAGE_MAX,
            ..SequencesQuery::default()
        };
        let all: Sequences = self.client.ask(SEQUENCES, &query).await?;
        Ok(all.sequences.len())
    }
}

async fn pause(until: Instant, what: &str) -> Result<(), Failure> {
    if Instant::now() >= until {
        let secs = HISTORY_WAIT.as_secs();
        return Err(Failure::unreachable(format!("{what} must end within {secs} s, did not"))
            .hint(format!("keptn get sequence --project={PROJECT} --open")));
    }
    sleep(LOOK_PAUSE).await;
    Ok(())
}

/// Parses a name of the demo.
fn name<T: std::str::FromStr<Err = model::InvalidName>>(text: &str) -> Result<T, Failure> {
    text.parse().map_err(|error: model::InvalidName| Failure::usage(error.to_string()))
}

#[cfg(test)]
mod tests {
    use model::{Shipyard, TaskResult, Uniform};

    use super::*;

    #[test]
    fn the_shipyard_has_the_stages_of_the_story() {
        let reading = Shipyard::read(SHIPYARD);
        assert_eq!((&reading.errors, &reading.warnings), (&Vec::new(), &Vec::new()));
        let shipyard = reading.value.unwrap();
        let labels = |stage: &str| -> Vec<String> {
            let sequence = shipyard.stage(stage).unwrap().sequence(SEQUENCE_NAME).unwrap();
            (0..sequence.tasks.len()).map(|index| sequence.task_label(index).unwrap()).collect()
        };
        assert_eq!(labels("dev"), ["deployment", "test", "evaluation", "release"]);
        let tested =
            ["deployment", "test (functional)", "test (performance)", "evaluation", "release"];
        assert_eq!(labels("hardening"), tested);
        assert_eq!(labels("production")[0], "update");
        assert_eq!(labels("production")[1..], tested);
    }

    #[test]
    fn every_task_of_the_demo_has_an_executor() {
        let reading = Uniform::read(UNIFORM);
        assert_eq!((&reading.errors, &reading.warnings), (&Vec::new(), &Vec::new()));
        let uniform = reading.value.unwrap();
        let shipyard = Shipyard::read(SHIPYARD).value.unwrap();
        for task in
            shipyard.stages.iter().flat_map(|stage| &stage.sequences).flat_map(|one| &one.tasks)
        {
            let executors = uniform.executors(&task.name, &task.properties).count();
            assert_eq!(executors, 1, "{}", task.name);
        }
    }

    #[test]
    fn two_versions_of_carts_fail_their_evaluation() {
        let uniform = Uniform::read(UNIFORM).value.unwrap();
        let failing: Vec<&str> = uniform
            .services
            .iter()
            .flat_map(|service| &service.stub)
            .filter(|rule| rule.result == Some(TaskResult::Fail))
            .filter_map(|rule| rule.artifact.as_deref())
            .collect();
        assert_eq!(failing, ["carts:0.10.16", "carts:0.10.18"]);
    }
}
