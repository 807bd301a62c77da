//! Which form a shipyard has, by its version.

use super::SPEC_PREFIX;
use crate::{
    document::{
        reader::{Fields, Problems},
        tree::Place,
    },
    name::shortened,
};

/// Versions of the form that the story uses.
pub(super) const STORY_VERSIONS: [&str; 2] = ["0.1.1", "0.1.2"];
/// The lowest version of the form with `sequences`.
const NATIVE_FIRST: (u64, u64) = (0, 2);
/// The highest patch of 0.2 that Keptn published; later ones are read like it.
const NATIVE_PATCH_LAST: u64 = 4;
const HINT: &str = "write `apiVersion: spec.keptn.sh/0.2.3`";

/// How the stages are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// `sequences`, `triggeredOn`, `tasks`.
    Native,
    /// `workflows` with single-key task maps, `pull` of a stage.
    Story,
}

/// Reads `apiVersion`, or the story's `version`; none if the version is refused.
pub(super) fn read(fields: &Fields<'_>, problems: &mut Problems) -> Option<(String, Form)> {
    let api_version = problems.text(fields.get("apiVersion")).unwrap_or_default();
    let story_version = problems.text(fields.get("version")).unwrap_or_default();
    if api_version.is_empty() {
        if STORY_VERSIONS.contains(&story_version) {
            return Some((story_version.to_owned(), Form::Story));
        }
        let message = if story_version.is_empty() {
            "`apiVersion` is missing".to_owned()
        } else {
            format!(
                "`version: {}` must be one of {}, or `apiVersion` must be 0.2 or later",
                shortened(story_version),
                STORY_VERSIONS.join(", ")
            )
        };
        problems.error_hint(fields.place("version"), message, HINT);
        return None;
    }
    let place = fields.place("apiVersion");
    is_native(api_version, place, problems).then(|| (api_version.to_owned(), Form::Native))
}

fn is_native(api_version: &str, at: Place, problems: &mut Problems) -> bool {
    let text = api_version.strip_prefix(SPEC_PREFIX).unwrap_or(api_version);
    let shown = shortened(api_version);
    let Some(version) = Version::parse(text) else {
        let message =
            format!("apiVersion `{shown}` must be a version such as `{SPEC_PREFIX}0.2.3`");
        problems.error_hint(at, message, HINT);
        return false;
    };
    if (version.major, version.minor) < NATIVE_FIRST || version.is_pre_release {
        let message = format!("apiVersion `{shown}` must be 0.2 or later and no pre-release");
        problems.error_hint(at, message, HINT);
        return false;
    }
    if (version.major, version.minor) > NATIVE_FIRST || version.patch > NATIVE_PATCH_LAST {
        let message = format!("apiVersion `{shown}` is later than 0.2.{NATIVE_PATCH_LAST}");
        let hint =
            format!("it is read as 0.2.{NATIVE_PATCH_LAST}; what is new in it has no effect");
        problems.warn(at, message, Some(hint));
    }
    true
}

/// A version as Keptn's library reads it: `v` may stand before, minor and patch may be missing.
#[derive(Debug, PartialEq, Eq)]
struct Version {
    major: u64,
    minor: u64,
    patch: u64,
    is_pre_release: bool,
}

impl Version {
    fn parse(text: &str) -> Option<Self> {
        let text = text.strip_prefix('v').unwrap_or(text);
        let (text, metadata) = split(text, '+');
        let (text, pre_release) = split(text, '-');
        let is_label =
            |label: Option<&str>| label.is_none_or(|label| label.split('.').all(is_identifier));
        let is_canonical = pre_release
            .is_none_or(|label| label.split('.').all(|part| !is_number_with_leading_zero(part)));
        let mut numbers = text.split('.').map(number);
        let version = Self {
            major: numbers.next()??,
            minor: numbers.next().unwrap_or(Some(0))?,
            patch: numbers.next().unwrap_or(Some(0))?,
            is_pre_release: pre_release.is_some(),
        };
        let is_whole = numbers.next().is_none() && is_label(metadata) && is_label(pre_release);
        (is_whole && is_canonical).then_some(version)
    }
}

fn split(text: &str, separator: char) -> (&str, Option<&str>) {
    text.split_once(separator).map_or((text, None), |(before, after)| (before, Some(after)))
}

fn number(text: &str) -> Option<u64> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

fn is_identifier(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

fn is_number_with_leading_zero(text: &str) -> bool {
    text.len() > 1 && text.starts_with('0') && number(text).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_keptn_reads_them() {
        for good in ["0.2.3", "v0.2", "1", "0.2.0+build.1", "0.2.0-alpha.1"] {
            assert!(Version::parse(good).is_some(), "{good}");
        }
        for bad in ["", "v", "0.2.", "0.2.0.beta", "a", "0.2.0-", "0.2.0+", "-1", "0.2.0-01", "+1"]
        {
            assert_eq!(Version::parse(bad), None, "{bad}");
        }
    }
}
