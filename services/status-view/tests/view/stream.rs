//! The driver of the folds with the view as one fold more, and the executors of the uniform played.

use std::ops::{Deref, DerefMut};

use model::{
    EventId, KeptnContext,
    view::{SequenceQuery, StageQuery, StageStatus},
};
use serde_json::{Value, json};
use status_view::{View, answers};

/// Tasks that are played at once at most; more of them are a loop that does not end.
const PLAYED_MAX: usize = 100_000;

/// A sequence that begins with an approval.
const APPROVING: &str = "
apiVersion: spec.keptn.sh/0.2.3
kind: Shipyard
metadata: {name: s}
spec:
  stages:
    - {name: a, sequences: [{name: go, tasks: [{name: approval}, {name: deployment}]}]}
";

/// The story's stages; hardening can also be checked without a delivery.
pub(crate) const SHIPYARD: &str = r"
apiVersion: spec.keptn.sh/0.2.3
kind: Shipyard
metadata: {name: shipyard-sockshop}
spec:
  stages:
    - name: dev
      sequences:
        - name: artifact-delivery
          tasks:
            - {name: deployment, properties: {strategy: direct}}
            - {name: test, properties: {kind: functional}}
            - {name: evaluation}
            - {name: release}
        - name: hotfix
          tasks: [{name: deployment}, {name: evaluation}]
    - name: hardening
      sequences:
        - name: check
          tasks: [{name: test}]
        - name: artifact-delivery
          tasks:
            - {name: deployment, properties: {strategy: blue_green}}
            - {name: test, properties: {kind: functional}}
            - {name: test, properties: {kind: performance}}
            - {name: evaluation}
            - {name: release}
    - name: production
      sequences:
        - name: artifact-delivery
          triggeredOn: [{event: hardening.artifact-delivery.finished}]
          tasks:
            - {name: update}
            - {name: deployment, properties: {strategy: blue_green}}
            - {name: evaluation}
            - {name: release}
";

/// Who answers in the story.
pub(crate) const UNIFORM: &str = r"
version: 0.1.2
type: Uniform
spec:
  services:
    - {name: update-service, events: [update.triggered]}
    - {name: deployment-service, events: [deployment.triggered]}
    - {name: jmeter-service, events: [test.triggered]}
    - {name: evaluation-service, events: [evaluation.triggered]}
    - {name: promote-service, events: [release.triggered]}
";

/// An open task of an executor.
#[derive(Clone, Debug)]
pub(crate) struct Open {
    pub(crate) task: String,
    triggered_id: EventId,
    context: KeptnContext,
    executors: Vec<String>,
}

/// What an executor says at the end.
pub(crate) type Verdict = (&'static str, &'static str);

/// Everything passes.
pub(crate) fn pass(_: &Open) -> Verdict {
    ("pass", "")
}

/// Events, and the view of them.
#[derive(Clone)]
pub(crate) struct Stream(pub(crate) testing::Stream<View>);

impl Default for Stream {
    fn default() -> Self {
        Self(testing::Stream::seen_by(View::default(), |view, stored| {
            view.apply(stored);
        }))
    }
}

