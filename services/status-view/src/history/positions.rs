//! Rising positions in few bytes: each as its distance from the one before.

use model::Position;
use serde::{Deserialize, Serialize};

/// Positions that are kept; ten thousand events are far more than a delivery of a hundred runs has.
/// When there are more, a tenth of them is forgotten, the oldest first.
pub(super) const POSITIONS_MAX: usize = 10_000;
const FORGOTTEN_AT_ONCE: usize = POSITIONS_MAX / 10;

/// Rising positions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Positions {
    /// What the first distance counts from.
    base: Position,
    last: Position,
    count: usize,
    /// Variable-length integers.
    distances: Vec<u8>,
}

impl Positions {
    /// Adds a position behind all others; one that is not behind them is not taken.
    pub(super) fn push(&mut self, position: Position) {
        let Some(distance) = position.checked_sub(self.last).filter(|distance| *distance > 0)
        else {
            return;
        };
        // Writing into memory does not fail.
        if let Ok(written) = postcard::to_extend(&distance, std::mem::take(&mut self.distances)) {
            self.distances = written;
            self.last = position;
            self.count += 1;
        }
        if self.count > POSITIONS_MAX {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        let mut rest = self.distances.as_slice();
        let mut base = self.base;
        let mut forgotten = 0;
        while forgotten < FORGOTTEN_AT_ONCE
            && let Ok((distance, behind)) = postcard::take_from_bytes::<u64>(rest)
        {
            base = base.saturating_add(distance);
            rest = behind;
            forgotten += 1;
        }
        self.distances = rest.to_vec();
        self.base = base;
        self.count -= forgotten;
    }

    /// Gives back room that is not used.
    pub(super) fn shrink(&mut self) {
        self.distances.shrink_to_fit();
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// Returns the positions, oldest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = Position> + '_ {
        let mut rest = self.distances.as_slice();
        let mut position = self.base;
        std::iter::from_fn(move || {
            let (distance, behind) = postcard::take_from_bytes::<u64>(rest).ok()?;
            rest = behind;
            position = position.saturating_add(distance);
            Some(position)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_read_back_in_order() {
        let mut positions = Positions::default();
        let wanted = [1, 2, 3, 200, 90_000, 90_001, 1 << 40];
        for position in wanted {
            positions.push(position);
        }
        positions.push(5);
        assert_eq!(positions.iter().collect::<Vec<_>>(), wanted);
        assert_eq!(positions.len(), wanted.len());
        assert!(positions.distances.len() < 20);
    }

    #[test]
    fn the_oldest_are_forgotten_first() {
        let mut positions = Positions::default();
        let last = POSITIONS_MAX as u64 + 1;
        (1..=last).for_each(|position| positions.push(position * 3));
        let kept: Vec<Position> = positions.iter().collect();
        assert_eq!(kept.len(), positions.len());
        assert_eq!(kept.first(), Some(&((FORGOTTEN_AT_ONCE as u64 + 1) * 3)));
        assert_eq!(kept.last(), Some(&(last * 3)));
    }
}
