//! Projects and services: what config-store decides.

use model::StageName;
use serde_json::{Value, json};
use testing::{Stream, encoded, shipyard};

const DEV: &str = "{name: dev, sequences: [{name: d, tasks: [{name: deployment}]}]}";
const PROD: &str = "{name: prod, sequences: [{name: d, tasks: [{name: deployment}]}]}";

fn stream() -> Stream {
    Stream::with_project(&shipyard(&[DEV, PROD]), &["carts"])
}

fn create(project: &str, shipyard: &str) -> Value {
    json!({"project": project, "shipyard": encoded(shipyard)})
}

/// Sends a command that is refused; returns its code. Nothing has changed.
#[track_caller]
fn refused(stream: &mut Stream, kind: &str, data: &Value) -> String {
    let before: Vec<_> = stream.config.projects().cloned().collect();
    let answer = stream.command(kind, data);
    assert_eq!((&answer["status"], &answer["result"]), (&json!("errored"), &json!("fail")));
    assert!(!answer["message"].as_str().unwrap().is_empty(), "{answer}");
    assert!(!answer["hint"].as_str().unwrap().is_empty(), "{answer}");
    let after: Vec<_> = stream.config.projects().cloned().collect();
    assert_eq!(before, after, "{kind} {data}");
    answer["code"].as_str().unwrap().to_owned()
}

/// Case I1, same: a project is created, and `project.create.finished` names it with its shipyard.
#[test]
fn case_i1_a_project_is_created() {
    let mut stream = Stream::default();
    let documents = shipyard(&[DEV, PROD]);
    let answer = stream.command("project.create", create("sockshop", &documents));
    assert_eq!((&answer["status"], &answer["result"]), (&json!("succeeded"), &json!("pass")));
    let created = &answer["createdProject"];
    assert_eq!(created["projectName"], "sockshop");
    assert_eq!(created["shipyard"], encoded(&documents));
    let project = stream.config.project("sockshop").unwrap();
    let stages: Vec<&str> =
        project.definition.shipyard.stages.iter().map(|stage| stage.name.as_str()).collect();
    assert_eq!(stages, ["dev", "prod"]);
}

/// Case I2, differs: a project that exists is not created again. Because: there is no HTTP interface
/// to answer 409; the command is refused with the code `exists`.
#[test]
fn case_i2_a_project_that_exists_is_not_created_again() {
    let mut stream = stream();
    let again = create("p", &shipyard(&[DEV]));
    assert_eq!(refused(&mut stream, "project.create", &again), "exists");
}

/// Case I3, differs: a project with an invalid name or shipyard is not created. Because: there is no
/// HTTP interface to answer 400; the command is refused with the code `invalid`.
#[test]
fn case_i3_an_invalid_project_is_not_created() {
    let documents = shipyard(&[DEV]);
    let invalid = [
        create("No Name", &documents),
        create(&"x".repeat(201), &documents),
        create("q", "stages: ["),
        create("q", &shipyard(&[])),
        create("q", &shipyard(&["{name: Dev}"])),
        create("q", &documents.replace("/0.2.3", "/0.1.7")),
        json!({"project": "q", "shipyard": "%"}),
        json!({"project": "q"}),
    ];
    for data in invalid {
        assert_eq!(refused(&mut Stream::default(), "project.create", &data), "invalid", "{data}");
    }
}

/// Case I4, differs: when a step of creating a project fails, the steps before it are taken back.
/// Because: there are no steps; one answer creates the project whole, and until it is in the stream
/// there is none.
#[test]
fn case_i4_a_project_is_there_whole_or_not_at_all() {
    let mut stream = Stream::default();
    let event = stream.make("project.create.triggered", create("q", &shipyard(&[DEV, PROD])));
    stream.store(event);
    assert!(stream.config.project("q").is_none(), "asked for, and not answered");
    stream.settle();
    assert_eq!(stream.config.project("q").unwrap().definition.shipyard.stages.len(), 2);
}

