//! Every name on NATS: subjects, streams, buckets, keys, consumers, headers. Nothing else in the
//! workspace spells one.
//!
//! | name | what | written by | read by |
//! |---|---|---|---|
//! | stream `keptn`, subjects `sh.keptn.>` | every event of every delivery; the only truth | everybody, one subject per event type | everybody |
//! | `sh.keptn.event.<…>`, `sh.keptn.log.error` | an event; the subject is its type | see the table of services | executors, folds |
//! | object store `keptn-snapshots-<component>` | objects `v<format>-<position>`: a folded state | that component | that component |
//! | key-value `keptn-lease`, keys `shipyard-controller`, `config-store` | instance id of who speaks at once; age 3 s | controllers, config-stores | the same |
//! | durable consumer `stub-executor-<service>-<task>` | one task of one played service | stub-executor | stub-executor |
//! | `<component>.ready` | asks [`model::view::Readiness`] | clients | that component |
//! | `status-view.{stage,sequences,sequence,events,projects}` | queries, see [`model::view`] | clients | status-view |
//! | `config-store.{resource,resources}` | queries, see [`model::view`] | clients | config-store |
//! | header `Content-Type` | `application/cloudevents+json; charset=utf-8` | us | everybody |
//! | header `Nats-Msg-Id` | id of the event: what is said twice is stored once | us | the server |
//! | header `Nats-Expected-Last-Subject-Sequence` | fence: stored only if nobody spoke since | us | the server |
//! | headers `Nats-Batch-Id`, `Nats-Batch-Sequence`, `Nats-Batch-Commit` | an atomic batch, only where the server writes each message through | us | the server |
//! | headers `ce-<attribute>` | a CloudEvent in binary mode | others | us |

use model::Position;

/// The stream that holds every event.
pub const STREAM: &str = "keptn";
/// Subjects of the stream. Nothing that is not an event goes under `sh.keptn.`.
pub const STREAM_SUBJECTS: &str = "sh.keptn.>";

/// Component that decides which task comes next.
pub const SHIPYARD_CONTROLLER: &str = "shipyard-controller";
/// Component that owns projects, services and configuration.
pub const CONFIG_STORE: &str = "config-store";
/// Component that answers queries.
pub const STATUS_VIEW: &str = "status-view";
/// Component that plays executors.
pub const STUB_EXECUTOR: &str = "stub-executor";
/// The four components, in the order in which they are shown.
pub const COMPONENTS: [&str; 4] = [SHIPYARD_CONTROLLER, CONFIG_STORE, STATUS_VIEW, STUB_EXECUTOR];

/// What config-store reads: commands on projects, services, configuration and resources, their
/// answers, and the task `update`.
pub const CATALOG_FILTERS: [&str; 5] = [
    "sh.keptn.event.project.>",
    "sh.keptn.event.service.>",
    "sh.keptn.event.configuration.>",
    "sh.keptn.event.resource.>",
    "sh.keptn.event.update.*",
];
/// What stub-executor reads to learn uniforms.
pub const UNIFORM_FILTERS: [&str; 1] = ["sh.keptn.event.project.>"];

/// Key-value bucket of the leases.
pub const LEASE_BUCKET: &str = "keptn-lease";

/// Header that says how the body is written.
pub const CONTENT_TYPE: &str = "Content-Type";
/// Value of [`CONTENT_TYPE`] of what we publish.
pub const CLOUD_EVENT_JSON: &str = "application/cloudevents+json; charset=utf-8";
/// Header by which the server tells a repetition.
pub const MESSAGE_ID: &str = "Nats-Msg-Id";
/// Header that fences a publish: stored only if this is the subject's last position.
pub const EXPECTED_LAST_SUBJECT_SEQUENCE: &str = "Nats-Expected-Last-Subject-Sequence";
/// Header by which the messages of an atomic batch belong together.
pub const BATCH_ID: &str = "Nats-Batch-Id";
/// Header with the place of a message in its batch, from 1.
pub const BATCH_SEQUENCE: &str = "Nats-Batch-Sequence";
/// Header of the last message of a batch.
pub const BATCH_COMMIT: &str = "Nats-Batch-Commit";
/// Value of [`BATCH_COMMIT`]: the batch is to be stored, this message included.
pub const BATCH_COMMIT_FINAL: &str = "1";
/// Start of a header that holds an attribute in binary mode; compared without case.
pub const BINARY_ATTRIBUTE: &str = "ce-";

/// Returns the object store with the snapshots of a component.
pub fn snapshot_bucket(component: &str) -> String {
    format!("keptn-snapshots-{component}")
}

/// Returns the name of a snapshot; names of one format sort by position.
pub fn snapshot_object(format: u32, position: Position) -> String {
    format!("v{format}-{position:020}")
}

/// Returns the durable consumer of a task that stub-executor plays for a service.
pub fn task_consumer(service: &str, task: &str) -> String {
    format!("{STUB_EXECUTOR}-{service}-{task}")
}

/// Returns the subject of the `.triggered` events of a task.
pub fn task_triggered(task: &str) -> String {
    format!("sh.keptn.event.{task}.triggered")
}

/// Returns the subject on which a component says whether it is ready.
pub fn ready_subject(component: &str) -> String {
    format!("{component}.ready")
}

/// Returns the name of the NATS service under which a component answers [`ready_subject`].
pub fn ready_service(component: &str) -> String {
    format!("{component}-ready")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snapshot_names_sort_by_position() {
        assert!(snapshot_object(1, 9) < snapshot_object(1, 10));
        assert_eq!(snapshot_object(2, 18_204), "v2-00000000000000018204");
    }

    #[test]
    fn names_are_those_of_the_wire() {
        assert_eq!(task_consumer("jmeter-service", "test"), "stub-executor-jmeter-service-test");
        assert_eq!(snapshot_bucket(STATUS_VIEW), "keptn-snapshots-status-view");
        assert_eq!(ready_subject(CONFIG_STORE), "config-store.ready");
    }
}
