//! R9: data that grows task by task, and messages at the limit of the server.

use serde_json::json;

use super::hands::{HAND, Hands, answer};
use super::outcome::{Outcome, Scale};

/// Tasks of the run that grows.
const TASKS: usize = 8;
/// What each of them adds.
const ADDED_BYTES: usize = 200_000;
/// `max_payload` of the server, its default.
const PAYLOAD_MAX: usize = 1 << 20;
/// Length of the text that makes an event a little smaller than the limit.
const NEARLY: usize = PAYLOAD_MAX - 1_000;

/// A run that grows too large ends errored and says so; the next one passes.
pub fn sizes(scale: Scale) -> Result<Outcome, String> {
    let tasks: Vec<_> = (0..TASKS).map(|task| json!({"name": format!("t{task}")})).collect();
    let mut hands = Hands::start(&json!(tasks), 1);
    let runs = scale.of(1, 10);
    for run in 0..runs {
        let number = run * 3;
        grow(&mut hands, number)?;
        at_the_limit(&mut hands, number + 1)?;
        hands.publish(&hands.trigger(number + 2, 0));
        for task in 0..TASKS {
            let task = hands.task(number + 2, &format!("t{task}"), 0);
            hands.play(&task);
        }
        let end = hands.end(number + 2);
        if end.text("/result") != "pass" {
            return Err(format!("the healthy run ended with {end:?}"));
        }
    }
    Ok(Outcome::Pass(hands.finish()?.with("runs that grew", runs)))
}

fn grow(hands: &mut Hands, number: usize) -> Result<(), String> {
    hands.publish(&hands.trigger(number, 0));
    for index in 0..TASKS {
        let name = format!("t{index}");
        let next = hands.stream.wait_for("the next step", |entry| {
            entry.context() == super::hands::context(number)
                && (entry.short() == format!("{name}.triggered")
                    || entry.short() == "dev.run.finished")
        });
        if next.short() == "dev.run.finished" {
            break;
        }
        let brought = json!({name: {"log": "x".repeat(ADDED_BYTES)}});
        hands.publish(&answer(&next, "started", HAND, 0, &json!({})));
        hands.publish(&answer(&next, "finished", HAND, 0, &brought));
    }
    let end = hands.end(number);
    let says = end.text("/message");
    if end.text("/status") != "errored" || !says.contains("bytes") {
        return Err(format!(
            "a run that grew too large ended with {says:?}, {}",
            end.text("/status")
        ));
    }
    Ok(())
}

/// A trigger as large as the server takes: it is answered, one way or the other.
fn at_the_limit(hands: &mut Hands, number: usize) -> Result<(), String> {
    let mut trigger = hands.trigger(number, 0);
    trigger["data"]["labels"] = json!({"long": "x".repeat(NEARLY)});
    hands.publish(&trigger);
    let end = hands.end(number);
    if end.text("/status") != "errored" || !end.text("/message").contains("bytes") {
        return Err(format!("a trigger of {NEARLY} bytes ended with {}", end.text("/message")));
    }
    Ok(())
}
