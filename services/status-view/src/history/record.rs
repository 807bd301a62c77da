//! The record of a run, written from what happened to it. It has the form in which it is answered;
//! what only holds at a moment (the state of an open run, for what it waits) is added then.

use std::collections::BTreeMap;

use fold::{
    Fact, Run, What, World,
    sequence::{ClosedTask, Decline, OpenTask, Outcome, Phase, Source},
};
use model::{
    Event, EventType, Kind, SequenceSpec, ServiceName, StreamTime, TaskStatus,
    name::shortened,
    view::{Executor, Sequence, SequenceService, SequenceState, Task, TaskState},
};
use serde::Deserialize;

/// Characters of a message, or of an artifact, that are kept: far more than a person reads or a
/// registry allows. The whole one stands in the event.
pub(crate) const TEXT_CHARS_MAX: usize = 1_000;
/// Executors that are kept per task. More than a handful is a flood of answers.
pub(crate) const EXECUTORS_MAX: usize = 20;

/// Labels that are kept of a run, and characters of each name and value. Keptn's own clients set
/// about three.
const LABELS_MAX: usize = 20;
const LABEL_CHARS_MAX: usize = 200;

/// Name of the task whose answers have a score.
const EVALUATION: &str = "evaluation";

/// Message of a task that a retry begins behind.
const SKIPPED: &str = "done before the retry";

/// When and where something happened.
pub(super) struct Moment<'a> {
    /// The world behind the event.
    pub(super) world: &'a World,
    /// The event.
    pub(super) event: Option<&'a Event>,
}

/// What the end of a sequence says besides its outcome.
#[derive(Default, Deserialize)]
struct End {
    #[serde(default)]
    hint: Option<String>,
    #[serde(default, rename = "nothingToDo")]
    nothing_to_do: bool,
}

/// The labels in the data of a trigger.
#[derive(Default, Deserialize)]
struct Labelled {
    #[serde(default)]
    labels: serde_json::Map<String, serde_json::Value>,
}

/// Returns the record of a run of which only the trigger was seen.
pub(super) fn begun(run: &Run, trigger: Option<&Event>) -> Sequence {
    let service = run.carried.head().service.and_then(|name| ServiceName::new(&name).ok());
    Sequence {
        keptn_context: run.context.clone(),
        trigger_id: run.trigger_id.clone(),
        position: run.key,
        project: run.project.clone(),
        stage: run.stage.clone(),
        sequence: run.sequence.clone(),
        services: service
            .map(|service| SequenceService { service, artifact: None, released: None })
            .into_iter()
            .collect(),
        from: None,
        state: SequenceState::Triggered,
        result: None,
        status: None,
        message: None,
        hint: None,
        nothing_to_do: false,
        triggered_at: run.triggered_at,
        started_at: None,
        finished_at: None,
        tasks: Vec::new(),
        waiting_for: None,
        git_commit_id: None,
        source: trigger.and_then(|event| text(&event.source)),
        labels: labels(run),
        problem_title: problem_title(run),
    }
}

fn problem_title(run: &Run) -> Option<String> {
    let data = run.carried.to_map();
    data.get("problem")?.get("problemTitle")?.as_str().and_then(text)
}

/// Returns what a trigger is labelled with; what is no text is no label.
fn labels(run: &Run) -> BTreeMap<String, String> {
    let data: Labelled = run.carried.parse().unwrap_or_default();
    let texts = data.labels.iter().filter_map(|(name, value)| {
        Some((bounded(name, LABEL_CHARS_MAX)?, bounded(value.as_str()?, LABEL_CHARS_MAX)?))
    });
    texts.take(LABELS_MAX).collect()
}

/// Writes down what happened to a run.
pub(super) fn note(record: &mut Sequence, fact: &Fact, moment: &Moment<'_>) {
    let run = fact.run.as_ref();
    let spec = fact
        .definition
        .as_ref()
        .and_then(|definition| definition.sequence(&run.stage, run.sequence.as_str()));
    match &fact.what {
        What::Triggered | What::Controlled => {}
        What::Decided => note_decided(record, run, spec, moment.world),
        What::TaskTriggered => note_opened(record, run),
        What::Answered => note_open(record, run, moment),
        What::TaskClosed(closed) => note_closed(record, closed, moment),
        What::Ended(outcome) => note_ended(record, run, outcome, moment),
    }
    // An answer may have brought an artifact.
    for (kept, one) in record.services.iter_mut().zip(&run.services) {
        if kept.artifact.as_deref() != one.artifact.as_deref() {
            kept.artifact = one.artifact.as_deref().and_then(text);
        }
    }
}

