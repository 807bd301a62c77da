//! `-o json` and `-o yaml`: one document, with the names that the view has.

use serde::{Serialize, Serializer};
use serde_json::{Map, Number, Value};

use crate::arguments::Document;

/// A document that cannot be written; only a defect makes one.
#[derive(Debug, thiserror::Error)]
#[error("the answer must have a written form: {reason}")]
pub(crate) struct UnwritableDocument {
    reason: String,
}

impl UnwritableDocument {
    fn new(error: &impl ToString) -> Self {
        Self { reason: error.to_string() }
    }
}

/// Writes a value in the form that was asked for.
///
/// # Errors
/// [`UnwritableDocument`] with what the writer says.
pub(crate) fn text(form: Document, value: &impl Serialize) -> Result<String, UnwritableDocument> {
    match form {
        Document::Json => json(value),
        Document::Yaml => yaml(value),
    }
}

/// Writes a value as one of many: a line of JSON, or a document of a YAML stream.
///
/// # Errors
/// [`UnwritableDocument`] with what the writer says.
pub(crate) fn one_of_many(
    form: Document,
    value: &impl Serialize,
) -> Result<String, UnwritableDocument> {
    match form {
        Document::Json => {
            let line = serde_json::to_string(value);
            line.map(|line| line + "\n").map_err(|error| UnwritableDocument::new(&error))
        }
        Document::Yaml => yaml(value).map(|text| format!("---\n{text}")),
    }
}

/// Writes a value as JSON, indented, with a line end.
///
/// # Errors
/// [`UnwritableDocument`] with what the writer says.
pub(crate) fn json(value: &impl Serialize) -> Result<String, UnwritableDocument> {
    let text =
        serde_json::to_string_pretty(value).map_err(|error| UnwritableDocument::new(&error))?;
    Ok(text + "\n")
}

/// Writes a value as YAML.
///
/// # Errors
/// [`UnwritableDocument`] with what the writer says.
pub(crate) fn yaml(value: &impl Serialize) -> Result<String, UnwritableDocument> {
    // By way of JSON text, because raw JSON inside a value has a form only there.
    let text = serde_json::to_string(value).map_err(|error| UnwritableDocument::new(&error))?;
    let value: Value =
        serde_json::from_str(&text).map_err(|error| UnwritableDocument::new(&error))?;
    let mut yaml =
        serde_yaml::to_string(&Plain(&value)).map_err(|error| UnwritableDocument::new(&error))?;
    if !yaml.ends_with('\n') {
        yaml.push('\n');
    }
    Ok(yaml)
}

/// A JSON value for writers that do not know numbers of arbitrary precision.
struct Plain<'a>(&'a Value);

impl Serialize for Plain<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Number(number) => plain_number(number, serializer),
            Value::String(text) => serializer.serialize_str(text),
            Value::Array(items) => serializer.collect_seq(items.iter().map(Plain)),
            Value::Object(map) => plain_map(map, serializer),
        }
    }
}

fn plain_number<S: Serializer>(number: &Number, serializer: S) -> Result<S::Ok, S::Error> {
    if let Some(value) = number.as_u64() {
        return serializer.serialize_u64(value);
    }
    if let Some(value) = number.as_i64() {
        return serializer.serialize_i64(value);
    }
    match number.as_f64().filter(|value| value.is_finite()) {
        Some(value) => serializer.serialize_f64(value),
        None => serializer.serialize_str(&number.to_string()),
    }
}

fn plain_map<S: Serializer>(map: &Map<String, Value>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(map.iter().map(|(key, value)| (key, Plain(value))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yaml_has_plain_numbers_also_from_raw_json() {
        let raw = serde_json::value::RawValue::from_string(r#"{"a":[1,-2,1.5]}"#.to_owned());
        let yaml = yaml(&vec![raw.unwrap()]).unwrap();
        let back: Value = serde_yaml::from_str(&yaml).unwrap();
        assert_eq!(back.pointer("/0/a/1").and_then(Value::as_i64), Some(-2), "{yaml}");
        assert!(!yaml.contains("serde_json"), "{yaml}");
    }

    #[test]
    fn of_many_values_each_is_a_line_or_a_document() {
        let value = serde_json::json!({"a": [1]});
        assert_eq!(one_of_many(Document::Json, &value).unwrap(), "{\"a\":[1]}\n");
        let yaml = one_of_many(Document::Yaml, &value).unwrap();
        assert!(yaml.starts_with("---\na:"), "{yaml}");
    }

    #[test]
    fn json_is_one_document_with_a_line_end() {
        assert_eq!(json(&Vec::<u8>::new()).unwrap(), "[]\n");
    }
}
