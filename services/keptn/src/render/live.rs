//! The drawing of a delivery while it runs: one row per task, what follows, and how it ended.
//!
//! A [`Row`] knows what of it changes with time alone, so that a pipe gets a line per change and
//! not per second.

use std::time::Duration;

use model::{
    StreamTime, TaskStatus,
    view::{Delivery, Sequence, Task, TaskState, WaitingFor, WaitingReason},
};

use super::{Paint, Tone, ago, outcome, plan};

/// Blanks between the columns of stage and task.
const GAP: usize = 3;
/// Width of the column with the state; holds `triggered`.
const STATE_WIDTH: usize = 10;
/// A controller that works has acted by then.
const CONTROLLER_ACTS: Duration = Duration::from_secs(5);
/// Width of the column with the time; holds `2 min 5 s`.
const TIME_WIDTH: usize = 9;

/// One row of the drawing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    stage: String,
    label: String,
    /// It begins a run, so the drawing shows its stage.
    is_first: bool,
    body: Body,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Body {
    /// A task and its state.
    Task { word: &'static str, tone: Tone, time: String, note: String, bound: String },
    /// A sentence.
    Sentence { text: String, tone: Tone },
}

impl Row {
    /// Returns what of the row is more than the passing of time.
    pub(crate) fn substance(&self) -> String {
        let said = match &self.body {
            Body::Task { word, note, .. } => format!("{word}\n{note}"),
            Body::Sentence { text, .. } => text.clone(),
        };
        format!("{}\n{}\n{said}", self.stage, self.label)
    }

    /// Tells whether there is something to say about it: a task that was not reached has nothing.
    pub(crate) fn is_reached(&self) -> bool {
        match &self.body {
            Body::Task { word, .. } => !word.is_empty(),
            Body::Sentence { .. } => true,
        }
    }
}

/// The widths of the columns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Columns {
    stage: usize,
    label: usize,
}

impl Columns {
    /// Fits the columns to the rows.
    pub(crate) fn fit(rows: &[Row]) -> Self {
        let widest = |text: fn(&Row) -> &str| {
            rows.iter().map(|row| text(row).chars().count()).max().unwrap_or_default()
        };
        Self { stage: widest(|row| &row.stage), label: widest(|row| &row.label) }
    }
}

/// Returns the rows of a delivery: tasks, what follows, and the ends.
pub(crate) fn rows(delivery: &Delivery, now: StreamTime) -> Vec<Row> {
    let mut rows = Vec::new();
    for run in &delivery.sequences {
        let stage = stage_label(run, delivery);
        rows.extend(task_rows(run, &stage, now));
    }
    rows.extend(delivery.follows.iter().map(|one| {
        let text = format!("follows when {} passes", one.after);
        sentence_row(one.stage.to_string(), text, Tone::Quiet)
    }));
    rows
}

/// Returns the rows that say how runs ended.
pub(crate) fn ends(delivery: &Delivery) -> Vec<Row> {
    let end = |run: &Sequence| {
        let (text, tone) = outcome::sentence(run)?;
        Some(sentence_row(stage_label(run, delivery), text, tone))
    };
    delivery.sequences.iter().filter_map(end).collect()
}

fn sentence_row(stage: String, text: String, tone: Tone) -> Row {
    Row { stage, label: String::new(), is_first: true, body: Body::Sentence { text, tone } }
}

/// The stage, and the services where one stage has several runs.
fn stage_label(run: &Sequence, delivery: &Delivery) -> String {
    let is_only = delivery.sequences.iter().filter(|one| one.stage == run.stage).count() == 1;
    if is_only {
        return run.stage.to_string();
    }
    let services: Vec<&str> = run.services.iter().map(|one| one.service.as_str()).collect();
    format!("{} ({})", run.stage, services.join(", "))
}

fn task_rows(run: &Sequence, stage: &str, now: StreamTime) -> Vec<Row> {
    let current = run.tasks.iter().position(|task| task.state != TaskState::Finished);
    let waiting = awaited(run, now);
    let row = |(index, task): (usize, &Task)| Row {
        stage: stage.to_owned(),
        label: task.label.clone(),
        is_first: index == 0,
        body: task_body(task, waiting.filter(|_| current == Some(index)), now, run),
    };
    run.tasks.iter().enumerate().map(row).collect()
}

/// Returns for what a run waits. The controller acts within milliseconds between two tasks: that is
/// not drawn, unless it does not act.
pub(crate) fn awaited(run: &Sequence, now: StreamTime) -> Option<&WaitingFor> {
    run.waiting_for.as_ref().filter(|wait| {
        wait.reason != WaitingReason::Controller || now.since(wait.since) > CONTROLLER_ACTS
    })
}

