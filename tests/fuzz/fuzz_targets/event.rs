//! Structured JSON as an event: never a panic, and what was read is written and read again the same.
#![no_main]

use fuzz::within_bound;
use libfuzzer_sys::fuzz_target;
use model::{Event, Stored, StreamTime};

fuzz_target!(|data: &[u8]| {
    let read = within_bound(|| Event::from_json(data));
    let Ok(event) = read else { return };
    let text = within_bound(|| event.to_json());
    let again = Event::from_json(text.as_bytes()).expect("what was written can be read");
    assert_eq!(event, again);
    let subject = event.event_type.to_string();
    let stored = Stored::new(1, StreamTime::default(), &subject, Ok(event));
    assert!(stored.body.is_ok(), "an event fits the subject that is its type");
});
