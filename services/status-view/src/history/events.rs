//! Where events stand in the stream: of all projects, and of each. Messages are not kept.
//!
//! An entry is a position and the number of a type, in eight bytes.

use std::{ops::Range, sync::Arc};

use imbl::{OrdMap, Vector};
use model::{Position, ProjectName};
use serde::{Deserialize, Serialize};

/// Events that are kept, the newest; older ones are still found by their delivery.
/// Two entries of eight bytes each: 32 MB.
const EVENTS_MAX: usize = 2_000_000;
/// Types that have a number. Types hold names of stages, sequences and tasks, so this is more than
/// all shipyards together have; whoever reads an event of a further type must look at its subject.
const TYPES_MAX: usize = 60_000;
/// Bytes of a type that gets a number: names are short, and what is longer is nobody's here.
const TYPE_BYTES_MAX: usize = 200;
/// Entries that one query looks at, so that none takes longer than a few milliseconds.
const SCANNED_MAX: usize = 100_000;
/// Events between two looks for projects whose events are all forgotten.
const SWEEP_EVERY: u32 = 65_536;
/// Bits of an entry that hold the number of the type; 48 are left for the position, which is
/// more messages than a stream can get in a lifetime.
const TYPE_BITS: u32 = 16;

/// Number of a type that has none of its own, or is not known any more.
const OTHER: u16 = 0;

/// Positions of events, of all and per project.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EventIndex {
    types: OrdMap<Arc<str>, u16>,
    all: Vector<Entry>,
    projects: OrdMap<ProjectName, Vector<Entry>>,
    unswept: u32,
}

/// A position and the number of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Entry(u64);

impl Entry {
    const fn new(position: Position, number: u16) -> Self {
        Self(position << TYPE_BITS | number as u64)
    }

    const fn position(self) -> Position {
        self.0 >> TYPE_BITS
    }

    fn number(self) -> u16 {
        u16::try_from(self.0 & u64::from(u16::MAX)).unwrap_or(OTHER)
    }
}

/// What part of the events is asked for.
#[derive(Clone, Debug, Default)]
pub struct PageQuery<'a> {
    /// Only of this project.
    pub project: Option<&'a ProjectName>,
    /// Only these, oldest first.
    pub among: Option<Vec<Position>>,
    /// Only on this subject. What has no number of its own is returned all the same: whoever reads
    /// the message must look.
    pub subject: Option<&'a str>,
    /// Only behind this position, oldest first; else the newest.
    pub after: Option<Position>,
    /// Only before this position.
    pub before: Option<Position>,
    /// Most positions to return.
    pub limit: usize,
}

/// Positions of events, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The positions.
    pub positions: Vec<Position>,
    /// The value for `after` that continues, if there may be more behind.
    pub next_after: Option<Position>,
    /// The value for `before` that continues, if there may be older ones.
    pub next_before: Option<Position>,
}

impl EventIndex {
    /// Notes where an event stands.
    pub(super) fn push(
        &mut self,
        position: Position,
        subject: &str,
        project: Option<&ProjectName>,
    ) {
        let entry = Entry::new(position, self.number(subject));
        self.all.push_back(entry);
        if self.all.len() > EVENTS_MAX {
            self.all.pop_front();
        }
        let oldest = self.all.front().copied().unwrap_or(entry);
        if let Some(project) = project {
            let entries = self.projects.entry(project.clone()).or_default();
            entries.push_back(entry);
            while entries.front().is_some_and(|first| *first < oldest) {
                entries.pop_front();
            }
        }
        self.unswept += 1;
        if self.unswept >= SWEEP_EVERY {
            self.unswept = 0;
            self.sweep(oldest);
        }
    }

    /// Drops what is forgotten from projects in which nothing happens any more.
    fn sweep(&mut self, oldest: Entry) {
        let names: Vec<ProjectName> = self.projects.keys().cloned().collect();
        for name in names {
            let Some(entries) = self.projects.get_mut(&name) else { continue };
            let keep_from = entries.binary_search(&oldest).unwrap_or_else(|at| at);
            if keep_from == entries.len() {
                self.projects.remove(&name);
            } else if keep_from > 0 {
                *entries = entries.split_off(keep_from);
            }
        }
    }

