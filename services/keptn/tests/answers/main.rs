//! The command line against a real NATS on which a small view and a small config-store answer:
//! what is published, what is printed, and how each answer ends a command.
#![cfg(test)]

mod scene;

use scene::Scene;
use serde_json::{Value, json};

const STORY: &str = "\
> Released services in hardening:
- carts:0.10.1
- carts-db:0.4.0
- catalogue:1.7.0

> Ongoing deployments/tests/evaluations:
- N/A

> Sync status: hardening is OUT-OF-SYNC with dev.
Last successfully evaluated configuration:
- carts:0.10.17
- carts-db:0.4.1
- catalogue:1.7.0

> Execute: `keptn trigger artifact-delivery --project=sockshop --stage=hardening` to update:
- carts:0.10.1 --> carts:0.10.17
- carts-db:0.4.0 --> carts-db:0.4.1
";

#[tokio::test]
async fn the_status_is_the_story_byte_for_byte() {
    let scene = Scene::start().await;
    let line = ["view", "status", "--stage=hardening", "--project=sockshop"];
    let ran = scene.keptn(&line).await;
    assert_eq!((ran.code, ran.out.as_str()), (0, STORY));
    assert_eq!(
        ran.err,
        "note: carts:0.10.18 is newer in dev but failed its evaluation: p95 is over 600 ms\n"
    );
    let ran = scene.keptn(&[&line[..], &["--exit-code", "--output=json"]].concat()).await;
    let document: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((ran.code, ran.err.as_str()), (1, ""));
    assert_eq!(document["syncStatus"], "out-of-sync");
    assert_eq!(document["services"][0]["evaluatedContext"], Value::Null);
}

#[tokio::test]
async fn unknown_names_end_with_2_and_the_hint_of_the_view() {
    let scene = Scene::start().await;
    let ran = scene.keptn(&["view", "status", "-s", "nowhere", "-p", "sockshop"]).await;
    assert_eq!((ran.code, ran.out.as_str()), (2, ""));
    assert_eq!(ran.err, "error: stage `nowhere` is unknown\nhint: there is dev, hardening\n");
}

#[tokio::test]
async fn a_sync_prints_its_context_and_tells_its_plan() {
    let scene = Scene::start().await;
    let line =
        "trigger artifact-delivery --project=sockshop --stage=hardening --from=dev -l by=sue";
    let ran = scene.keptn(&line.split(' ').collect::<Vec<_>>()).await;
    assert_eq!(ran.code, 0, "{}", ran.err);
    let event = scene.last_event().await;
    assert_eq!(ran.out, format!("{}\n", event["shkeptncontext"].as_str().unwrap()));
    assert_eq!(ran.err, "carts 0.10.1 -> 0.10.17 (from dev)\n");
    assert_eq!(event["type"], "sh.keptn.event.hardening.artifact-delivery.triggered");
    assert_eq!(event["source"], "keptn-cli");
    let data = json!({"project":"sockshop","stage":"hardening","sync":{"from":"dev"},"labels":{"by":"sue"}});
    assert_eq!(event["data"], data);
}

#[tokio::test]
async fn what_cannot_be_triggered_is_not_published() {
    let scene = Scene::start().await;
    for (line, hint) in [
        ("--stage=hardning", "did you mean `hardening`?"),
        ("--stage=dev", "--service=SERVICE --artifact=ARTIFACT"),
        ("--service=cart --artifact=carts:1", "did you mean `carts`?"),
    ] {
        let words = ["trigger", "artifact-delivery", "--project=sockshop"];
        let ran = scene.keptn(&[&words[..], &line.split(' ').collect::<Vec<_>>()].concat()).await;
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{line}: {}", ran.err);
        assert!(ran.err.contains(hint), "{line}: {}", ran.err);
    }
    assert_eq!(scene.events_stored().await, 0);
}

#[tokio::test]
async fn a_watched_delivery_ends_as_its_run_does() {
    let scene = Scene::start().await;
    for (artifact, code, end) in [
        ("carts:pass", 0, "dev passed in 2.0 s\n"),
        ("carts:fail", 6, "dev failed at deployment: disk full\n"),
        ("carts:abort", 7, "dev aborted at deployment\n"),
    ] {
        let line = format!(
            "trigger artifact-delivery -p sockshop --service=carts --artifact={artifact} --wait"
        );
        let ran = scene.keptn(&line.split(' ').collect::<Vec<_>>()).await;
        assert_eq!(ran.code, code, "{artifact}: {} {}", ran.out, ran.err);
        assert!(ran.out.ends_with(end), "{artifact}: {}", ran.out);
        assert_eq!(ran.err.contains("hint: keptn get sequence "), code == 6, "{}", ran.err);
    }
}

