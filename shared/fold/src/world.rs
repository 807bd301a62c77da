//! Everything that the stream says, folded in one place.

use std::{borrow::Cow, time::Duration};

use model::{DerivedId, Event, Position, Stored, StreamTime, trace::Trace};
use serde::{Deserialize, Serialize};

use crate::{
    Catalog, Note,
    owed::{Owed, Owes, Waits},
    sequence::{Due, Fact, Sequences, Surroundings},
    stage::Stages,
};

/// The state after the last applied event.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct World {
    position: Position,
    now: StreamTime,
    /// Projects, documents, services, values.
    pub catalog: Catalog,
    /// Sequence executions that are not over.
    pub sequences: Sequences,
    /// What is released and evaluated where.
    pub stages: Stages,
}

/// What applying one event came to.
#[derive(Debug, Default)]
pub struct Applied {
    /// Why something did not change, for the log.
    pub notes: Vec<Note>,
    /// What happened to runs, for who derives from it.
    pub facts: Vec<Fact>,
}

impl AsRef<[Note]> for Applied {
    fn as_ref(&self) -> &[Note] {
        &self.notes
    }
}

impl World {
    /// Applies the next event of the stream. Total: whatever it says, the next one can be applied.
    pub fn apply(&mut self, stored: &Stored) -> Applied {
        if stored.position <= self.position {
            return Applied {
                notes: vec![Note::new("this position was read already")],
                facts: Vec::new(),
            };
        }
        self.position = stored.position;
        self.now = self.now.max(stored.time);
        let stored = &*self.in_order(stored);
        let note = self.catalog.apply(stored);
        let around = Surroundings { catalog: &self.catalog, stages: &self.stages };
        let effects = self.sequences.apply(&around, stored);
        for fact in &effects.facts {
            if self.is_of_a_project(fact) {
                self.stages.note(fact, stored.position, stored.time);
            }
        }
        self.forget_deleted(stored);
        let mut notes = effects.notes;
        notes.extend(note);
        Applied { notes, facts: effects.facts }
    }

    /// Tells whether the run belongs to a project as it is, not to one that was deleted.
    fn is_of_a_project(&self, fact: &Fact) -> bool {
        let project = self.catalog.project(fact.run.project.as_str());
        let definition = fact.run.definition;
        project.is_some_and(|project| definition.is_some_and(|at| at >= project.created))
    }

    /// Returns the event with a time that does not go back.
    fn in_order<'a>(&self, stored: &'a Stored) -> Cow<'a, Stored> {
        if stored.time == self.now {
            Cow::Borrowed(stored)
        } else {
            Cow::Owned(Stored { time: self.now, ..stored.clone() })
        }
    }

    fn forget_deleted(&mut self, stored: &Stored) {
        let Ok(event) = &stored.body else { return };
        if let Some(name) = self.catalog.deleted_by(event) {
            self.stages.forget(&name);
        }
    }

    /// Returns the position of the last applied event.
    pub fn position(&self) -> Position {
        self.position
    }

    /// Returns the largest stream time seen.
    pub fn now(&self) -> StreamTime {
        self.now
    }
}

impl Owes for World {
    type Due = Due;

    fn owed_after(&self, number: u64) -> Vec<Owed<Due>> {
        self.sequences.owed_after(number)
    }

    fn due_by(&self, now: StreamTime) -> Vec<Owed<Due>> {
        self.sequences.due_by(now)
    }

    fn next_deadline(&self) -> Option<StreamTime> {
        self.sequences.next_deadline()
    }

    fn is_owed(&self, owed: &Owed<Due>, now: StreamTime) -> bool {
        self.sequences.is_owed(owed.id, &owed.due, now)
    }

    fn own_wait(&self, owed: &Owed<Due>) -> Duration {
        match owed.due {
            Due::TimeOut(key) => self
                .sequences
                .run(key)
                .and_then(|run| run.open.as_ref())
                .map_or(Duration::ZERO, |task| owed.since.since(task.at)),
            Due::Step(_) | Due::Told(_) | Due::FollowUp(_) | Due::Control(_) | Due::LogError(_) => {
                Duration::ZERO
            }
        }
    }

    fn trace_of(&self, event: &Event) -> Option<Trace> {
        self.sequences.trace_of(event)
    }

    fn event(&self, owed: &Owed<Due>, waits: Waits) -> Option<Event> {
        let since = self.sequences.owed_table().since(owed.id).unwrap_or(owed.since);
        self.sequences.say(&owed.due, owed.id, since, waits)
    }
}

impl Sequences {
    fn owed_after(&self, number: u64) -> Vec<Owed<Due>> {
        self.owed_table().after(number)
    }

    fn is_owed(&self, id: DerivedId, due: &Due, now: StreamTime) -> bool {
        self.owed_table().get(id).is_some()
            || match due {
                Due::Step(key) | Due::TimeOut(key) => {
                    self.due_of(*key, now).is_some_and(|owed| owed.id == id)
                }
                Due::Told(_) | Due::FollowUp(_) | Due::Control(_) | Due::LogError(_) => false,
            }
    }
}
