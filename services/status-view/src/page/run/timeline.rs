//! The tasks of a delivery on a time line: a row each, time from left to right. What has not
//! started has no place on it.
//!
//! Positions are percents, so the drawing fits every width without a style in the page.

use maud::{Markup, html};
use model::{
    StreamTime, TaskResult, TaskStatus,
    view::{Delivery, Executor, Follows, Sequence, Task, TaskState},
};

use crate::page::{
    look::Look,
    words::{Shown, Tone, chip, cut, delivered, exact, linked, state, time},
};

/// Tasks that are drawn of a run; a shipyard has a handful.
const TASKS_MAX: usize = 100;
/// Executors that are named at a task.
const EXECUTORS_NAMED: usize = 5;
/// Characters of what an executor said.
const MESSAGE_CHARS_MAX: usize = 200;
/// Lines of the grid at most.
const TICKS_MAX: f64 = 6.0;
/// Steps between two lines of the grid, in seconds.
const STEPS: [f64; 18] = [
    0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0, 3_600.0,
    21_600.0, 86_400.0, 604_800.0,
];
/// The shortest span that is drawn: less cannot be told apart.
const SPAN_MIN_SECS: f64 = 0.1;
/// The narrowest bar, in percent, so that it can be seen.
const BAR_MIN: f64 = 0.6;
const PERCENT: f64 = 100.0;

/// The time that is drawn.
struct Axis {
    begin: StreamTime,
    secs: f64,
}

impl Axis {
    fn of(delivery: &Delivery, now: StreamTime) -> Self {
        let begin = delivery.sequences.iter().map(|run| run.triggered_at).min().unwrap_or(now);
        let ends = delivery.sequences.iter().flat_map(|run| {
            let of_tasks = run.tasks.iter().filter_map(|task| task.finished_at);
            of_tasks.chain([run.finished_at.unwrap_or(now)])
        });
        let secs = ends.max().unwrap_or(now).since(begin).as_secs_f64().max(SPAN_MIN_SECS);
        Self { begin, secs }
    }

    fn percent(&self, at: StreamTime) -> f64 {
        (at.since(self.begin).as_secs_f64() / self.secs * PERCENT).min(PERCENT)
    }

    /// Returns the lines of the grid: where, and what stands there.
    fn ticks(&self) -> Vec<(f64, String)> {
        let fits = |step: &&f64| self.secs / **step <= TICKS_MAX;
        let Some(step) = STEPS.iter().find(fits) else { return Vec::new() };
        let mut ticks = Vec::new();
        let mut at = 0.0;
        // A label at the very end would be cut off.
        while at < self.secs * 0.95 {
            ticks.push((at / self.secs * PERCENT, label(at, *step)));
            at += step;
        }
        ticks
    }
}

fn label(secs: f64, step: f64) -> String {
    match step {
        ..1.0 => format!("{secs:.1} s"),
        ..60.0 => format!("{secs:.0} s"),
        ..3_600.0 => format!("{:.0} min", secs / 60.0),
        ..86_400.0 => format!("{:.0} h", secs / 3_600.0),
        _ => format!("{:.0} d", secs / 86_400.0),
    }
}

/// Draws a delivery.
pub(super) fn draw(look: &Look, delivery: &Delivery) -> Markup {
    let axis = Axis::of(delivery, look.now);
    html! {
        div.card.scroll data-key="timeline" {
            table.timeline {
                caption.hidden { "Tasks on a time line" }
                thead {
                    tr {
                        th scope="col" { span.hidden { "Task" } }
                        th.line scope="col" { (head(&axis)) }
                        th scope="col" { span.hidden { "Result" } }
                    }
                }
                @for run in &delivery.sequences { (lane(look, &axis, run)) }
                @for next in &delivery.follows { (follows(next)) }
            }
        }
    }
}

fn head(axis: &Axis) -> Markup {
    html! {
        svg.ticks width="100%" height="18" role="img" aria-label="Time since the trigger" {
            @for (at, label) in axis.ticks() {
                text x={ (format!("{at:.2}")) "%" } y="13" { (label) }
            }
        }
    }
}

fn lane(look: &Look, axis: &Axis, run: &Sequence) -> Markup {
    let (tone, word) = state(run);
    let surplus = run.tasks.len().saturating_sub(TASKS_MAX);
    html! {
        tbody {
            tr.lane {
                th scope="rowgroup" colspan="3" {
                    span.stage { (run.stage) } (chip(tone, &word))
                    span.dim { " " (delivered(run)) " · " (time(run.triggered_at, look.now, Shown::Clock)) }
                }
            }
            @for task in run.tasks.iter().take(TASKS_MAX) { (row(look, axis, task)) }
            @if surplus > 0 { tr { td colspan="3" { (surplus) " more tasks" } } }
        }
    }
}

