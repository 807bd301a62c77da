//! A bounded memory of ids that were handled, so that a late copy of one changes nothing.

use imbl::{OrdSet, Vector};
use model::DerivedId;
use serde::{Deserialize, Serialize};

/// Ids that are remembered. A copy that comes after so many others is taken for new; the stream's
/// own duplicate window and the fences of the publisher stand before that.
const REMEMBERED_MAX: usize = 65_536;

/// The newest [`REMEMBERED_MAX`] ids. A snapshot holds each of them once.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Vector<DerivedId>", into = "Vector<DerivedId>")]
pub(crate) struct Remembered {
    known: OrdSet<DerivedId>,
    oldest_first: Vector<DerivedId>,
}

impl From<Vector<DerivedId>> for Remembered {
    fn from(oldest_first: Vector<DerivedId>) -> Self {
        Self { known: oldest_first.iter().copied().collect(), oldest_first }
    }
}

impl From<Remembered> for Vector<DerivedId> {
    fn from(remembered: Remembered) -> Self {
        remembered.oldest_first
    }
}

impl Remembered {
    pub(crate) fn insert(&mut self, id: DerivedId) {
        if self.known.insert(id).is_some() {
            return;
        }
        self.oldest_first.push_back(id);
        if self.oldest_first.len() > REMEMBERED_MAX
            && let Some(oldest) = self.oldest_first.pop_front()
        {
            self.known.remove(&oldest);
        }
    }

    pub(crate) fn contains(&self, id: DerivedId) -> bool {
        self.known.contains(&id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_is_forgotten_and_nothing_else() {
        let mut remembered = Remembered::default();
        let id = |n: usize| DerivedId::of(&[&n.to_string()]);
        (0..=REMEMBERED_MAX).for_each(|n| remembered.insert(id(n)));
        assert!(!remembered.contains(id(0)));
        assert!(remembered.contains(id(1)));
        assert!(remembered.contains(id(REMEMBERED_MAX)));
    }
}
