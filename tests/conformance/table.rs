//! The cases as a table: read from the documentation of the tests, compared with
//! `docs/conformance.md`.
//!
//! `UPDATE_GOLDEN=1 cargo test -p tests --test conformance table` writes the document anew.

use std::{collections::BTreeMap, fmt::Write as _, fs, path::PathBuf};

/// The files with cases.
const FILES: [(&str, &str); 10] = [
    ("happy_path.rs", include_str!("happy_path.rs")),
    ("executors.rs", include_str!("executors.rs")),
    ("branching.rs", include_str!("branching.rs")),
    ("queue.rs", include_str!("queue.rs")),
    ("timing.rs", include_str!("timing.rs")),
    ("control.rs", include_str!("control.rs")),
    ("view.rs", include_str!("view.rs")),
    ("bus.rs", include_str!("bus.rs")),
    ("config_store.rs", include_str!("config_store.rs")),
    ("story.rs", include_str!("story.rs")),
];

/// Letter and title of each group, and the numbers of its cases.
const GROUPS: [(char, &str, std::ops::RangeInclusive<u32>); 8] = [
    ('A', "Happy path and shape of events", 1..=19),
    ('B', "Several executors", 20..=35),
    ('C', "Failure and branching", 36..=54),
    ('D', "Queue", 55..=68),
    ('E', "Timing", 69..=75),
    ('F', "Control", 76..=84),
    ('G', "View", 85..=90),
    ('H', "Bus and executors", 91..=98),
];

/// Groups with numbers of their own.
const OWN_GROUPS: [(char, &str); 2] =
    [('I', "Projects, services, configuration"), ('J', "The story: status and sync of a stage")];

/// The beginning of the document.
const HEAD: &str = "\
# Conformance

What Keptn 1.4.5 does, as its own tests and its code say, and what Slipway does. Each case is a test
in `tests/conformance`, named by its number; this page is made of what the tests say of themselves.

* **same**: the test asserts what Keptn does. In group J, which Keptn never had, what the story asks.
* **differs**: the test asserts what Slipway does instead, or does better; the reason says why.
* **not applicable**: the case is about a part that does not exist here; the test asserts what stands
  in its place.

`cargo test -p tests --test conformance` runs the cases.
`UPDATE_GOLDEN=1 cargo test -p tests --test conformance table` writes this page anew.
";

/// One case, as its documentation says.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Case {
    group: char,
    number: u32,
    verdict: String,
    title: String,
    reason: String,
}

impl Case {
    /// Reads `Case NUMBER, VERDICT: TITLE[. Because: REASON].`
    fn parse(text: &str) -> Result<Self, String> {
        let wrong = |what: &str| format!("{what} in `{text}`");
        let rest = text.strip_prefix("Case ").ok_or_else(|| wrong("no `Case`"))?;
        let (number, rest) = rest.split_once(", ").ok_or_else(|| wrong("no number"))?;
        let (verdict, rest) = rest.split_once(": ").ok_or_else(|| wrong("no verdict"))?;
        let (title, reason) = rest.split_once(" Because: ").unwrap_or((rest, ""));
        let (group, digits) = match number.strip_prefix(|letter: char| "IJ".contains(letter)) {
            Some(digits) => (number.chars().next(), digits),
            None => (None, number),
        };
        let number = digits.parse().map_err(|_| wrong("no number"))?;
        let group = match group {
            Some(letter) => letter,
            None => group_of(number).ok_or_else(|| wrong("a number outside the list"))?,
        };
        let is_known = ["same", "differs", "not applicable"].contains(&verdict);
        if !is_known || (verdict == "same") != reason.is_empty() {
            return Err(wrong("a verdict without its reason, or a reason without a difference"));
        }
        if !title.ends_with('.') {
            return Err(wrong("a title that is no sentence"));
        }
        let (verdict, title, reason) = (verdict.to_owned(), title.to_owned(), reason.to_owned());
        Ok(Self { group, number, verdict, title, reason })
    }

    /// Returns the number as it is written: `22`, `I3`.
    fn label(&self) -> String {
        if group_of(self.number) == Some(self.group) {
            self.number.to_string()
        } else {
            format!("{}{}", self.group, self.number)
        }
    }
}

fn group_of(number: u32) -> Option<char> {
    GROUPS.iter().find(|(_, _, numbers)| numbers.contains(&number)).map(|(letter, _, _)| *letter)
}

