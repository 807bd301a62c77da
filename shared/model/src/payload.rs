//! The data of an event: JSON text that is passed on untouched and read only where it must be.

use std::{borrow::Cow, collections::BTreeMap, fmt, sync::Arc};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, value::RawValue};

/// Deepest nesting of data that is accepted; deeper data is refused before it is parsed.
pub const DATA_DEPTH_MAX: usize = 64;

/// Verdict of a task or sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum TaskResult {
    /// The work is good.
    Pass,
    /// The work is good enough.
    Warning,
    /// The work is not good, or nobody said that it is.
    Fail,
}

impl TaskResult {
    /// Reads a result as Keptn does: what is neither `pass` nor `warning` is `fail`.
    pub fn read(text: Option<&str>) -> Self {
        match text {
            Some("pass") => Self::Pass,
            Some("warning") => Self::Warning,
            _ => Self::Fail,
        }
    }

    /// Returns the word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warning => "warning",
            Self::Fail => "fail",
        }
    }
}

impl fmt::Display for TaskResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Whether an executor could do its work at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum TaskStatus {
    /// It could.
    Succeeded,
    /// It could not.
    Errored,
    /// It was told to stop.
    Aborted,
    /// It did not say.
    Unknown,
}

impl TaskStatus {
    /// Reads a status; anything that is no status counts as unknown.
    pub fn read(text: Option<&str>) -> Self {
        match text {
            Some("succeeded") => Self::Succeeded,
            Some("errored") => Self::Errored,
            Some("aborted") => Self::Aborted,
            _ => Self::Unknown,
        }
    }

    /// Returns the word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Errored => "errored",
            Self::Aborted => "aborted",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for TaskStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A JSON object as text.
///
/// Shape: `{"project":"sockshop","stage":"dev","service":"carts",…}`. It is known to be valid
/// JSON, an object, and nested at most [`DATA_DEPTH_MAX`] deep.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Payload(Arc<str>);

/// The members of data that everybody reads; all optional, all text.
#[derive(Debug, Default, Deserialize)]
pub struct DataHead<'a> {
    /// `project`.
    #[serde(borrow, default)]
    pub project: Option<Cow<'a, str>>,
    /// `stage`.
    #[serde(borrow, default)]
    pub stage: Option<Cow<'a, str>>,
    /// `service`.
    #[serde(borrow, default)]
    pub service: Option<Cow<'a, str>>,
    /// `result`, see [`TaskResult::read`].
    #[serde(borrow, default)]
    pub result: Option<Cow<'a, str>>,
    /// `status`, see [`TaskStatus::read`].
    #[serde(borrow, default)]
    pub status: Option<Cow<'a, str>>,
    /// `message`, for people.
    #[serde(borrow, default)]
    pub message: Option<Cow<'a, str>>,
}

/// The name of a member; a copy only where it is escaped.
#[derive(PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub(crate) struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