fn task_body(task: &Task, wait: Option<&WaitingFor>, now: StreamTime, run: &Sequence) -> Body {
    let triggered = task.triggered_at.unwrap_or(now);
    let (word, tone, time) = match task.state {
        TaskState::Finished => {
            let (word, tone) = verdict(task);
            (word, tone, task.finished_at.map(|end| ago::exact(end.since(triggered))))
        }
        TaskState::Started => ("running", Tone::Running, Some(ago::coarse(now.since(triggered)))),
        TaskState::Triggered => {
            ("triggered", Tone::Running, Some(ago::coarse(now.since(triggered))))
        }
        TaskState::Pending => match wait {
            Some(wait) => {
                (waiting_word(wait), Tone::Behind, Some(ago::coarse(now.since(wait.since))))
            }
            None => ("", Tone::Plain, None),
        },
    };
    let note = match wait {
        Some(wait) => waiting_note(wait, task, run),
        None => task.message.clone().filter(|_| tone != Tone::Good).unwrap_or_default(),
    };
    let bound = wait.and_then(|wait| wait.until).filter(|until| *until > now);
    let bound = bound.map(|until| format!(", at most {} more", ago::at_most(until.since(now))));
    Body::Task {
        word,
        tone,
        time: time.unwrap_or_default(),
        note,
        bound: bound.unwrap_or_default(),
    }
}

fn verdict(task: &Task) -> (&'static str, Tone) {
    if task.status == Some(TaskStatus::Aborted) {
        return ("aborted", Tone::Quiet);
    }
    task.result
        .map_or(("finished", Tone::Plain), |result| (result.as_str(), Tone::of_result(result)))
}

const fn waiting_word(wait: &WaitingFor) -> &'static str {
    match wait.reason {
        WaitingReason::Delay => "delayed",
        WaitingReason::Pause => "paused",
        WaitingReason::Executor
        | WaitingReason::Queue
        | WaitingReason::Approval
        | WaitingReason::Command
        | WaitingReason::Controller => "waiting",
    }
}

fn waiting_note(wait: &WaitingFor, task: &Task, run: &Sequence) -> String {
    let context = run.keptn_context.short();
    match wait.reason {
        WaitingReason::Executor => {
            let whom = executors(wait);
            let progress = task.executors.iter().rev().find_map(|one| one.progress.as_deref());
            match progress {
                Some(progress) => format!("waiting for {whom} ({progress})"),
                None => format!("waiting for {whom}"),
            }
        }
        WaitingReason::Queue => plan::behind(wait),
        WaitingReason::Approval => format!("keptn approve -c {context} -s {}", run.stage),
        WaitingReason::Pause => format!("keptn resume sequence -c {context}"),
        WaitingReason::Delay => String::new(),
        WaitingReason::Command => "waiting for the answer to a command on the project".to_owned(),
        WaitingReason::Controller => "waiting for shipyard-controller".to_owned(),
    }
}

/// Returns whose answer is awaited.
pub(crate) fn executors(wait: &WaitingFor) -> String {
    if wait.executors.is_empty() { "an executor".to_owned() } else { wait.executors.join(", ") }
}

/// Draws a row without its line end; `with_stage` repeats the stage in every row of a run.
pub(crate) fn draw(row: &Row, columns: Columns, with_stage: bool, paint: Paint) -> String {
    let stage = if row.is_first || with_stage { row.stage.as_str() } else { "" };
    let Columns { stage: stage_width, label: label_width } = columns;
    match &row.body {
        Body::Sentence { text, tone } => {
            format!("{stage:width$}{}", paint.tint(text, *tone), width = stage_width + GAP)
        }
        Body::Task { word, tone, time, note, bound } => {
            let blanks = " ".repeat(STATE_WIDTH.saturating_sub(word.len()));
            let note = if note.is_empty() {
                bound.trim_start_matches(", ").to_owned()
            } else {
                format!("{note}{bound}")
            };
            let line = format!(
                "{stage:stage_width$}{:GAP$}{label:label_width$}  {}{blanks}{time:TIME_WIDTH$}{note}",
                "",
                paint.tint(word, *tone),
                label = row.label,
            );
            line.trim_end().to_owned()
        }
    }
}

/// Draws how a run ended: the stage, one blank at least, the sentence.
pub(crate) fn draw_end(row: &Row, columns: Columns, paint: Paint) -> String {
    let Body::Sentence { text, tone } = &row.body else { return String::new() };
    format!("{:width$}{}", row.stage, paint.tint(text, *tone), width = columns.stage + 1)
}

#[cfg(test)]
mod tests;
