//! `keptn bench`: what it counts without noise, and that it keeps away from a NATS in use.

use serde_json::Value;

use crate::harness::{stack::Stack, user::User};

/// Messages of a sequence of five tasks: each task's `triggered`, `started` and `finished`, and the
/// sequence's own `triggered` and `finished`.
const WRITES_PER_TASK: f64 = 17.0 / 5.0;
/// The floor writes as many bytes as the controller, to the difference of some digits.
const BYTES_DIFFER_MAX: f64 = 0.02;

fn measure(user: &User, what: &[&str]) -> Value {
    let load = ["--sequences=50", "--concurrency=4", "--output=json"];
    let said = user.keptn(&[&["bench"], what, &load].concat());
    assert_eq!(said.code, 0, "{said:?}");
    serde_json::from_str(&said.stdout).expect("the result is a document")
}

#[test]
fn nothing_is_written_but_the_next_event() {
    // It brings a server of its own.
    let user = User::at(0);
    let [ours, floor] = [measure(&user, &[]), measure(&user, &["floor"])];
    for round in [&ours, &floor] {
        let writes = round["streamWritesPerTask"].as_f64().expect("a figure");
        assert!((writes - WRITES_PER_TASK).abs() < 1e-9, "{round}");
    }
    let bytes = |round: &Value| round["bytesPerSequence"].as_f64().expect("a figure");
    let differ = (bytes(&ours) / bytes(&floor) - 1.0).abs();
    assert!(differ < BYTES_DIFFER_MAX, "{} and {}", bytes(&ours), bytes(&floor));
}

#[test]
fn a_nats_in_use_is_left_alone() {
    let stack = Stack::start();
    let before = stack.user.stream().read_to_end();
    let server = format!("--server=nats://127.0.0.1:{}", stack.nats.port());
    let said = stack.user.keptn(&["bench", &server]);
    assert_eq!(said.code, 5, "{said:?}");
    assert!(said.stderr.contains("stream `keptn` must not be there"), "{said:?}");
    assert_eq!(stack.user.stream().read_to_end(), before);
}
