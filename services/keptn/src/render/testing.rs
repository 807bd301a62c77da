//! Values for the tests of drawings.

use model::{
    EventId, KeptnContext, StreamTime, TaskResult, TaskStatus,
    view::{
        Delivery, Executor, Follows, Sequence, SequenceService, SequenceState, ServiceState,
        ServiceStatus, StageStatus, SyncStatus, Task, TaskState, WaitingFor, WaitingReason,
    },
};

/// Seconds after some moment.
pub(crate) fn time_at(secs: i64) -> StreamTime {
    StreamTime::from_nanos((1_700_000_000 + secs) * 1_000_000_000)
}

/// A service that is behind if the two differ.
pub(crate) fn service_status(
    service: &str,
    released: Option<&str>,
    evaluated: Option<&str>,
) -> ServiceStatus {
    let differs = evaluated.is_some() && evaluated != released;
    ServiceStatus {
        service: service.parse().unwrap(),
        released: released.map(str::to_owned),
        evaluated: evaluated.map(str::to_owned),
        evaluated_result: evaluated.map(|_| TaskResult::Pass),
        evaluated_context: None,
        evaluated_at: None,
        state: if differs { ServiceState::Behind } else { ServiceState::InSync },
        differs,
        not_eligible: None,
    }
}

/// The status of hardening in sockshop.
pub(crate) fn stage_status(services: Vec<ServiceStatus>) -> StageStatus {
    let differs = services.iter().any(|one| one.differs);
    StageStatus {
        project: "sockshop".parse().unwrap(),
        stage: "hardening".parse().unwrap(),
        from: Some("dev".parse().unwrap()),
        sync_status: if differs { SyncStatus::OutOfSync } else { SyncStatus::InSync },
        position: 18_204,
        services,
        ongoing: Vec::new(),
        command: differs.then(|| {
            "keptn trigger artifact-delivery --project=sockshop --stage=hardening".to_owned()
        }),
    }
}

/// A task in some state; times in seconds.
pub(crate) fn task(label: &str, state: TaskState, from: i64, until: Option<i64>) -> Task {
    let is_reached = state != TaskState::Pending;
    Task {
        name: label.split(' ').next().unwrap_or_default().parse().unwrap(),
        label: label.to_owned(),
        state,
        result: until.map(|_| TaskResult::Pass),
        status: until.map(|_| TaskStatus::Succeeded),
        message: None,
        triggered_id: is_reached.then(|| EventId::new("t").unwrap()),
        triggered_at: is_reached.then(|| time_at(from)),
        started_at: (state == TaskState::Started).then(|| time_at(from)),
        finished_at: until.map(time_at),
        executors: vec![Executor {
            name: "jmeter-service".to_owned(),
            state,
            result: None,
            progress: None,
        }],
        score: None,
    }
}

/// The run of hardening in which the performance test is under way.
pub(crate) fn run() -> Sequence {
    Sequence {
        keptn_context: context(),
        trigger_id: EventId::new("trigger").unwrap(),
        position: 900,
        project: "sockshop".parse().unwrap(),
        stage: "hardening".parse().unwrap(),
        sequence: "artifact-delivery".parse().unwrap(),
        services: vec![
            service("carts", "carts:0.10.17", "carts:0.10.1"),
            service("carts-db", "carts-db:0.4.1", "carts-db:0.4.0"),
        ],
        from: Some("dev".parse().unwrap()),
        state: SequenceState::Started,
        result: None,
        status: None,
        message: None,
        hint: None,
        nothing_to_do: false,
        triggered_at: time_at(0),
        started_at: Some(time_at(0)),
        finished_at: None,
        tasks: vec![
            task("deployment", TaskState::Finished, 0, Some(12)),
            task("test (functional)", TaskState::Finished, 12, Some(28)),
            task("test (performance)", TaskState::Started, 29, None),
            task("evaluation", TaskState::Pending, 0, None),
            task("release", TaskState::Pending, 0, None),
        ],
        waiting_for: Some(WaitingFor {
            reason: WaitingReason::Executor,
            executors: vec!["jmeter-service".to_owned()],
            behind: None,
            services: Vec::new(),
            since: time_at(29),
            until: Some(time_at(48 + 20 * 60)),
        }),
        git_commit_id: None,
        source: None,
        labels: std::collections::BTreeMap::new(),
        problem_title: None,
    }
}

/// The same run, ended 51.2 s after it was triggered.
pub(crate) fn passed_run() -> Sequence {
    let mut run = run();
    run.state = SequenceState::Finished;
    run.result = Some(TaskResult::Pass);
    run.status = Some(TaskStatus::Succeeded);
    run.finished_at = Some(time_at(51).after(std::time::Duration::from_millis(200)));
    run.waiting_for = None;
    for (index, task) in (0..).zip(run.tasks.iter_mut()) {
        *task = self::task(&task.label, TaskState::Finished, index * 10, Some(index * 10 + 10));
    }
    run
}

/// A delivery of which production follows.
pub(crate) fn delivery(sequences: Vec<Sequence>) -> Delivery {
    let has_production = sequences.iter().any(|one| one.stage.as_str() == "production");
    let follows = Follows {
        stage: "production".parse().unwrap(),
        sequence: "artifact-delivery".parse().unwrap(),
        after: "hardening".parse().unwrap(),
    };
    Delivery {
        position: 1000,
        keptn_context: context(),
        open: sequences.iter().any(|one| !one.state.is_ended()),
        follows: if has_production { Vec::new() } else { vec![follows] },
        sequences,
    }
}

fn context() -> KeptnContext {
    KeptnContext::new("c1f0a3d2-55c1-4a7e-9b0e-6f1f0f3f2f11").unwrap()
}

fn service(service: &str, artifact: &str, released: &str) -> SequenceService {
    SequenceService {
        service: service.parse().unwrap(),
        artifact: Some(artifact.to_owned()),
        released: Some(released.to_owned()),
    }
}