/// Case I5, differs: an update cannot change the stages. Because: a stage can be neither renamed nor
/// removed, as in Keptn; one may be added, which takes nothing from anybody.
#[test]
fn case_i5_stages_can_be_added_and_neither_renamed_nor_removed() {
    let mut stream = stream();
    let renamed = PROD.replace("prod", "production");
    for stages in [&[DEV][..], &[DEV, &renamed]] {
        let data = create("p", &shipyard(stages));
        assert_eq!(refused(&mut stream, "project.update", &data), "invalid");
    }
    let added = PROD.replace("prod", "live");
    let answer = stream.command("project.update", create("p", &shipyard(&[DEV, PROD, &added])));
    assert_eq!(answer["status"], "succeeded", "{answer}");
    assert_eq!(stream.config.project("p").unwrap().definition.shipyard.stages.len(), 3);
}

/// Case I6, same: a service is created in all stages at once, and deleted in all of them.
#[test]
fn case_i6_a_service_is_created_in_all_stages() {
    let mut stream = stream();
    let data = json!({"project": "p", "service": "db"});
    assert_eq!(stream.command("service.create", &data)["status"], "succeeded");
    for stage in ["dev", "prod"] {
        let (context, _) = stream.trigger(&format!("{stage}.d"), &data);
        stream.play(|_| "pass");
        let end = format!("{stage}.d.finished succeeded/pass");
        assert_eq!(stream.told(&context).last(), Some(&end));
    }
    assert_eq!(stream.command("service.delete", &data)["status"], "succeeded");
    for stage in ["dev", "prod"] {
        let (context, _) = stream.trigger(&format!("{stage}.d"), &data);
        stream.settle();
        assert_eq!(stream.told(&context), [format!("{stage}.d.finished errored/fail")]);
    }
}

/// Case I7, differs: a service that exists is not created again. Because: there is no HTTP interface
/// to answer 409; the command is refused with the code `exists`.
#[test]
fn case_i7_a_service_that_exists_is_not_created_again() {
    let data = json!({"project": "p", "service": "carts"});
    assert_eq!(refused(&mut stream(), "service.create", &data), "exists");
}

/// Case I8, same: the name of a service has at most 43 characters.
#[test]
fn case_i8_a_service_name_has_at_most_43_characters() {
    let named = |length: usize| json!({"project": "p", "service": "x".repeat(length)});
    let mut stream = stream();
    assert_eq!(refused(&mut stream, "service.create", &named(44)), "invalid");
    assert_eq!(stream.command("service.create", named(43))["status"], "succeeded");
}

fn set(stage: &str, key: &str, value: u32) -> Value {
    json!({"project": "p", "stage": stage, "service": "carts",
           "configurationChange": {"values": {key: value}}})
}

/// Case I9, differs: a change that conflicts with another one is tried again. Because: there is no
/// commit that could conflict; changes of a project stand in one order, and each lies on top of the
/// one before.
#[test]
fn case_i9_two_changes_at_once_both_hold() {
    let mut stream = stream();
    for (key, value) in [("replicaCount", 1), ("memory", 512), ("replicaCount", 3)] {
        let event = stream.make("configuration.change.triggered", set("dev", key, value));
        stream.store(event);
    }
    stream.settle();
    let project = stream.config.project("p").unwrap();
    let service = project.services.keys().next().unwrap();
    let own = project.own(&StageName::new("dev").unwrap(), service);
    assert_eq!(Value::Object(own.to_map()), json!({"replicaCount": 3, "memory": 512}));
}

