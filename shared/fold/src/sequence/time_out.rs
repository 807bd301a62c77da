//! Deadlines of open tasks.
//!
//! The waits are read from the task's `.triggered` event and nowhere else. A time-out is a
//! `<task>.finished` under an id that names the deadline; it counts only if the stream stored it at
//! or past the deadline and the deadline still stands.

use std::time::Duration;

use model::{DerivedId, StreamTime};

use super::{
    Due, Sequences,
    run::{ABORTED_HOLD_SECS, Run, RunKey},
};
use crate::owed::{Owed, OwedTable};

/// Kinds of deadlines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deadline {
    /// Somebody must answer.
    Start,
    /// The task must be done.
    Finish,
    /// A run that is over gives its slot back.
    Hold,
}

impl Deadline {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Finish => "finish",
            Self::Hold => "hold",
        }
    }
}

impl Run {
    /// Returns the deadline that stands, the earliest if there are two. An aborted run has none
    /// until its end was seen.
    pub(super) fn standing_deadline(&self) -> Option<(StreamTime, Deadline)> {
        let task = self.open.as_ref()?;
        let start = task.start_by.filter(|_| !task.is_answered());
        let hold = self.is_ended().then(|| {
            let over_since = self.aborted.as_ref().map_or(self.cause, |abort| abort.at);
            over_since.after(Duration::from_secs(ABORTED_HOLD_SECS))
        });
        let all =
            [(start, Deadline::Start), (task.finish_by, Deadline::Finish), (hold, Deadline::Hold)];
        let standing = all.into_iter().filter_map(|(at, kind)| at.map(|at| (at, kind)));
        let earliest = standing.min_by_key(|(at, _)| *at);
        earliest.filter(|_| self.is_ended() || self.aborted.is_none())
    }

    /// Returns the id of the time-out event for the deadline that stands.
    pub(super) fn time_out_id(&self) -> Option<DerivedId> {
        let task = self.open.as_ref()?;
        let (_, kind) = self.standing_deadline()?;
        let set_by = match &self.aborted {
            Some(abort) => abort.by.as_str().to_owned(),
            None if self.is_ended() => "end".to_owned(),
            None => task.id.to_string(),
        };
        Some(self.derived("time-out", &format!("{}/{}/{set_by}", task.number, kind.as_str())))
    }
}

impl Sequences {
    /// Returns when the next deadline passes.
    pub(crate) fn next_deadline(&self) -> Option<StreamTime> {
        self.deadlines.get_min().map(|(at, _)| *at)
    }

    /// Returns what deadlines made due by `now`, earliest first.
    pub(crate) fn due_by(&self, now: StreamTime) -> Vec<Owed<Due>> {
        self.deadlines
            .iter()
            .take_while(|(at, _)| *at <= now)
            .filter_map(|(_, key)| self.due_of(*key, now))
            .collect()
    }

    /// Returns what the deadline of a run made due by `now`: a time-out, or a delayed task.
    pub(crate) fn due_of(&self, key: RunKey, now: StreamTime) -> Option<Owed<Due>> {
        let run = self.runs.get(&key)?;
        let since = run.deadline.filter(|at| *at <= now)?;
        let (id, due) = match run.time_out_id() {
            Some(id) => (id, Due::TimeOut(key)),
            None => (run.next_id(), Due::Step(key)),
        };
        Some(Owed { number: 0, id, since, due })
    }

    pub(crate) fn owed_table(&self) -> &OwedTable<Due> {
        &self.owed
    }
}
