//! `keptn get sequence`: one row per run.

use model::{
    StreamTime,
    view::{Sequence, SequenceState, TaskState, WaitingFor, WaitingReason},
};

use super::{
    Paint, Tone, ago, live,
    outcome::Outcome,
    plan,
    table::{self, Cell, Growing},
};

/// How much a table shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Width {
    /// The usual columns.
    Normal,
    /// When a wait ends, project, artifacts, duration and message, too.
    Wide,
}

const HEAD: [&str; 8] =
    ["STARTED", "STAGE", "SEQUENCE", "SERVICES", "STATE", "TASK", "WAITING FOR", "CONTEXT"];
const HEAD_WIDE: [&str; 5] = ["UNTIL", "PROJECT", "ARTIFACTS", "TOOK", "MESSAGE"];

/// Draws runs, newest first.
pub(crate) fn text(runs: &[Sequence], now: StreamTime, width: Width, paint: Paint) -> String {
    let mut head = HEAD.to_vec();
    if width == Width::Wide {
        head.extend(HEAD_WIDE);
    }
    let rows: Vec<Vec<Cell>> = runs
        .iter()
        .map(|run| {
            let mut row = normal_row(run, now);
            if width == Width::Wide {
                row.extend(wide_row(run, now));
            }
            row
        })
        .collect();
    table::draw(&head, &rows, paint)
}

/// Returns what of a run is more than the passing of time.
pub(crate) fn substance(run: &Sequence) -> Vec<Cell> {
    normal_row(run, StreamTime::default())
}

/// Draws runs that changed, below those that `table` has drawn before.
pub(crate) fn changes(
    table: &mut Growing,
    runs: &[&Sequence],
    now: StreamTime,
    paint: Paint,
) -> String {
    let rows: Vec<Vec<Cell>> = runs.iter().map(|run| normal_row(run, now)).collect();
    table.draw(&HEAD, &rows, paint)
}

fn normal_row(run: &Sequence, now: StreamTime) -> Vec<Cell> {
    let services: Vec<&str> = run.services.iter().map(|one| one.service.as_str()).collect();
    let open = run.tasks.iter().find(|task| {
        matches!(task.state, TaskState::Triggered | TaskState::Started) && !run.state.is_ended()
    });
    vec![
        Cell::new(ago::ago(run.triggered_at, now)),
        Cell::new(run.stage.as_str()),
        Cell::new(run.sequence.as_str()),
        Cell::new(services.join(", ")),
        state(run),
        Cell::maybe(open.map(|task| task.label.as_str())),
        Cell::maybe(live::awaited(run, now).map(|wait| waiting(wait, now))),
        Cell::new(run.keptn_context.short()),
    ]
}

fn wide_row(run: &Sequence, now: StreamTime) -> Vec<Cell> {
    let artifacts: Vec<&str> =
        run.services.iter().filter_map(|one| one.artifact.as_deref()).collect();
    let from = run.started_at.unwrap_or(run.triggered_at);
    vec![
        Cell::maybe(live::awaited(run, now).map(|wait| until(wait, now))),
        Cell::new(run.project.as_str()),
        Cell::new(artifacts.join(", ")),
        Cell::maybe(run.finished_at.map(|end| ago::exact(end.since(from)))),
        Cell::maybe(run.message.as_deref()),
    ]
}

fn state(run: &Sequence) -> Cell {
    let word = run.state.as_str();
    let tone = match Outcome::of(run) {
        Outcome::Open => match run.state {
            SequenceState::Triggered | SequenceState::Started => Tone::Running,
            SequenceState::Waiting
            | SequenceState::WaitingForApproval
            | SequenceState::Paused
            | SequenceState::Aborted
            | SequenceState::TimedOut
            | SequenceState::Finished => Tone::Behind,
        },
        Outcome::Passed => Tone::Good,
        Outcome::Warned => Tone::Behind,
        Outcome::Aborted => Tone::Quiet,
        Outcome::TimedOut | Outcome::Failed => Tone::Bad,
    };
    match run.result.filter(|_| run.state == SequenceState::Finished) {
        Some(result) => Cell::tinted(format!("{word} ({result})"), tone),
        None => Cell::tinted(word, tone),
    }
}

