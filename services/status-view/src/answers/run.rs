//! A run as it is at the view's position: its record, and what only holds at the moment.

use std::collections::BTreeMap;

use fold::{
    Run, RunKey,
    sequence::{Next, Phase, Reason, Waiting},
};
use model::{
    KeptnContext, ServiceName,
    name::shortened,
    view::{Sequence, SequenceState, WaitingFor, WaitingReason},
};

use crate::{View, history::EXECUTORS_MAX};

/// Returns a run, open or ended.
pub(super) fn sequence(view: &View, key: RunKey) -> Option<Sequence> {
    let mut record = view.history.run(key)?;
    if let Some(run) = view.world.sequences.run(key).filter(|run| !run.is_ended()) {
        let waiting = view.world.sequences.waiting(run);
        record.state = state(run, waiting.as_ref());
        record.waiting_for = waiting.map(waiting_for);
    }
    Some(record)
}

/// States that a run that has not ended may have.
const OPEN: [SequenceState; 5] = [
    SequenceState::Triggered,
    SequenceState::Started,
    SequenceState::Waiting,
    SequenceState::WaitingForApproval,
    SequenceState::Paused,
];

/// Counts the runs that have not ended, by state.
pub fn open_states(view: &View) -> Vec<(SequenceState, u64)> {
    let sequences = &view.world.sequences;
    let mut counts: BTreeMap<SequenceState, u64> = OPEN.map(|state| (state, 0)).into();
    for run in sequences.runs().filter(|run| !run.is_ended()) {
        *counts.entry(state(run, sequences.waiting(run).as_ref())).or_default() += 1;
    }
    counts.into_iter().collect()
}

/// Returns the state of a run that has not ended.
pub(super) fn state(run: &Run, waiting: Option<&Waiting>) -> SequenceState {
    let has_started = run.tasks_done > 0 || run.open.is_some();
    let under_way = if has_started { SequenceState::Started } else { SequenceState::Triggered };
    if run.aborted.is_some() {
        return under_way;
    }
    if run.is_paused {
        return SequenceState::Paused;
    }
    match waiting.map(|waiting| &waiting.reason) {
        Some(Reason::Queue(_, _)) => SequenceState::Waiting,
        Some(Reason::Approval) => SequenceState::WaitingForApproval,
        Some(Reason::Pause) => SequenceState::Paused,
        Some(Reason::Executor(_) | Reason::Delay | Reason::Command | Reason::Controller) | None => {
            under_way
        }
    }
}

/// Says for what a run waits.
fn waiting_for(waiting: Waiting) -> WaitingFor {
    let mut executors = Vec::new();
    let mut behind: Option<KeptnContext> = None;
    let mut services: Vec<ServiceName> = Vec::new();
    let reason = match waiting.reason {
        Reason::Executor(awaited) => {
            executors = shown(&awaited);
            WaitingReason::Executor
        }
        Reason::Queue(service, other) => {
            services.push(service);
            behind = other;
            WaitingReason::Queue
        }
        Reason::Approval => WaitingReason::Approval,
        Reason::Delay => WaitingReason::Delay,
        Reason::Pause => WaitingReason::Pause,
        Reason::Command => WaitingReason::Command,
        Reason::Controller => WaitingReason::Controller,
    };
    let (since, until) = (waiting.since, waiting.until);
    WaitingFor { reason, executors, behind, services, since, until }
}

/// Says in a word or two for what a run waits; not for the controller, which is about to act.
pub(super) fn waiting_text(waiting: &Waiting) -> Option<String> {
    let text = match &waiting.reason {
        Reason::Executor(awaited) if awaited.is_empty() => "an executor",
        Reason::Executor(awaited) => return Some(shown(awaited).join(", ")),
        Reason::Queue(_, _) => "queue",
        Reason::Approval => "approval",
        Reason::Delay => "delay",
        Reason::Pause => "resume",
        Reason::Command => "command",
        Reason::Controller => return None,
    };
    Some(text.to_owned())
}

/// Returns the executors that are shown; who they are is said by whoever answers.
fn shown(awaited: &[String]) -> Vec<String> {
    awaited.iter().take(EXECUTORS_MAX).map(|name| shortened(name)).collect()
}

/// Returns the label of the open task of a run, else of the next one.
pub(super) fn task_label(view: &View, run: &Run) -> Option<String> {
    let spec = view.world.sequences.spec(run);
    let at = usize::try_from(run.tasks_done).ok()?;
    let label = spec.and_then(|spec| spec.task_label(at));
    if let Some(open) = &run.open {
        let is_listed =
            spec.and_then(|spec| spec.tasks.get(at)).is_some_and(|task| task.name == open.name);
        return label.filter(|_| is_listed).or_else(|| Some(open.name.to_string()));
    }
    let goes_on = match run.next(spec) {
        Next::Task(_) => true,
        Next::Nothing => matches!(run.phase, Phase::Decided),
        Next::End => false,
    };
    label.filter(|_| goes_on)
}