impl Deref for Stream {
    type Target = testing::Stream<View>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Stream {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl Stream {
    /// Starts with a run that waits for an approval in stage `a`.
    pub(crate) fn approving() -> (Self, KeptnContext) {
        let mut stream = Self::with_project(APPROVING, None, &["s"]);
        let data = json!({"project": "sockshop", "stage": "a", "service": "s"});
        let context = stream.say("a.go.triggered", &data);
        (stream, context)
    }

    /// Begins with the story's project and its three services.
    pub(crate) fn story() -> Self {
        Self::with_project(SHIPYARD, Some(UNIFORM), &["carts", "carts-db", "catalogue"])
    }

    /// Begins with a project `sockshop`.
    pub(crate) fn with_project(shipyard: &str, uniform: Option<&str>, services: &[&str]) -> Self {
        let mut stream = Self::default();
        stream.create_project("sockshop", (shipyard, uniform), services);
        stream
    }

    /// Stores an event of a new id and says what is owed; returns the context it has.
    pub(crate) fn say(&mut self, kind: &str, data: &Value) -> KeptnContext {
        let event = self.make(kind, data);
        let context = KeptnContext::of_trigger(&event.id);
        self.store(event);
        self.settle();
        context
    }

    /// Triggers a delivery of one artifact; returns its context.
    pub(crate) fn trigger(&mut self, stage: &str, service: &str, artifact: &str) -> KeptnContext {
        self.say(
            &format!("{stage}.artifact-delivery.triggered"),
            &json!({"project": "sockshop", "stage": stage, "service": service,
                "configurationChange": {"values": {"image": artifact}}}),
        )
    }

    /// Triggers a sync; returns its context.
    pub(crate) fn sync(&mut self, stage: &str) -> KeptnContext {
        self.say(
            &format!("{stage}.artifact-delivery.triggered"),
            &json!({"project": "sockshop", "stage": stage}),
        )
    }

    /// Answers every open task until nothing is open any more.
    pub(crate) fn play(&mut self, verdict: impl Fn(&Open) -> Verdict) {
        for _ in 0..PLAYED_MAX {
            let Some(task) = self.open_tasks().into_iter().next() else { return };
            self.answer(&task, "started", &json!({"status": "succeeded"}));
            let (result, message) = verdict(&task);
            self.answer(
                &task,
                "finished",
                &json!({"status": "succeeded", "result": result, "message": message}),
            );
        }
        panic!("tasks do not end");
    }

    /// Answers every open task but an approval until nothing else is open.
    pub(crate) fn play_until_approval(&mut self) {
        for _ in 0..PLAYED_MAX {
            let open = self.open_tasks().into_iter().find(|task| task.task != "approval");
            let Some(task) = open else { return };
            self.answer(&task, "started", &json!({"status": "succeeded"}));
            self.answer(&task, "finished", &json!({"status": "succeeded", "result": "pass"}));
        }
        panic!("tasks do not end");
    }

    /// Delivers an artifact and plays it to the end.
    pub(crate) fn deliver(&mut self, stage: &str, service: &str, artifact: &str) -> KeptnContext {
        let context = self.trigger(stage, service, artifact);
        self.play(pass);
        context
    }

    /// Delivers an artifact that fails its evaluation.
    pub(crate) fn deliver_bad(
        &mut self,
        stage: &str,
        service: &str,
        artifact: &str,
    ) -> KeptnContext {
        let context = self.trigger(stage, service, artifact);
        self.play(|task| match task.task.as_str() {
            "evaluation" => ("fail", "response time p95 934 ms is over 600 ms"),
            _ => ("pass", ""),
        });
        context
    }

    /// Returns the open tasks that are an executor's.
    pub(crate) fn open_tasks(&self) -> Vec<Open> {
        let runs = self.view.world.sequences.runs();
        runs.filter_map(|run| {
            let task = run.open.as_ref()?;
            Some(Open {
                task: task.name.to_string(),
                triggered_id: task.id.event_id(),
                context: run.context.clone(),
                executors: task.awaited().map(ToString::to_string).collect(),
            })
        })
        .collect()
    }

    /// Stores an answer of every executor that is awaited, or of `somebody`.
    pub(crate) fn answer(&mut self, task: &Open, kind: &str, data: &Value) {
        let mut executors = task.executors.clone();
        if executors.is_empty() {
            executors.push("somebody".to_owned());
        }
        for executor in executors {
            let mut event = self.make(&format!("{}.{kind}", task.task), data);
            event.source = format!("https://host/{executor}").into();
            event.context = Some(task.context.clone());
            event.triggered_id = Some(task.triggered_id.clone());
            self.store(event);
            self.settle();
        }
    }

    /// Stores a command on a delivery.
    pub(crate) fn control(&mut self, verb: &str, context: &KeptnContext) {
        let mut event =
            self.make(&format!("sequence.{verb}.triggered"), json!({"project": "sockshop"}));
        event.context = Some(context.clone());
        self.store(event);
        self.settle();
    }

    /// Returns the status of a stage.
    pub(crate) fn status(&self, stage: &str) -> StageStatus {
        self.status_from(stage, None)
    }

    /// Returns the status of a stage compared with a stage.
    pub(crate) fn status_from(&self, stage: &str, from: Option<&str>) -> StageStatus {
        let query = StageQuery {
            project: "sockshop".to_owned(),
            stage: stage.to_owned(),
            from: from.map(str::to_owned),
            at_least: None,
        };
        answers::stage(&self.view, &query).unwrap()
    }

    /// Returns a delivery.
    pub(crate) fn delivery(&self, context: &KeptnContext) -> model::view::Delivery {
        let query = SequenceQuery { keptn_context: context.to_string(), at_least: None };
        answers::delivery(&self.view, &query).unwrap()
    }

    /// Returns what the story's own demo leaves: hardening two services behind dev.
    pub(crate) fn behind() -> Self {
        let mut stream = Self::story();
        for (service, artifact) in [
            ("carts", "carts:0.10.1"),
            ("carts-db", "carts-db:0.4.0"),
            ("catalogue", "catalogue:1.7.0"),
        ] {
            stream.deliver("dev", service, artifact);
        }
        stream.sync("hardening");
        stream.play(pass);
        stream.deliver("dev", "carts", "carts:0.10.17");
        stream.deliver("dev", "carts-db", "carts-db:0.4.1");
        stream.deliver_bad("dev", "carts", "carts:0.10.18");
        stream
    }
}
