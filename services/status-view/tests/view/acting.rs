//! Acting over HTTP: only with the token and from a page of ours; then the event is the command
//! line's.

use model::{
    KeptnContext,
    view::{self, Projects},
};
use serde_json::{Value, json};

use crate::{
    client::{ask, get},
    running::Running,
    scene::{Scene, TOKEN},
    stream::{SHIPYARD, Stream, UNIFORM},
};

const VERBS: [&str; 7] = ["trigger", "pause", "resume", "abort", "retry", "approve", "decline"];

#[tokio::test]
async fn an_artifact_is_delivered_by_a_program() {
    let scene = Scene::over(Stream::behind()).await;
    let body = json!({"project": "sockshop", "stage": "dev", "sequence": "artifact-delivery",
        "service": "carts", "artifact": "carts:2"});
    let answer = scene.say("trigger", &body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let [event] = &scene.stored().await[..] else { panic!("one event") };
    assert_eq!(answer.json()["keptnContext"], event.context.as_ref().unwrap().as_str());
    assert_eq!(
        Value::Object(event.data.to_map()),
        json!({"project": "sockshop", "stage": "dev", "service": "carts",
            "configurationChange": {"values": {"image": "carts:2"}}})
    );
}

#[tokio::test]
async fn an_approval_is_answered_once() {
    let shipyard = SHIPYARD.replacen("- {name: evaluation}", "- {name: approval}", 1);
    let mut stream =
        Stream::with_project(&shipyard, Some(UNIFORM), &["carts", "carts-db", "catalogue"]);
    let context = stream.trigger("dev", "carts", "carts:1");
    stream.play_until_approval();
    let mut scene = Scene::over(stream).await;
    let body = json!({"keptnContext": context, "message": "looks good"});
    assert_eq!(scene.say("approve", &body).await.status, 200);
    let event = scene.decide().await;
    assert_eq!(event.event_type.to_string(), "sh.keptn.event.approval.finished");
    let data = Value::Object(event.data.to_map());
    assert_eq!((&data["result"], &data["message"]), (&json!("pass"), &json!("looks good")));
    scene.wait().await;
    let again = scene.say("decline", &body).await;
    assert_eq!((again.status, &again.json()["error"]["code"]), (409, &json!("refused")));
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_and_stores_nothing() {
    let scene = Scene::over(Stream::behind()).await;
    for (verb, body, status, said) in [
        ("trigger", json!({}), 400, "`project` is needed"),
        ("trigger", json!({"project": "sokshop", "stage": "dev"}), 404, "sockshop"),
        ("trigger", json!({"project": "sockshop", "stage": "hardning"}), 404, "hardening"),
        (
            "trigger",
            json!({"project": "sockshop", "stage": "dev", "sequence": "artifact-delivery"}),
            400,
            "first stage",
        ),
        (
            "trigger",
            json!({"project": "sockshop", "stage": "hardening", "sequence": "nothing"}),
            404,
            "artifact-delivery",
        ),
        (
            "trigger",
            json!({"project": "sockshop", "stage": "hardening", "sequence": "check"}),
            400,
            "needs a service",
        ),
        (
            "trigger",
            json!({"project": "sockshop", "stage": "hardening", "service": "cart"}),
            404,
            "carts",
        ),
        (
            "trigger",
            json!({"project": "sockshop", "stage": "hardening", "unknown": "x"}),
            400,
            "unknown",
        ),
        ("pause", json!({}), 400, "`keptnContext` is needed"),
        ("abort", json!({"keptnContext": "00000000-0000"}), 404, "no sequence"),
        ("start", json!({}), 404, "trigger"),
    ] {
        let answer = scene.say(verb, &body).await;
        assert_eq!(answer.status, status, "{verb} {body}: {answer:?}");
        assert!(answer.body.contains(said), "{verb} {body}: {answer:?}");
    }
    assert_eq!(scene.stored().await, []);
}

#[tokio::test]
async fn another_site_can_do_nothing() {
    let mut stream = Stream::behind();
    let context: KeptnContext = stream.sync("hardening");
    let scene = Scene::over(stream).await;
    let form =
        format!("project=sockshop&stage=hardening&keptnContext={context}&back=/runs/{context}");
    let (ours, cookie) = (scene.origin(), scene.cookie.as_str());
    let bearer = format!("Authorization: Bearer {TOKEN}");
    let foreign = "Origin: http://evil.example";
    let near = format!("Origin: http://{}.evil.example", scene.running.address);
    // Even with the cookie and everything that a form of ours carries: from elsewhere, or from
    // nowhere.
    let mut tries: Vec<(String, Vec<&str>, &str)> = Vec::new();
    for verb in VERBS {
        let path = format!("/actions/{verb}");
        tries.push((path.clone(), vec![cookie], &form));
        tries.push((path.clone(), vec![cookie, foreign], &form));
        tries.push((path, vec![cookie, "Sec-Fetch-Site: cross-site"], &form));
    }
    let path = "/actions/trigger".to_owned();
    for from in [
        "Origin: null",
        "Origin: file://",
        "Sec-Fetch-Site: same-site",
        "Sec-Fetch-Site: none",
        &near,
    ] {
        tries.push((path.clone(), vec![cookie, from], &form));
    }
    tries.push((path.clone(), vec![cookie, &ours, "Sec-Fetch-Site: cross-site"], &form));
    tries.push((path, vec![cookie, foreign, "Sec-Fetch-Site: same-origin"], &form));
    tries.push(("/api/v1/actions/trigger".to_owned(), vec![&bearer, foreign], "{}"));
    tries.push(("/api/v1/actions/trigger".to_owned(), vec![cookie, &ours], "{}"));
    tries.push(("/logout".to_owned(), vec![cookie, foreign], ""));
    tries.push(("/logout".to_owned(), vec![cookie], ""));
    let login = format!("token={TOKEN}");
    tries.push(("/login".to_owned(), vec![foreign], &login));
    tries.push(("/login".to_owned(), vec!["Origin: null"], &login));
    tries.push(("/login".to_owned(), vec![&ours], "token=wrong"));
    assert!(tries.len() >= 20);
    for (path, headers, body) in tries {
        let answer = scene.post(&path, &headers, body).await;
        assert_eq!(answer.status, 403, "{path} {headers:?}: {answer:?}");
        assert_eq!(answer.header("set-cookie"), "", "{path} {headers:?}");
    }
    for path in ["/actions/abort", "/logout"] {
        assert_eq!(scene.get(path).await.status, 405);
    }
    assert_eq!(scene.stored().await, []);
    let session = ask(scene.running.address, "GET", "/api/v1/session", &[cookie], "").await;
    assert_eq!(session.json(), json!({"possible": true, "loggedIn": true}), "still logged in");
}

#[tokio::test]
async fn without_a_token_everything_is_read_only() {
    let running = Running::start().await;
    running.ask::<Projects>(view::PROJECTS, &json!({})).await.unwrap();
    for (path, kind) in [
        ("/login", "Content-Type: application/x-www-form-urlencoded"),
        ("/actions/trigger", "Content-Type: application/x-www-form-urlencoded"),
        ("/api/v1/actions/trigger", "Content-Type: application/json"),
    ] {
        let origin = format!("Origin: http://{}", running.address);
        let refused = ask(running.address, "POST", path, &[kind, &origin], "{}").await;
        assert_eq!(refused.status, 403, "{path}: {refused:?}");
        assert!(refused.body.contains("UI_TOKEN_FILE"), "{path}: {refused:?}");
    }
    let session = get(running.address, "/api/v1/session").await.json();
    assert_eq!(session, json!({"possible": false, "loggedIn": false}));
    let page = get(running.address, "/projects").await.body;
    assert!(!page.contains("method=\"post\"") && !page.contains("/login"), "{page}");
}
