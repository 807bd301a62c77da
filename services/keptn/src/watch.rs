//! `--wait`: follows a delivery until it ends, and draws it: in place on a terminal, one line per
//! change in a pipe.

use std::{collections::BTreeMap, time::Duration};

use model::{
    KeptnContext, Position, StreamTime,
    view::{Delivery, SEQUENCE, SequenceQuery, SequenceState},
};
use tokio::time::{Instant, sleep};

use crate::{
    client::Client,
    failure::{Exit, Failure},
    render::{
        Paint, ago,
        live::{self, Columns, Row},
        outcome, plan,
    },
    screen::{Line, Screen},
    terminal,
};

/// Pause between two looks: short enough for the eye, and cheap for the view.
const LOOK_PAUSE: Duration = Duration::from_millis(100);
/// From here on a time-out is told in whole units.
const WHOLE_SECONDS_FROM: Duration = Duration::from_secs(1);
/// Last line of a drawing that is still redrawn.
const FAREWELL: &str = "Ctrl-C stops watching, not the run.";

/// What is watched.
#[derive(Clone, Debug)]
pub(crate) struct Watched {
    /// The delivery.
    pub(crate) context: KeptnContext,
    /// Position that an answer must have reached to know of it.
    pub(crate) position: Position,
    /// Runs that were triggered; the end is not seen before they are.
    pub(crate) runs_min: usize,
}

/// How a watched delivery ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// The exit code that says so.
    pub(crate) exit: Exit,
    /// The delivery as it was then.
    pub(crate) delivery: Delivery,
}

/// Watches and draws until no run of the delivery is open and none is owed.
///
/// # Errors
/// Exit code 8 at the time-out, which counts from `since`; the run goes on.
pub(crate) async fn until_ended(
    client: &Client,
    watched: &Watched,
    limit: Duration,
    since: Instant,
) -> Result<Exit, Failure> {
    let mut drawing = Drawing::new(terminal::is_interactive(), terminal::paint());
    let show = |delivery: &Delivery, is_ended| {
        terminal::data(&drawing.show(delivery, client.now(), is_ended))
    };
    follow(client, watched, (limit, since), show).await.map(|ended| ended.exit)
}

/// Watches as [`until_ended`] does, and draws nothing.
///
/// # Errors
/// As [`until_ended`].
pub(crate) async fn silently_until_ended(
    client: &Client,
    watched: &Watched,
    limit: Duration,
    since: Instant,
) -> Result<Ended, Failure> {
    follow(client, watched, (limit, since), |_, _| Ok(())).await
}

async fn follow(
    client: &Client,
    watched: &Watched,
    (limit, since): (Duration, Instant),
    mut show: impl FnMut(&Delivery, bool) -> Result<(), Failure>,
) -> Result<Ended, Failure> {
    let mut query = SequenceQuery {
        keptn_context: watched.context.to_string(),
        at_least: Some(watched.position),
    };
    let mut is_silence_told = false;
    let mut last: Option<Delivery> = None;
    while since.elapsed() < limit {
        match client.ask::<Delivery>(SEQUENCE, &query).await {
            Ok(delivery) => {
                is_silence_told = false;
                query.at_least = Some(delivery.position.max(watched.position));
                let is_ended = !delivery.open && delivery.sequences.len() >= watched.runs_min;
                if !delivery.sequences.is_empty() {
                    show(&delivery, is_ended)?;
                }
                if is_ended {
                    return Ok(Ended { exit: ended(&delivery), delivery });
                }
                last = Some(delivery);
            }
            Err(Failure::PipeClosed) => return Err(Failure::PipeClosed),
            Err(Failure::Told(told)) if told.exit == Exit::Unreachable && !is_silence_told => {
                is_silence_told = true;
                terminal::talk(&format!("warning: {}", told.errors.join("; ")));
            }
            // Told already, or the view has not read so far yet.
            Err(Failure::Told(_)) => {}
        }
        sleep(LOOK_PAUSE).await;
    }
    Err(still_running(watched, last.as_ref(), limit))
}

fn ended(delivery: &Delivery) -> Exit {
    let exit = outcome::exit(delivery);
    if exit == Exit::RunFailed {
        let context = delivery.keptn_context.short();
        terminal::talk(&format!("hint: keptn get sequence {context} -o wide"));
    }
    exit
}

fn still_running(watched: &Watched, last: Option<&Delivery>, limit: Duration) -> Failure {
    let open =
        last.and_then(|delivery| delivery.sequences.iter().find(|run| !run.state.is_ended()));
    let place = open.map(|run| match run.state {
        SequenceState::Waiting => format!(" in {}, in a queue", run.stage),
        SequenceState::WaitingForApproval => format!(" in {}, waiting for approval", run.stage),
        SequenceState::Paused => format!(" in {}, paused", run.stage),
        SequenceState::Triggered
        | SequenceState::Started
        | SequenceState::Aborted
        | SequenceState::TimedOut
        | SequenceState::Finished => format!(" in {}", run.stage),
    });
    let context = watched.context.short();
    let message = format!(
        "delivery `{context}` is still running after {}{}",
        if limit < WHOLE_SECONDS_FROM { ago::exact(limit) } else { ago::coarse(limit) },
        place.unwrap_or_default()
    );
    Failure::new(Exit::StillRunning, message).hint(format!("keptn get sequence {context}"))
}