fn row(look: &Look, axis: &Axis, task: &Task) -> Markup {
    let (tone, word) = verdict(task);
    let span = task.triggered_at.map(|begin| (begin, task.finished_at.unwrap_or(look.now)));
    html! {
        tr {
            th scope="row" { (task.label) }
            td.line { (bar(axis, span, tone)) }
            td {
                b.(tone.class()) { (word) }
                @if let Some(score) = task.score { " · score " (score) }
                @match (span, task.finished_at) {
                    (Some((begin, end)), Some(_)) => { span.dim { " · " (exact(end.since(begin))) } }
                    (Some((begin, _)), None) => { span.dim { " · " (time(begin, look.now, Shown::For)) " so far" } }
                    (None, _) => {}
                }
                (executors(task))
                @if let Some(message) = task.message.as_ref().filter(|_| tone != Tone::Good) {
                    span.why { (linked(&cut(message, MESSAGE_CHARS_MAX))) }
                }
            }
        }
    }
}

fn bar(axis: &Axis, span: Option<(StreamTime, StreamTime)>, tone: Tone) -> Markup {
    html! {
        svg.bar-line width="100%" height="34" aria-hidden="true" {
            @for (at, _) in axis.ticks() {
                line x1={ (format!("{at:.2}")) "%" } x2={ (format!("{at:.2}")) "%" } y1="0" y2="34" {}
            }
            @if let Some((begin, end)) = span {
                @let x = axis.percent(begin).min(PERCENT - BAR_MIN);
                @let width = (axis.percent(end) - x).max(BAR_MIN);
                rect.(tone.class()) x={ (format!("{x:.2}")) "%" } width={ (format!("{width:.2}")) "%" } y="9" height="16" rx="4" {}
            }
        }
    }
}

fn verdict(task: &Task) -> (Tone, &'static str) {
    match (task.state, task.status, task.result) {
        (TaskState::Pending, ..) => (Tone::Quiet, "not started"),
        (TaskState::Triggered, ..) => (Tone::Run, "triggered"),
        (TaskState::Started, ..) => (Tone::Run, "running"),
        (TaskState::Finished, Some(TaskStatus::Aborted), _) => (Tone::Quiet, "aborted"),
        (TaskState::Finished, Some(TaskStatus::Errored), _)
        | (TaskState::Finished, _, Some(TaskResult::Fail)) => (Tone::Bad, "failed"),
        (TaskState::Finished, _, Some(TaskResult::Warning)) => (Tone::Behind, "warning"),
        (TaskState::Finished, _, Some(TaskResult::Pass) | None) => (Tone::Good, "pass"),
    }
}

fn executors(task: &Task) -> Markup {
    let one = |executor: &Executor| match (&executor.progress, executor.state) {
        (Some(progress), TaskState::Started) => format!("{} ({progress})", executor.name),
        (_, TaskState::Pending) => format!("{} (awaited)", executor.name),
        (_, TaskState::Triggered | TaskState::Started | TaskState::Finished) => {
            executor.name.clone()
        }
    };
    let named: Vec<String> = task.executors.iter().take(EXECUTORS_NAMED).map(one).collect();
    html! { @if !named.is_empty() { span.dim { " · " (named.join(", ")) } } }
}

fn follows(next: &Follows) -> Markup {
    html! {
        tbody.todo {
            tr.lane {
                th scope="rowgroup" colspan="3" {
                    span.stage { (next.stage) }
                    span.dim { (next.sequence) " follows when " (next.after) " passes" }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn axis(millis: u64) -> Axis {
        let secs = Duration::from_millis(millis).as_secs_f64();
        Axis { begin: StreamTime::from_nanos(0), secs }
    }

    #[test]
    fn the_grid_has_few_lines_and_round_labels() {
        let labels =
            |millis| axis(millis).ticks().into_iter().map(|(_, label)| label).collect::<Vec<_>>();
        assert_eq!(labels(48_000), ["0 s", "10 s", "20 s", "30 s", "40 s"]);
        assert_eq!(labels(400), ["0.0 s", "0.1 s", "0.2 s", "0.3 s"]);
        assert_eq!(labels(600_000), ["0 min", "2 min", "4 min", "6 min", "8 min"]);
        assert_eq!(labels(9 * 3_600_000), ["0 h", "6 h"]);
    }

    #[test]
    fn a_bar_stays_on_the_axis() {
        let axis = axis(10_000);
        let at = |secs: i64| StreamTime::from_nanos(secs * 1_000_000_000);
        let svg = bar(&axis, Some((at(5), at(10))), Tone::Good).into_string();
        assert!(svg.contains("x=\"50.00%\" width=\"50.00%\""), "{svg}");
        let late = bar(&axis, Some((at(10), at(99))), Tone::Run).into_string();
        assert!(late.contains("x=\"99.40%\" width=\"0.60%\""), "{late}");
        assert!(!bar(&axis, None, Tone::Quiet).into_string().contains("<rect"));
    }
}
