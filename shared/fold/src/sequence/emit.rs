//! How the controller says what it owes: each event as a pure function of the run.

use model::{
    CommandObject, DerivedId, Event, EventType, Kind, Payload, StreamTime, TaskName, TaskSpec,
    TaskStatus,
};
use serde_json::{Map, Value, json};

use super::{
    ControlAnswer, Due, Sequences, Unreadable,
    run::{Decline, FollowUp, Next, Outcome, Phase, Run, RunKey},
    task::{APPROVAL, OpenTask},
};
use crate::{
    owed::Waits,
    values::{Object, merge},
};

/// `source` of what the controller says.
pub const SOURCE: &str = "shipyard-controller";

/// Most bytes of the data of an event of ours. A message may be 1 MiB; an executor that echoes the
/// data and adds to it must fit, too. A sequence whose next event would be larger ends errored.
pub const DATA_BYTES_MAX: usize = 768 * 1024;

impl Sequences {
    /// Says what is owed, or nothing if it no longer is.
    pub(crate) fn say(
        &self,
        due: &Due,
        id: DerivedId,
        since: StreamTime,
        waits: Waits,
    ) -> Option<Event> {
        match due {
            Due::Step(key) => self.say_step(*key, id, since, waits),
            Due::Told(key) => self.runs.get(key)?.say_told(id, since),
            Due::FollowUp(key) => self.say_follow_up(*key, id, since),
            Due::TimeOut(key) => self.runs.get(key)?.say_time_out(id, since),
            Due::Control(answer) => answer.say(id, since),
            Due::LogError(unreadable) => Some(unreadable.say(id, since)),
        }
    }

    fn say_step(
        &self,
        key: RunKey,
        id: DerivedId,
        since: StreamTime,
        waits: Waits,
    ) -> Option<Event> {
        let run = self.runs.get(&key).filter(|run| run.next_id() == id)?;
        match run.next(self.spec(run)) {
            Next::Nothing => None,
            Next::Task(task) => {
                let data = run.task_data(task);
                if data.as_str().len() > DATA_BYTES_MAX {
                    return Some(run.say_too_large(&task.name, data.as_str().len(), id, since));
                }
                Some(run.say_task(task, data, (id, since), waits))
            }
            Next::End => Some(run.say_end(id, since)),
        }
    }

    fn say_follow_up(&self, key: RunKey, id: DerivedId, since: StreamTime) -> Option<Event> {
        let run = self.runs.get(&key)?;
        let next = run.follow_ups().iter().find(|next| next.id == id && next.run.is_none())?;
        Some(run.say_next(next, id, since))
    }
}

impl Run {
    fn event(
        &self,
        id: DerivedId,
        since: StreamTime,
        event_type: EventType,
        data: Payload,
    ) -> Event {
        let mut event = Event::new(id.event_id(), SOURCE, event_type, data);
        event.time = Some(since.to_string().into());
        event.context = Some(self.context.clone());
        event.traceparent.clone_from(&self.traceparent);
        event
    }

    fn say_task(
        &self,
        task: &TaskSpec,
        data: Payload,
        (id, since): (DerivedId, StreamTime),
        waits: Waits,
    ) -> Event {
        let mut event =
            self.event(id, since, EventType::Task(task.name.clone(), Kind::Triggered), data);
        event.git_commit_id.clone_from(&self.git_commit_id);
        let (start, finish) = bounds(task, waits);
        event.start_within_secs = Some(start);
        event.finish_within_secs = Some(finish);
        event
    }

    /// Returns the data of a task's `triggered`.
    fn task_data(&self, task: &TaskSpec) -> Payload {
        let mut data = self.common_data(true);
        if let Some(last) = &self.last {
            data.insert("result".to_owned(), last.result.as_str().into());
            data.insert("status".to_owned(), last.status.as_str().into());
            data.insert("message".to_owned(), "".into());
        }
        if !task.properties.is_empty() {
            let mut properties = Map::new();
            properties.insert(task.name.to_string(), Value::Object(task.properties.clone()));
            merge(&mut data, properties);
        }
        Payload::from_map(&data)
    }

