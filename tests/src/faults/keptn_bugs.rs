//! RK: what went wrong in Keptn itself, as scenarios (the numbers are its issues).

use std::time::Duration;

use serde_json::json;

use super::hands::{Hands, answer};
use super::outcome::{Outcome, Scale};
use crate::harness::stack::{CONFIG_STORE, CONTROLLER};
use crate::harness::wait;

type Scenario = fn(&mut Hands, usize) -> Result<(), String>;

const SCENARIOS: [(&str, Scenario); 6] = [
    ("7253", a_dead_store_does_not_stop_the_controller),
    ("7304", a_stop_in_the_middle_leaves_the_run_consistent),
    ("4039", two_tasks_of_one_name_are_two_tasks),
    ("5608", a_trigger_said_twice_runs_once),
    ("7184", two_executors_of_one_task_advance_it_once),
    ("2193", an_executor_that_never_finishes_is_timed_out),
];

/// All six, several times.
pub fn keptn_bugs(scale: Scale) -> Result<Outcome, String> {
    // The last task is the one that may time out.
    let tasks = json!([{"name": "test"}, {"name": "test"}, {"name": "slow", "timeout": "2s"}]);
    let mut hands = Hands::start(&tasks, 1);
    let mut number = 0;
    for _ in 0..scale.of(1, 10) {
        for (issue, scenario) in SCENARIOS {
            scenario(&mut hands, number).map_err(|why| format!("{issue}: {why}"))?;
            number += 1;
        }
    }
    Ok(Outcome::Pass(hands.finish()?.with("scenarios", number)))
}

/// Plays the rest of the run and expects exactly three tasks and one end.
fn play_to_end(hands: &mut Hands, number: usize) -> Result<(), String> {
    let mut position = 0;
    for name in ["test", "test", "slow"] {
        let task = hands.task(number, name, position);
        position = task.position;
        hands.play(&task);
    }
    expect(hands, number, "pass")
}

fn expect(hands: &mut Hands, number: usize, result: &str) -> Result<(), String> {
    let end = hands.end(number);
    // A second trigger would follow at once.
    wait::pass(Duration::from_millis(200));
    hands.stream.read_to_end();
    let said = hands.said(number);
    let wanted = ["test.triggered", "test.triggered", "slow.triggered"];
    let tasks: Vec<&String> = said.iter().filter(|kind| kind.ends_with(".triggered")).collect();
    if end.text("/result") != result || tasks != wanted {
        return Err(format!("ended with {}, {said:?}", end.text("/result")));
    }
    Ok(())
}

fn a_dead_store_does_not_stop_the_controller(
    hands: &mut Hands,
    number: usize,
) -> Result<(), String> {
    hands.stack.kill(CONFIG_STORE);
    hands.publish(&hands.trigger(number, 0));
    let ended = play_to_end(hands, number);
    hands.stack.run(CONFIG_STORE);
    ended
}

fn a_stop_in_the_middle_leaves_the_run_consistent(
    hands: &mut Hands,
    number: usize,
) -> Result<(), String> {
    hands.publish(&hands.trigger(number, 0));
    hands.task(number, "test", 0);
    hands.stack.service(CONTROLLER).stop();
    hands.stack.run(CONTROLLER);
    play_to_end(hands, number)
}

fn two_tasks_of_one_name_are_two_tasks(hands: &mut Hands, number: usize) -> Result<(), String> {
    hands.publish(&hands.trigger(number, 0));
    play_to_end(hands, number)
}

fn a_trigger_said_twice_runs_once(hands: &mut Hands, number: usize) -> Result<(), String> {
    for _ in 0..3 {
        hands.publish(&hands.trigger(number, 0));
    }
    play_to_end(hands, number)
}

fn two_executors_of_one_task_advance_it_once(
    hands: &mut Hands,
    number: usize,
) -> Result<(), String> {
    hands.publish(&hands.trigger(number, 0));
    let first = hands.task(number, "test", 0);
    for kind in ["started", "finished"] {
        for source in ["webhook-service", "lighthouse-service"] {
            hands.publish(&answer(&first, kind, source, 0, &json!({})));
        }
    }
    let second = hands.task(number, "test", first.position);
    hands.play(&second);
    let slow = hands.task(number, "slow", 0);
    hands.play(&slow);
    expect(hands, number, "pass")
}

fn an_executor_that_never_finishes_is_timed_out(
    hands: &mut Hands,
    number: usize,
) -> Result<(), String> {
    hands.publish(&hands.trigger(number, 0));
    let first = hands.task(number, "test", 0);
    hands.play(&first);
    let second = hands.task(number, "test", first.position);
    hands.play(&second);
    let slow = hands.task(number, "slow", 0);
    hands.publish(&answer(&slow, "started", super::hands::HAND, 0, &json!({})));
    expect(hands, number, "fail")
}
