//! The process itself: what it exits with, and that it says when it is ready.

use std::{
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use model::view::Readiness;
use serde_json::json;
use tokio::time::{interval, timeout};

use crate::scene::{Scene, WAIT, lines};

/// How often a test looks at what it waits for.
const LOOK_EVERY: Duration = Duration::from_millis(10);

struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

impl Process {
    fn start(scene: &Scene, settings: &[(&str, &str)]) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_stub-executor"))
            .env_clear()
            .env("NATS_URL", scene.server.url())
            .env("KEPTN_STOP_WITH_STDIN", "1")
            .envs(settings.iter().copied())
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self(child)
    }

    async fn ended(&mut self) -> ExitStatus {
        let mut look = interval(LOOK_EVERY);
        let ended = async {
            loop {
                look.tick().await;
                if let Some(status) = self.0.try_wait().unwrap() {
                    return status;
                }
            }
        };
        timeout(WAIT, ended).await.expect("the process must end")
    }
}

async fn is_ready(scene: &Scene) {
    let mut look = interval(LOOK_EVERY);
    let mut seen = String::new();
    let waiting = async {
        loop {
            look.tick().await;
            let subject = bus::names::ready_subject(bus::names::STUB_EXECUTOR);
            let answer = scene.bus.request_json::<_, Readiness>(&subject, &json!({}), WAIT).await;
            seen = format!("{answer:?}");
            if answer.is_ok_and(|readiness| readiness.ready) {
                return;
            }
        }
    };
    let in_time = timeout(WAIT, waiting).await;
    assert!(in_time.is_ok(), "not ready: {seen}");
}

#[tokio::test]
async fn a_crash_exits_with_an_error_and_the_next_process_finishes_the_task() {
    let mut scene = Scene::new().await;
    scene.project("create", "[{name: a, actions: [test], stub: [{crash: true}]}]").await;
    let mut process = Process::start(&scene, &[]);
    is_ready(&scene).await;
    scene.trigger("t1", "test", json!({})).await;
    assert_eq!(process.ended().await.code(), Some(1));
    let _next = Process::start(&scene, &[]);
    let answers = scene.finished("t1").await;
    let passed = ["t1 a started succeeded/pass", "t1 a finished succeeded/pass"];
    assert_eq!(lines(&answers), passed);
}

#[tokio::test]
async fn it_stops_with_its_standard_input() {
    let scene = Scene::new().await;
    let mut process = Process::start(&scene, &[]);
    is_ready(&scene).await;
    drop(process.0.stdin.take());
    assert_eq!(process.ended().await.code(), Some(0));
}

#[tokio::test]
async fn settings_that_cannot_be_used_are_refused() {
    let scene = Scene::new().await;
    let mut process = Process::start(&scene, &[("STUB_EXECUTOR_PLAYS", "A")]);
    assert_eq!(process.ended().await.code(), Some(64));
}
