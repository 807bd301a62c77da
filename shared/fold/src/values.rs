//! Values and data: how they are merged, laid over each other, and told from what was sent.
//!
//! Data follows Keptn's merge (shipyard-controller 1.4.5, `common.Merge`) with two differences:
//! the newest number or boolean wins, and an array equal to the one that was sent is unchanged
//! instead of appended.

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

/// A JSON object.
pub(crate) type Object = Map<String, Value>;

/// Hex digits of a hash of a configuration or a content; as long as a Git commit id.
const COMMIT_ID_DIGITS: usize = 40;

/// Merges newer data into older: maps deep, arrays newest first with the older behind, anything
/// else newest. Null changes nothing.
pub(crate) fn merge(older: &mut Object, newer: Object) {
    for (key, value) in newer {
        match older.get_mut(&key) {
            Some(slot) => merge_value(slot, value),
            None => {
                older.insert(key, value);
            }
        }
    }
}

fn merge_value(older: &mut Value, newer: Value) {
    match (older, newer) {
        (Value::Object(older), Value::Object(newer)) => merge(older, newer),
        (Value::Array(older), Value::Array(mut newer)) => {
            if *older != newer {
                newer.append(older);
                *older = newer;
            }
        }
        (_, Value::Null) => {}
        (older, newer) => *older = newer,
    }
}

/// Removes from `answer` what equals what was sent, so that an echo brings nothing.
pub(crate) fn remove_echo(answer: &mut Object, sent: &Object) {
    answer.retain(|key, value| match (value, sent.get(key)) {
        (Value::Object(inner), Some(Value::Object(sent))) => {
            remove_echo(inner, sent);
            !inner.is_empty()
        }
        (value, Some(sent)) => value != sent,
        (_, None) => true,
    });
}

/// Lays `over` on top of `base`: maps deep, anything else replaced.
pub(crate) fn overlay(base: &mut Object, over: &Object) {
    for (key, value) in over {
        match (base.get_mut(key), value) {
            (Some(Value::Object(base)), Value::Object(over)) => overlay(base, over),
            _ => {
                base.insert(key.clone(), value.clone());
            }
        }
    }
}

/// Applies a merge patch (RFC 7386): null deletes, maps go deep, anything else replaces.
pub(crate) fn patch(target: &mut Object, changes: &Object) {
    for (key, change) in changes {
        match change {
            Value::Null => {
                target.remove(key);
            }
            Value::Object(changes) => {
                let slot = target.entry(key.clone()).or_insert_with(|| Value::Object(Map::new()));
                if !slot.is_object() {
                    *slot = Value::Object(Map::new());
                }
                if let Value::Object(inner) = slot {
                    patch(inner, changes);
                }
            }
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                target.insert(key.clone(), change.clone());
            }
        }
    }
}

/// Returns the hash that names a configuration: the first 40 hex digits of a SHA-256 over compact
/// JSON with sorted keys.
pub(crate) fn commit_id(configuration: &Object) -> Box<str> {
    let text = serde_json::to_string(configuration).unwrap_or_default();
    content_version(text.as_bytes()).into()
}

/// Returns the version of a content: the first 40 hex digits of its SHA-256.
pub(crate) fn content_version(content: &[u8]) -> String {
    let mut digits = String::with_capacity(COMMIT_ID_DIGITS);
    for byte in Sha256::digest(content).iter().take(COMMIT_ID_DIGITS / 2) {
        digits.push(char::from_digit(u32::from(byte >> 4), 16).unwrap_or('0'));
        digits.push(char::from_digit(u32::from(byte & 15), 16).unwrap_or('0'));
    }
    digits
}

/// Takes an object member out of a map; anything else reads as an empty one.
pub(crate) fn take_object(map: &mut Object, key: &str) -> Object {
    match map.remove(key) {
        Some(Value::Object(object)) => object,
        _ => Map::new(),
    }
}

/// Returns the text member of a map.
pub(crate) fn text<'a>(map: &'a Object, key: &str) -> Option<&'a str> {
    map.get(key).and_then(Value::as_str)
}

#[cfg(test)]
mod tests;
