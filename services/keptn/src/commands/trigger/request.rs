//! What a trigger asks for, from its flags and what the project has. Pure.

use model::{StageName, view::Project};
use serde_json::{Map, Value};

use super::TriggerArgs;
use crate::{failure::Failure, lookup, wire::Request};

/// A trigger that makes sense.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Plan {
    /// Where.
    pub(super) stage: StageName,
    /// What for.
    pub(super) request: Request,
}

/// Checks names and combinations of flags.
///
/// # Errors
/// Exit code 2, with what to write instead.
pub(super) fn plan(
    arguments: &TriggerArgs,
    project: &Project,
    values: Map<String, Value>,
) -> Result<Plan, Failure> {
    let stage = match &arguments.stage {
        Some(name) => lookup::stage(project, name)?,
        None => lookup::first_stage(project)?,
    };
    let delivers = lookup::delivers(stage, &arguments.sequence)?;
    for service in &arguments.service {
        lookup::service(project, service)?;
    }
    if let Some(from) = &arguments.from {
        let from = &lookup::stage(project, from)?.stage;
        if *from == stage.stage {
            let message = format!("stage `{from}` cannot take over from itself");
            return Err(Failure::usage(message).hint("name another stage with --from"));
        }
    }
    let is_run = arguments.artifact.is_some()
        || arguments.is_plain
        || (!delivers && !arguments.service.is_empty());
    let request = if is_run {
        service_request(arguments, values)?
    } else {
        let is_first = stage.from.is_none();
        sync_request(arguments, (&stage.stage, is_first, delivers), &values)?
    };
    Ok(Plan { stage: stage.stage.clone(), request })
}

/// A run for one service, with or without an artifact.
fn service_request(
    arguments: &TriggerArgs,
    values: Map<String, Value>,
) -> Result<Request, Failure> {
    if arguments.from.is_some() || arguments.separately {
        let sequence = &arguments.sequence;
        let message = format!(
            "sequence `{sequence}` has no `deployment` and no `release` task, so it takes nothing over"
        );
        return Err(Failure::usage(message).hint("leave out --from and --separately"));
    }
    let [service] = arguments.service.as_slice() else {
        let message = "a run without a sync is for exactly one service";
        return Err(Failure::usage(message).hint("trigger once for each --service"));
    };
    let (service, artifact) = (service.clone(), arguments.artifact.clone());
    Ok(Request::Service { service, artifact, values })
}

