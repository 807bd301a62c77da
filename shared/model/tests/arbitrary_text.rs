//! No text, however wrong or hostile, makes reading panic or last.
#![cfg(test)]

use std::time::{Duration, Instant};

use model::{
    Problem, Shipyard, StubRule, Uniform,
    document::{self, DOCUMENT_BYTES_MAX},
};
use proptest::prelude::*;

/// Bound for one text in a test build on a busy machine; a release build takes a fraction.
const READ_MAX: Duration = Duration::from_secs(20);

const DOCUMENTS: [&str; 4] = [
    include_str!("documents/story-1.yaml"),
    include_str!("documents/story-2.yaml"),
    include_str!("documents/uniform-1.yaml"),
    include_str!("documents/native.yaml"),
];

/// Reads a text in every way and checks what always holds.
fn read(text: &str) {
    let began = Instant::now();
    let shipyard = Shipyard::read(text);
    let uniform = Uniform::read(text);
    let rules = StubRule::read_list(text);
    assert_eq!(shipyard.value.is_some(), shipyard.errors.is_empty(), "{text}");
    assert_eq!(uniform.value.is_some(), uniform.errors.is_empty(), "{text}");
    assert_eq!(rules.value.is_some(), rules.errors.is_empty(), "{text}");
    Shipyard::from_base64(text);
    if let Some(shipyard) = &shipyard.value {
        assert!(!shipyard.stages.is_empty(), "{text}");
    }
    places_are_inside(text, shipyard.errors.iter().chain(&shipyard.warnings));
    places_are_inside(text, uniform.errors.iter().chain(&uniform.warnings));
    assert!(began.elapsed() < READ_MAX, "{:?} for {} bytes", began.elapsed(), text.len());
}

/// Checks that each problem names a line of the text.
fn places_are_inside<'a>(text: &str, mut problems: impl Iterator<Item = &'a Problem>) {
    let lines = document::lines(text).count() as u64;
    let outside = problems.find(|problem| problem.line.is_some_and(|line| line > lines));
    assert!(outside.is_none(), "{outside:?}, of {lines} lines: {text:?}");
}

/// Replaces `length` characters at `at` of a document by `with`.
fn mutated(document: usize, edits: &[(usize, usize, String)]) -> String {
    let mut text: Vec<char> = DOCUMENTS[document].chars().collect();
    for (at, length, with) in edits {
        let start = at % (text.len() + 1);
        let end = (start + length).min(text.len());
        text.splice(start..end, with.chars());
    }
    text.into_iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        read(&text);
    }

    #[test]
    fn text_of_yaml_signs_is_read_or_refused(text in r"[a-z0-9 \r\n:\-\[\]{}&*!|>'<,#?%@~\t.]{0,200}") {
        read(&text);
    }

    #[test]
    fn a_document_with_mistakes_is_read_or_refused(
        document in 0..DOCUMENTS.len(),
        edits in prop::collection::vec((0..5000_usize, 0..30_usize, r"[ \n:\-\[\]{}&*a~'0]{0,8}"), 1..6),
    ) {
        read(&mutated(document, &edits));
    }
}

#[test]
fn the_largest_texts_are_read_or_refused_in_time() {
    let repeated = [
        "[",
        "{",
        "- ",
        "a: ",
        "? ",
        "&a ",
        "*a ",
        "[a,",
        "{a: ",
        "\"",
        "'",
        "|\n",
        "\n",
        "\t",
        "\r",
        "#\r",
        "#",
        "- a\n",
        "a:\n- ",
        "!!str ",
        "--- \n",
        "{a: b}, ",
        "<<: ",
        "a: &a [*a]\n",
        "- &a a\n- *a\n",
        "\u{0}",
        "ä: ö\n",
        "- name: a\n  b: 1\n",
        "%a\n",
        "\\",
        ": ",
        "- - ",
        "a: |\n x\n",
    ];
    for part in repeated {
        let text = part.repeat(DOCUMENT_BYTES_MAX / part.len());
        read(&text);
        read(&format!("apiVersion: 0.2.0\nspec: {{stages: [{text}"));
    }
    let head = "apiVersion: 0.2.0\nspec:\n  stages:\n";
    let stages = |stage: &dyn Fn(usize) -> String| {
        let mut text = head.to_owned();
        for number in 0.. {
            let stage = stage(number);
            if text.len() + stage.len() > DOCUMENT_BYTES_MAX {
                break;
            }
            text.push_str(&stage);
        }
        text
    };
    read(&stages(&|n| format!("  - name: s{n}\n")));
    read(&stages(&|n| {
        let cause = format!("s{}.a.finished", n * 7 % 5000 + 1);
        format!("  - name: s{n}\n    sequences: [{{name: a, triggeredOn: [{{event: {cause}}}]}}]\n")
    }));
    read(&stages(&|n| format!("  - {{name: s{n}, key{n}: 1}}\n")));
    let long = "x".repeat(DOCUMENT_BYTES_MAX / 2);
    read(&format!("a: &a {long}\nb: [{}]\n", vec!["*a"; 30_000].join(",")));
    read(&format!("{head}  - {long}: 1\n"));
}
