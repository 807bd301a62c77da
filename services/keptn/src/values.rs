//! `--set a.b=3`, `--values a=1,b=2`, `--data a.b=c` and `--labels k=v`: from flags to JSON.

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
    /// What has a flag of its own is not given as data.
    #[error("key `{0}` must not be given as data")]
    Flag(String),
}

/// Members of an event's data that the flags of a trigger fill.
const FLAG_KEYS: [&str; 6] = ["project", "stage", "service", "services", "labels", "sync"];

/// Reads `key=value` pairs into an object: dots nest, a value is JSON or else text.
///
/// # Errors
/// [`ValueError`] with the first pair that cannot be taken.
pub(crate) fn parse(pairs: &[String]) -> Result<Map<String, Value>, ValueError> {
    object(pairs, |first| match first {
        ARTIFACT_KEY => Err(ValueError::Artifact),
        _ => Ok(()),
    })
}

/// Reads members of an event's data, in the form of [`parse`].
///
/// # Errors
/// [`ValueError`] with the first pair that cannot be taken.
pub(crate) fn parse_data(pairs: &[String]) -> Result<Map<String, Value>, ValueError> {
    object(pairs, |first| {
        let has_flag = FLAG_KEYS.contains(&first);
        if has_flag { Err(ValueError::Flag(first.to_owned())) } else { Ok(()) }
    })
}

/// Reads pairs whose keys begin with what `check` accepts.
fn object(
    pairs: &[String],
    check: impl Fn(&str) -> Result<(), ValueError>,
) -> Result<Map<String, Value>, ValueError> {
    let mut values = Map::new();
    for pair in pairs {
        let (key, value) = split(pair)?;
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
        check(key.split('.').next().unwrap_or(key))?;
        insert(&mut values, key, value)?;
    }
    Ok(values)
}

/// Splits `a=1,b=2` as Keptn does; a comma inside a value stays, as in `a=[1,2]`.
pub(crate) fn split_pairs(text: &str) -> Vec<String> {
    let mut pairs: Vec<String> = Vec::new();
    for part in text.split(',') {
        match pairs.last_mut().filter(|_| !begins_pair(part)) {
            Some(last) => {
                last.push(',');
                last.push_str(part);
            }
            None => pairs.push(part.to_owned()),
        }
    }
    pairs
}

fn begins_pair(part: &str) -> bool {
    let key = part.split_once('=').map_or("", |(key, _)| key);
    !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || "._-/".contains(c))
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
    fn data_must_not_say_what_a_flag_says() {
        let data = |pair: &str| parse_data(&[pair.to_owned()]);
        assert_eq!(data("sync.from=dev"), Err(ValueError::Flag("sync".to_owned())));
        let image = data("configurationChange.values.image=a:1").unwrap();
        assert_eq!(Value::Object(image), json!({"configurationChange":{"values":{"image":"a:1"}}}));
    }

    #[test]
    fn a_list_is_split_where_a_pair_begins() {
        assert_eq!(split_pairs("a=1,b.c=x"), ["a=1", "b.c=x"]);
        assert_eq!(
            split_pairs(r#"a={"b":1,"c":"d=e"},f=[1,2]"#),
            [r#"a={"b":1,"c":"d=e"}"#, "f=[1,2]"]
        );
        assert_eq!(split_pairs("nothing"), ["nothing"]);
    }

    #[test]
    fn labels_are_text() {
        let labels = parse_labels(&["a=1,b=x".to_owned(), "c=".to_owned()]).unwrap();
        assert_eq!(Value::Object(labels), json!({"a":"1","b":"x","c":""}));
        assert!(parse_labels(&["a".to_owned()]).is_err());
    }
}
