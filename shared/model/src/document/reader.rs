//! Reads nodes as what they should be and collects every problem on the way.

use std::{collections::BTreeSet, rc::Rc};

use super::{
    Problem, Reading,
    tree::{Content, Node, Place},
};
use crate::{name::shortened, nearest::nearest};

/// Most bytes of a document; Keptn's events carry it in base64 and must stay below 1 MiB.
pub const DOCUMENT_BYTES_MAX: usize = 256 * 1024;
/// Most errors and most warnings that are told one by one; nobody reads more, and a hostile text
/// could hold ten thousands. The rest is counted.
const PROBLEMS_TOLD_MAX: usize = 100;
/// Longest key for which a near one is looked for; longer ones are no slips.
const SLIP_CHARS_MAX: usize = 40;

/// The problems of one document so far.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    errors: Told,
    warnings: Told,
}

#[derive(Debug, Default)]
struct Told {
    problems: Vec<Problem>,
    untold: usize,
}

impl Told {
    fn add(&mut self, at: Place, message: String, hint: Option<String>) {
        if self.problems.len() < PROBLEMS_TOLD_MAX {
            let (line, column) = (Some(at.line), Some(at.column));
            self.problems.push(Problem { message, line, column, hint });
        } else {
            self.untold += 1;
        }
    }

    fn finish(mut self, what: &str) -> Vec<Problem> {
        if self.untold > 0 {
            let message = format!("there are {} more {what}", self.untold);
            self.problems.push(Problem { message, line: None, column: None, hint: None });
        }
        self.problems
    }
}

/// One entry of a mapping.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) at: Place,
    pub(crate) key: &'a str,
    pub(crate) value: &'a Node,
}

/// The entries of a mapping whose keys are known.
#[derive(Debug)]
pub(crate) struct Fields<'a> {
    pub(crate) at: Place,
    entries: Vec<Entry<'a>>,
}

impl<'a> Fields<'a> {
    /// Returns the entry of that key.
    pub(crate) fn get(&self, key: &str) -> Option<Entry<'a>> {
        self.entries.iter().find(|entry| entry.key == key).copied()
    }

    /// Returns all entries, unknown ones too.
    pub(crate) fn entries(&self) -> &[Entry<'a>] {
        &self.entries
    }

    /// Returns where the value of `key` stands, or the mapping itself.
    pub(crate) fn place(&self, key: &str) -> Place {
        self.get(key).map_or(self.at, |entry| entry.at)
    }
}

impl Problems {
    /// Notes why the document is refused.
    pub(crate) fn error(&mut self, at: Place, message: impl Into<String>) {
        self.errors.add(at, message.into(), None);
    }

    /// Notes why the document is refused, and what to do.
    pub(crate) fn error_hint(&mut self, at: Place, message: impl Into<String>, hint: &str) {
        self.errors.add(at, message.into(), Some(hint.to_owned()));
    }

    /// Notes what is accepted but has not the effect that it seems to have.
    pub(crate) fn warn(&mut self, at: Place, message: impl Into<String>, hint: Option<String>) {
        self.warnings.add(at, message.into(), hint);
    }

    /// Ends the reading.
    pub(crate) fn finish<T>(self, value: Option<T>) -> Reading<T> {
        let errors = self.errors.finish("errors");
        let value = value.filter(|_| errors.is_empty());
        Reading { value, errors, warnings: self.warnings.finish("warnings") }
    }

