//! Slots: one run at a time per project, stage and service, first come, first served.
//!
//! A run takes all its services or none: when no other run holds one of them and no run before it
//! in line wants one of them. So nobody overtakes, nobody starves, and nobody waits in a circle.

use imbl::OrdMap;
use model::{ProjectName, ServiceName, StageName};
use serde::{Deserialize, Serialize};

use super::run::{Place, Run, RunKey};
use crate::few::Few;

/// The slot that a run needs for one of its services.
type SlotKey = (ProjectName, StageName, ServiceName);

/// Who holds a slot and who wants it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Line {
    /// Usually one; more when a task that was sent before a pause or an abort is seen behind it.
    holders: Few<RunKey>,
    /// In the order in which they may take it.
    wanting: Few<(Place, RunKey)>,
    /// Every decided run that has not ended.
    open: Few<RunKey>,
}

/// All slots.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Queue {
    lines: OrdMap<SlotKey, Line>,
}

fn slots(run: &Run) -> impl Iterator<Item = SlotKey> + '_ {
    run.services
        .iter()
        .map(|service| (run.project.clone(), run.stage.clone(), service.name.clone()))
}

impl Queue {
    /// Notes that a run is decided and open.
    pub(super) fn open(&mut self, run: &Run) {
        for slot in slots(run) {
            self.lines.entry(slot).or_default().open.insert(run.key);
        }
    }

    /// Notes that a run has ended.
    pub(super) fn close(&mut self, run: &Run) {
        self.change(run, |line| {
            line.open.remove(&run.key);
        });
    }

    /// Tells whether no slot is held, wanted or needed by an open run.
    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Puts a run into the lines of its services.
    pub(super) fn join(&mut self, run: &Run) {
        self.change(run, |line| {
            line.wanting.insert((run.place, run.key));
        });
    }

    /// Takes a run out of the lines of its services.
    pub(super) fn leave(&mut self, run: &Run) {
        self.change(run, |line| {
            line.wanting.remove(&(run.place, run.key));
        });
    }

    /// Gives a run its slots whoever else holds them.
    pub(super) fn hold(&mut self, run: &Run) {
        self.change(run, |line| {
            line.holders.insert(run.key);
        });
    }

    /// Takes the slots of a run back.
    pub(super) fn release(&mut self, run: &Run) {
        self.change(run, |line| {
            line.holders.remove(&run.key);
        });
    }

    /// Tells whether a run that stands in line may take its slots.
    pub(super) fn may_take(&self, run: &Run) -> bool {
        slots(run).all(|slot| self.lines.get(&slot).is_some_and(|line| line.is_first(run)))
    }

    /// Returns the runs that stand first in the lines of this run's services.
    pub(super) fn firsts(&self, run: &Run) -> Vec<RunKey> {
        let mut firsts: Vec<RunKey> = slots(run)
            .filter_map(|slot| self.lines.get(&slot)?.wanting.first().map(|(_, key)| *key))
            .filter(|key| *key != run.key)
            .collect();
        firsts.sort_unstable();
        firsts.dedup();
        firsts
    }

    /// Returns the run for which this one waits first: who holds a slot, else who stands before.
    pub(super) fn blocker(&self, run: &Run) -> Option<(RunKey, ServiceName)> {
        slots(run).find_map(|slot| {
            let line = self.lines.get(&slot)?;
            let holder = line.holders.iter().find(|key| **key != run.key).copied();
            let before = line.wanting.first().map(|(_, key)| *key).filter(|key| *key != run.key);
            holder.or(before).map(|key| (key, slot.2))
        })
    }

    /// Returns the open runs of a service in a stage, oldest trigger first.
    pub(super) fn open_runs<'a>(
        &'a self,
        project: &ProjectName,
        stage: &StageName,
        service: &ServiceName,
    ) -> impl DoubleEndedIterator<Item = &'a RunKey> + use<'a> {
        let slot = (project.clone(), stage.clone(), service.clone());
        self.lines.get(&slot).into_iter().flat_map(|line| line.open.iter())
    }

    fn change(&mut self, run: &Run, change: impl Fn(&mut Line)) {
        for slot in slots(run) {
            let line = self.lines.entry(slot.clone()).or_default();
            change(line);
            if line.holders.is_empty() && line.wanting.is_empty() && line.open.is_empty() {
                self.lines.remove(&slot);
            }
        }
    }
}

impl Line {
    fn is_first(&self, run: &Run) -> bool {
        self.holders.iter().all(|key| *key == run.key)
            && self.wanting.first().is_some_and(|(_, key)| *key == run.key)
    }
}
