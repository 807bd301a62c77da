//! R6 and R7: every event said again and again, and in every order.

use serde_json::{Value, json};

use super::hands::{HAND, Hands, answer, context};
use super::outcome::{Outcome, Scale};

/// Most times that an event is said.
const TIMES_MAX: usize = 5;
/// Services that are used in turn, so that runs do not wait for each other.
const SERVICES: usize = 4;
/// What the controller says in a run of two tasks.
const CLEAN: [&str; 3] = ["build.triggered", "check.triggered", "dev.run.finished"];

/// R6: each input is said 1 to 5 times, under the same id and under new ones.
pub fn repeats(scale: Scale) -> Result<Outcome, String> {
    let mut hands = Hands::start(&tasks(), SERVICES);
    let runs = scale.of(40, 500);
    let mut said = 0;
    let mut again = |hands: &Hands, event: &Value| {
        let times = fastrand::usize(1..=TIMES_MAX);
        (0..times).for_each(|_| hands.publish(event));
        said += times - 1;
    };
    for number in 0..runs {
        again(&hands, &hands.trigger(number, number % SERVICES));
        let mut position = 0;
        let mut done = Vec::new();
        for name in ["build", "check"] {
            let task = hands.task(number, name, position);
            position = task.position;
            for kind in ["started", "finished"] {
                again(&hands, &answer(&task, kind, HAND, 0, &json!({})));
            }
            // The task is done: another answer under a new id comes too late, whatever it says.
            for kind in ["started", "finished"] {
                again(&hands, &answer(&task, kind, HAND, 1, &json!({"result": "fail"})));
            }
            done.push(task);
        }
        hands.end(number);
        for task in &done {
            again(&hands, &answer(task, "finished", HAND, 0, &json!({})));
        }
        again(&hands, &hands.trigger(number, number % SERVICES));
    }
    expect_clean(&mut hands, 0..runs)?;
    Ok(Outcome::Pass(hands.finish()?.with("said again", said)))
}

/// R7: the answers to a task in every order, with foreign ones between them.
pub fn orders(scale: Scale) -> Result<Outcome, String> {
    let mut hands = Hands::start(&tasks(), SERVICES);
    let shapes: &[[(&str, usize); 5]] = &[
        [("started", 0), ("finished", 0), ("status.changed", 0), ("started", 1), ("finished", 1)],
        [("started", 0), ("finished", 0), ("finished", 0), ("started", 0), ("status.changed", 1)],
        [("started", 0), ("started", 1), ("finished", 1), ("finished", 0), ("finished", 2)],
        [
            ("status.changed", 0),
            ("status.changed", 1),
            ("finished", 0),
            ("started", 0),
            ("finished", 1),
        ],
        [("finished", 0), ("finished", 1), ("finished", 2), ("started", 0), ("started", 1)],
        [("started", 0), ("finished", 0), ("started", 0), ("finished", 0), ("finished", 3)],
    ];
    let shapes = shapes.get(..scale.of(1, 6)).unwrap_or(shapes);
    let mut number = 0;
    for shape in shapes {
        for order in orders_of(shape) {
            hands.publish(&hands.trigger(number, number % SERVICES));
            let build = hands.task(number, "build", 0);
            foreign(&hands, &answer(&build, "finished", HAND, 7, &json!({"result": "fail"})));
            for (kind, index) in order {
                hands.publish(&answer(&build, kind, HAND, index, &json!({})));
            }
            let check = hands.task(number, "check", 0);
            hands.play(&check);
            hands.end(number);
            number += 1;
        }
    }
    expect_clean(&mut hands, 0..number)?;
    Ok(Outcome::Pass(hands.finish()?.with("orders", number)))
}

fn tasks() -> Value {
    json!([{"name": "build"}, {"name": "check"}])
}

/// An answer to nobody, to somebody else's task, and of another task.
fn foreign(hands: &Hands, answer: &Value) {
    let of = |key: &str, value: &str, id: &str| {
        let mut event = answer.clone();
        event[key] = value.into();
        event["id"] = format!("{}-{id}", event["id"].as_str().unwrap_or_default()).into();
        hands.publish(&event);
    };
    of("triggeredid", "00000000-0000-4000-8000-00000000dead", "nobody");
    of("shkeptncontext", "00000000-0000-4000-8000-00000000beef", "elsewhere");
    of("type", "sh.keptn.event.check.finished", "other-task");
}

/// The controller has said what it says in a clean run, once.
fn expect_clean(hands: &mut Hands, runs: std::ops::Range<usize>) -> Result<(), String> {
    hands.stream.read_to_end();
    for number in runs {
        let said = hands.said(number);
        if said != CLEAN {
            return Err(format!("{} heard {said:?}", context(number)));
        }
    }
    Ok(())
}

fn orders_of<T: Copy>(items: &[T]) -> Vec<Vec<T>> {
    let Some((first, rest)) = items.split_first() else { return vec![Vec::new()] };
    let mut all = Vec::new();
    for order in orders_of(rest) {
        for place in 0..=order.len() {
            let mut longer = order.clone();
            longer.insert(place, *first);
            all.push(longer);
        }
    }
    all
}
