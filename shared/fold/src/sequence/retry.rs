//! A failed run is run again: from the start with what its trigger gave, or from the task that
//! failed with what was carried until then. The new run follows the failed one as a sequence of
//! `triggeredOn` would, but queues at a place of its own.

use std::sync::Arc;

use model::{Payload, SequenceSpec, StreamTime, TaskStatus};

use super::{
    Due, Sequences,
    control::Order,
    run::{FollowUp, Outcome, Phase, RetryFrom, Run, RunKey},
};
use crate::{
    refusal::{Code, Refusal},
    values::text,
};

/// Member of a retry's trigger: id of the trigger of the run that it repeats.
pub(super) const RETRY_OF: &str = "retryOf";
/// Member of a retry's trigger: the task it begins with, unless that is the first.
pub(super) const RETRY_TASK: &str = "retryTask";

/// A `sequence.retry`, as far as other commands do not have it.
#[derive(Clone, Debug)]
pub(super) struct Retry {
    from: RetryFrom,
    /// Only runs of this sequence.
    sequence: Option<Box<str>>,
}

impl Retry {
    /// Reads `data.from` and `data.sequence`.
    pub(super) fn read(data: &Payload) -> Result<Self, Refusal> {
        let data = data.to_map();
        let from = match text(&data, "from").unwrap_or_default() {
            "" | "start" => RetryFrom::Start,
            "failedTask" => RetryFrom::FailedTask,
            other => {
                return Err(Refusal::new(
                    Code::Invalid,
                    format!(
                        "`from` must be `start` or `failedTask`, not `{}`",
                        model::name::shortened(other)
                    ),
                    "leave it out to start over",
                ));
            }
        };
        let sequence = text(&data, "sequence").filter(|name| !name.is_empty()).map(Into::into);
        Ok(Self { from, sequence })
    }
}

impl Sequences {
    /// Owes the triggers of the failed runs that a command is about; tells how many.
    pub(super) fn retry(
        &mut self,
        order: &Order<'_>,
        retry: &Retry,
        now: StreamTime,
    ) -> Result<usize, Refusal> {
        let runs = self.retried(order, retry)?;
        for run in &runs {
            let next = FollowUp {
                id: run.derived("retry", order.by.as_str()),
                stage: run.stage.clone(),
                sequence: run.sequence.clone(),
                is_aborted: false,
                run: None,
                retry: Some(retry.from),
            };
            let (key, id) = (run.key, next.id);
            self.failed.remove(key);
            self.enter_again(run);
            self.change(key, |run| {
                if let Phase::Ended { follow_ups } = &mut run.phase {
                    follow_ups.push(next);
                }
            });
            self.owed.insert(id, now, Due::FollowUp(key));
        }
        Ok(runs.len())
    }

    /// Returns the failed runs that a command is about: all of one sequence.
    fn retried(&self, order: &Order<'_>, retry: &Retry) -> Result<Vec<Arc<Run>>, Refusal> {
        let mut runs = self.failed.of(order.context);
        runs.retain(|run| order.is_in_reach(run) && retry.is_about(run));
        let Some(first) = runs.first() else { return Err(none_to_retry(order)) };
        let other =
            runs.iter().find(|run| (&run.stage, &run.sequence) != (&first.stage, &first.sequence));
        match other {
            None => Ok(runs),
            Some(other) => Err(several(first, other)),
        }
    }

    /// Remembers a failed run again whose retry was refused: another one may not be.
    pub(super) fn remember_refused(&mut self, failed: RunKey, key: RunKey) {
        let is_refused =
            self.runs.get(&key).is_some_and(|run| matches!(run.phase, Phase::Declined(_)));
        let Some(run) = self.runs.get(&failed).filter(|_| is_refused) else { return };
        if run.follow_ups().iter().any(|next| next.run == Some(key) && next.retry.is_some()) {
            self.failed.remember(run);
        }
    }

    /// Puts a run that is over back among the others, because something follows it.
    fn enter_again(&mut self, run: &Arc<Run>) {
        if self.runs.contains_key(&run.key) {
            return;
        }
        self.contexts.entry(run.context.clone()).or_default().runs.insert(run.key);
        let stages = self.by_stage.entry(run.project.clone()).or_default();
        stages.entry(run.stage.clone()).or_default().insert(run.key);
        self.runs.insert(run.key, Arc::clone(run));
    }
}

impl Retry {
    fn is_about(&self, run: &Run) -> bool {
        self.sequence.as_deref().is_none_or(|name| name == run.sequence.as_str())
    }
}

fn none_to_retry(order: &Order<'_>) -> Refusal {
    let place = order.stage.as_ref().map(|name| format!(" in stage `{name}`"));
    Refusal::new(
        Code::Refused,
        format!(
            "no failed sequence of context {}{} can be retried",
            order.context,
            place.unwrap_or_default()
        ),
        "it has not failed, is retried already, or is not among the last 1,000 failed ones: `keptn trigger` starts a new one",
    )
}

fn several(one: &Run, other: &Run) -> Refusal {
    let name = |run: &Run| format!("`{}` in `{}`", run.sequence, run.stage);
    Refusal::new(
        Code::Invalid,
        format!("several sequences have failed: {} and {}", name(one), name(other)),
        "name one by its stage, or by its sequence",
    )
}

impl Run {
    /// Returns how many tasks a retry from the failed one skips.
    pub(super) fn tasks_kept(&self) -> usize {
        let has_failed = self.last.as_ref().is_some_and(|last| !last.goes_on());
        self.results.len() - usize::from(has_failed && !self.results.is_empty())
    }

    /// Takes over how far the run was that this one retries.
    pub(super) fn take_over(&mut self, failed: &Self, from: RetryFrom) {
        self.origin = failed.origin;
        if from == RetryFrom::Start {
            return;
        }
        let kept = failed.results.iter().take(failed.tasks_kept());
        self.results = kept.cloned().collect();
        self.tasks_done = u32::try_from(self.results.len()).unwrap_or(u32::MAX);
        self.last = failed.last_kept();
    }

    /// Returns how the last task that a retry skips ended.
    fn last_kept(&self) -> Option<Outcome> {
        let (_, result) = self.results.iter().take(self.tasks_kept()).next_back()?;
        Some(Outcome { result: *result, status: TaskStatus::Succeeded, message: "".into() })
    }

    /// Tells whether the tasks that a retry skips are those of the sequence as it is now.
    pub(super) fn skips_the_same(&self, spec: &SequenceSpec) -> bool {
        let names = spec.tasks.iter().map(|task| &task.name);
        let kept = self.results.iter().map(|(name, _)| name);
        spec.tasks.len() >= self.results.len() && names.zip(kept).all(|(now, then)| now == then)
    }

    /// Returns the data of the trigger that retries this run.
    pub(super) fn retry_data(&self, from: RetryFrom) -> Payload {
        let mut data = match from {
            RetryFrom::Start => self.input.data.to_map(),
            RetryFrom::FailedTask => self.carried_on(self.last_kept().as_ref()),
        };
        data.insert("project".to_owned(), self.project.as_str().into());
        data.insert("stage".to_owned(), self.stage.as_str().into());
        data.insert(RETRY_OF.to_owned(), self.trigger_id.as_str().into());
        if from == RetryFrom::FailedTask
            && let Some((task, _)) = self.results.get(self.tasks_kept())
        {
            data.insert(RETRY_TASK.to_owned(), task.as_str().into());
        }
        Payload::from_map(&data)
    }
}