#[tokio::test]
async fn a_watch_ends_at_its_time_out_and_leaves_the_run() {
    let scene = Scene::start().await;
    let line = "trigger artifact-delivery -p sockshop --service=carts --artifact=carts:open --wait --timeout=500ms";
    let ran = scene.keptn(&line.split(' ').collect::<Vec<_>>()).await;
    assert_eq!(ran.code, 8, "{} {}", ran.out, ran.err);
    assert!(ran.err.contains("is still running"), "{}", ran.err);
    assert_eq!(scene.events_stored().await, 1);
}

#[tokio::test]
async fn a_command_waits_for_its_answer() {
    let scene = Scene::start().await;
    let ran = scene.keptn(&["create", "service", "orders", "-p", "sockshop"]).await;
    assert_eq!((ran.code, ran.out.as_str()), (0, ""), "{}", ran.err);
    assert_eq!(ran.err, "created service orders in project sockshop\n");
    let line = "configure service carts -p sockshop -s hardening --set replicaCount=3 --set a.b=x";
    let ran = scene.keptn(&line.split(' ').collect::<Vec<_>>()).await;
    assert_eq!(ran.err, "configured carts in hardening: a={\"b\":\"x\"}, replicaCount=3\n");
    assert_eq!((ran.code, ran.out.as_str()), (0, ""));
}

#[tokio::test]
async fn a_refused_command_ends_as_its_code_says() {
    let scene = Scene::start().await;
    for (service, code) in
        [("exists", 5), ("decided", 5), ("refused", 5), ("notfound", 2), ("invalid", 2)]
    {
        let ran = scene.keptn(&["create", "service", service, "-p", "sockshop"]).await;
        let expected = format!("error: no {service}\nhint: another\n");
        assert_eq!((ran.code, ran.out, ran.err), (code, String::new(), expected));
    }
}

#[tokio::test]
async fn a_command_that_nobody_answers_is_stored_and_ends_with_3() {
    let scene = Scene::start().await;
    let ran = scene.keptn(&["create", "service", "silence", "-p", "sockshop"]).await;
    assert_eq!((ran.code, ran.out.as_str()), (3, ""), "{}", ran.err);
    assert!(
        ran.err.starts_with("error: stored at position 1, will be carried out\n"),
        "{}",
        ran.err
    );
}

#[tokio::test]
async fn an_event_is_sent_as_it_is_and_its_context_printed() {
    let scene = Scene::start().await;
    let file = scene.file("e.json", r#"{"type":"sh.keptn.event.test.finished","id":"one","extra":1.10,"shkeptncontext":"c-1","data":{}}"#);
    let ran = scene.keptn(&["send", "event", "-f", &file]).await;
    assert_eq!((ran.code, ran.out.as_str()), (0, "c-1\n"), "{}", ran.err);
    let event = scene.last_event().await;
    assert_eq!((&event["id"], &event["source"]), (&json!("one"), &json!("keptn-cli")));
    assert_eq!(event["extra"].to_string(), "1.10");
}

#[tokio::test]
async fn an_approval_answers_what_waits() {
    let scene = Scene::start().await;
    let ran = scene.keptn(&["decline", "-c", "approval", "-m", "too late"]).await;
    assert_eq!((ran.code, ran.out.as_str()), (0, ""), "{}", ran.err);
    let event = scene.last_event().await;
    assert_eq!(event["type"], "sh.keptn.event.approval.finished");
    assert_eq!(event["triggeredid"], "approval-1");
    assert_eq!(
        (&event["data"]["result"], &event["data"]["status"]),
        (&json!("fail"), &json!("succeeded"))
    );
    let ran = scene.keptn(&["approve", "-c", "approval"]).await;
    assert_eq!(ran.code, 5, "{}", ran.err);
    assert!(ran.err.contains("decided already: fail"), "{}", ran.err);
}

#[tokio::test]
async fn a_nats_without_services_ends_with_3_and_says_what_to_start() {
    let scene = Scene::bare().await;
    for line in ["get project", "create service s -p p"] {
        let ran = scene.keptn(&line.split(' ').collect::<Vec<_>>()).await;
        assert_eq!((ran.code, ran.out.as_str()), (3, ""), "{line}: {}", ran.err);
        assert!(ran.err.contains("hint: start the services with `keptn dev`"), "{}", ran.err);
    }
}

#[tokio::test]
async fn a_watched_status_is_printed_once_while_nothing_changes() {
    let scene = Scene::start().await;
    let line = "view status --stage=hardening --project=sockshop --watch --timeout=600ms";
    let ran = scene.keptn(&line.split(' ').collect::<Vec<_>>()).await;
    assert_eq!((ran.code, ran.out.as_str()), (0, STORY), "{}", ran.err);
}
