//! The drawing: a column per stage, a box per sequence, a line per `triggeredOn`. A line that leads
//! back, or stays in its stage, goes around below.

use std::collections::BTreeMap;

use maud::{Markup, html};
use model::Shipyard;

use super::{Edge, Node};
use crate::page::words::{Tone, cut, part};

/// Stages that are drawn; more are listed in words.
const STAGES_MAX: usize = 50;
/// Sequences that are drawn of a stage.
const SEQUENCES_MAX: usize = 20;
/// Lines that are drawn.
const EDGES_MAX: usize = 200;
/// Characters of a stage's name that fit beside the arrow.
const NAME_CHARS_MAX: usize = 18;
/// Characters that fit into a box.
const LABEL_CHARS_MAX: usize = 22;

// Units of the drawing.
const COLUMN: usize = 250;
const BOX_WIDTH: usize = 176;
const BOX_HEIGHT: usize = 44;
const ROW: usize = 64;
const LEFT: usize = 16;
const TOP: usize = 66;
/// Length of the arrow from stage to stage.
const ORDER: usize = 50;
/// Room below the boxes for a line that leads back.
const LOOP: usize = 26;

/// What holds of a sequence now.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Mark {
    /// Runs that have not ended.
    pub(super) running: usize,
}

/// How a stage is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Says {
    /// The colour.
    pub(super) tone: Tone,
    /// The word.
    pub(super) word: &'static str,
}

/// Where a box is.
#[derive(Clone, Copy)]
struct At {
    column: usize,
    x: usize,
    y: usize,
}

/// Draws the stages of a shipyard.
pub(super) fn draw(
    shipyard: &Shipyard,
    edges: &[Edge<'_>],
    marks: &BTreeMap<Node<'_>, Mark>,
    says: &[Says],
) -> Markup {
    let boxes = boxes(shipyard);
    let stages = shipyard.stages.len().min(STAGES_MAX);
    let rows = shipyard.stages.iter().map(|stage| stage.sequences.len().min(SEQUENCES_MAX)).max();
    let bottom = TOP + rows.unwrap_or(0) * ROW;
    let edges: Vec<(&Edge<'_>, At, At)> = edges
        .iter()
        .take(EDGES_MAX)
        .filter_map(|edge| Some((edge, *boxes.get(&edge.from)?, *boxes.get(&edge.to)?)))
        .collect();
    let loops = edges.iter().filter(|(_, from, to)| to.column <= from.column).count();
    let (width, height) = (stages * COLUMN, bottom + loops * LOOP);
    html! {
        svg.graph width=(width) height=(height) viewBox={ "0 0 " (width) " " (height) } role="group" aria-label="Stages and what follows what; in words below" {
            defs {
                marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto" {
                    path d="M0 0L8 4L0 8z" {}
                }
            }
            @for (index, stage) in shipyard.stages.iter().take(STAGES_MAX).enumerate() {
                @let x = index * COLUMN + LEFT;
                @if index > 0 { path.order d={ "M" (x - ORDER) " 25H" (x - 6) } marker-end="url(#tip)" {} }
                @if let Some(says) = says.get(index) {
                    circle.(says.tone.class()) cx=(x + 6) cy="25" r="6" {}
                    text.t x=(x + 20) y="46" { (says.word) }
                }
                text.name x=(x + 20) y="30" { (cut(stage.name.as_str(), NAME_CHARS_MAX)) }
            }
            @for (count, (edge, from, to)) in numbered(&edges) { (line(edge, *from, *to, bottom + count * LOOP)) }
            @for (node, at) in &boxes { (sequence(shipyard, *node, *at, marks.get(node).copied().unwrap_or_default())) }
        }
    }
}

/// Numbers the lines that lead back, so that each has a height of its own.
fn numbered<'a, 'b>(
    edges: &'b [(&'a Edge<'a>, At, At)],
) -> impl Iterator<Item = (usize, &'b (&'a Edge<'a>, At, At))> {
    edges.iter().scan(0, |loops, one| {
        let number = *loops;
        *loops += usize::from(one.2.column <= one.1.column);
        Some((number, one))
    })
}

fn boxes(shipyard: &Shipyard) -> BTreeMap<Node<'_>, At> {
    let mut boxes = BTreeMap::new();
    for (column, stage) in shipyard.stages.iter().take(STAGES_MAX).enumerate() {
        for (row, sequence) in stage.sequences.iter().take(SEQUENCES_MAX).enumerate() {
            let at = At { column, x: column * COLUMN + LEFT, y: TOP + row * ROW };
            boxes.entry((&stage.name, &sequence.name)).or_insert(at);
        }
    }
    boxes
}

fn sequence(shipyard: &Shipyard, node: Node<'_>, at: At, mark: Mark) -> Markup {
    let tasks = shipyard.stage(node.0.as_str()).and_then(|stage| stage.sequence(node.1.as_str()));
    let tasks = tasks.map_or(0, |sequence| sequence.tasks.len());
    let state = if mark.running > 0 { "run" } else { "idle" };
    html! {
        a href={ "runs?stage=" (part(node.0.as_str())) } {
            rect.(state) x=(at.x) y=(at.y) width=(BOX_WIDTH) height=(BOX_HEIGHT) rx="8" {}
            text x=(at.x + 12) y=(at.y + 19) { (cut(node.1.as_str(), LABEL_CHARS_MAX)) }
            text.t x=(at.x + 12) y=(at.y + 35) {
                (tasks) @if tasks == 1 { " task" } @else { " tasks" }
                @if mark.running > 0 { " · running · " (mark.running) }
            }
        }
    }
}

fn line(edge: &Edge<'_>, from: At, to: At, below: usize) -> Markup {
    let middle = BOX_HEIGHT / 2;
    let (right, start) = (from.x + BOX_WIDTH, from.y + middle);
    let end = to.y + middle;
    let class = if edge.if_passed { "edge" } else { "edge other" };
    let path = if to.column > from.column {
        let half = to.x.saturating_sub(right) / 2;
        format!(
            "M{right} {start}C{} {start} {} {end} {} {end}",
            right + half,
            to.x.saturating_sub(half),
            to.x
        )
    } else {
        let (out, back) = (right + 14, to.x.saturating_sub(12));
        format!(
            "M{right} {start}L{out} {start}L{out} {below}L{back} {below}L{back} {end}L{} {end}",
            to.x
        )
    };
    html! {
        path class=(class) d=(path) marker-end="url(#tip)" {
            title { (edge.to.0) "." (edge.to.1) " follows " (edge.from.0) "." (edge.from.1) @if !edge.condition.is_empty() { " if " (edge.condition) } }
        }
    }
}