fn note_decided(record: &mut Sequence, run: &Run, spec: Option<&SequenceSpec>, world: &World) {
    record.git_commit_id = run.git_commit_id.as_deref().map(shortened);
    match &run.phase {
        Phase::Declined(Decline::NothingToDo(_)) => record.nothing_to_do = true,
        Phase::Declined(Decline::Refused(refusal)) => record.hint = text(&refusal.hint),
        Phase::Undecided | Phase::Ended { .. } => {}
        Phase::Decided => {
            record.from = run.sync.as_ref().and_then(|sync| {
                sync.to_map().get("from")?.as_str().and_then(|from| from.parse().ok())
            });
            record.services =
                run.services.iter().map(|one| service(run, &one.name, world)).collect();
            record.tasks = spec.map(pending_tasks).unwrap_or_default();
            note_skipped(record, run);
        }
    }
}

/// The tasks that a retry begins behind were done by the run that failed.
fn note_skipped(record: &mut Sequence, run: &Run) {
    for (task, (_, result)) in record.tasks.iter_mut().zip(&run.results) {
        task.state = TaskState::Finished;
        task.result = Some(*result);
        task.message = text(SKIPPED);
    }
}

fn service(run: &Run, name: &ServiceName, world: &World) -> SequenceService {
    let delivered = world.stages.delivered(&run.project, &run.stage, name);
    SequenceService {
        service: name.clone(),
        artifact: None,
        released: delivered
            .and_then(|delivered| delivered.released.as_ref())
            .and_then(|released| text(&released.artifact)),
    }
}

fn pending_tasks(spec: &SequenceSpec) -> Vec<Task> {
    let task = |(index, task): (usize, &model::TaskSpec)| {
        pending(task.name.clone(), spec.task_label(index))
    };
    spec.tasks.iter().enumerate().map(task).collect()
}

fn pending(name: model::TaskName, label: Option<String>) -> Task {
    Task {
        label: label.unwrap_or_else(|| name.to_string()),
        name,
        state: TaskState::Pending,
        result: None,
        status: None,
        message: None,
        triggered_id: None,
        triggered_at: None,
        started_at: None,
        finished_at: None,
        executors: Vec::new(),
        score: None,
    }
}

fn note_opened(record: &mut Sequence, run: &Run) {
    let Some(open) = &run.open else { return };
    record.started_at.get_or_insert(open.at);
    let Some(task) = task_at(record, run.tasks_done, open) else { return };
    task.state = TaskState::Triggered;
    task.triggered_at = Some(open.at);
    task.executors = executors(open);
}

/// Returns the record of a task: the one with its id, else the next that was not triggered. What
/// was triggered counts, not what the shipyard says.
fn task_at<'a>(record: &'a mut Sequence, index: u32, open: &OpenTask) -> Option<&'a mut Task> {
    let id = open.id.event_id();
    let tasks = &record.tasks;
    let known = tasks.iter().position(|task| task.triggered_id.as_ref() == Some(&id));
    let begin = usize::try_from(index).ok()?;
    let untouched = || {
        let rest = tasks.iter().enumerate().skip(begin);
        rest.filter(|(_, task)| task.triggered_id.is_none()).map(|(at, _)| at).next()
    };
    let at = known.or_else(untouched).unwrap_or(tasks.len());
    if at == tasks.len() {
        record.tasks.push(pending(open.name.clone(), None));
    }
    let task = record.tasks.get_mut(at)?;
    if task.name != open.name {
        *task = pending(open.name.clone(), None);
    }
    task.triggered_id = Some(id);
    Some(task)
}

fn note_open(record: &mut Sequence, run: &Run, moment: &Moment<'_>) {
    let Some(open) = &run.open else { return };
    let Some(task) = task_at(record, run.tasks_done, open) else { return };
    note_answers(task, open, moment);
}

