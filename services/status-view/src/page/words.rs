//! Words and small pieces that every page uses: artifacts, times, chips, links in texts.
//!
//! What comes from an event is a value of a template, so it is escaped; only `http` and `https`
//! become links.

mod when;

use maud::{Markup, html};
use model::{
    KeptnContext, TaskResult, TaskStatus,
    view::{Sequence, SequenceState, Task, TaskState},
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

pub(super) use self::when::{Shown, exact, time};

/// Characters of an artifact that a table shows; a digest is cut, the page of the run has all of it.
const ARTIFACT_CHARS_MAX: usize = 60;
/// What stays as it is in a path or a query.
const KEPT: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b':');

/// What a colour says; each has its word beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    /// In sync, passed.
    Good,
    /// Behind, waits for a person.
    Behind,
    /// Running.
    Run,
    /// Failed.
    Bad,
    /// Nothing to say.
    Quiet,
}

impl Tone {
    /// Returns the class.
    pub(super) const fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Behind => "behind",
            Self::Run => "run",
            Self::Bad => "bad",
            Self::Quiet => "none",
        }
    }

    /// Returns the tone of a result.
    pub(super) const fn of(result: TaskResult) -> Self {
        match result {
            TaskResult::Pass => Self::Good,
            TaskResult::Warning => Self::Behind,
            TaskResult::Fail => Self::Bad,
        }
    }
}

/// Returns a chip: a word on its colour.
pub(super) fn chip(tone: Tone, word: &str) -> Markup {
    html! { span.chip.(tone.class()) { (word) } }
}

/// Returns a value as a part of a path or a query.
pub(crate) fn part(value: &str) -> String {
    utf8_percent_encode(value, KEPT).to_string()
}

/// Returns `1 service`, `2 services`.
pub(super) fn count(number: usize, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{} {one}s", grouped(number as u64)) }
}

/// Returns a number with its thousands apart: `18,204`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Returns a text of at most so many characters.
pub(super) fn cut(text: &str, chars_max: usize) -> String {
    crate::history::bounded(text, chars_max).unwrap_or_default()
}

/// Returns an artifact as a table of services shows it: the tag alone if the rest is the service's
/// name, else verbatim.
pub(super) fn version(service: &str, artifact: &str) -> String {
    let tag = artifact.rsplit_once(':').filter(|(image, tag)| {
        let name = image.rsplit('/').next().unwrap_or(image);
        !artifact.contains('@') && name == service && !tag.is_empty() && !tag.contains('/')
    });
    cut(tag.map_or(artifact, |(_, tag)| tag), ARTIFACT_CHARS_MAX)
}

/// Returns two different artifacts of a service so that the difference is seen.
pub(super) fn versions(service: &str, one: &str, other: &str) -> (String, String) {
    let short = (version(service, one), version(service, other));
    if short.0 == short.1 && one != other {
        (cut(one, ARTIFACT_CHARS_MAX), cut(other, ARTIFACT_CHARS_MAX))
    } else {
        short
    }
}

/// Returns a text in which what looks like a web address is a link.
pub(super) fn linked(text: &str) -> Markup {
    let is_link = |word: &str| word.starts_with("https://") || word.starts_with("http://");
    html! {
        @for word in text.split_inclusive(char::is_whitespace) {
            @if is_link(word) {
                @let end = word.trim_end_matches([' ', '\n', '\t', '.', ',', ';', ')', '"', '\'']);
                a href=(end) rel="noopener noreferrer nofollow" { (end) }
                (word.strip_prefix(end).unwrap_or_default())
            } @else { (word) }
        }
    }
}