/// A sync of `stage`, which may be the first one or have a sequence that cannot be a sync.
fn sync_request(
    arguments: &TriggerArgs,
    (stage, is_first, delivers): (&StageName, bool, bool),
    values: &Map<String, Value>,
) -> Result<Request, Failure> {
    let (project, sequence) = (&arguments.project, &arguments.sequence);
    if !delivers {
        let message = format!(
            "sequence `{sequence}` has no `deployment` and no `release` task, so it needs a service"
        );
        return Err(Failure::usage(message).hint("--service=SERVICE"));
    }
    if is_first && arguments.from.is_none() {
        let message = format!(
            "stage `{stage}` is the first stage, there is none to bring it up to date with"
        );
        let service = arguments.service.first().map_or("SERVICE", model::ServiceName::as_str);
        return Err(Failure::usage(message).hint(format!(
            "deliver an artifact: keptn trigger {sequence} --project={project} --service={service} --artifact=ARTIFACT"
        )));
    }
    if !values.is_empty() {
        let message = "a sync takes over artifacts only, `--set` has no place in it";
        return Err(Failure::usage(message).hint(format!(
            "keptn configure service SERVICE --project={project} --stage={stage} --set KEY=VALUE"
        )));
    }
    Ok(Request::Sync { from: arguments.from.clone(), services: arguments.service.clone() })
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use model::view::{ProjectSequence, ProjectService, ProjectStage, SyncStatus};

    use super::*;
    use crate::{
        arguments::{Arguments, Command, TopCommand},
        commands::trigger::Given,
        render::testing::time_at,
    };

    fn sockshop() -> Project {
        let sequence = |name: &str, delivers| ProjectSequence {
            sequence: name.parse().unwrap(),
            tasks: Vec::new(),
            delivers,
        };
        let stage = |name: &str, from: Option<&str>| ProjectStage {
            stage: name.parse().unwrap(),
            from: from.map(|from| from.parse().unwrap()),
            sync_status: SyncStatus::InSync,
            differing: 0,
            running: 0,
            sequences: vec![sequence("artifact-delivery", true), sequence("check", false)],
        };
        let service =
            |name: &str| ProjectService { service: name.parse().unwrap(), created_at: time_at(0) };
        Project {
            project: "sockshop".parse().unwrap(),
            created_at: time_at(0),
            shipyard_version: "0.2.3".to_owned(),
            stages: vec![stage("dev", None), stage("hardening", Some("dev"))],
            services: vec![service("carts"), service("carts-db")],
        }
    }

    /// Reads a command line and says what it asks for, or the failure.
    fn planned(line: &str) -> Result<String, String> {
        let words = ["keptn", "trigger"].into_iter().chain(line.split(' '));
        let read = Arguments::try_parse_from(words.chain(["--project=sockshop"]));
        let command = read.map_err(|error| error.to_string())?.command;
        let TopCommand::Waiting(Command::Trigger(arguments)) = command else {
            panic!("no trigger: {line}");
        };
        let arguments = arguments.resolved().map_err(|failure| failure.to_string())?;
        let given = Given::read(&arguments).map_err(|failure| failure.to_string())?;
        match plan(&arguments, &sockshop(), given.values) {
            Ok(Plan { stage, request: Request::Sync { from, services } }) => {
                Ok(format!("{stage}: sync from {from:?} of {services:?}"))
            }
            Ok(Plan { stage, request: Request::Service { service, artifact, values } }) => {
                Ok(format!("{stage}: {service} {artifact:?} {}", Value::Object(values)))
            }
            Err(failure) => Err(failure.to_string()),
        }
    }

    #[test]
    fn a_stage_alone_is_a_sync() {
        let plan = planned("artifact-delivery --stage=hardening").unwrap();
        assert_eq!(plan, "hardening: sync from None of []");
        let plan =
            planned("artifact-delivery --stage=hardening --from=dev --service=carts,carts-db");
        assert_eq!(plan.unwrap(), r#"hardening: sync from Some("dev") of ["carts", "carts-db"]"#);
    }

    #[test]
    fn an_artifact_goes_to_the_first_stage() {
        let plan = planned("artifact-delivery --service=carts --artifact=carts:1 --set a=1");
        assert_eq!(plan.unwrap(), r#"dev: carts Some("carts:1") {"a":1}"#);
    }

    #[test]
    fn a_sequence_that_delivers_nothing_runs_for_a_service() {
        let plan = planned("check --stage=dev --service=carts").unwrap();
        assert_eq!(plan, "dev: carts None {}");
        assert!(planned("evaluation --stage=dev --service=carts").is_ok());
        assert!(planned("check --stage=dev").unwrap_err().contains("needs a service"));
    }

    #[test]
    fn keptns_forms_name_the_sequence_elsewhere() {
        let delivery = "delivery --sequence artifact-delivery --service=carts --image=carts:1";
        let delivery = planned(&format!("{delivery} --values a=1,b.c=x")).unwrap();
        assert_eq!(delivery, r#"dev: carts Some("carts:1") {"a":1,"b":{"c":"x"}}"#);
        let run = "sequence artifact-delivery --stage=hardening --service=carts -l by=ci -d a.b=c";
        assert_eq!(planned(run).unwrap(), "hardening: carts None {}");
        let sync = planned("sequence artifact-delivery --stage=hardening").unwrap();
        assert_eq!(sync, "hardening: sync from None of []");
        assert!(planned("evaluation --stage=dev --service=carts --timeframe=5m").is_ok());
    }

    #[test]
    fn a_second_name_and_a_sequence_flag_have_their_places() {
        let refused = |line: &str| planned(line).unwrap_err();
        let two = refused("artifact-delivery check --stage=dev");
        assert!(two.contains("`artifact-delivery` and `check` are two"), "{two}");
        let astray = refused("check --sequence artifact-delivery --stage=dev");
        assert!(astray.contains("keptn trigger delivery"), "{astray}");
        let names = refused("sequence check --stage=dev --service=carts -d project=p");
        assert!(names.contains("key `project` must not be given as data"), "{names}");
    }

    #[test]
    fn the_first_stage_cannot_be_synced() {
        let failure = planned("artifact-delivery --stage=dev --service=carts").unwrap_err();
        assert!(failure.contains("`dev` is the first stage"), "{failure}");
        assert!(failure.contains("--service=carts --artifact=ARTIFACT"), "{failure}");
    }

    #[test]
    fn unknown_names_get_the_nearest_one() {
        let hint = |line| planned(line).unwrap_err();
        assert!(hint("artifact-delivery --stage=hardning").contains("did you mean `hardening`?"));
        assert!(
            hint("artefact-delivery --stage=dev").contains("did you mean `artifact-delivery`?")
        );
        assert!(
            hint("artifact-delivery --service=cart --artifact=a:1")
                .contains("did you mean `carts`?")
        );
    }

    #[test]
    fn flags_that_do_not_go_together_are_refused() {
        for line in [
            "artifact-delivery --stage=dev --artifact=carts:1",
            "artifact-delivery --service=carts --artifact=carts:1 --from=dev",
            "artifact-delivery --service=carts,carts-db --artifact=carts:1",
            "artifact-delivery --stage=hardening --set a=1",
            "artifact-delivery --stage=hardening --from=hardening",
            "artifact-delivery",
            "check --stage=hardening --service=carts --from=dev",
        ] {
            assert!(planned(line).is_err(), "{line}");
        }
    }
}
