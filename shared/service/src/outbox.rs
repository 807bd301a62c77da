//! What is owed and on its way. Pure: it is told the time and says what to send.
//!
//! An entry stays until its event is seen in the stream, or is no longer owed; an ack is not the
//! end of it. What is said a second time, or late, is fenced: it is stored only if nobody spoke
//! on its subject since the fold read.
//!
//! | the server said | then |
//! |---|---|
//! | stored | wait until it is seen; still owed behind its position: say it again as another message |
//! | stored before, under this message id | read up to there; still owed: somebody else's event holds the id, say it as another message |
//! | somebody spoke on the subject | read on, then say it again if it is still owed |
//! | full, refused, no ack | a growing pause, then say it again, fenced |

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use bus::BootTime;
use fold::Owed;
use model::{DerivedId, Position};

#[cfg(test)]
mod tests;

/// Age of a cause from which on its event is fenced: a quarter of the stream's duplicate window,
/// so that the window still covers whatever the fence does not.
pub const FENCED_FROM: Duration = Duration::from_secs(30);

/// First pause before something is said again, doubled each time.
const PAUSE_MIN: Duration = Duration::from_millis(50);
/// Longest pause before something is said again.
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// How long an event that was stored may take to be read before somebody looks why.
const SEEN_WITHIN: Duration = Duration::from_secs(1);

/// An event that should be said now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter<D> {
    /// What is owed.
    pub owed: Owed<D>,
    /// What the server tells a repetition by.
    pub message_id: String,
    /// Must be fenced.
    pub is_fenced: bool,
}

/// What became of a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The stream has it.
    Stored {
        /// Where.
        position: Position,
        /// Under this message id it had one before.
        is_duplicate: bool,
    },
    /// Somebody spoke on the subject; the fold must read on first.
    ReadOn,
    /// It was not stored, or nobody knows.
    NotStored,
}

/// The entries.
#[derive(Debug)]
pub struct Outbox<D> {
    entries: HashMap<DerivedId, Entry<D>>,
    agenda: BTreeSet<(BootTime, u64, DerivedId)>,
    last_number: u64,
}

#[derive(Debug)]
struct Entry<D> {
    owed: Owed<D>,
    /// When it is looked at next; none while it is on its way.
    at: Option<BootTime>,
    times_said: u32,
    /// Number of the message id that is used.
    copy: u32,
    stored_at: Option<Position>,
}

impl<D> Default for Outbox<D> {
    fn default() -> Self {
        Self { entries: HashMap::new(), agenda: BTreeSet::new(), last_number: 0 }
    }
}

impl<D: Clone> Outbox<D> {
    /// Returns the number behind which the fold's entries are new here.
    pub fn last_number(&self) -> u64 {
        self.last_number
    }

    /// Takes what became owed; it is said at `at` at the earliest.
    pub fn take(&mut self, owed: Vec<Owed<D>>, at: BootTime) {
        for one in owed {
            self.last_number = self.last_number.max(one.number);
            if self.entries.contains_key(&one.id) {
                continue;
            }
            self.agenda.insert((at, one.number, one.id));
            let entry = Entry { owed: one, at: Some(at), times_said: 0, copy: 0, stored_at: None };
            self.entries.insert(entry.owed.id, entry);
        }
    }

    /// Forgets an event whose id was seen in the stream, unless the fold still owes it: then
    /// somebody else's event has its id.
    pub fn seen(&mut self, id: DerivedId, is_owed: impl Fn(&Owed<D>) -> bool) {
        if self.entries.get(&id).is_some_and(|entry| is_owed(&entry.owed)) {
            return;
        }
        if let Some(entry) = self.entries.remove(&id)
            && let Some(at) = entry.at
        {
            self.agenda.remove(&(at, entry.owed.number, id));
        }
    }

    /// Forgets everything: the state that owed it is void.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Returns when it must be looked at next.
    pub fn next_moment(&self) -> Option<BootTime> {
        self.agenda.first().map(|(at, _, _)| *at)
    }

    /// Returns how many events are owed and not yet seen.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Tells whether nothing is owed.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns at most `room` letters that are due, oldest first. `is_owed` asks the fold, which
    /// has read up to `position`.
    pub fn letters(
        &mut self,
        now: BootTime,
        room: usize,
        position: Position,
        is_owed: impl Fn(&Owed<D>) -> bool,
    ) -> Vec<Letter<D>> {
        let mut letters = Vec::new();
        while letters.len() < room {
            let Some((at, number, id)) =
                self.agenda.first().copied().filter(|(at, _, _)| *at <= now)
            else {
                break;
            };
            self.agenda.remove(&(at, number, id));
            let Some(entry) = self.entries.get_mut(&id) else { continue };
            if !is_owed(&entry.owed) {
                self.entries.remove(&id);
                continue;
            }
            if entry.stored_at.is_some_and(|stored| stored > position) {
                let later = now.after(SEEN_WITHIN);
                entry.at = Some(later);
                self.agenda.insert((later, number, id));
                continue;
            }
            letters.push(entry.letter());
        }
        letters
    }

    /// Notes what became of a letter.
    pub fn returned(&mut self, id: DerivedId, reply: Reply, now: BootTime) {
        let Some(entry) = self.entries.get_mut(&id) else { return };
        let pause = match reply {
            Reply::Stored { position, is_duplicate } => {
                entry.stored_at = Some(position);
                if is_duplicate { PAUSE_MIN } else { SEEN_WITHIN }
            }
            Reply::ReadOn => PAUSE_MIN,
            Reply::NotStored => {
                let doublings = entry.times_said.saturating_sub(1).min(16);
                PAUSE_MIN.saturating_mul(1 << doublings).min(PAUSE_MAX)
            }
        };
        let at = now.after(pause);
        entry.at = Some(at);
        self.agenda.insert((at, entry.owed.number, id));
    }
}

impl<D: Clone> Entry<D> {
    fn letter(&mut self) -> Letter<D> {
        if self.stored_at.take().is_some() {
            self.copy += 1;
        }
        self.at = None;
        self.times_said += 1;
        Letter {
            owed: self.owed.clone(),
            message_id: message_id(self.owed.id, self.copy),
            is_fenced: self.times_said > 1,
        }
    }
}

/// Returns the id of the event, or another one derived from it if somebody else's event holds it.
fn message_id(id: DerivedId, copy: u32) -> String {
    if copy == 0 {
        return id.to_string();
    }
    DerivedId::of(&["message", &id.to_string(), &copy.to_string()]).to_string()
}
