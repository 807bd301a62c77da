//! Commands on projects: how they are answered, in which order, and what triggers wait for.

use fold::sequence::{Phase, Reason};
use model::StageName;
use serde_json::{Value, json};

use crate::stream::{Stream, carts, encoded, owed, pass, shipyard, short};

fn documents() -> String {
    shipyard(&[
        "{name: dev, sequences: [{name: d, tasks: [{name: deployment}]}]}",
        "{name: hard, sequences: [{name: d, tasks: [{name: update}, {name: deployment}]}]}",
    ])
}

fn stream() -> Stream {
    Stream::with_project(&documents(), &["carts"])
}

#[test]
fn a_project_is_created_with_its_documents() {
    let mut stream = Stream::default();
    let shipyard = encoded(&documents());
    let answer =
        stream.command("project.create", json!({"projectName": "sockshop", "shipyard": shipyard}));
    assert_eq!(answer["status"], "succeeded", "{answer}");
    assert_eq!(answer["project"], "sockshop");
    assert_eq!(answer["shipyard"], shipyard);
    assert_eq!(answer["createdProject"]["projectName"], "sockshop");
    assert!(stream.world.catalog.project("sockshop").is_some());
    assert_eq!(stream.world.catalog, stream.config, "everybody folds the same");
}

#[test]
fn an_answer_with_the_largest_documents_fits_into_a_message() {
    let fill = |text: &str| {
        let rest = model::document::DOCUMENT_BYTES_MAX - text.len() - 2;
        format!("{text}\n#{}", "x".repeat(rest))
    };
    let uniform = fill("spec: {services: []}");
    let mut stream = Stream::with_documents(&fill(&documents()), Some(&uniform), &["carts"]);
    let finished = stream.said().find(|event| short(event).starts_with("project.create.finished"));
    assert!(finished.unwrap().to_json().len() <= 800_000);
    stream.deliver("dev.d", "1");
    assert!(stream.is_empty());
}

#[test]
fn own_values_cannot_pile_up_without_end() {
    let mut stream = stream();
    let mut set = |key: &str, length: usize| {
        stream.command(
            "configuration.change",
            json!({"project": "p", "stage": "dev",
            "service": "carts", "configurationChange": {"values": {key: "x".repeat(length)}}}),
        )
    };
    assert_eq!(set("a", 60_000)["status"], "succeeded");
    let refused = set("b", 60_000);
    assert_eq!(refused["code"], "invalid");
    assert!(refused["message"].as_str().unwrap().contains("at most 65536 bytes"), "{refused}");
    assert_eq!(set("a", 10)["status"], "succeeded");
}

#[test]
fn a_project_may_have_the_longest_name_that_is_one() {
    let mut stream = Stream::default();
    let name = "a".repeat(model::name::PROJECT_NAME_BYTES_MAX);
    let answer = stream
        .command("project.create", json!({"project": name, "shipyard": encoded(&documents())}));
    assert_eq!(answer["project"], name);
    assert!(stream.world.catalog.project(&name).is_some());
    stream.command("service.create", json!({"project": name, "service": "carts"}));
    let (context, _) = stream.trigger("dev.d", json!({"project": name, "service": "carts"}));
    stream.play(|_| "pass");
    assert_eq!(stream.told(&context), ["deployment.triggered", "dev.d.finished succeeded/pass"]);
}

