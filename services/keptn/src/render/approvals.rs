//! `keptn get approvals`: one row per open approval, and the commands that answer.

use model::StreamTime;

use super::{
    Paint, Tone, ago,
    sequences::Width,
    table::{self, Cell},
};
use crate::approvals::Approval;

/// Approvals whose commands are told; who has more of them knows how by then.
const TOLD_MAX: usize = 3;

const HEAD: [&str; 7] =
    ["PROJECT", "STAGE", "SERVICES", "ARTIFACTS", "RESULT", "WAITING", "CONTEXT"];
const HEAD_WIDE: [&str; 3] = ["SEQUENCE", "SINCE", "ID"];

/// Draws open approvals.
pub(crate) fn text(found: &[Approval], now: StreamTime, width: Width, paint: Paint) -> String {
    let mut head = HEAD.to_vec();
    if width == Width::Wide {
        head.extend(HEAD_WIDE);
    }
    let rows: Vec<Vec<Cell>> = found.iter().map(|one| row(one, now, width)).collect();
    table::draw(&head, &rows, paint)
}

fn row(one: &Approval, now: StreamTime, width: Width) -> Vec<Cell> {
    let services: Vec<&str> = one.services.iter().map(|it| it.service.as_str()).collect();
    let artifacts: Vec<&str> =
        one.services.iter().filter_map(|it| it.artifact.as_deref()).collect();
    let mut cells = vec![
        Cell::new(one.project.as_str()),
        Cell::new(one.stage.as_str()),
        Cell::new(services.join(", ")),
        Cell::new(artifacts.join(", ")),
        one.result.map_or_else(
            || Cell::new(""),
            |result| Cell::tinted(result.as_str(), Tone::of_result(result)),
        ),
        Cell::new(ago::coarse(now.since(one.waiting_since))),
        Cell::new(one.keptn_context.short()),
    ];
    if width == Width::Wide {
        cells.push(Cell::new(one.sequence.as_str()));
        cells.push(Cell::new(super::events::to_millis(&one.waiting_since.to_string())));
        cells.push(Cell::new(one.triggered_id.as_str()));
    }
    cells
}

/// Returns the commands that answer the first approvals.
pub(crate) fn commands(found: &[Approval]) -> Vec<String> {
    let command = |verb: &str, one: &Approval| {
        format!("hint: keptn {verb} -c {} --stage={}", one.keptn_context.short(), one.stage)
    };
    let first = found.iter().take(TOLD_MAX);
    first.flat_map(|one| [command("approve", one), command("decline", one)]).collect()
}

#[cfg(test)]
mod tests {
    use model::view::TaskState;

    use super::*;
    use crate::render::testing::{run, task, time_at};

    fn approval() -> Approval {
        let mut run = run();
        run.tasks = vec![
            task("evaluation", TaskState::Finished, 0, Some(5)),
            task("approval", TaskState::Triggered, 7, None),
        ];
        Approval::of(&run).unwrap()
    }

    #[test]
    fn approvals_are_drawn_as_a_table() {
        let expected = "\
PROJECT   STAGE      SERVICES         ARTIFACTS                      RESULT  WAITING  CONTEXT
sockshop  hardening  carts, carts-db  carts:0.10.17, carts-db:0.4.1  pass    2 min    c1f0a3d2
";
        assert_eq!(text(&[approval()], time_at(130), Width::Normal, Paint::PLAIN), expected);
        let wide = text(&[approval()], time_at(130), Width::Wide, Paint::PLAIN);
        assert!(wide.contains("artifact-delivery  2023-11-14T22:13:27.000Z  t\n"), "{wide}");
    }

    #[test]
    fn the_commands_that_answer_are_told() {
        let expected = [
            "hint: keptn approve -c c1f0a3d2 --stage=hardening",
            "hint: keptn decline -c c1f0a3d2 --stage=hardening",
        ];
        assert_eq!(commands(&[approval()]), expected);
    }
}