/// Case I10, same: commands of one project are decided one after the other; those of another project
/// do not wait for them.
#[test]
fn case_i10_commands_of_a_project_are_decided_one_after_the_other() {
    let mut stream = stream();
    let one = stream.make("service.create.triggered", json!({"project": "p", "service": "x"}));
    let two = stream.make("service.create.triggered", json!({"project": "p", "service": "x"}));
    let other = stream.make("project.create.triggered", create("q", &shipyard(&[DEV])));
    let ids = [one.id.clone(), two.id.clone(), other.id.clone()];
    for event in [one, two, other] {
        stream.store(event);
    }
    let owed: Vec<_> = stream.owed_events().into_iter().map(|one| one.triggered_id).collect();
    assert_eq!(owed, [Some(ids[0].clone()), Some(ids[2].clone())]);
    stream.settle();
    assert_eq!(stream.answer_to(&ids[0])["status"], "succeeded");
    assert_eq!(stream.answer_to(&ids[1])["code"], "exists");
}

fn resource((stage, service): (Option<&str>, Option<&str>), content: &str) -> Value {
    let mut data = json!({"project": "p", "resourceURI": "helm/slo.yaml"});
    for (level, name) in [("stage", stage), ("service", service)] {
        if let Some(name) = name {
            data[level] = name.into();
        }
    }
    data["resourceContent"] = encoded(content).into();
    data
}

/// Case I11, same: a resource has a level of its own in the project, in a stage and for a service of a
/// stage.
#[test]
fn case_i11_resources_stand_at_three_levels() {
    let mut stream = stream();
    let levels = [(None, None), (Some("dev"), None), (Some("dev"), Some("carts"))];
    for (n, level) in levels.iter().enumerate() {
        let answer = stream.command("resource.create", resource(*level, &format!("{n}")));
        assert_eq!(answer["status"], "succeeded", "{answer}");
    }
    let found = |(stage, service)| {
        let found = stream.config.resource(("p", stage, service), "helm/slo.yaml", None);
        found.ok().map(|(_, version)| version.hash.to_string())
    };
    let hashes: std::collections::BTreeSet<_> = levels.into_iter().filter_map(found).collect();
    assert_eq!(hashes.len(), 3);
    assert_eq!(found((Some("prod"), None)), None);
}

/// Case I12, differs: a resource that exists is not created again, one that does not exist is not
/// found, and an invalid one is refused. Because: there is no HTTP interface to answer 409, 404 and
/// 400; the command is refused with the codes `exists`, `notFound` and `invalid`.
#[test]
fn case_i12_a_resource_is_neither_created_twice_nor_made_up() {
    let mut stream = stream();
    let data = resource((None, None), "one");
    stream.command("resource.create", data.clone());
    assert_eq!(refused(&mut stream, "resource.create", &data), "exists");
    let unknown = json!({"project": "p", "resourceURI": "helm/slo.yml"});
    assert_eq!(refused(&mut stream, "resource.delete", &unknown), "notFound");
    assert_eq!(
        refused(&mut stream, "resource.create", &resource((Some("qa"), None), "")),
        "notFound"
    );
    for uri in ["", "../slo.yaml", "/slo.yaml", "helm//slo.yaml"] {
        let mut data = data.clone();
        data["resourceURI"] = uri.into();
        assert_eq!(refused(&mut stream, "resource.create", &data), "invalid", "{uri}");
    }
    let mut data = data;
    data["resourceContent"] = "%".into();
    assert_eq!(refused(&mut stream, "resource.update", &data), "invalid");
}

/// Case I13, differs: an earlier version of a resource is found by its commit id. Because: there is no
/// Git below a stage; a version is named by the hash of its content, 40 hex digits as a commit id, and
/// the last sixteen earlier ones are kept.
#[test]
fn case_i13_an_earlier_version_is_found_by_its_id() {
    let mut stream = stream();
    let level = (None, None);
    let first = stream.command("resource.update", resource(level, "one"));
    let second = stream.command("resource.update", resource(level, "two"));
    assert_ne!(first["version"], second["version"]);
    for answer in [&first, &second] {
        let version = answer["version"].as_str().unwrap();
        assert_eq!(version.len(), 40);
        let found = stream.config.resource(("p", None, None), "helm/slo.yaml", Some(version));
        assert!(found.is_ok(), "{version}");
    }
}
