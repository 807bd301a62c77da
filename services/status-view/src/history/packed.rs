//! The record of an ended run in few bytes: ids as numbers, times as distances, and no label that
//! is only the task's name.

use std::time::Duration;

use model::{DerivedId, EventId, KeptnContext, StreamTime, view::Sequence};
use serde::{Deserialize, Serialize};

/// What stands for an id that is kept as a number.
const PLACEHOLDER: &str = "-";

/// A record as it is written.
#[derive(Serialize, Deserialize)]
struct Packed {
    /// The ids of delivery, trigger and tasks, in this order; none = as the record has it.
    ids: Vec<Option<DerivedId>>,
    /// The record, times counted from its trigger.
    record: Sequence,
}

/// Packs a record; none if it has no written form.
pub(super) fn pack(mut record: Sequence) -> Option<Vec<u8>> {
    let ids = take_ids(&mut record);
    let begin = record.triggered_at;
    for_times(&mut record, |time| {
        StreamTime::from_nanos(time.as_nanos().saturating_sub(begin.as_nanos()))
    });
    for task in record.tasks.iter_mut().filter(|task| task.label == task.name.as_str()) {
        task.label.clear();
    }
    postcard::to_stdvec(&Packed { ids, record }).ok()
}

/// Unpacks a record.
pub(super) fn unpack(bytes: &[u8]) -> Option<Sequence> {
    let Packed { ids, mut record } = postcard::from_bytes(bytes).ok()?;
    put_ids(&mut record, ids);
    let begin = record.triggered_at;
    for_times(&mut record, |time| {
        begin.after(Duration::from_nanos(u64::try_from(time.as_nanos()).unwrap_or_default()))
    });
    for task in record.tasks.iter_mut().filter(|task| task.label.is_empty()) {
        task.label.push_str(task.name.as_str());
    }
    Some(record)
}

/// Changes every time but that of the trigger.
fn for_times(record: &mut Sequence, change: impl Fn(StreamTime) -> StreamTime) {
    let Sequence { started_at, finished_at, tasks, .. } = record;
    let of_tasks = tasks
        .iter_mut()
        .flat_map(|task| [&mut task.triggered_at, &mut task.started_at, &mut task.finished_at]);
    for time in [started_at, finished_at].into_iter().chain(of_tasks).flatten() {
        *time = change(*time);
    }
}

/// Takes out the ids that a number can spell.
fn take_ids(record: &mut Sequence) -> Vec<Option<DerivedId>> {
    let mut ids = vec![number_of(record.keptn_context.as_str())];
    if let (Some(Some(_)), Ok(placeholder)) = (ids.first(), KeptnContext::new(PLACEHOLDER)) {
        record.keptn_context = placeholder;
    }
    for id in event_ids(record) {
        let number = number_of(id.as_str());
        if let (Some(_), Ok(placeholder)) = (number, EventId::new(PLACEHOLDER)) {
            *id = placeholder;
        }
        ids.push(number);
    }
    ids
}

/// Puts the ids back.
fn put_ids(record: &mut Sequence, ids: Vec<Option<DerivedId>>) {
    let mut ids = ids.into_iter();
    let context = ids.next().flatten().map(|id| KeptnContext::new(&id.to_string()));
    if let Some(Ok(context)) = context {
        record.keptn_context = context;
    }
    for (slot, id) in event_ids(record).zip(ids) {
        if let Some(id) = id {
            *slot = id.event_id();
        }
    }
}

fn event_ids(record: &mut Sequence) -> impl Iterator<Item = &mut EventId> {
    let of_tasks = record.tasks.iter_mut().filter_map(|task| task.triggered_id.as_mut());
    std::iter::once(&mut record.trigger_id).chain(of_tasks)
}

/// Returns the number that spells exactly this id.
fn number_of(id: &str) -> Option<DerivedId> {
    DerivedId::parse(id).filter(|number| number.to_string() == id)
}

#[cfg(test)]
mod tests {
    use model::{
        TaskResult, TaskStatus,
        view::{Executor, SequenceService, SequenceState, Task, TaskState},
    };

    use super::*;

    fn task(name: &str, label: &str, id: Option<&str>) -> Task {
        let at = |nanos: i64| id.map(|_| StreamTime::from_nanos(1_700_000_000_000_000_000 + nanos));
        Task {
            name: name.parse().unwrap(),
            label: label.to_owned(),
            state: if id.is_some() { TaskState::Finished } else { TaskState::Pending },
            result: Some(TaskResult::Warning),
            status: Some(TaskStatus::Unknown),
            message: Some("m".to_owned()),
            triggered_id: id.map(|id| EventId::new(id).unwrap()),
            triggered_at: at(5),
            started_at: at(6),
            finished_at: at(7),
            executors: vec![Executor {
                name: "jmeter-service".to_owned(),
                state: TaskState::Finished,
                result: Some(TaskResult::Warning),
                progress: Some("half".to_owned()),
            }],
            score: None,
        }
    }

    fn record(context: &str, trigger_id: &str) -> Sequence {
        let begin = StreamTime::from_nanos(1_700_000_000_000_000_000);
        Sequence {
            keptn_context: KeptnContext::new(context).unwrap(),
            trigger_id: EventId::new(trigger_id).unwrap(),
            position: 7,
            project: "sockshop".parse().unwrap(),
            stage: "dev".parse().unwrap(),
            sequence: "artifact-delivery".parse().unwrap(),
            services: vec![SequenceService {
                service: "carts".parse().unwrap(),
                artifact: Some("carts:1".to_owned()),
                released: None,
            }],
            from: None,
            state: SequenceState::Finished,
            result: Some(TaskResult::Pass),
            status: Some(TaskStatus::Succeeded),
            message: None,
            hint: Some("h".to_owned()),
            nothing_to_do: false,
            triggered_at: begin,
            started_at: Some(begin.after(Duration::from_nanos(5))),
            finished_at: Some(begin.after(Duration::from_mins(1))),
            tasks: vec![
                task("deployment", "deployment", Some("9f5a1f0e-6a50-5d0b-9d67-2c3c04a75e21")),
                task("test", "test (performance)", Some("-")),
                task("release", "release", None),
            ],
            waiting_for: None,
            git_commit_id: Some("c".repeat(40)),
            source: Some("keptn-cli".to_owned()),
            labels: [("owner".to_owned(), "team-a".to_owned())].into(),
            problem_title: Some("response time degraded".to_owned()),
        }
    }

    #[test]
    fn a_record_reads_back_as_it_was() {
        let uuid = "0b9d19f8-1c5e-4f50-8a33-ea0c2f2f9f4f";
        for (context, trigger) in
            [(uuid, "build-17"), ("one-context", uuid), ("-", "-"), (&uuid.to_uppercase(), "x")]
        {
            let mut record = record(context, trigger);
            record.tasks[1].score = Some(87.5);
            assert_eq!(unpack(&pack(record.clone()).unwrap()), Some(record));
        }
    }

    #[test]
    fn packing_saves_a_quarter_of_the_bytes() {
        let uuid = "0b9d19f8-1c5e-4f50-8a33-ea0c2f2f9f4f";
        // Texts that anybody may choose stay as they are.
        let record =
            Sequence { source: None, labels: [].into(), problem_title: None, ..record(uuid, uuid) };
        let plain = postcard::to_stdvec(&record).unwrap().len();
        let packed = pack(record).unwrap().len();
        assert!(packed * 4 <= plain * 3, "{packed} of {plain} bytes");
    }
}
