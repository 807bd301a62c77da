//! `--set a.b=3` and `--labels k=v`: from flags to JSON.

use serde_json::{Map, Value};

/// The key of the artifact, which only a delivery sets.
const ARTIFACT_KEY: &str = "image";

/// A value that cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ValueError {
    /// There is no `=`, or nothing before it.
    #[error("`{0}` must have the form `key=value`")]
    Form(String),
    /// A part of a key between dots is empty.
    #[error("key `{0}` must have no empty part between its dots")]
    EmptyPart(String),
    /// One key wants a value where another wants an object.
    #[error("key `{0}` must not be given as a value and as an object")]
    Conflict(String),
    /// The artifact is no value.
    #[error("key `image` must not be set: an artifact is delivered")]
    Artifact,
}

/// Reads `key=value` pairs into an object: dots nest, a value is JSON or else text.
///
/// # Errors
/// [`ValueError`] with the first pair that cannot be taken.
pub(crate) fn parse(pairs: &[String]) -> Result<Map<String, Value>, ValueError> {
    let mut values = Map::new();
    for pair in pairs {
        let (key, value) = split(pair)?;
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
        if key == ARTIFACT_KEY || key.starts_with("image.") {
            return Err(ValueError::Artifact);
        }
        insert(&mut values, key, value)?;
    }
    Ok(values)
}

/// Reads labels, `k=v` or `k=v,k=v`; values are text.
///
/// # Errors
/// [`ValueError::Form`] with the first label that has none.
pub(crate) fn parse_labels(labels: &[String]) -> Result<Map<String, Value>, ValueError> {
    let pairs = labels.iter().flat_map(|list| list.split(','));
    pairs.map(|pair| split(pair).map(|(key, value)| (key.to_owned(), value.into()))).collect()
}

fn split(pair: &str) -> Result<(&str, &str), ValueError> {
    let found = pair.split_once('=').filter(|(key, _)| !key.is_empty());
    found.ok_or_else(|| ValueError::Form(model::name::shortened(pair)))
}

fn insert(values: &mut Map<String, Value>, key: &str, value: Value) -> Result<(), ValueError> {
    if key.split('.').any(str::is_empty) {
        return Err(ValueError::EmptyPart(key.to_owned()));
    }
    let conflict = || ValueError::Conflict(key.to_owned());
    let (parents, last) = match key.rsplit_once('.') {
        Some((parents, last)) => (Some(parents), last),
        None => (None, key),
    };
    let mut target = values;
    for part in parents.iter().flat_map(|parents| parents.split('.')) {
        let child = target.entry(part).or_insert_with(|| Value::Object(Map::new()));
        target = child.as_object_mut().ok_or_else(conflict)?;
    }
    if target.get(last).is_some_and(Value::is_object) {
        return Err(conflict());
    }
    target.insert(last.to_owned(), value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parsed(pairs: &[&str]) -> Result<Value, ValueError> {
        let pairs: Vec<String> = pairs.iter().map(|&pair| pair.to_owned()).collect();
        parse(&pairs).map(Value::Object)
    }

    #[test]
    fn dots_nest_and_values_are_json_or_text() {
        let values =
            parsed(&["replicaCount=3", "a.b=x", "a.c=true", "d=null", "e={\"f\":1}", "g="]);
        let expected = json!({"replicaCount":3,"a":{"b":"x","c":true},"d":null,"e":{"f":1},"g":""});
        assert_eq!(values.unwrap(), expected);
    }

    #[test]
    fn what_has_no_meaning_is_refused() {
        assert_eq!(parsed(&["a"]), Err(ValueError::Form("a".to_owned())));
        assert_eq!(parsed(&["=a"]), Err(ValueError::Form("=a".to_owned())));
        assert_eq!(parsed(&["a..b=1"]), Err(ValueError::EmptyPart("a..b".to_owned())));
        assert_eq!(parsed(&["a=1", "a.b=1"]), Err(ValueError::Conflict("a.b".to_owned())));
        assert_eq!(parsed(&["a.b=1", "a=1"]), Err(ValueError::Conflict("a".to_owned())));
        assert_eq!(parsed(&["image=carts:1"]), Err(ValueError::Artifact));
    }

    #[test]
    fn labels_are_text() {
        let labels = parse_labels(&["a=1,b=x".to_owned(), "c=".to_owned()]).unwrap();
        assert_eq!(Value::Object(labels), json!({"a":"1","b":"x","c":""}));
        assert!(parse_labels(&["a".to_owned()]).is_err());
    }
}
