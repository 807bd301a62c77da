//! A badge that shows in another page whether a stage is in sync.

use axum::{
    extract::State,
    http::header::{CACHE_CONTROL, CONTENT_TYPE},
    response::{IntoResponse as _, Response},
};
use model::{
    name::shortened,
    view::{StageQuery, StageStatus, SyncStatus},
};

use super::{Here, parameters::Names};
use crate::queries::Asked;

/// What a path of a badge ends in.
const SUFFIX: &str = ".svg";
/// Width of a character of the badge's type, at most, and of the room around a text, in pixels.
const CHARACTER_WIDTH: usize = 7;
const PADDING: usize = 10;

const GOOD: &str = "#1a7f37";
const BEHIND: &str = "#9a6700";
const NEUTRAL: &str = "#57606a";

/// Draws the badge of a stage; what is unknown has one, too, because a broken image says nothing.
pub(super) async fn badge(
    State(here): State<Here>,
    Names((project, file)): Names<(String, String)>,
) -> Response {
    let stage = file.strip_suffix(SUFFIX).unwrap_or(&file).to_owned();
    let query = StageQuery { project, stage: stage.clone(), from: None, at_least: None };
    let status = here.counter.read::<StageStatus>(Asked::Stage(query)).await;
    let (text, colour) = match status {
        Ok(status) => verdict(&status),
        Err(_) => ("unknown".to_owned(), NEUTRAL),
    };
    let headers = [(CONTENT_TYPE, "image/svg+xml"), (CACHE_CONTROL, "no-cache")];
    (headers, drawn(&shortened(&stage), &text, colour)).into_response()
}

fn verdict(status: &StageStatus) -> (String, &'static str) {
    let differing = status.services.iter().filter(|one| one.differs).count();
    match status.sync_status {
        SyncStatus::InSync => ("in sync".to_owned(), GOOD),
        SyncStatus::OutOfSync => (format!("out of sync · {differing}"), BEHIND),
        SyncStatus::FirstStage => ("first stage".to_owned(), NEUTRAL),
    }
}

/// Draws two texts side by side, in a type that every system has.
fn drawn(label: &str, text: &str, colour: &str) -> String {
    let width = |text: &str| text.chars().count() * CHARACTER_WIDTH + PADDING;
    let (left, right) = (width(label), width(text));
    let (all, label, text) = (left + right, escaped(label), escaped(text));
    let (label_at, text_at) = (left / 2, left + right / 2);
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="{all}" height="20" role="img" aria-label="{label}: {text}"><title>{label}: {text}</title><rect width="{all}" height="20" rx="3" fill="#24292f"/><path d="M{left} 0h{right}v20h-{right}z" fill="{colour}"/><g fill="#fff" font-family="Verdana,sans-serif" font-size="11" text-anchor="middle"><text x="{label_at}" y="14">{label}</text><text x="{text_at}" y="14">{text}</text></g></svg>
"##
    )
}

fn escaped(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => written.push_str("&amp;"),
            '<' => written.push_str("&lt;"),
            '>' => written.push_str("&gt;"),
            '"' => written.push_str("&quot;"),
            '\'' => written.push_str("&#39;"),
            c if c.is_control() => written.push(' '),
            c => written.push(c),
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_badge_holds_texts_and_nothing_else_of_them() {
        let drawn = drawn("</text><script>alert('1')</script>\u{0}\"&", "in sync", GOOD);
        assert!(!drawn.contains("<script"), "{drawn}");
        assert!(drawn.contains("&lt;script&gt;alert(&#39;1&#39;)"), "{drawn}");
        assert!(drawn.contains("&quot;&amp;") && !drawn.contains('\u{0}'), "{drawn}");
        assert_eq!(drawn.matches("<text ").count(), 2);
    }
}
