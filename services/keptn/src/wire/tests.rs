//! The events byte for byte.

use super::*;

fn stamp() -> Stamp {
    Stamp { id: EventId::new("id-1").unwrap(), time: "2026-11-23T12:00:00Z".to_owned() }
}

fn sync(from: Option<&str>, services: &[&str]) -> Event {
    let request = Request::Sync {
        from: from.map(|from| from.parse().unwrap()),
        services: services.iter().map(|one| one.parse().unwrap()).collect(),
    };
    triggered(request, Map::new())
}

fn triggered(request: Request, labels: Map<String, Value>) -> Event {
    let what = Trigger {
        project: "sockshop".parse().unwrap(),
        stage: "hardening".parse().unwrap(),
        sequence: "artifact-delivery".parse().unwrap(),
        request,
        labels,
    };
    trigger(&what, &KeptnContext::new("c").unwrap(), stamp())
}

#[test]
fn a_sync_is_an_event_with_project_and_stage() {
    assert_eq!(
        sync(None, &[]).to_json(),
        concat!(
            r#"{"specversion":"1.0","id":"id-1","source":"keptn-cli","#,
            r#""type":"sh.keptn.event.hardening.artifact-delivery.triggered","#,
            r#""time":"2026-11-23T12:00:00Z","datacontenttype":"application/json","#,
            r#""shkeptncontext":"c","shkeptnspecversion":"0.2.4","#,
            r#""data":{"project":"sockshop","stage":"hardening"}}"#
        )
    );
    assert_eq!(
        sync(Some("dev"), &["carts"]).data.as_str(),
        r#"{"project":"sockshop","stage":"hardening","sync":{"from":"dev","services":["carts"]}}"#
    );
}

#[test]
fn a_delivery_carries_its_artifact_and_values() {
    let mut values = Map::new();
    values.insert("replicaCount".to_owned(), json!(2));
    let service = "carts".parse().unwrap();
    let request = Request::Service { service, artifact: Some("carts:1".to_owned()), values };
    let labels = object(json!({"by": "tim"}));
    assert_eq!(
        triggered(request, labels).data.as_str(),
        concat!(
            r#"{"configurationChange":{"values":{"image":"carts:1","replicaCount":2}},"#,
            r#""labels":{"by":"tim"},"project":"sockshop","service":"carts","stage":"hardening"}"#
        )
    );
}

#[test]
fn a_run_without_artifact_has_no_configuration_change() {
    let request =
        Request::Service { service: "carts".parse().unwrap(), artifact: None, values: Map::new() };
    assert_eq!(
        triggered(request, Map::new()).data.as_str(),
        r#"{"project":"sockshop","service":"carts","stage":"hardening"}"#
    );
}

#[test]
fn documents_travel_in_base64() {
    let created = project("create", &"p".parse().unwrap(), "a: 1\n", Some("b"), stamp());
    assert_eq!(created.event_type.to_string(), "sh.keptn.event.project.create.triggered");
    assert_eq!(created.data.as_str(), r#"{"project":"p","shipyard":"YTogMQo=","uniform":"Yg=="}"#);
    assert_eq!(created.context, Some(KeptnContext::of_trigger(&created.id)));
}

#[test]
fn a_configuration_change_keeps_null() {
    let patch = object(json!({"replicaCount": 3, "old": null}));
    let (project, stage) = ("p".parse().unwrap(), "dev".parse().unwrap());
    let changed = configuration_change(&project, &stage, &"s".parse().unwrap(), &patch, stamp());
    assert_eq!(
        changed.data.as_str(),
        r#"{"configurationChange":{"values":{"old":null,"replicaCount":3}},"project":"p","service":"s","stage":"dev"}"#
    );
}

#[test]
fn an_approval_answers_its_trigger() {
    let open = OpenApproval {
        project: "p".parse().unwrap(),
        stage: "production".parse().unwrap(),
        service: None,
        context: KeptnContext::new("c").unwrap(),
        triggered_id: EventId::new("t").unwrap(),
        task: "approval".parse().unwrap(),
    };
    let answer = approval(&open, TaskResult::Fail, Some("too late today"), stamp());
    assert_eq!(answer.event_type.to_string(), "sh.keptn.event.approval.finished");
    assert_eq!(answer.triggered_id, Some(open.triggered_id));
    assert_eq!(
        answer.data.as_str(),
        r#"{"message":"too late today","project":"p","result":"fail","stage":"production","status":"succeeded"}"#
    );
}

#[test]
fn a_command_on_a_run_names_its_context() {
    let context = KeptnContext::new("c").unwrap();
    let stage = "dev".parse().unwrap();
    let abort =
        sequence(SequenceVerb::Abort, &"p".parse().unwrap(), Some(&stage), &context, stamp());
    assert_eq!(abort.event_type.to_string(), "sh.keptn.event.sequence.abort.triggered");
    assert_eq!(abort.context, Some(context));
    assert_eq!(abort.data.as_str(), r#"{"project":"p","stage":"dev"}"#);
}

#[test]
fn what_is_deleted_is_named() {
    let project = "p".parse().unwrap();
    let deleted = project_delete(&project, stamp());
    assert_eq!(deleted.event_type.to_string(), "sh.keptn.event.project.delete.triggered");
    assert_eq!(deleted.data.as_str(), r#"{"project":"p"}"#);
    let deleted = service("delete", &project, &"carts".parse().unwrap(), stamp());
    assert_eq!(deleted.event_type.to_string(), "sh.keptn.event.service.delete.triggered");
    assert_eq!(deleted.data.as_str(), r#"{"project":"p","service":"carts"}"#);
}