fn note_answers(task: &mut Task, open: &OpenTask, moment: &Moment<'_>) {
    if open.is_answered() {
        task.state = TaskState::Started;
        task.started_at.get_or_insert(moment.world.now());
    }
    task.executors = executors(open);
    if let Some(event) = moment.event.filter(|event| event.triggered_id == task.triggered_id) {
        task.score = score(event).or(task.score);
    }
}

/// Returns the score that the end of an evaluation says.
fn score(event: &Event) -> Option<f64> {
    let EventType::Task(name, Kind::Finished) = &event.event_type else { return None };
    if name.as_str() != EVALUATION {
        return None;
    }
    event.data.to_map().get(EVALUATION)?.get("score")?.as_f64()
}

fn note_closed(record: &mut Sequence, closed: &ClosedTask, moment: &Moment<'_>) {
    let Some(task) = task_at(record, closed.index, &closed.task) else { return };
    note_answers(task, &closed.task, moment);
    task.state = TaskState::Finished;
    task.finished_at = Some(moment.world.now());
    task.result = Some(closed.outcome.result);
    task.status = Some(closed.outcome.status);
    task.message = text(&closed.outcome.message);
}

/// Returns who answered, in the order of the first answer, and who is awaited.
fn executors(task: &OpenTask) -> Vec<Executor> {
    let working: Vec<&str> = task.working().map(|source| source.source.as_ref()).collect();
    let heard = task.sources.iter().map(|source| executor(source, &working));
    let silent = task
        .named
        .iter()
        .filter(|name| !task.sources.iter().any(|source| source.executor() == name.as_str()))
        .map(|name| Executor {
            name: name.to_string(),
            state: TaskState::Pending,
            result: None,
            progress: None,
        });
    heard.chain(silent).take(EXECUTORS_MAX).collect()
}

fn executor(source: &Source, working: &[&str]) -> Executor {
    let is_done = !source.finished.is_empty() && !working.contains(&source.source.as_ref());
    Executor {
        name: shortened(source.executor()),
        state: if is_done { TaskState::Finished } else { TaskState::Started },
        result: source.finished.iter().map(|verdict| verdict.outcome.result).max(),
        progress: source.progress.as_deref().map(shortened),
    }
}

fn note_ended(record: &mut Sequence, run: &Run, outcome: &Outcome, moment: &Moment<'_>) {
    let now = moment.world.now();
    let end: End = moment.event.and_then(|event| event.data.parse().ok()).unwrap_or_default();
    record.state = match outcome.status {
        TaskStatus::Aborted => SequenceState::Aborted,
        TaskStatus::Succeeded | TaskStatus::Errored | TaskStatus::Unknown if run.is_timed_out => {
            SequenceState::TimedOut
        }
        TaskStatus::Succeeded | TaskStatus::Errored | TaskStatus::Unknown => {
            SequenceState::Finished
        }
    };
    record.result = Some(outcome.result);
    record.status = Some(outcome.status);
    record.message = text(&outcome.message);
    record.hint = end.hint.as_deref().and_then(text);
    record.nothing_to_do = end.nothing_to_do;
    record.finished_at = Some(now);
    if run.open.is_none() {
        close_unanswered(record, now);
    }
}

/// An approval that an abort closed has no end of its own.
fn close_unanswered(record: &mut Sequence, now: StreamTime) {
    for task in &mut record.tasks {
        match task.state {
            TaskState::Triggered | TaskState::Started => {
                task.state = TaskState::Finished;
                task.status = Some(TaskStatus::Aborted);
                task.finished_at = Some(now);
            }
            TaskState::Pending | TaskState::Finished => {}
        }
    }
}

/// Returns a text as it is kept, none if it is empty.
fn text(message: &str) -> Option<String> {
    bounded(message, TEXT_CHARS_MAX)
}

/// Returns a text of at most so many characters, none if it is empty.
pub(crate) fn bounded(text: &str, chars_max: usize) -> Option<String> {
    let kept = match text.char_indices().nth(chars_max) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    };
    (!kept.is_empty()).then_some(kept)
}