    /// Returns the entries of a mapping, merge keys (`<<`) followed; none if it is no mapping.
    /// A key that is no text, or there twice, is an error, as in Keptn.
    pub(crate) fn entries<'a>(&mut self, node: &'a Node) -> Vec<Entry<'a>> {
        let Content::Map(pairs) = &node.content else { return Vec::new() };
        let mut entries = Vec::with_capacity(pairs.len());
        let mut seen = BTreeSet::new();
        let mut merges = Vec::new();
        for (key, value) in pairs {
            let Some(name) = key_text(key) else {
                self.error(key.at, "a key must be text");
                continue;
            };
            if is_merge(key) {
                merges.push(value);
            } else if seen.insert(name) {
                entries.push(Entry { at: key.at, key: name, value });
            } else {
                self.error_hint(
                    key.at,
                    format!("key `{}` must not be there twice", shortened(name)),
                    "Keptn refuses it; merge the two into one",
                );
            }
        }
        for merge in merges {
            for entry in self.merged(merge) {
                if seen.insert(entry.key) {
                    entries.push(entry);
                }
            }
        }
        entries
    }

    fn merged<'a>(&mut self, node: &'a Rc<Node>) -> Vec<Entry<'a>> {
        match &node.content {
            Content::Map(_) => self.entries(node),
            Content::List(items) => items.iter().flat_map(|item| self.merged_map(item)).collect(),
            Content::Null | Content::Scalar(_) => self.merged_map(node),
        }
    }

    fn merged_map<'a>(&mut self, node: &'a Rc<Node>) -> Vec<Entry<'a>> {
        if !matches!(node.content, Content::Map(_)) {
            self.error(node.at, "`<<` must be a mapping or a list of mappings");
        }
        self.entries(node)
    }

    /// Reads a mapping; `what` names it, `known` are the keys that have an effect. Nothing reads as
    /// an empty mapping; unknown keys are warned of.
    pub(crate) fn fields<'a>(
        &mut self,
        node: &'a Node,
        what: &str,
        known: &[&str],
    ) -> Option<Fields<'a>> {
        let fields = self.open_fields(node, what)?;
        for entry in &fields.entries {
            if !known.contains(&entry.key) {
                self.unknown_key(*entry, what, known);
            }
        }
        Some(fields)
    }

    /// Reads a mapping whose keys are names.
    pub(crate) fn open_fields<'a>(&mut self, node: &'a Node, what: &str) -> Option<Fields<'a>> {
        match &node.content {
            Content::Null | Content::Map(_) => {
                Some(Fields { at: node.at, entries: self.entries(node) })
            }
            Content::Scalar(_) => {
                self.error(node.at, format!("{what} must be a mapping (`key: value`)"));
                None
            }
            Content::List(_) => {
                self.error_hint(
                    node.at,
                    format!("{what} must be a mapping (`key: value`), is a list"),
                    "remove the `- `",
                );
                None
            }
        }
    }

    /// Warns of a key without effect.
    pub(crate) fn unknown_key(&mut self, entry: Entry<'_>, what: &str, known: &[&str]) {
        if self.warnings.problems.len() >= PROBLEMS_TOLD_MAX {
            self.warnings.untold += 1;
            return;
        }
        let is_short = entry.key.chars().nth(SLIP_CHARS_MAX).is_none();
        let hint = nearest(entry.key, known.iter().copied()).filter(|_| is_short).map_or_else(
            || format!("{what} has the keys {}", known.join(", ")),
            |name| format!("did you mean `{name}`?"),
        );
        let message = format!("unknown key `{}` in {what} has no effect", shortened(entry.key));
        self.warn(entry.at, message, Some(hint));
    }

    /// Reads a list; nothing reads as an empty one.
    pub(crate) fn list<'a>(&mut self, entry: Option<Entry<'a>>) -> &'a [Rc<Node>] {
        let Some(entry) = entry else { return &[] };
        match &entry.value.content {
            Content::List(items) => items,
            Content::Null => &[],
            Content::Scalar(_) | Content::Map(_) => {
                self.error_hint(
                    entry.at,
                    format!("`{}` must be a list", shortened(entry.key)),
                    "put `- ` before each of its entries",
                );
                &[]
            }
        }
    }

    /// Reads text; every scalar is text as written, nothing reads as none.
    pub(crate) fn text<'a>(&mut self, entry: Option<Entry<'a>>) -> Option<&'a str> {
        let entry = entry?;
        let text = entry.value.text();
        if text.is_none() && !entry.value.is_null() {
            self.error(entry.at, format!("`{}` must be text", shortened(entry.key)));
        }
        text
    }

    /// Reads a mapping from text to text.
    pub(crate) fn text_map(&mut self, entry: Option<Entry<'_>>) -> Vec<(Place, String, String)> {
        let Some(entry) = entry else { return Vec::new() };
        let what = format!("`{}`", shortened(entry.key));
        let Some(fields) = self.open_fields(entry.value, &what) else { return Vec::new() };
        let mut map = Vec::with_capacity(fields.entries.len());
        for entry in &fields.entries {
            let text = self.text(Some(*entry)).unwrap_or_default();
            map.push((entry.at, entry.key.to_owned(), text.to_owned()));
        }
        map
    }
}

/// Returns a key as text; an empty one (`: x`) is text, too.
fn key_text(key: &Node) -> Option<&str> {
    match &key.content {
        Content::Null => Some(""),
        Content::Scalar(scalar) => Some(&scalar.text),
        Content::List(_) | Content::Map(_) => None,
    }
}

fn is_merge(key: &Node) -> bool {
    matches!(&key.content, Content::Scalar(scalar) if scalar.text == "<<" && !scalar.is_text)
}
