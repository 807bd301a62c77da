//! Text as a name: one that exists can enter a subject, and is what was given.
#![no_main]

use fuzz::within_bound;
use libfuzzer_sys::fuzz_target;
use model::{EventType, ProjectName, SequenceName, ServiceName, StageName, TaskName};

fn check(text: &str, name: Option<String>) {
    let Some(name) = name else { return };
    assert_eq!(name, text);
    let cannot_enter = |one: char| one.is_whitespace() || one.is_control() || ".*>/".contains(one);
    assert!(!name.is_empty() && !name.chars().any(cannot_enter), "{name:?}");
}

fuzz_target!(|text: &str| {
    within_bound(|| {
        check(text, ProjectName::new(text).ok().map(String::from));
        check(text, StageName::new(text).ok().map(String::from));
        check(text, ServiceName::new(text).ok().map(String::from));
        check(text, SequenceName::new(text).ok().map(String::from));
        check(text, TaskName::new(text).ok().map(String::from));
        if let Ok(kind) = EventType::parse(text) {
            assert_eq!(kind.to_string(), text);
        }
    });
});