/// Returns whom or what a run waits for, and how long.
pub(crate) fn waiting(wait: &WaitingFor, now: StreamTime) -> String {
    let since = ago::coarse(now.since(wait.since));
    match wait.reason {
        WaitingReason::Executor => format!("{}, {since}", live::executors(wait)),
        WaitingReason::Queue => format!("{}, {since}", plan::behind(wait)),
        WaitingReason::Approval => format!("approval, {since}"),
        WaitingReason::Delay => match wait.until {
            Some(until) => format!("delay, {} more", ago::at_most(until.since(now))),
            None => format!("delay, {since}"),
        },
        WaitingReason::Pause => format!("resume, {since}"),
        WaitingReason::Command => format!("a command, {since}"),
        WaitingReason::Controller => format!("shipyard-controller, {since}"),
    }
}

/// Returns when a wait ends: at most so much later, or what must happen.
fn until(wait: &WaitingFor, now: StreamTime) -> String {
    if let Some(until) = wait.until {
        let left = until.since(now);
        return if left.is_zero() {
            "now".to_owned()
        } else {
            format!("{} more", ago::at_most(left))
        };
    }
    let event = match wait.reason {
        WaitingReason::Executor => "an answer",
        WaitingReason::Queue => "that one's end",
        WaitingReason::Approval => "a person's answer",
        WaitingReason::Delay => "its end",
        WaitingReason::Pause => "a person's resume",
        WaitingReason::Command => "config-store's answer",
        WaitingReason::Controller => "its next event",
    };
    event.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::testing::{passed_run, run, time_at};

    #[test]
    fn runs_are_drawn_as_a_table() {
        let mut queued = run();
        queued.stage = "dev".parse().unwrap();
        queued.services.truncate(1);
        queued.tasks.clear();
        queued.state = SequenceState::Waiting;
        queued.waiting_for = Some(WaitingFor {
            reason: WaitingReason::Queue,
            executors: Vec::new(),
            behind: model::KeptnContext::new("7be20c11-55c1").ok(),
            services: vec!["catalogue".parse().unwrap()],
            since: time_at(0),
            until: None,
        });
        let expected = "\
STARTED   STAGE      SEQUENCE           SERVICES         STATE            TASK                WAITING FOR                        CONTEXT
48 s ago  hardening  artifact-delivery  carts, carts-db  started          test (performance)  jmeter-service, 19 s               c1f0a3d2
48 s ago  dev        artifact-delivery  carts            waiting          -                   behind 7be20c11 (catalogue), 48 s  c1f0a3d2
48 s ago  hardening  artifact-delivery  carts, carts-db  finished (pass)  -                   -                                  c1f0a3d2
";
        let runs = [run(), queued, passed_run()];
        assert_eq!(text(&runs, time_at(48), Width::Normal, Paint::PLAIN), expected);
    }

    #[test]
    fn wide_tells_artifacts_and_duration() {
        let text = text(&[passed_run()], time_at(60), Width::Wide, Paint::PLAIN);
        assert!(text.contains("carts:0.10.17, carts-db:0.4.1  51.2 s"), "{text}");
    }

    #[test]
    fn every_wait_says_for_what_since_when_and_until_when() {
        use WaitingReason as Reason;
        let drawn = |reason, until: Option<i64>, now| {
            let mut run = run();
            let wait = run.waiting_for.as_mut().unwrap();
            (wait.reason, wait.until) = (reason, until.map(time_at));
            let row = wide_row(&run, time_at(now)).swap_remove(0);
            (normal_row(&run, time_at(now)).swap_remove(6), row)
        };
        for (reason, until, what, end) in [
            (Reason::Executor, Some(689), "jmeter-service, 1 min", "10 min more"),
            (Reason::Executor, Some(80), "jmeter-service, 1 min", "now"),
            (Reason::Executor, None, "jmeter-service, 1 min", "an answer"),
            (Reason::Queue, None, "behind another run, 1 min", "that one's end"),
            (Reason::Queue, Some(689), "behind another run, 1 min", "10 min more"),
            (Reason::Approval, None, "approval, 1 min", "a person's answer"),
            (Reason::Delay, Some(98), "delay, 9 s more", "9 s more"),
            (Reason::Pause, None, "resume, 1 min", "a person's resume"),
            (Reason::Command, None, "a command, 1 min", "config-store's answer"),
            (Reason::Controller, None, "shipyard-controller, 1 min", "its next event"),
        ] {
            let expected = (Cell::new(what), Cell::new(end));
            assert_eq!(drawn(reason, until, 89), expected, "{reason:?}");
        }
        assert_eq!(drawn(Reason::Controller, None, 30).0, Cell::new(""), "it is about to act");
    }
}