/// Reads the cases of a file; what is wrong with it is told with its place.
fn read(name: &str, text: &str) -> (Vec<Case>, Vec<String>) {
    let (mut cases, mut wrong) = (Vec::new(), Vec::new());
    let mut documented = String::new();
    let mut is_test = false;
    for (index, line) in text.lines().enumerate() {
        let at = |what: &str| format!("tests/conformance/{name}:{}: {what}", index + 1);
        if let Some(more) = line.strip_prefix("/// ") {
            documented = if documented.is_empty() { more.into() } else { documented + " " + more };
        } else if line.starts_with("#[test]") || line.starts_with("#[tokio::test]") {
            is_test = true;
        } else {
            let function = line.trim_start_matches("async ").strip_prefix("fn ");
            if let (true, Some(function)) = (is_test, function) {
                match Case::parse(&documented) {
                    Ok(case) => {
                        let named = format!("case_{}_", case.label().to_lowercase());
                        if !function.starts_with(&named) {
                            wrong.push(at(&format!("should be called `{named}…`")));
                        }
                        cases.push(case);
                    }
                    Err(reason) => wrong.push(at(&reason)),
                }
            }
            (documented, is_test) = (String::new(), false);
        }
    }
    (cases, wrong)
}

/// Returns all cases by group and number, and all that is wrong with them.
fn all() -> (BTreeMap<(char, u32), Case>, Vec<String>) {
    let (mut cases, mut wrong) = (BTreeMap::new(), Vec::new());
    for (name, text) in FILES {
        let (found, broken) = read(name, text);
        wrong.extend(broken);
        if found.is_empty() {
            wrong.push(format!("{name} holds no case"));
        }
        for case in found {
            let label = case.label();
            if cases.insert((case.group, case.number), case).is_some() {
                wrong.push(format!("case {label} is there twice"));
            }
        }
    }
    (cases, wrong)
}

#[test]
fn every_number_is_there_once_and_every_difference_has_a_reason() {
    let (cases, mut wrong) = all();
    for (letter, _, numbers) in GROUPS {
        let missing = numbers.filter(|number| !cases.contains_key(&(letter, *number)));
        wrong.extend(missing.map(|number| format!("case {number} is missing")));
    }
    for (letter, _) in OWN_GROUPS {
        let numbers: Vec<u32> =
            cases.keys().filter(|(group, _)| *group == letter).map(|(_, number)| *number).collect();
        let has_gap = numbers.iter().zip(1..).any(|(number, wanted)| *number != wanted);
        if has_gap || numbers.is_empty() {
            wrong.push(format!("the numbers of group {letter} have a gap: {numbers:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_document_says_what_the_tests_say() {
    let (cases, _) = all();
    let text = document(&cases);
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/conformance.md");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let golden = fs::read_to_string(&path).unwrap_or_default();
    for (line, (got, wanted)) in text.lines().zip(golden.lines()).enumerate() {
        assert_eq!(got, wanted, "line {} of docs/conformance.md", line + 1);
    }
    assert_eq!(text.lines().count(), golden.lines().count(), "lines of docs/conformance.md");
}

fn document(cases: &BTreeMap<(char, u32), Case>) -> String {
    let count = |verdict: &str| cases.values().filter(|case| case.verdict == verdict).count();
    let mut text = format!(
        "{HEAD}\n{} cases: {} same, {} differ, {} not applicable.\n",
        cases.len(),
        count("same"),
        count("differs"),
        count("not applicable")
    );
    let numbered = GROUPS.iter().map(|(letter, title, _)| (*letter, *title));
    for (letter, title) in numbered.chain(OWN_GROUPS) {
        write!(
            text,
            "\n## {letter}. {title}\n\n| case | | verdict | reason |\n|---|---|---|---|\n"
        )
        .unwrap();
        for case in cases.values().filter(|case| case.group == letter) {
            let cell = |text: &str| text.replace('|', "\\|");
            let title = capital(&case.title);
            let reason = capital(&case.reason);
            writeln!(
                text,
                "| {} | {} | {} | {} |",
                case.label(),
                cell(&title),
                case.verdict,
                cell(&reason)
            )
            .unwrap();
        }
    }
    text
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[test]
fn a_case_without_verdict_or_reason_is_wrong() {
    let case = |text: &str| Case::parse(text).map(|case| (case.label(), case.verdict, case.reason));
    let same = case("Case 22, same: one fails.").unwrap();
    assert_eq!(same, ("22".to_owned(), "same".to_owned(), String::new()));
    let differs = case("Case I3, differs: it is refused. Because: of this.").unwrap();
    assert_eq!(differs, ("I3".to_owned(), "differs".to_owned(), "of this.".to_owned()));
    for wrong in [
        "22, same: one fails.",
        "Case 22: one fails.",
        "Case 22, maybe: one fails.",
        "Case 99, same: one fails.",
        "Case 22, differs: one fails.",
        "Case 22, not applicable: one fails.",
        "Case 22, same: one fails. Because: of this.",
        "Case 22, same: one fails",
    ] {
        assert!(case(wrong).is_err(), "{wrong}");
    }
}
