//! Failed runs are remembered, over or not, so that a person can have them run again. The newest
//! run of a sequence for the same services of a delivery stands for those before it.

use std::sync::Arc;

use imbl::{OrdMap, OrdSet};
use model::{KeptnContext, ProjectName};
use serde::{Deserialize, Serialize};

use super::run::{Outcome, Phase, Run, RunKey, Standing};

/// Failed runs that are remembered; the one with the oldest trigger is forgotten first.
pub const FAILED_MAX: usize = 1_000;
/// Most bytes of data of a failed run that is remembered. One with more cannot be retried.
pub const FAILED_BYTES_MAX: usize = 64 * 1024;

/// The failed runs that can be retried.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct FailedRuns {
    runs: OrdMap<RunKey, Arc<Run>>,
    contexts: OrdMap<KeptnContext, OrdSet<RunKey>>,
}

impl FailedRuns {
    /// Notes how a run ended: it stands for all runs before it of the same sequence, delivery and
    /// services.
    pub(super) fn note_end(&mut self, run: &Run, outcome: &Outcome) {
        for other in self.of(&run.context) {
            if is_same(&other, run) {
                self.remove(other.key);
            }
        }
        let has_failed = matches!(run.phase, Phase::Decided)
            && run.aborted.is_none()
            && !outcome.goes_on()
            && run.carried_bytes() + run.input.data.as_str().len() <= FAILED_BYTES_MAX;
        if has_failed {
            self.remember(run);
        }
    }

    /// Remembers a run, without what only an open one has.
    pub(super) fn remember(&mut self, run: &Run) {
        let over = Run {
            phase: Phase::Ended { follow_ups: Vec::new() },
            definition: None,
            open: None,
            not_before: None,
            is_paused: false,
            standing: Standing::Away,
            deadline: None,
            ..run.clone()
        };
        self.contexts.entry(run.context.clone()).or_default().insert(run.key);
        self.runs.insert(run.key, Arc::new(over));
        if self.runs.len() > FAILED_MAX
            && let Some(oldest) = self.runs.keys().next().copied()
        {
            self.remove(oldest);
        }
    }

    /// Forgets a run, because it is retried.
    pub(super) fn remove(&mut self, key: RunKey) {
        let Some(run) = self.runs.remove(&key) else { return };
        if let Some(keys) = self.contexts.get_mut(&run.context) {
            keys.remove(&key);
            if keys.is_empty() {
                self.contexts.remove(&run.context);
            }
        }
    }

    /// Forgets the failed runs of a project that was deleted.
    pub(super) fn forget(&mut self, project: &ProjectName) {
        let gone = self.runs.values().filter(|run| run.project == *project);
        for key in gone.map(|run| run.key).collect::<Vec<_>>() {
            self.remove(key);
        }
    }

    /// Returns the failed runs of a delivery, oldest trigger first.
    pub(super) fn of(&self, context: &KeptnContext) -> Vec<Arc<Run>> {
        let keys = self.contexts.get(context).into_iter().flatten();
        keys.filter_map(|key| self.runs.get(key)).cloned().collect()
    }
}

fn is_same(one: &Run, other: &Run) -> bool {
    let services = |run: &Run| run.services.iter().map(|one| one.name.clone()).collect::<Vec<_>>();
    (&one.project, &one.stage, &one.sequence) == (&other.project, &other.stage, &other.sequence)
        && services(one) == services(other)
}
