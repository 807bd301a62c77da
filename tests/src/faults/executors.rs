//! R18: executors that misbehave: each run ends, in time, with the worst of what was said.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::hands::{HAND, Hands, answer};
use super::outcome::{Figures, Outcome, Scale};

/// Wait of the task, in the shipyard.
const TIME_OUT: Duration = Duration::from_secs(2);
/// How much earlier or later a time-out may be stored, on a machine that does much else.
const TOLERANCE: Duration = Duration::from_secs(1);

/// What an executor says before it falls silent.
type Script = (&'static str, &'static [(&'static str, &'static str, usize, &'static str)]);

/// Scripts that leave the task open: the time-out ends it.
const SILENT: [Script; 3] = [
    ("never starts", &[]),
    ("never finishes", &[("started", "a", 0, "pass")]),
    (
        "two of three answers",
        &[
            ("started", "a", 0, "pass"),
            ("started", "a", 1, "pass"),
            ("started", "a", 2, "pass"),
            ("finished", "a", 0, "pass"),
            ("finished", "a", 1, "pass"),
        ],
    ),
];
/// Scripts that end the task, and with which result.
const SPOKEN: [(Script, &str); 3] = [
    (("finished without started", &[("finished", "a", 0, "warning")]), "warning"),
    (
        (
            "two executors",
            &[
                ("started", "a", 0, "pass"),
                ("started", "b", 0, "pass"),
                ("finished", "a", 0, "pass"),
                ("finished", "b", 0, "fail"),
            ],
        ),
        "fail",
    ),
    (
        (
            "says it is done twice",
            &[
                ("started", "a", 0, "pass"),
                ("finished", "a", 0, "pass"),
                ("finished", "a", 1, "fail"),
            ],
        ),
        "pass",
    ),
];

/// Every script, side by side.
pub fn executors(scale: Scale) -> Result<Outcome, String> {
    let tasks = json!([{"name": "work", "timeout": format!("{}s", TIME_OUT.as_secs())}]);
    let mut hands = Hands::start(&tasks, SILENT.len() + SPOKEN.len());
    let mut worst = Duration::ZERO;
    let mut number = 0;
    for _ in 0..scale.of(2, 10) {
        let first = number;
        let mut begun = Vec::new();
        for (_, answers) in SILENT.iter().chain(SPOKEN.iter().map(|(script, _)| script)) {
            begun.push(begin(&mut hands, number, number - first, answers));
            number += 1;
        }
        for (index, (name, _)) in SILENT.iter().enumerate() {
            let end = hands.end(first + index);
            let off = begun[index].elapsed().abs_diff(TIME_OUT);
            worst = worst.max(off);
            if end.event["data"]["timedOut"] != true || off > TOLERANCE {
                return Err(format!("{name}: {off:?} off its time-out, {}", end.event["data"]));
            }
        }
        for (index, ((name, _), result)) in SPOKEN.iter().enumerate() {
            let end = hands.end(first + SILENT.len() + index);
            if end.text("/result") != *result {
                return Err(format!("{name}: {} and not {result}", end.text("/result")));
            }
        }
    }
    let figures: Figures = hands.finish()?.with("misbehaved", number);
    Ok(Outcome::Pass(figures.with("time-out off by", format!("{} ms", worst.as_millis()))))
}

fn begin(
    hands: &mut Hands,
    number: usize,
    service: usize,
    answers: &[(&str, &str, usize, &str)],
) -> Instant {
    hands.publish(&hands.trigger(number, service));
    let task = hands.task(number, "work", 0);
    let begun = Instant::now();
    for (kind, who, index, result) in answers {
        let more: Value = json!({"result": result});
        hands.publish(&answer(&task, kind, &format!("{HAND}-{who}"), *index, &more));
    }
    begun
}