    fn number(&mut self, subject: &str) -> u16 {
        if let Some(number) = self.types.get(subject) {
            return *number;
        }
        let next = self.types.len() + 1;
        let Ok(number) = u16::try_from(next) else { return OTHER };
        if next > TYPES_MAX || subject.len() > TYPE_BYTES_MAX {
            return OTHER;
        }
        self.types.insert(subject.into(), number);
        number
    }

    /// Returns the positions of a page of events.
    pub fn page(&self, query: &PageQuery<'_>) -> Page {
        let number = query.subject.map(|subject| self.types.get(subject).copied().unwrap_or(OTHER));
        let fits =
            |entry: &Entry| number.is_none_or(|number| [number, OTHER].contains(&entry.number()));
        let none = Vector::new();
        let entries = match query.project {
            Some(project) => self.projects.get(project).unwrap_or(&none),
            None => &self.all,
        };
        match (&query.among, query.after) {
            (Some(among), _) => {
                let oldest = self.all.front().map_or(Position::MAX, |entry| entry.position());
                let found = among.iter().filter_map(|position| find(entries, *position, oldest));
                let found: Vec<Entry> =
                    found.filter(|entry| query.is_between(entry.position())).collect();
                page_of(&found, query, fits)
            }
            (None, Some(after)) => {
                let first = index_at(entries, after.saturating_add(1));
                let end = query.before.map_or(entries.len(), |before| index_at(entries, before));
                oldest_first(entries, first..end.max(first), query.limit, fits)
            }
            (None, None) => {
                let end = query.before.map_or(entries.len(), |before| index_at(entries, before));
                newest(entries, end, query.limit, fits)
            }
        }
    }
}

impl PageQuery<'_> {
    /// Tells whether a position is behind `after` and before `before`.
    fn is_between(&self, position: Position) -> bool {
        self.after.is_none_or(|after| position > after)
            && self.before.is_none_or(|before| position < before)
    }
}

/// Returns where the first entry stands that is not before a position.
fn index_at(entries: &Vector<Entry>, position: Position) -> usize {
    entries.binary_search(&Entry::new(position, 0)).unwrap_or_else(|at| at)
}

/// Returns the entry at a position; one that is older than all that are kept has lost its type.
fn find(entries: &Vector<Entry>, position: Position, oldest: Position) -> Option<Entry> {
    if position < oldest {
        return Some(Entry::new(position, OTHER));
    }
    entries.get(index_at(entries, position)).copied().filter(|entry| entry.position() == position)
}

fn page_of(found: &[Entry], query: &PageQuery<'_>, fits: impl Fn(&Entry) -> bool) -> Page {
    let fitting = || found.iter().copied().filter(&fits).map(Entry::position);
    if query.after.is_some() {
        let mut positions: Vec<Position> = fitting().take(query.limit.saturating_add(1)).collect();
        let is_more = positions.len() > query.limit;
        positions.truncate(query.limit);
        let next_after = positions.last().copied().filter(|_| is_more);
        return Page { positions, next_after, next_before: None };
    }
    let surplus = fitting().count().saturating_sub(query.limit);
    let positions: Vec<Position> = fitting().skip(surplus).collect();
    let next_before = positions.first().copied().filter(|_| surplus > 0);
    Page { positions, next_after: None, next_before }
}

fn oldest_first(
    entries: &Vector<Entry>,
    range: Range<usize>,
    limit: usize,
    fits: impl Fn(&Entry) -> bool,
) -> Page {
    let mut page = Page::default();
    let mut last = None;
    for (seen, entry) in entries.focus().narrow(range).into_iter().enumerate() {
        if page.positions.len() >= limit || seen >= SCANNED_MAX {
            page.next_after = last;
            break;
        }
        last = Some(entry.position());
        if fits(entry) {
            page.positions.push(entry.position());
        }
    }
    page
}

