//! Headers and a body as an event: `name: value` lines, an empty line, the body.
#![no_main]

use bus::RawMessage;
use fuzz::within_bound;
use libfuzzer_sys::fuzz_target;
use model::Event;

fuzz_target!(|data: &[u8]| {
    let end = data.windows(2).position(|pair| pair == b"\n\n");
    let (head, body) = end.map_or((data, &b""[..]), |end| (&data[..end], &data[end + 2..]));
    let Ok(head) = std::str::from_utf8(head) else { return };
    let headers: Vec<(&str, &str)> =
        head.lines().filter_map(|line| line.split_once(": ")).collect();
    let message = RawMessage::from_parts("sh.keptn.event.test.finished", &headers, body.to_vec());
    let Some(message) = message else { return };
    let Ok(event) = within_bound(|| message.event()) else { return };
    let again = Event::from_json(event.to_json().as_bytes()).expect("what was written can be read");
    assert_eq!(event, again);
});