    /// Returns what every event of the run carries: what answers brought, names, labels and the
    /// services with their effective values, or with the carried ones only.
    fn common_data(&self, with_own: bool) -> Object {
        let mut data = self.carried.to_map();
        data.insert("project".to_owned(), self.project.as_str().into());
        data.insert("stage".to_owned(), self.stage.as_str().into());
        data.entry("labels").or_insert_with(|| json!({}));
        let mut services: Vec<(String, Object)> = self
            .services
            .iter()
            .map(|one| {
                let values = if with_own { self.effective(one) } else { one.carried.to_map() };
                (one.name.to_string(), values)
            })
            .collect();
        if self.is_bracket {
            let members: Object = services
                .iter()
                .map(|(name, values)| (name.clone(), json!({ "values": values })))
                .collect();
            data.insert("services".to_owned(), Value::Object(members));
            if let Some(sync) = &self.sync {
                data.insert("sync".to_owned(), Value::Object(sync.to_map()));
            }
        }
        if services.len() == 1
            && let Some((name, values)) = services.pop()
        {
            data.insert("service".to_owned(), name.into());
            if !values.is_empty() {
                let mut change = Map::new();
                change.insert("configurationChange".to_owned(), json!({ "values": values }));
                merge(&mut data, change);
            }
        }
        data
    }

    fn say_end(&self, id: DerivedId, since: StreamTime) -> Event {
        let outcome = self.outcome();
        let mut data = self.end_data(&outcome);
        if let Phase::Declined(decline) = &self.phase {
            match decline {
                Decline::Refused(refusal) => {
                    data.insert("hint".to_owned(), refusal.hint.as_ref().into());
                    data.insert("code".to_owned(), refusal.code.as_str().into());
                }
                Decline::NothingToDo(_) => {
                    data.insert("nothingToDo".to_owned(), true.into());
                }
            }
        }
        if self.is_timed_out {
            data.insert("timedOut".to_owned(), true.into());
        }
        self.end(id, since, &data)
    }

    fn say_too_large(
        &self,
        task: &TaskName,
        bytes: usize,
        id: DerivedId,
        since: StreamTime,
    ) -> Event {
        let message =
            format!("the data of task `{task}` would be {bytes} bytes, over {DATA_BYTES_MAX}");
        let outcome = Outcome {
            result: model::TaskResult::Fail,
            status: TaskStatus::Errored,
            message: message.into(),
        };
        let mut data = names_only(self);
        insert_outcome(&mut data, &outcome);
        data.insert(
            "hint".to_owned(),
            "let executors answer with less data, or with a link to it".into(),
        );
        self.end(id, since, &data)
    }

    /// Returns the data of the end; without what was carried if that is too large.
    fn end_data(&self, outcome: &Outcome) -> Object {
        let is_decided = !matches!(self.phase, Phase::Undecided | Phase::Declined(_));
        let is_small = self.carried.as_str().len() <= DATA_BYTES_MAX;
        let mut data =
            if is_decided && is_small { self.common_data(true) } else { names_only(self) };
        insert_outcome(&mut data, outcome);
        data
    }

    fn end(&self, id: DerivedId, since: StreamTime, data: &Object) -> Event {
        let event_type =
            EventType::Sequence(self.stage.clone(), self.sequence.clone(), Kind::Finished);
        let mut event = self.event(id, since, event_type, Payload::from_map(data));
        event.triggered_id = Some(self.trigger_id.clone());
        event.git_commit_id.clone_from(&self.git_commit_id);
        event
    }

    fn say_next(&self, next: &FollowUp, id: DerivedId, since: StreamTime) -> Event {
        let mut data = self.common_data(false);
        if let Some(last) = &self.last {
            insert_outcome(&mut data, last);
        }
        data.insert("message".to_owned(), "".into());
        data.insert("stage".to_owned(), next.stage.as_str().into());
        let event_type =
            EventType::Sequence(next.stage.clone(), next.sequence.clone(), Kind::Triggered);
        self.event(id, since, event_type, Payload::from_map(&data))
    }

