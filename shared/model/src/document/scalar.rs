//! Scalars and trees as JSON, by the rules with which Keptn reads YAML (`gopkg.in/yaml.v3`).

use serde_json::{Map, Number, Value};

use super::{
    reader::Problems,
    tree::{Content, Node, Scalar},
};

/// Returns a node as JSON; what has no JSON form is reported.
pub(crate) fn to_json(node: &Node, problems: &mut Problems) -> Value {
    match &node.content {
        Content::Null => Value::Null,
        Content::Scalar(scalar) => scalar_to_json(scalar),
        Content::List(items) => items.iter().map(|item| to_json(item, problems)).collect(),
        Content::Map(_) => Value::Object(to_object(node, problems)),
    }
}

/// Returns a mapping as a JSON object; empty if it is none.
pub(crate) fn to_object(node: &Node, problems: &mut Problems) -> Map<String, Value> {
    let entries = problems.entries(node);
    entries
        .into_iter()
        .map(|entry| (entry.key.to_owned(), to_json(entry.value, problems)))
        .collect()
}

fn scalar_to_json(scalar: &Scalar) -> Value {
    let text = scalar.text.as_str();
    if scalar.is_text {
        return Value::String(text.to_owned());
    }
    match text {
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ => number(text).map_or_else(|| Value::String(text.to_owned()), Value::Number),
    }
}

/// Reads a number as Go does: `_` may separate digits, `0x`, `0o`, `0b` and a leading `0` set the
/// base, and what JSON can write stays as it is written.
fn number(text: &str) -> Option<Number> {
    if !text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)) {
        return None;
    }
    if let Ok(number) = serde_json::from_str::<Number>(text) {
        return Some(number);
    }
    let plain = text.replace('_', "");
    if let Some(integer) = based_integer(&plain) {
        return Some(integer.into());
    }
    let is_decimal = plain.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
    plain.parse().ok().filter(|_| is_decimal).and_then(Number::from_f64)
}

fn based_integer(text: &str) -> Option<i64> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let bases = [("0x", 16), ("0X", 16), ("0o", 8), ("0O", 8), ("0b", 2), ("0B", 2)];
    for (prefix, base) in bases {
        if let Some(digits) = digits.strip_prefix(prefix) {
            return Some(sign * i64::from_str_radix(digits, base).ok()?);
        }
    }
    let base = if digits.len() > 1 && digits.starts_with('0') { 8 } else { 10 };
    Some(sign * i64::from_str_radix(digits, base).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> String {
        scalar_to_json(&Scalar { text: text.to_owned(), is_text: false }).to_string()
    }

    #[test]
    fn numbers_are_read_as_go_reads_them() {
        let cases = [
            ("1", "1"),
            ("1.10", "1.10"),
            ("-3", "-3"),
            ("+5", "5"),
            ("0x1F", "31"),
            ("0o17", "15"),
            ("017", "15"),
            ("1_000", "1000"),
            (".5", "0.5"),
            ("1e3", "1e+3"),
        ];
        for (yaml, expected) in cases {
            assert_eq!(json(yaml), expected, "{yaml}");
        }
    }

    #[test]
    fn what_only_looks_like_a_number_is_text() {
        for text in
            ["0.10.17", "1.2.3", "-", "+-1", ".inf", "NaN", "0x", "1s", "-Infinity", "carts:1"]
        {
            assert_eq!(json(text), format!("\"{text}\""));
        }
    }
}
