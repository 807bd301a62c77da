//! Writes YAML that every reader takes the same way: whatever could be taken for something else
//! than text is quoted.

use std::fmt::Write as _;

use serde_json::{Map, Value};

/// Columns by which what belongs to something is indented.
const INDENT: usize = 2;
/// Longest key before its `:`; YAML allows 1,024 characters there, longer ones need a `? `.
const KEY_BYTES_MAX: usize = 1_000;
/// Words that some reader takes for no text (YAML 1.1 and 1.2).
const WORDS: [&str; 9] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];

/// What is written.
pub(crate) enum Tree {
    /// A scalar as it stands in the document.
    Scalar(String),
    /// A list.
    List(Vec<Tree>),
    /// A mapping in this order.
    Map(Vec<(String, Tree)>),
}

impl Tree {
    /// Makes a scalar that reads as this text.
    pub(crate) fn text(text: &str) -> Self {
        Self::Scalar(if is_plain(text) { text.to_owned() } else { quoted(text) })
    }

    /// Makes a mapping of a JSON object.
    pub(crate) fn of_object(object: &Map<String, Value>) -> Self {
        Self::Map(object.iter().map(|(key, value)| (key.clone(), Self::of_json(value))).collect())
    }

    fn of_json(value: &Value) -> Self {
        match value {
            Value::Null => Self::Scalar("null".to_owned()),
            Value::Bool(value) => Self::Scalar(value.to_string()),
            Value::Number(number) => Self::Scalar(number.to_string()),
            Value::String(text) => Self::text(text),
            Value::Array(items) => Self::List(items.iter().map(Self::of_json).collect()),
            Value::Object(object) => Self::of_object(object),
        }
    }
}

/// Returns the document.
pub(crate) fn yaml(tree: &Tree) -> String {
    let mut text = String::new();
    block(&mut text, tree, 0);
    text
}

/// Writes a tree from where the line is, which is `indent`; ends with a line end.
fn block(text: &mut String, tree: &Tree, indent: usize) {
    match tree {
        Tree::Scalar(scalar) => line(text, scalar),
        Tree::List(items) if items.is_empty() => line(text, "[]"),
        Tree::Map(entries) if entries.is_empty() => line(text, "{}"),
        Tree::List(items) => {
            for (index, item) in items.iter().enumerate() {
                text.push_str(&" ".repeat(if index == 0 { 0 } else { indent }));
                text.push_str("- ");
                block(text, item, indent + INDENT);
            }
        }
        Tree::Map(entries) => {
            for (index, (key, value)) in entries.iter().enumerate() {
                text.push_str(&" ".repeat(if index == 0 { 0 } else { indent }));
                self::key(text, key, indent);
                below_key(text, value, indent + INDENT);
            }
        }
    }
}

fn key(text: &mut String, key: &str, indent: usize) {
    let key = if is_plain(key) { key.to_owned() } else { quoted(key) };
    if key.len() > KEY_BYTES_MAX {
        text.push_str("? ");
        line(text, &key);
        text.push_str(&" ".repeat(indent));
    } else {
        text.push_str(&key);
    }
    text.push(':');
}

fn below_key(text: &mut String, value: &Tree, indent: usize) {
    let is_block = match value {
        Tree::Scalar(_) => false,
        Tree::List(items) => !items.is_empty(),
        Tree::Map(entries) => !entries.is_empty(),
    };
    if is_block {
        text.push('\n');
        text.push_str(&" ".repeat(indent));
    } else {
        text.push(' ');
    }
    block(text, value, indent);
}

fn line(text: &mut String, content: &str) {
    text.push_str(content);
    text.push('\n');
}

/// Tells whether a text needs no quotes: a word that starts with a letter.
fn is_plain(text: &str) -> bool {
    let is_word = |b: u8| b.is_ascii_alphanumeric() || b"_./-".contains(&b);
    text.as_bytes().first().is_some_and(u8::is_ascii_alphabetic)
        && text.bytes().all(is_word)
        && !WORDS.contains(&text.to_ascii_lowercase().as_str())
}

/// Writes a text in double quotes; what is not printable everywhere as its number.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            _ if is_printable(c) => quoted.push(c),
            // Writing to a text does not fail.
            _ => write!(quoted, "\\U{:08x}", u32::from(c)).unwrap_or_default(),
        }
    }
    quoted.push('"');
    quoted
}

fn is_printable(c: char) -> bool {
    let is_break = matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}');
    let is_nonchar = u32::from(c) & 0xfffe == 0xfffe;
    !(c.is_control() || is_break || is_nonchar)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::document::{reader::Problems, scalar::to_json, tree};

    #[test]
    fn what_was_written_reads_back() {
        let value = json!({
            "": {"on": "off", "007": "007", "a": ["1.10", 1.5, null, true, "true", [], {}]},
            "<<": [[["x"], "y"], {"k": [{"deep": "a: b # c"}]}, "- a", "é\u{85}\u{2028}\u{1}\"\\\n\t"],
            "long".repeat(400): {"inner": "v"}, "a: b": "", "~": "~", "\u{ffff}": "\u{1f680}",
        });
        let text = yaml(&Tree::of_object(value.as_object().unwrap()));
        let parsed = tree::parse(&text).unwrap_or_else(|problem| panic!("{problem}\n{text}"));
        assert_eq!(to_json(&parsed.root, &mut Problems::default()), value, "{text}");
    }

    #[test]
    fn what_is_a_word_stays_one() {
        let value = json!({"stage": [{"name": "dev", "image": "carts:1"}, "b"]});
        let text = yaml(&Tree::of_object(value.as_object().unwrap()));
        assert_eq!(text, "stage:\n  - image: \"carts:1\"\n    name: dev\n  - b\n");
    }
}
