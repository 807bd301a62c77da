//! How the controller says what it owes: each event as a pure function of the run.

use model::{
    CommandObject, DerivedId, Event, EventType, Kind, Payload, ServiceName, StreamTime, TaskSpec,
    TaskStatus, trace::SpanId,
};
use serde_json::json;

use super::{
    ControlAnswer, Due, Sequences, Unreadable,
    data::{DATA_BYTES_MAX, insert_outcome, too_large},
    run::{Decline, FollowUp, Next, Outcome, Phase, Run, RunKey},
    task::{APPROVAL, OpenTask},
    time_out::Deadline,
};
use crate::{owed::Waits, values::Object};

/// `source` of what the controller says.
pub const SOURCE: &str = "shipyard-controller";

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
            Due::Control(answer) => Some(answer.say(id, since)),
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
                let bytes = data.as_str().len();
                if bytes > DATA_BYTES_MAX {
                    let what = format!("the data of task `{}`", task.name);
                    return Some(run.say_too_large(&what, bytes, (id, since)));
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
        event.traceparent = Some(self.trace().parent(SpanId::of(&self.trigger_id)));
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
        event.traceparent = Some(self.trace().parent(SpanId::of(&event.id)));
        event.git_commit_id.clone_from(&self.git_commit_id);
        let (start, finish) = bounds(task, waits);
        event.start_within_secs = Some(start);
        event.finish_within_secs = Some(finish);
        event
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
        let payload = Payload::from_map(&data);
        let bytes = payload.as_str().len();
        if bytes <= DATA_BYTES_MAX {
            return self.end(id, since, payload);
        }
        if outcome.status != TaskStatus::Aborted {
            return self.say_too_large("the data of the end", bytes, (id, since));
        }
        let mut data = self.names_only();
        insert_outcome(&mut data, &outcome);
        self.end(id, since, Payload::from_map(&data))
    }

    fn say_too_large(
        &self,
        what: &str,
        bytes: usize,
        (id, since): (DerivedId, StreamTime),
    ) -> Event {
        let outcome = Outcome {
            result: model::TaskResult::Fail,
            status: TaskStatus::Errored,
            message: too_large(what, bytes).into(),
        };
        let mut data = self.names_only();
        insert_outcome(&mut data, &outcome);
        let hint = "let executors answer with less data, or with a link to it";
        data.insert("hint".to_owned(), hint.into());
        self.end(id, since, Payload::from_map(&data))
    }

    fn end(&self, id: DerivedId, since: StreamTime, data: Payload) -> Event {
        let event_type =
            EventType::Sequence(self.stage.clone(), self.sequence.clone(), Kind::Finished);
        let mut event = self.event(id, since, event_type, data);
        event.triggered_id = Some(self.trigger_id.clone());
        event.git_commit_id.clone_from(&self.git_commit_id);
        event
    }

    fn say_next(&self, next: &FollowUp, id: DerivedId, since: StreamTime) -> Event {
        let event_type =
            EventType::Sequence(next.stage.clone(), next.sequence.clone(), Kind::Triggered);
        self.event(id, since, event_type, self.next_data(next))
    }

    fn say_told(&self, id: DerivedId, since: StreamTime) -> Option<Event> {
        let task = self.open.as_ref()?;
        let mut data = self.names_only();
        data.insert("status".to_owned(), TaskStatus::Aborted.as_str().into());
        data.insert("result".to_owned(), "pass".into());
        data.insert("message".to_owned(), "the run was aborted".into());
        Some(self.answer(task, Kind::StatusChanged, (id, since), &data))
    }

    fn say_time_out(&self, id: DerivedId, since: StreamTime) -> Option<Event> {
        let task = self.open.as_ref()?;
        let (_, kind) = self.standing_deadline()?;
        let named: Vec<&str> = task.named.iter().map(ServiceName::as_str).collect();
        let by = if named.is_empty() { String::new() } else { format!(" by {}", named.join(", ")) };
        let what = if kind == Deadline::Start { "answered" } else { "finished" };
        let mut data = self.names_only();
        data.insert("status".to_owned(), TaskStatus::Errored.as_str().into());
        data.insert("result".to_owned(), "fail".into());
        let message =
            format!("sequence timed out: task `{}` was not {what}{by} until {since}", task.name);
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
        let task = task.id.event_id();
        event.traceparent = Some(self.trace().parent(SpanId::of(&task)));
        event.triggered_id = Some(task);
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

impl ControlAnswer {
    fn say(&self, id: DerivedId, since: StreamTime) -> Event {
        let event_type =
            EventType::Command(CommandObject::Sequence, self.verb.clone(), Kind::Finished);
        let mut event = Event::new(id.event_id(), SOURCE, event_type, self.data.clone());
        event.time = Some(since.to_string().into());
        event.context = Some(self.context.clone());
        event.triggered_id = Some(self.triggered_id.clone());
        event.traceparent = Some(self.traceparent.clone());
        event
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