    fn say_told(&self, id: DerivedId, since: StreamTime) -> Option<Event> {
        let task = self.open.as_ref()?;
        let mut data = names_only(self);
        data.insert("status".to_owned(), TaskStatus::Aborted.as_str().into());
        data.insert("result".to_owned(), "pass".into());
        data.insert("message".to_owned(), "the run was aborted".into());
        Some(self.answer(task, Kind::StatusChanged, (id, since), &data))
    }

    fn say_time_out(&self, id: DerivedId, since: StreamTime) -> Option<Event> {
        let task = self.open.as_ref()?;
        let missing: Vec<&str> = task.awaited().map(model::ServiceName::as_str).collect();
        let whom = if missing.is_empty() { "anybody".to_owned() } else { missing.join(", ") };
        let mut data = names_only(self);
        data.insert("status".to_owned(), TaskStatus::Errored.as_str().into());
        data.insert("result".to_owned(), "fail".into());
        let message = format!(
            "sequence timed out: task {} waited for an answer of {whom} until {since}",
            task.name
        );
        data.insert("message".to_owned(), message.into());
        data.insert("timedOut".to_owned(), true.into());
        Some(self.answer(task, Kind::Finished, (id, since), &data))
    }

    fn answer(
        &self,
        task: &OpenTask,
        kind: Kind,
        (id, since): (DerivedId, StreamTime),
        data: &Object,
    ) -> Event {
        let event_type = EventType::Task(task.name.clone(), kind);
        let mut event = self.event(id, since, event_type, Payload::from_map(data));
        event.triggered_id = Some(task.id.event_id());
        event
    }
}

/// Returns `startwithin` and `finishwithin` of a task, in seconds.
fn bounds(task: &TaskSpec, waits: Waits) -> (u64, u64) {
    if task.name.as_str() == APPROVAL {
        return (0, 0);
    }
    match task.timeout.map(|timeout| timeout.as_secs().max(1)) {
        Some(timeout) if waits.start_secs == 0 => (timeout, timeout),
        Some(timeout) => (timeout.min(waits.start_secs), timeout),
        None => (waits.start_secs, waits.finish_secs),
    }
}

fn insert_outcome(data: &mut Object, outcome: &Outcome) {
    data.insert("result".to_owned(), outcome.result.as_str().into());
    data.insert("status".to_owned(), outcome.status.as_str().into());
    data.insert("message".to_owned(), outcome.message.as_ref().into());
}

/// Returns data with project, stage, services and labels.
fn names_only(run: &Run) -> Object {
    let mut data = Map::new();
    data.insert("project".to_owned(), run.project.as_str().into());
    data.insert("stage".to_owned(), run.stage.as_str().into());
    if let [service] = run.services.as_slice() {
        data.insert("service".to_owned(), service.name.as_str().into());
    } else if run.services.is_empty() {
        if let Some(service) = run.carried.head().service {
            data.insert("service".to_owned(), model::name::shortened(&service).into());
        }
    } else {
        let members: Object =
            run.services.iter().map(|one| (one.name.to_string(), json!({}))).collect();
        data.insert("services".to_owned(), Value::Object(members));
    }
    data
}

impl ControlAnswer {
    fn say(&self, id: DerivedId, since: StreamTime) -> Option<Event> {
        let event_type =
            EventType::Command(CommandObject::Sequence, self.verb.clone(), Kind::Finished);
        let mut event = Event::new(id.event_id(), SOURCE, event_type, self.data.clone());
        event.time = Some(since.to_string().into());
        event.context = Some(self.context.clone());
        event.triggered_id = Some(self.triggered_id.clone());
        Some(event)
    }
}

impl Unreadable {
    fn say(&self, id: DerivedId, since: StreamTime) -> Event {
        let message =
            format!("a message on `{}` can never be handled: {}", self.subject, self.reason);
        let data = json!({
            "message": message,
            "integrationid": SOURCE,
            "task": "",
            "subject": self.subject,
            "position": self.position,
            "reason": self.reason,
        });
        let data = data.as_object().map_or_else(Payload::empty, Payload::from_map);
        let mut event = Event::new(id.event_id(), SOURCE, EventType::LogError, data);
        event.time = Some(since.to_string().into());
        event
    }
}
