//! Drawings of deliveries at invented moments.

use super::*;
use crate::render::testing::{delivery, passed_run, run, time_at};

fn drawn(delivery: &Delivery, now: StreamTime) -> String {
    let rows = rows(delivery, now);
    let columns = Columns::fit(&rows);
    rows.iter().map(|row| draw(row, columns, false, Paint::PLAIN) + "\n").collect()
}

#[test]
fn a_run_under_way_is_drawn() {
    let expected = "\
hardening    deployment          pass      12.0 s
             test (functional)   pass      16.0 s
             test (performance)  running   19 s     waiting for jmeter-service, at most 20 min more
             evaluation
             release
production   follows when hardening passes
";
    assert_eq!(drawn(&delivery(vec![run()]), time_at(48)), expected);
}

#[test]
fn a_run_in_a_queue_says_behind_which() {
    let mut queued = run();
    queued.tasks = vec![crate::render::testing::task("deployment", TaskState::Pending, 0, None)];
    queued.waiting_for = Some(WaitingFor {
        reason: WaitingReason::Queue,
        executors: Vec::new(),
        behind: model::KeptnContext::new("7be20c11-55c1").ok(),
        services: vec!["catalogue".parse().unwrap()],
        since: time_at(0),
        until: None,
    });
    let text = drawn(&delivery(vec![queued]), time_at(5));
    assert!(
        text.starts_with(
            "hardening    deployment  waiting   5 s      behind 7be20c11 (catalogue)\n"
        ),
        "{text}"
    );
}

#[test]
fn ends_line_up() {
    let mut production = passed_run();
    production.stage = "production".parse().unwrap();
    let delivery = delivery(vec![passed_run(), production]);
    let ends = ends(&delivery);
    let columns = Columns::fit(&ends);
    let text: Vec<String> = ends.iter().map(|row| draw_end(row, columns, Paint::PLAIN)).collect();
    assert_eq!(text, ["hardening  passed in 51.2 s", "production passed in 51.2 s"]);
}

#[test]
fn the_passing_of_time_is_no_change() {
    let delivery = delivery(vec![run()]);
    let substance = |at| rows(&delivery, time_at(at)).iter().map(Row::substance).collect();
    let (early, late): (Vec<String>, Vec<String>) = (substance(40), substance(48));
    assert_eq!(early, late);
}
