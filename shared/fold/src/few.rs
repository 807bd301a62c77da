//! A set that mostly holds one member or none: that takes no memory of its own, where a tree takes
//! a whole node.

use imbl::OrdSet;
use serde::{Deserialize, Serialize};

/// A set in order; copies share what did not change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "OrdSet<T>", into = "OrdSet<T>", bound(serialize = "T: Ord + Clone + Serialize"))]
#[serde(bound(deserialize = "T: Ord + Clone + Deserialize<'de>"))]
pub(crate) enum Few<T: Ord + Clone> {
    /// At most one.
    One(Option<T>),
    /// Two or more.
    More(OrdSet<T>),
}

impl<T: Ord + Clone> Default for Few<T> {
    fn default() -> Self {
        Self::One(None)
    }
}

impl<T: Ord + Clone> From<OrdSet<T>> for Few<T> {
    fn from(set: OrdSet<T>) -> Self {
        if set.len() > 1 { Self::More(set) } else { Self::One(set.get_min().cloned()) }
    }
}

impl<T: Ord + Clone> From<Few<T>> for OrdSet<T> {
    fn from(few: Few<T>) -> Self {
        match few {
            Few::One(one) => one.into_iter().collect(),
            Few::More(set) => set,
        }
    }
}

impl<T: Ord + Clone> Few<T> {
    pub(crate) fn insert(&mut self, member: T) {
        match self {
            Self::One(one @ None) => *one = Some(member),
            Self::One(Some(one)) if *one == member => {}
            Self::One(one) => *self = Self::More(one.take().into_iter().chain([member]).collect()),
            Self::More(set) => _ = set.insert(member),
        }
    }

    pub(crate) fn remove(&mut self, member: &T) {
        match self {
            Self::One(one) => _ = one.take_if(|one| one == member),
            Self::More(set) => {
                set.remove(member);
                if set.len() == 1 {
                    *self = Self::One(set.get_min().cloned());
                }
            }
        }
    }

    pub(crate) fn contains(&self, member: &T) -> bool {
        match self {
            Self::One(one) => one.as_ref() == Some(member),
            Self::More(set) => set.contains(member),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        matches!(self, Self::One(None))
    }

    /// Returns the least member.
    pub(crate) fn first(&self) -> Option<&T> {
        match self {
            Self::One(one) => one.as_ref(),
            Self::More(set) => set.get_min(),
        }
    }

    /// Returns the members, least first.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        let (one, more) = match self {
            Self::One(one) => (one.as_ref(), None),
            Self::More(set) => (None, Some(set)),
        };
        one.into_iter().chain(more.into_iter().flatten())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::{collection::vec, prelude::*};

    use super::*;

    proptest! {
        #[test]
        fn it_holds_what_a_set_holds(changes in vec((any::<bool>(), 0_u8..5), 0..40)) {
            let (mut few, mut set) = (Few::default(), BTreeSet::new());
            for (is_there, member) in changes {
                if is_there {
                    few.insert(member);
                    set.insert(member);
                } else {
                    few.remove(&member);
                    set.remove(&member);
                }
                prop_assert!(few.iter().eq(&set));
                prop_assert!(few.iter().rev().eq(set.iter().rev()));
                prop_assert_eq!((few.first(), few.is_empty()), (set.first(), set.is_empty()));
                prop_assert!((0..5).all(|member| few.contains(&member) == set.contains(&member)));
                let written = postcard::to_allocvec(&few).unwrap();
                prop_assert_eq!(&written, &postcard::to_allocvec(&set).unwrap());
                prop_assert_eq!(&postcard::from_bytes::<Few<u8>>(&written).unwrap(), &few);
            }
        }
    }
}
