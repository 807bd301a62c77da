//! The checker of the fault runs: it finds nothing in a good stream, and something in every one
//! that was spoiled on purpose.

use std::process::Command;
use std::time::Duration;

use crate::harness::python;
use crate::harness::stack::Stack;
use crate::harness::user::run_to_end;
use tests::faults::scene::Scene;

/// Spoils copies of a stream, one rule at a time.
const CONTROLS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/checker/controls.py");
/// Deliveries in the good stream: enough that runs of one service wait for each other.
const DELIVERIES: usize = 48;

#[test]
fn a_good_stream_passes_and_every_broken_rule_is_noted() {
    let scene = Scene::on(Stack::start(), DELIVERIES);
    scene.wait_for_load(Duration::from_mins(1));
    let ended = scene.watch.wait(Duration::from_mins(1), |seen| seen.open.is_empty());
    assert!(ended, "still open: {:?}", scene.watch.seen().open);

    let mut command = Command::new(python::with_nats());
    let said = run_to_end(command.args([CONTROLS, "--server", &scene.stack.nats.url()]));
    assert_eq!(said.code, 0, "{}{}", said.stdout, said.stderr);

    let figures = scene.end(0).expect("a good stream passes");
    assert!(figures.to_string().contains("lost 0, doubled 0, stuck 0"), "{figures}");
}
