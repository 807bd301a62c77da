//! The events byte for byte.

use super::*;

fn stamp() -> Stamp {
    let time = "2026-11-23T12:00:00Z".to_owned();
    Stamp { id: EventId::new("id-1").unwrap(), time, source: "keptn-cli" }
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
        data: Map::new(),
        git_commit_id: None,
    };
    trigger(&what, &KeptnContext::new("c").unwrap(), stamp())
}

#[test]
fn a_retry_names_only_what_is_narrowed() {
    let retry = |from, stage| {
        let event = retry(
            from,
            (&"p".parse().unwrap(), stage, None),
            &KeptnContext::new("c").unwrap(),
            stamp(),
        );
        (event.event_type.to_string(), Value::Object(event.data.to_map()))
    };
    let kind = "sh.keptn.event.sequence.retry.triggered".to_owned();
    assert_eq!(retry(RetryFrom::Start, None), (kind.clone(), json!({"project": "p"})));
    assert_eq!(
        retry(RetryFrom::FailedTask, Some(&"dev".parse().unwrap())),
        (kind, json!({"project": "p", "stage": "dev", "from": "failedTask"}))
    );
}

#[test]
fn what_is_given_as_data_stands_beside_what_flags_say() {
    let what = Trigger {
        project: "sockshop".parse().unwrap(),
        stage: "dev".parse().unwrap(),
        sequence: "delivery".parse().unwrap(),
        request: Request::Service {
            service: "carts".parse().unwrap(),
            artifact: Some("carts:1".to_owned()),
            values: Map::new(),
        },
        labels: Map::new(),
        data: object(
            json!({"configurationChange":{"values":{"a":1,"image":"old"},"b":2},"x":{"y":"z"}}),
        ),
        git_commit_id: Some("0a1b2c3".to_owned()),
    };
    let event = trigger(&what, &KeptnContext::new("c").unwrap(), stamp());
    assert_eq!(event.git_commit_id.as_deref(), Some("0a1b2c3"));
    let data = json!({
        "configurationChange": {"values": {"a": 1, "image": "carts:1"}, "b": 2},
        "project": "sockshop", "service": "carts", "stage": "dev", "x": {"y": "z"},
    });
    assert_eq!(Value::Object(event.data.to_map()), data);
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
            r#""traceparent":"00-5f3c4aff19425c5fb26fd4e2a9e1e9ad-8cd2abb8915d716d-01","#,
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
    let said = ApprovalAnswer {
        result: TaskResult::Fail,
        message: Some("too late today".to_owned()),
        labels: object(json!({"by": "sue"})),
    };
    let answer = approval(&open, &said, stamp());
    assert_eq!(answer.event_type.to_string(), "sh.keptn.event.approval.finished");
    assert_eq!(answer.triggered_id, Some(open.triggered_id));
    assert_eq!(
        answer.data.as_str(),
        r#"{"labels":{"by":"sue"},"message":"too late today","project":"p","result":"fail","stage":"production","status":"succeeded"}"#
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

#[test]
fn a_resource_names_its_level_and_carries_its_content() {
    let (project, stage) = ("sockshop".parse().unwrap(), "dev".parse().unwrap());
    let uri = "helm/carts.tgz".parse().unwrap();
    let added = resource("update", (&project, Some(&stage), None), (&uri, Some("eA==")), stamp());
    assert_eq!(added.event_type.to_string(), "sh.keptn.event.resource.update.triggered");
    assert_eq!(
        added.data.as_str(),
        r#"{"project":"sockshop","resourceContent":"eA==","resourceURI":"helm/carts.tgz","stage":"dev"}"#
    );
    let deleted = resource("delete", (&project, None, None), (&uri, None), stamp());
    assert_eq!(deleted.data.as_str(), r#"{"project":"sockshop","resourceURI":"helm/carts.tgz"}"#);
}