/// What was drawn so far.
struct Drawing {
    is_interactive: bool,
    paint: Paint,
    screen: Screen,
    /// What a pipe was told of each row.
    told: BTreeMap<usize, String>,
    is_begun: bool,
}

impl Drawing {
    fn new(is_interactive: bool, paint: Paint) -> Self {
        Self {
            is_interactive,
            paint,
            screen: Screen::default(),
            told: BTreeMap::new(),
            is_begun: false,
        }
    }

    /// Returns what to write for the present moment.
    fn show(&mut self, delivery: &Delivery, now: StreamTime, is_ended: bool) -> String {
        if self.is_interactive {
            self.redraw(delivery, now, is_ended, terminal::size())
        } else {
            self.changes(delivery, now, is_ended)
        }
    }

    /// Draws all again in place.
    fn redraw(
        &mut self,
        delivery: &Delivery,
        now: StreamTime,
        is_ended: bool,
        size: (usize, usize),
    ) -> String {
        let rows = live::rows(delivery, now);
        let columns = Columns::fit(&rows);
        let row = |row: &Row| {
            let plain = live::draw(row, columns, false, Paint::new(false));
            Line::new(plain, live::draw(row, columns, false, self.paint))
        };
        let head = plan::head(&delivery.sequences, delivery.keptn_context.as_str(), size.0);
        let mut lines: Vec<Line> = head.into_iter().map(Line::plain).collect();
        lines.push(Line::plain(""));
        lines.extend(rows.iter().map(row));
        lines.push(Line::plain(""));
        if is_ended {
            lines.extend(end_lines(delivery, self.paint));
        } else {
            lines.push(Line::plain(FAREWELL));
        }
        self.screen.redraw(lines, size, is_ended)
    }

    /// Returns a line for each row that says something else than before.
    fn changes(&mut self, delivery: &Delivery, now: StreamTime, is_ended: bool) -> String {
        let mut text = String::new();
        if !self.is_begun {
            self.is_begun = true;
            let context = delivery.keptn_context.as_str();
            for line in plan::head(&delivery.sequences, context, usize::MAX) {
                text.push_str(&line);
                text.push('\n');
            }
        }
        let rows = live::rows(delivery, now);
        let columns = Columns::fit(&rows);
        for (index, row) in rows.iter().enumerate().filter(|(_, row)| row.is_reached()) {
            let substance = row.substance();
            if self.told.get(&index) != Some(&substance) {
                self.told.insert(index, substance);
                text.push_str(&live::draw(row, columns, true, self.paint));
                text.push('\n');
            }
        }
        if is_ended {
            let ends = end_lines(delivery, self.paint).into_iter();
            text.extend(ends.map(|line| line.into_painted() + "\n"));
        }
        text
    }
}

fn end_lines(delivery: &Delivery, paint: Paint) -> Vec<Line> {
    let ends: Vec<Row> = live::ends(delivery);
    let columns = Columns::fit(&ends);
    let line = |row: &Row| {
        let plain = live::draw_end(row, columns, Paint::new(false));
        Line::new(plain, live::draw_end(row, columns, paint))
    };
    ends.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::testing::{delivery, passed_run, run, time_at};

    fn plain(is_interactive: bool) -> Drawing {
        Drawing::new(is_interactive, Paint::PLAIN)
    }

    #[test]
    fn a_pipe_gets_one_line_per_change() {
        let mut drawing = plain(false);
        let begun = drawing.show(&delivery(vec![run()]), time_at(48), false);
        assert_eq!(begun.lines().count(), 5, "{begun}");
        assert_eq!(drawing.show(&delivery(vec![run()]), time_at(50), false), "");
        let ended = drawing.show(&delivery(vec![passed_run()]), time_at(60), true);
        let expected = "\
hardening    test (performance)  pass      10.0 s
hardening    evaluation          pass      10.0 s
hardening    release             pass      10.0 s
hardening passed in 51.2 s
";
        assert_eq!(ended, expected);
    }

    #[test]
    fn a_terminal_is_drawn_again_in_place() {
        let mut drawing = plain(true);
        let delivery = delivery(vec![run()]);
        let expected = "\
carts 0.10.1 -> 0.10.17, carts-db 0.4.0 -> 0.4.1 (from dev)         c1f0a3d2-55c1-4a7e-9b0e-6f1f0f3f2f11

hardening    deployment          pass      12.0 s
             test (functional)   pass      16.0 s
             test (performance)  running   19 s     waiting for jmeter-service, at most 20 min more
             evaluation
             release
production   follows when hardening passes

Ctrl-C stops watching, not the run.
";
        assert_eq!(drawing.redraw(&delivery, time_at(48), false, (120, 40)), expected);
        let again = drawing.redraw(&delivery, time_at(48), false, (120, 40));
        assert_eq!(again, format!("\u{1b}[10A\u{1b}[J{expected}"));
    }

    #[test]
    fn the_time_out_says_where_the_run_is() {
        let watched = Watched {
            context: KeptnContext::new("c1f0a3d2-55c1").unwrap(),
            position: 1,
            runs_min: 1,
        };
        let last = delivery(vec![run()]);
        let failure = still_running(&watched, Some(&last), Duration::from_mins(20));
        assert_eq!(failure.exit(), Exit::StillRunning);
        assert_eq!(
            failure.to_string(),
            "error: delivery `c1f0a3d2` is still running after 20 min in hardening\n\
             hint: keptn get sequence c1f0a3d2\n"
        );
    }
}
