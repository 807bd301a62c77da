//! The project `sockshop` of the story: three stages, three services, seven executors.

use std::time::Duration;

use super::event::answered;
use super::stream::Stream;
use super::user::User;

/// The stages, as the demo has them.
const SHIPYARD: &str = include_str!("../../../deploy/demo/shipyard.yaml");

/// Tasks of a run in dev.
pub const DEV: [&str; 4] = ["deployment", "test", "evaluation", "release"];
/// Tasks of a run in hardening.
pub const HARDENING: [&str; 5] = ["deployment", "test", "test", "evaluation", "release"];
/// Tasks of a run in production.
pub const PRODUCTION: [&str; 6] = ["update", "deployment", "test", "test", "evaluation", "release"];

/// How the executors behave.
pub struct Uniform {
    /// Time that each task takes.
    pub delay: Duration,
    /// Artifacts that fail their evaluation, each with the message of the executor.
    pub failing: &'static [(&'static str, &'static str)],
}

impl Uniform {
    /// Everything passes at once.
    pub const FAST: Self = Self { delay: Duration::ZERO, failing: &[] };

    fn document(&self) -> String {
        let delay = format!("{{delay: {}ms}}", self.delay.as_millis());
        let failing: Vec<String> = self
            .failing
            .iter()
            .map(|(artifact, message)| {
                format!(", {{artifact: \"{artifact}\", result: fail, message: \"{message}\"}}")
            })
            .collect();
        let service = |name: &str, task: &str, more: &str| {
            format!("  - {{name: {name}, events: [{task}.triggered], stub: [{delay}{more}]}}\n")
        };
        [
            "version: 0.1.2\ntype: Uniform\nspec:\n  services:\n".to_owned(),
            service("update-service", "update", ""),
            service("deployment-service", "deployment", ""),
            service("jmeter-service", "test", ""),
            service("evaluation-service", "evaluation", &failing.concat()),
            service("promote-service", "release", ""),
        ]
        .concat()
    }
}

/// Creates the project with its services and their own values: 1 replica in dev, 3 in hardening.
#[track_caller]
pub fn create_project(user: &User, uniform: &Uniform) {
    user.write("shipyard.yaml", SHIPYARD);
    user.write("uniform.yaml", &uniform.document());
    let files = ["--shipyard=shipyard.yaml", "--uniform=uniform.yaml"];
    user.keptn(&["create", "project", "sockshop", files[0], files[1]]).done();
    for service in ["carts", "carts-db", "catalogue"] {
        user.keptn(&["create", "service", service, "--project=sockshop"]).done();
        for (stage, replicas) in [("dev", "replicaCount=1"), ("hardening", "replicaCount=3")] {
            let stage = format!("--stage={stage}");
            let set = ["configure", "service", service, "--project=sockshop", &stage];
            user.keptn(&[&set[..], &["--set", replicas]].concat()).done();
        }
    }
}

/// Delivers an artifact (`carts:0.10.1`) to dev, waits for the end of the run and returns its
/// context.
#[track_caller]
pub fn deliver(user: &User, stream: &mut Stream, artifact: &str) -> String {
    let service = artifact.split(':').next().unwrap_or(artifact);
    let service = format!("--service={service}");
    let artifact = format!("--artifact={artifact}");
    let trigger = ["trigger", "artifact-delivery", "--project=sockshop", &service, &artifact];
    let context = user.keptn(&trigger).done().trim().to_owned();
    stream.wait_for_end(&context, "dev");
    context
}

/// Starts a sync of hardening with dev and returns its context.
#[track_caller]
pub fn start_sync(user: &User) -> String {
    let trigger = ["trigger", "artifact-delivery", "--project=sockshop", "--stage=hardening"];
    user.keptn(&trigger).done().trim().to_owned()
}

/// Waits until hardening and production have the run of this context behind them, and checks that
/// the stream holds exactly the story's events for it.
#[track_caller]
pub fn expect_whole_sync(stream: &mut Stream, context: &str) {
    stream.wait_for_end(context, "hardening");
    stream.wait_for_end(context, "production");
    assert_eq!(stream.tasks(context, "hardening"), answered(&HARDENING), "{}", stream.tail());
    assert_eq!(stream.tasks(context, "production"), answered(&PRODUCTION), "{}", stream.tail());
}

/// Returns the text of `view status`, without blanks at line ends.
#[track_caller]
pub fn view(user: &User, stage: &str) -> String {
    let stage = format!("--stage={stage}");
    let text = user.keptn(&["view", "status", &stage, "--project=sockshop"]).done();
    text.lines().flat_map(|line| [line.trim_end(), "\n"]).collect()
}
