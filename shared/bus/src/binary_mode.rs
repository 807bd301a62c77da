//! CloudEvents in binary mode, as the NATS binding says: every attribute is a header
//! `ce-<attribute>`, percent-encoded; the body is the data.

use std::{borrow::Cow, collections::BTreeMap};

use async_nats::HeaderMap;
use model::Malformed;
use serde_json::{Value, value::RawValue};

use crate::names::{BINARY_ATTRIBUTE, CONTENT_TYPE};

/// Returns a header's value; names are compared without case.
pub(crate) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let same = |key: &str| key.eq_ignore_ascii_case(name);
    headers
        .iter()
        .find(|(key, _)| same((*key).as_ref()))
        .and_then(|(_, values)| values.first())
        .map(async_nats::HeaderValue::as_str)
}

/// Returns whether any attribute is a header.
pub(crate) fn is_binary(headers: &HeaderMap) -> bool {
    headers.iter().any(|(name, _)| attribute(name.as_ref()).is_some())
}

fn attribute(name: &str) -> Option<&str> {
    let (start, rest) = name.split_at_checked(BINARY_ATTRIBUTE.len())?;
    (start.eq_ignore_ascii_case(BINARY_ATTRIBUTE) && !rest.is_empty()).then_some(rest)
}

/// Writes the event as structured JSON.
pub(crate) fn to_json(headers: &HeaderMap, payload: &[u8]) -> Result<Vec<u8>, Malformed> {
    let mut event: BTreeMap<String, Box<RawValue>> = BTreeMap::new();
    for (name, values) in headers.iter() {
        let name: &str = name.as_ref();
        let (Some(attribute), Some(value)) = (attribute(name), values.first()) else { continue };
        let value = decode_percent(value.as_str()).ok_or_else(|| {
            Malformed::new(format!(
                "header `{BINARY_ATTRIBUTE}{attribute}` must be percent-encoded UTF-8"
            ))
        })?;
        event.insert(attribute.to_ascii_lowercase(), text(&value)?);
    }
    if let Some(kind) = header(headers, CONTENT_TYPE)
        && !event.contains_key("datacontenttype")
    {
        event.insert("datacontenttype".to_owned(), text(kind)?);
    }
    if !payload.is_empty() {
        let data: Box<RawValue> =
            serde_json::from_slice(payload).map_err(|_| Malformed::new("`data` must be JSON"))?;
        event.insert("data".to_owned(), data);
    }
    serde_json::to_vec(&event).map_err(|_| Malformed::new("attributes must be text"))
}

fn text(value: &str) -> Result<Box<RawValue>, Malformed> {
    serde_json::value::to_raw_value(&Value::String(value.to_owned()))
        .map_err(|_| Malformed::new("attributes must be text"))
}

/// Undoes percent-encoding; a lone `%` stands for itself.
pub(crate) fn decode_percent(value: &str) -> Option<Cow<'_, str>> {
    if !value.contains('%') {
        return Some(Cow::Borrowed(value));
    }
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let escaped = (*first == b'%').then(|| hex_pair(tail)).flatten();
        bytes.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { tail.get(2..).unwrap_or_default() } else { tail };
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

fn hex_pair(tail: &[u8]) -> Option<u8> {
    let digits = std::str::from_utf8(tail.get(..2)?).ok()?;
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    u8::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests;
