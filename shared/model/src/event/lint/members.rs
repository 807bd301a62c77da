//! A JSON object as its members in order, each with its place; what is there twice is still there.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::{
    document::{reader::Problems, tree::Place},
    name::shortened,
    payload::DATA_DEPTH_MAX,
};

/// Most repeated members that are looked for; nobody reads more.
const DUPLICATES_MAX: usize = 100;

/// One member.
struct Member<'a> {
    key: Cow<'a, str>,
    value: &'a RawValue,
}

/// The members of an object that is part of a text.
pub(super) struct Members<'a> {
    text: &'a str,
    list: Vec<Member<'a>>,
}

impl<'a> Members<'a> {
    /// Reads a text that must be an object.
    pub(super) fn read(text: &'a str) -> Result<Self, serde_json::Error> {
        let List(list) = serde_json::from_str(text)?;
        Ok(Self { text, list })
    }

    /// Returns the member that counts: of equal ones the last, as in Go.
    pub(super) fn get(&self, key: &str) -> Option<&'a RawValue> {
        self.list.iter().rev().find(|member| member.key == key).map(|member| member.value)
    }

    /// Returns the text of a member; none if it is missing or no text.
    pub(super) fn text(&self, key: &str) -> Option<String> {
        serde_json::from_str(self.get(key)?.get()).ok()
    }

    /// Returns the members of a member that is an object.
    pub(super) fn inner(&self, key: &str) -> Option<Self> {
        let List(list) = serde_json::from_str(self.get(key)?.get()).ok()?;
        Some(Self { text: self.text, list })
    }

    /// Returns each key with the value that counts.
    pub(super) fn last_of_each(&self) -> BTreeMap<&str, &'a RawValue> {
        self.list.iter().map(|member| (member.key.as_ref(), member.value)).collect()
    }

    /// Returns where the value of `key` stands; the beginning of the text if there is none.
    pub(super) fn place(&self, key: &str) -> Place {
        self.get(key).map_or(Place::START, |value| place(self.text, value))
    }

    /// Warns of members that are there twice, at any depth.
    pub(super) fn warn_of_duplicates(&self, problems: &mut Problems) {
        let mut search = Search { text: self.text, problems, left: DUPLICATES_MAX };
        search.members("", &self.list, 0);
    }
}

/// Returns where a part of `text` begins.
fn place(text: &str, part: &RawValue) -> Place {
    let offset = part.get().as_ptr().addr().saturating_sub(text.as_ptr().addr());
    let before = text.get(..offset).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
    Place { line: line as u64, column: column as u64 }
}

/// The search for what is there twice.
struct Search<'a, 'p> {
    text: &'a str,
    problems: &'p mut Problems,
    left: usize,
}

impl<'a> Search<'a, '_> {
    fn members(&mut self, path: &str, list: &[Member<'a>], depth: usize) {
        let mut seen = BTreeSet::new();
        for member in list {
            if self.left == 0 {
                return;
            }
            let key = shortened(&member.key);
            let path = if path.is_empty() { key } else { format!("{path}.{key}") };
            if !seen.insert(&member.key) {
                self.left -= 1;
                let message = format!("`{}` is there twice: the last one counts", shortened(&path));
                let hint = "remove the one that is not meant".to_owned();
                self.problems.warn(place(self.text, member.value), message, Some(hint));
            }
            self.value(&path, member.value, depth + 1);
        }
    }

    fn value(&mut self, path: &str, value: &'a RawValue, depth: usize) {
        if depth > DATA_DEPTH_MAX {
            return;
        }
        let json = value.get();
        if json.starts_with('{') {
            if let Ok(List(list)) = serde_json::from_str(json) {
                self.members(path, &list, depth);
            }
        } else if json.starts_with('[')
            && let Ok(items) = serde_json::from_str::<Vec<&'a RawValue>>(json)
        {
            for item in items {
                self.value(path, item, depth + 1);
            }
        }
    }
}

/// The members of an object in the order of the text.
struct List<'a>(Vec<Member<'a>>);

impl<'de: 'a, 'a> Deserialize<'de> for List<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ListVisitor)
    }
}

struct ListVisitor;

impl<'de> Visitor<'de> for ListVisitor {
    type Value = List<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<List<'de>, A::Error> {
        let mut list = Vec::new();
        while let Some(Key(key)) = map.next_key()? {
            list.push(Member { key, value: map.next_value()? });
        }
        Ok(List(list))
    }
}

/// A key; borrowed from the text unless it holds an escape.
#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);