impl Key<'_> {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Payload {
    /// Returns the payload `{}`.
    pub fn empty() -> Self {
        Self("{}".into())
    }

    /// Takes JSON text that a parser has already found valid.
    ///
    /// # Errors
    /// A sentence if the text is no object or nested too deep.
    pub(crate) fn from_valid_json(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text == "null" {
            return Ok(Self::empty());
        }
        if !text.starts_with('{') {
            return Err("`data` must be a JSON object".to_owned());
        }
        if depth(text) > DATA_DEPTH_MAX {
            return Err(format!("`data` must be nested at most {DATA_DEPTH_MAX} deep"));
        }
        Ok(Self(text.into()))
    }

    /// Writes `map` as compact JSON with sorted keys.
    pub fn from_map(map: &Map<String, Value>) -> Self {
        // A map of values always has a JSON form; the empty object stands for the impossible.
        serde_json::to_string(map).map_or_else(|_| Self::empty(), |text| Self(text.into()))
    }

    /// Parses all of the data; keys are sorted, unknown members are kept.
    pub fn to_map(&self) -> Map<String, Value> {
        serde_json::from_str(&self.0).unwrap_or_default()
    }

    /// Returns the members that are not spelled as they are in `other`, and of `other` those of the
    /// same names: all that must be parsed of two payloads that hardly differ. A member that has no
    /// value, a text with half a surrogate pair, is left out.
    pub fn difference(&self, other: &Self) -> (Map<String, Value>, Map<String, Value>) {
        let (own, other) = (self.members(), other.members());
        let (mut differing, mut others) = (Map::new(), Map::new());
        let parsed = |raw: &RawValue| serde_json::from_str::<Value>(raw.get()).ok();
        for (key, raw) in own {
            let same = other.get(&key);
            if same.is_some_and(|same| same.get() == raw.get()) {
                continue;
            }
            let name = key.0.into_owned();
            if let Some(value) = same.copied().and_then(parsed) {
                others.insert(name.clone(), value);
            }
            if let Some(value) = parsed(raw) {
                differing.insert(name, value);
            }
        }
        (differing, others)
    }

    fn members(&self) -> BTreeMap<Key<'_>, &RawValue> {
        self.parse().unwrap_or_default()
    }

    /// Parses the data into a type of the caller's.
    ///
    /// # Errors
    /// What the parser says when a member has the wrong type.
    pub fn parse<'a, T: Deserialize<'a>>(&'a self) -> Result<T, serde_json::Error> {
        serde_json::from_str(&self.0)
    }

    /// Returns the members that everybody reads; one of a wrong type reads as absent.
    pub fn head(&self) -> DataHead<'_> {
        self.parse().unwrap_or_else(|_| self.lenient_head())
    }

    fn lenient_head(&self) -> DataHead<'_> {
        let mut map = self.to_map();
        let mut text = |key: &str| match map.remove(key) {
            Some(Value::String(text)) => Some(Cow::Owned(text)),
            _ => None,
        };
        DataHead {
            project: text("project"),
            stage: text("stage"),
            service: text("service"),
            result: text("result"),
            status: text("status"),
            message: text("message"),
        }
    }

    /// Returns the JSON text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Returns how deep valid JSON text is nested.
fn depth(json: &str) -> usize {
    let (mut depth, mut deepest, mut in_text, mut escaped) = (0_usize, 0_usize, false, false);
    for byte in json.bytes() {
        if in_text {
            in_text = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
            continue;
        }
        match byte {
            b'"' => in_text = true,
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_survive_unchanged() {
        let text = r#"{"a":12345678901234567890123,"b":1.10,"c":1e+400}"#;
        let payload = Payload::from_valid_json(text).unwrap();
        assert_eq!(Payload::from_map(&payload.to_map()).as_str(), text);
    }

    #[test]
    fn members_that_are_spelled_alike_are_no_difference() {
        let payload = |text| Payload::from_valid_json(text).unwrap();
        let sent = payload(r#"{"a":{"b":1},"c":"x","d":1.0,"\u0065":2}"#);
        let answer = payload(r#"{"a":{"b": 1},"c":"x","d":1.00,"e":2,"f":null}"#);
        let (differing, others) = answer.difference(&sent);
        assert_eq!(
            serde_json::to_string(&differing).unwrap(),
            r#"{"a":{"b":1},"d":1.00,"f":null}"#
        );
        assert_eq!(serde_json::to_string(&others).unwrap(), r#"{"a":{"b":1},"d":1.0}"#);
    }

    #[test]
    fn a_member_without_a_value_is_left_out_of_a_difference() {
        let answer = Payload::from_valid_json(r#"{"a":"\ud800","b":1}"#).unwrap();
        let (differing, _) = answer.difference(&Payload::empty());
        assert_eq!(serde_json::to_string(&differing).unwrap(), r#"{"b":1}"#);
    }

    #[test]
    fn depth_ignores_brackets_in_text() {
        assert_eq!(depth(r#"{"a":"[[[\"[","b":[{}]}"#), 3);
    }

    #[test]
    fn deep_data_is_refused() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(80), "]".repeat(80));
        assert!(Payload::from_valid_json(&deep).is_err());
    }

    #[test]
    fn a_head_member_of_a_wrong_type_reads_as_absent() {
        let payload = Payload::from_valid_json(r#"{"project":"p","result":7}"#).unwrap();
        let head = payload.head();
        assert_eq!(head.project.as_deref(), Some("p"));
        assert_eq!(head.result, None);
    }
}