/// Type, data, and the code and a part of the message of the answer.
type Case = (&'static str, Value, &'static str, &'static str);

fn bad_creates() -> Vec<Case> {
    vec![
        (
            "project.create",
            json!({"project": "p", "shipyard": encoded(&documents())}),
            "exists",
            "project `p` exists already",
        ),
        (
            "project.create",
            json!({"project": "Bad", "shipyard": encoded(&documents())}),
            "invalid",
            "project name `Bad` must be",
        ),
        ("project.create", json!({"project": "q"}), "invalid", "`shipyard` is missing"),
        (
            "project.create",
            json!({"project": "q", "shipyard": "%"}),
            "invalid",
            "could not decode `shipyard`",
        ),
        (
            "project.create",
            json!({"project": "q", "shipyard": encoded("stages: [")}),
            "invalid",
            "the shipyard is not valid",
        ),
        (
            "project.create",
            json!({"project": "q", "shipyard": encoded(&documents()), "uniform": encoded("x: 1")}),
            "invalid",
            "the uniform is not valid",
        ),
    ]
}

fn bad_changes() -> Vec<Case> {
    vec![
        (
            "project.update",
            json!({"project": "q", "shipyard": encoded(&documents())}),
            "notFound",
            "project `q` does not exist",
        ),
        (
            "project.update",
            json!({"project": "p", "shipyard": encoded(&shipyard(&["{name: dev, sequences: []}"]))}),
            "invalid",
            "stage `hard` cannot be renamed or removed",
        ),
        ("project.delete", json!({"project": "q"}), "notFound", "project `q` does not exist"),
        ("project.rename", json!({"project": "p"}), "invalid", "`project.rename` is no command"),
        (
            "service.create",
            json!({"project": "p", "service": "carts"}),
            "exists",
            "service `carts` exists already",
        ),
    ]
}

fn bad_services_and_values() -> Vec<Case> {
    vec![
        (
            "service.create",
            json!({"project": "p", "service": "x".repeat(44)}),
            "invalid",
            "must be 1-43",
        ),
        (
            "service.create",
            json!({"project": "q", "service": "carts"}),
            "notFound",
            "project `q` does not exist",
        ),
        (
            "service.delete",
            json!({"project": "p", "service": "cart"}),
            "notFound",
            "service `cart` does not exist",
        ),
        (
            "configuration.change",
            json!({"project": "p", "stage": "dex", "service": "carts"}),
            "notFound",
            "stage `dex` does not exist",
        ),
        (
            "configuration.change",
            json!({"project": "p", "stage": "dev", "service": "carts"}),
            "invalid",
            "must name at least one value",
        ),
        (
            "configuration.change",
            json!({"project": "p", "stage": "dev", "service": "carts", "configurationChange": {"values": {"image": "x"}}}),
            "invalid",
            "`image` is no value of a stage",
        ),
    ]
}

#[test]
fn what_cannot_be_done_is_refused_with_code_and_hint() {
    let cases = [bad_creates(), bad_changes(), bad_services_and_values()].concat();
    for (kind, data, code, message) in cases {
        let mut stream = stream();
        let before: Vec<_> = stream.world.catalog.projects().cloned().collect();
        let answer = stream.command(kind, &data);
        assert_eq!(
            (&answer["status"], &answer["result"]),
            (&json!("errored"), &json!("fail")),
            "{kind} {data}"
        );
        assert_eq!(answer["code"], code, "{answer}");
        assert!(answer["message"].as_str().unwrap().contains(message), "{answer}");
        assert_ne!(answer["hint"].as_str().unwrap(), "");
        let after: Vec<_> = stream.world.catalog.projects().cloned().collect();
        assert_eq!(before, after, "{kind}");
    }
}

#[test]
fn commands_of_a_project_are_decided_one_after_the_other() {
    let mut stream = stream();
    let first = stream.make("service.create.triggered", json!({"project": "p", "service": "x"}));
    let second = stream.make("service.create.triggered", json!({"project": "p", "service": "x"}));
    let other = stream.make(
        "project.create.triggered",
        json!({"project": "q", "shipyard": encoded(&documents())}),
    );
    let ids = [first.id.clone(), second.id.clone(), other.id.clone()];
    for event in [first, second, other] {
        stream.store(event);
    }
    let owed = stream.owed_events();
    let answered: Vec<_> = owed.iter().map(|event| event.triggered_id.clone().unwrap()).collect();
    assert_eq!(answered, [ids[0].clone(), ids[2].clone()], "one per project");
    stream.settle();
    assert_eq!(stream.answer_to(&ids[0])["status"], "succeeded");
    assert_eq!(stream.answer_to(&ids[1])["code"], "exists");
}

#[test]
fn a_repeated_command_is_answered_once() {
    let mut stream = stream();
    let event = stream.make("service.create.triggered", json!({"project": "p", "service": "x"}));
    let answer = stream.command_event(event.clone());
    assert_eq!(answer["status"], "succeeded");
    let applied = stream.store(event);
    assert!(applied.notes.iter().any(|note| note.to_string() == "this command was seen already"));
    assert!(stream.owed_events().is_empty());
}

#[test]
fn one_id_may_name_commands_of_two_kinds() {
    let mut stream = stream();
    let create = stream.make("service.create.triggered", json!({"project": "p", "service": "x"}));
    let mut delete =
        stream.make("service.delete.triggered", json!({"project": "p", "service": "x"}));
    delete.id = create.id.clone();
    stream.command_event(create);
    stream.store(delete);
    stream.settle();
    assert_eq!(stream.world.catalog.project("p").unwrap().services.len(), 1);
}

#[test]
fn a_trigger_waits_for_the_commands_before_it_and_not_for_those_behind() {
    let mut stream = Stream::default();
    let create = stream.make(
        "project.create.triggered",
        json!({"project": "p", "shipyard": encoded(&documents())}),
    );
    let service =
        stream.make("service.create.triggered", json!({"project": "p", "service": "carts"}));
    stream.store(create);
    stream.store(service);
    let (context, _) = stream.trigger("dev.d", carts("1"));
    let delete =
        stream.make("service.delete.triggered", json!({"project": "p", "service": "carts"}));
    stream.store(delete);
    for _ in 0..2 {
        let run = stream.run(&context).unwrap();
        assert_eq!(stream.world.sequences.waiting(run).unwrap().reason, Reason::Command);
        let answer = owed(&stream.config, stream.world.now()).remove(0);
        stream.store(answer);
    }
    let run = stream.run(&context).unwrap();
    assert_eq!(run.phase, Phase::Decided, "decided before the service is deleted");
    assert_eq!(run.cause, stream.world.now(), "at the position of the last answer");
    assert_eq!(short(&stream.owed_in(&context)[0]), "deployment.triggered");
}

#[test]
fn a_trigger_that_waits_can_be_aborted() {
    let mut stream = stream();
    let command = stream.make("service.create.triggered", json!({"project": "p", "service": "x"}));
    stream.store(command);
    let (context, _) = stream.trigger("dev.d", carts("1"));
    stream.control(&context, "abort", json!({"project": "p"}));
    stream.settle();
    assert!(stream.told(&context).contains(&"dev.d.finished aborted/pass".to_owned()));
    assert!(stream.world.sequences.is_idle());
}

#[test]
fn a_trigger_does_not_wait_for_ever_when_an_answer_names_another_project() {
    let mut stream = stream();
    let command = stream.make("service.create.triggered", json!({"project": "p", "service": "x"}));
    stream.store(command);
    let (context, _) = stream.trigger("dev.d", carts("1"));
    let mut answer = owed(&stream.config, stream.world.now()).remove(0);
    answer.data = model::Payload::from_map(json!({"project": "q"}).as_object().unwrap());
    stream.store(answer);
    assert_eq!(short(&stream.owed_in(&context)[0]), "deployment.triggered");
}

#[test]
fn a_service_that_is_deleted_takes_its_values_with_it() {
    let mut stream = stream();
    let values = json!({"project": "p", "stage": "dev", "service": "carts",
        "configurationChange": {"values": {"replicaCount": 2}}});
    stream.command("configuration.change", values);
    stream.command("service.delete", json!({"project": "p", "service": "carts"}));
    stream.command("service.create", json!({"project": "p", "service": "carts"}));
    let project = stream.world.catalog.project("p").unwrap();
    let own = project.own(&StageName::new("dev").unwrap(), project.services.keys().next().unwrap());
    assert_eq!(own.as_str(), "{}");
}

#[test]
fn an_update_keeps_the_uniform_when_only_the_shipyard_changes_and_the_other_way_round() {
    let uniform = "spec: {services: [{name: one, events: [deployment.triggered]}]}";
    let mut stream = Stream::with_documents(&documents(), Some(uniform), &[]);
    let longer = format!("{}    - {{name: prod, sequences: []}}\n", documents());
    let answer =
        stream.command("project.update", json!({"project": "p", "shipyard": encoded(&longer)}));
    assert_eq!(answer["status"], "succeeded", "{answer}");
    let definition = stream.world.catalog.project("p").unwrap().definition.clone();
    assert_eq!((definition.shipyard.stages.len(), definition.uniform_text()), (3, Some(uniform)));
    let other = "spec: {services: []}";
    let answer =
        stream.command("project.update", json!({"project": "p", "uniform": encoded(other)}));
    assert_eq!(answer["status"], "succeeded", "{answer}");
    let definition = stream.world.catalog.project("p").unwrap().definition.clone();
    assert_eq!((definition.shipyard.stages.len(), definition.uniform_text()), (3, Some(other)));
    let answer = stream.command("project.update", json!({"project": "p", "uniform": null}));
    assert_eq!(answer["status"], "succeeded", "{answer}");
    let definition = stream.world.catalog.project("p").unwrap().definition.clone();
    assert_eq!((definition.shipyard.stages.len(), definition.uniform_text()), (3, None));
}

#[test]
fn deleting_a_project_aborts_its_runs_and_clears_its_status() {
    let mut stream = stream();
    stream.deliver("dev.d", "1");
    let (open, _) = stream.trigger("dev.d", carts("2"));
    let (queued, _) = stream.trigger("dev.d", carts("3"));
    stream.settle();
    let (name, stage) =
        (stream.run(&open).unwrap().project.clone(), StageName::new("dev").unwrap());
    let service = stream.run(&open).unwrap().services[0].name.clone();
    let is_known =
        |stream: &Stream| stream.world.stages.delivered(&name, &stage, &service).is_some();
    assert!(is_known(&stream));
    let answer = stream.command("project.delete", json!({"project": "p"}));
    assert_eq!(answer["status"], "succeeded");
    for context in [&open, &queued] {
        let told = stream.told(context);
        assert!(told.contains(&"dev.d.finished aborted/pass".to_owned()), "{told:?}");
    }
    assert!(!is_known(&stream));
    let task = stream.open_task(&open);
    stream.answer(&task, "executor", "finished", pass());
    assert!(stream.is_empty());
    assert!(!is_known(&stream), "a late answer brings nothing back");
}

#[test]
fn an_end_from_before_a_project_was_deleted_marks_nothing_in_a_new_one() {
    let mut stream = stream();
    let (context, _) = stream.trigger("dev.d", carts("1"));
    stream.settle();
    let task = stream.open_task(&context);
    stream.answer(&task, "executor", "finished", pass());
    let late = stream.owed_in(&context).remove(0);
    let run = stream.run(&context).unwrap().clone();
    let delete = stream.make("project.delete.triggered", json!({"project": "p"}));
    let create = stream.make(
        "project.create.triggered",
        json!({"project": "p", "shipyard": encoded(&documents())}),
    );
    stream.store(delete);
    stream.store(create);
    for _ in 0..2 {
        let answer = owed(&stream.config, stream.world.now()).remove(0);
        stream.store(answer);
    }
    stream.store(late);
    assert!(
        stream.world.stages.delivered(&run.project, &run.stage, &run.services[0].name).is_none()
    );
}

#[test]
fn a_trigger_behind_the_delete_is_refused_and_one_behind_a_new_create_runs() {
    let mut stream = stream();
    let delete = stream.make("project.delete.triggered", json!({"project": "p"}));
    stream.store(delete);
    let (refused, _) = stream.trigger("dev.d", carts("1"));
    let create = stream.make(
        "project.create.triggered",
        json!({"project": "p", "shipyard": encoded(&documents())}),
    );
    stream.store(create);
    let service =
        stream.make("service.create.triggered", json!({"project": "p", "service": "carts"}));
    stream.store(service);
    let (runs, _) = stream.trigger("dev.d", carts("2"));
    stream.play(|_| "pass");
    assert_eq!(stream.told(&refused), ["dev.d.finished errored/fail"]);
    assert_eq!(stream.data_of(&refused, "dev.d.finished")["code"], "notFound");
    let find =
        |kind: &str| stream.events.iter().find(|stored| stored.subject.ends_with(kind)).unwrap();
    let end = find("dev.d.finished").body.clone().unwrap();
    let decided = find("project.delete.finished").time.to_string();
    assert_eq!(end.time.as_deref(), Some(decided.as_str()), "the time of the cause");
    assert_eq!(stream.told(&runs), ["deployment.triggered", "dev.d.finished succeeded/pass"]);
}

#[test]
fn the_task_update_is_answered_by_config_store_with_what_it_wrote() {
    let mut stream = stream();
    let (context, _) = stream.trigger("hard.d", carts("1"));
    stream.settle();
    let answers: Vec<String> = stream
        .said()
        .filter(|event| {
            event.context.as_ref() == Some(&context) && &*event.source == fold::catalog::SOURCE
        })
        .map(short)
        .collect();
    assert_eq!(answers, ["update.started", "update.finished succeeded/pass"]);
    let written = stream.data_of(&context, "update.finished");
    assert_eq!(written["update"], json!({"services": {"carts": {"image": "carts:1"}}}));
    let sent: Value = stream.data_of(&context, "deployment.triggered");
    assert_eq!(sent["update"], written["update"], "and it is carried on");
    let project = stream.world.catalog.project("p").unwrap();
    let own =
        project.own(&StageName::new("hard").unwrap(), project.services.keys().next().unwrap());
    assert_eq!(own.as_str(), r#"{"image":"carts:1"}"#);
    let task = stream.said().find(|event| short(event) == "update.triggered").unwrap().clone();
    stream.store(task);
    assert!(owed(&stream.config, stream.world.now()).is_empty(), "a repeated one is answered once");
}

#[test]
fn an_update_waits_for_config_store_whatever_others_answer() {
    let mut stream = stream();
    let (context, _) = stream.trigger("hard.d", carts("1"));
    let task = stream.owed_in(&context).remove(0);
    stream.store(task.clone());
    stream.answer(&task, "update-service", "finished", pass());
    assert!(stream.run(&context).unwrap().open.is_some());
}

#[test]
fn an_update_writes_nothing_for_a_service_that_is_gone() {
    let mut stream = stream();
    let (context, _) = stream.trigger("hard.d", carts("1"));
    let task = stream.owed_in(&context).remove(0);
    stream.command("service.delete", json!({"project": "p", "service": "carts"}));
    stream.store(task);
    stream.settle();
    stream.command("service.create", json!({"project": "p", "service": "carts"}));
    let project = stream.world.catalog.project("p").unwrap();
    let own =
        project.own(&StageName::new("hard").unwrap(), project.services.keys().next().unwrap());
    assert_eq!(own.as_str(), "{}");
}

#[test]
fn an_update_of_a_project_that_is_gone_fails() {
    let mut stream = stream();
    let (context, _) = stream.trigger("hard.d", carts("1"));
    let task = stream.owed_in(&context).remove(0);
    let delete = stream.make("project.delete.triggered", json!({"project": "p"}));
    stream.store(delete);
    let answer = owed(&stream.config, stream.world.now()).remove(0);
    stream.store(answer);
    stream.store(task);
    stream.settle();
    assert_eq!(stream.data_of(&context, "update.finished")["status"], "errored");
    assert!(stream.is_empty());
}