/// Returns the word and the tone of a run's state.
pub(super) fn state(run: &Sequence) -> (Tone, String) {
    let word = |tone, word: &str| (tone, word.to_owned());
    match run.state {
        SequenceState::Triggered => word(Tone::Run, "triggered"),
        SequenceState::Started => match current(run) {
            Some(task) => (Tone::Run, format!("{} is running", task.label)),
            None => word(Tone::Run, "running"),
        },
        SequenceState::Waiting => word(Tone::Quiet, "queued"),
        SequenceState::WaitingForApproval => word(Tone::Behind, "waits for an approval"),
        SequenceState::Paused => word(Tone::Behind, "paused"),
        SequenceState::Aborted => word(Tone::Quiet, "aborted"),
        SequenceState::TimedOut => word(Tone::Bad, "timed out"),
        SequenceState::Finished if run.nothing_to_do => word(Tone::Quiet, "nothing to do"),
        SequenceState::Finished => match (run.status, run.result) {
            (Some(TaskStatus::Errored), _) | (_, Some(TaskResult::Fail)) => {
                word(Tone::Bad, "failed")
            }
            (_, Some(TaskResult::Warning)) => word(Tone::Behind, "passed with a warning"),
            (_, Some(TaskResult::Pass) | None) => word(Tone::Good, "passed"),
        },
    }
}

/// Returns the task that is open.
pub(super) fn current(run: &Sequence) -> Option<&Task> {
    run.tasks.iter().find(|task| matches!(task.state, TaskState::Triggered | TaskState::Started))
}

/// Returns the address of the page of a delivery.
pub(super) fn run_path(context: &KeptnContext) -> String {
    format!("/runs/{}", part(context.as_str()))
}

/// Returns what a run delivers: `carts 0.10.17 and carts-db 0.4.1`.
pub(super) fn delivered(run: &Sequence) -> String {
    /// Services that a headline names.
    const NAMED_MAX: usize = 3;
    let mut named: Vec<String> = run
        .services
        .iter()
        .take(NAMED_MAX)
        .map(|one| match &one.artifact {
            Some(artifact) => {
                format!("{} {}", one.service, version(one.service.as_str(), artifact))
            }
            None => one.service.to_string(),
        })
        .collect();
    let more = run.services.len().saturating_sub(NAMED_MAX);
    if more > 0 {
        named.push(format!("{} more", grouped(more as u64)));
    }
    match named.pop() {
        None => String::new(),
        Some(only) if named.is_empty() => only,
        Some(last) => format!("{} and {last}", named.join(", ")),
    }
}

/// Returns a word as a shell takes it: what is not plain is quoted.
pub(super) fn shell(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Returns a context as a command names it: by its beginning if it is a usual one.
pub(super) fn short(context: &KeptnContext) -> String {
    if model::DerivedId::parse(context.as_str()).is_some() {
        context.short().to_owned()
    } else {
        shell(context.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_artifact_is_its_tag_only_if_the_rest_is_the_service() {
        assert_eq!(version("carts", "carts:0.10.1"), "0.10.1");
        assert_eq!(version("carts", "reg:5000/shop/carts:2"), "2");
        assert_eq!(version("carts", "other:1"), "other:1");
        assert_eq!(version("carts", "reg:5000/carts"), "reg:5000/carts");
        assert_eq!(version("carts", "carts@sha256:ab"), "carts@sha256:ab");
        let two = versions("carts", "a/carts:1", "b/carts:1");
        assert_eq!(two, ("a/carts:1".to_owned(), "b/carts:1".to_owned()));
    }

    #[test]
    fn only_web_addresses_become_links() {
        let html =
            linked("see https://x.example/a?b=1&c, javascript:alert(1) data:x").into_string();
        assert_eq!(html.matches("<a ").count(), 1);
        assert!(html.contains("href=\"https://x.example/a?b=1&amp;c\""), "{html}");
        assert!(html.contains("</a>, javascript:alert(1)"), "{html}");
    }

    #[test]
    fn what_a_shell_would_read_is_quoted() {
        assert_eq!(shell("c1f0a3d2"), "c1f0a3d2");
        assert_eq!(shell("$(reboot)"), "'$(reboot)'");
        assert_eq!(shell("a'b"), r"'a'\''b'");
        assert_eq!(part("a/b?c=\"d\""), "a%2Fb%3Fc%3D%22d%22");
    }

    #[test]
    fn numbers_read_like_text() {
        assert_eq!(
            (grouped(7), grouped(1_000), grouped(18_204)),
            ("7".into(), "1,000".into(), "18,204".into())
        );
        assert_eq!((count(1, "run"), count(0, "run")), ("1 run".to_owned(), "0 runs".to_owned()));
    }
}