fn newest(
    entries: &Vector<Entry>,
    end: usize,
    limit: usize,
    fits: impl Fn(&Entry) -> bool,
) -> Page {
    let first = end.saturating_sub(SCANNED_MAX);
    let mut page = Page::default();
    let (mut is_more, mut last) = (first > 0, None);
    for entry in entries.focus().narrow(first..end).into_iter().rev() {
        if page.positions.len() >= limit {
            is_more = true;
            break;
        }
        last = Some(entry.position());
        if fits(entry) {
            page.positions.push(entry.position());
        }
    }
    page.positions.reverse();
    page.next_before = last.filter(|_| is_more);
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index() -> EventIndex {
        let mut index = EventIndex::default();
        let (p, q) = ("p".parse().unwrap(), "q".parse().unwrap());
        for position in 1..=100 {
            let subject = if position % 10 == 0 { "rare" } else { "often" };
            let project = if position % 2 == 0 { Some(&p) } else { Some(&q) };
            index.push(position, subject, project.filter(|_| position != 7));
        }
        index
    }

    #[test]
    fn without_after_the_newest_are_returned_oldest_first() {
        let page = index().page(&PageQuery { limit: 3, ..PageQuery::default() });
        let expected =
            Page { positions: vec![98, 99, 100], next_after: None, next_before: Some(98) };
        assert_eq!(page, expected);
    }

    #[test]
    fn pages_before_each_other_reach_the_oldest() {
        let index = index();
        for among in [None, Some((1..=100).collect::<Vec<_>>())] {
            let (mut before, mut seen) = (None, Vec::new());
            loop {
                let (subject, among) = (Some("rare"), among.clone());
                let query = PageQuery { subject, among, before, limit: 3, ..PageQuery::default() };
                let page = index.page(&query);
                seen.splice(0..0, page.positions);
                before = page.next_before;
                if before.is_none() {
                    break;
                }
            }
            assert_eq!(seen, (1..=10).map(|n| n * 10).collect::<Vec<_>>());
        }
    }

    #[test]
    fn older_pages_are_found_from_the_newest_backwards() {
        let index = index();
        let before = |before, among| {
            let query = PageQuery {
                subject: Some("rare"),
                before,
                among,
                limit: 2,
                ..PageQuery::default()
            };
            index.page(&query).positions
        };
        assert_eq!(before(None, None), [90, 100]);
        assert_eq!(before(Some(90), None), [70, 80]);
        assert_eq!(before(Some(15), None), [10]);
        assert_eq!(before(Some(40), Some(vec![10, 20, 30, 40])), [20, 30]);
    }

    #[test]
    fn pages_follow_each_other_until_the_end() {
        let index = index();
        let (mut after, mut seen) = (Some(0), Vec::new());
        while after.is_some() {
            let query =
                PageQuery { subject: Some("rare"), after, limit: 4, ..PageQuery::default() };
            let page = index.page(&query);
            seen.extend(page.positions);
            after = page.next_after;
        }
        assert_eq!(seen, (1..=10).map(|n| n * 10).collect::<Vec<_>>());
    }

    #[test]
    fn project_type_and_delivery_narrow_together() {
        let index = index();
        let (p, q) = ("p".parse().unwrap(), "q".parse().unwrap());
        let among = || Some(vec![7, 8, 10, 11, 20]);
        let positions = |project, subject, after| {
            let query =
                PageQuery { project, among: among(), subject, after, before: None, limit: 9 };
            index.page(&query).positions
        };
        assert_eq!(positions(Some(&p), None, None), [8, 10, 20]);
        assert_eq!(positions(Some(&q), None, None), [11]);
        assert_eq!(positions(None, Some("rare"), Some(10)), [20]);
        assert_eq!(positions(None, Some("never"), None), [0; 0]);
        assert_eq!(positions(Some(&q), Some("rare"), None), [0; 0]);
    }

    #[test]
    fn the_oldest_are_forgotten_in_idle_projects_too() {
        let mut index = EventIndex::default();
        let (idle, busy) = ("idle".parse().unwrap(), "busy".parse().unwrap());
        index.push(1, "a", Some(&idle));
        let last = (EVENTS_MAX as u64).next_multiple_of(u64::from(SWEEP_EVERY)) + 1;
        (2..=last).for_each(|position| index.push(position, "a", Some(&busy)));
        assert_eq!(index.all.len(), EVENTS_MAX);
        assert!(!index.projects.contains_key(&idle));
        assert_eq!(index.projects.get(&busy).map(Vector::len), Some(EVENTS_MAX));
    }
}
