//! The whole document around what changes: head, links at the top, errors.

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use maud::{DOCTYPE, Markup, html};
use model::{
    Position, ProjectName,
    view::{QueryError, QueryErrorCode, Refusal},
};

use super::{
    assets,
    look::{Acting, Body, Look, body},
    place::{EventsFilter, Place, RunsFilter, StagesFilter},
    words::{grouped, part},
};

/// A whole page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Status of HTTP.
    pub status: u16,
    /// The text.
    pub html: String,
}

impl IntoResponse for Document {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], self.html).into_response()
    }
}

/// Draws a whole page; one that cannot be drawn says why.
pub fn document(place: &Place, look: &Look) -> Document {
    match body(place, look) {
        Ok(body) => {
            let html = frame(place, &body, look).into_string();
            Document { status: 200, html: clean(&html) }
        }
        Err(error) => refused(&error),
    }
}

/// What is sent to live pages.
pub(super) struct Fragment {
    /// The title.
    pub(super) title: String,
    /// The inside of `<main>`.
    pub(super) inside: String,
    /// All of `<main>`.
    pub(super) html: String,
    /// Position at which it holds.
    pub(super) position: Position,
}

/// Draws the part that is sent to live pages; of a page that is no more, why.
pub(super) fn fragment(place: &Place, look: Result<Look, Refusal>) -> Fragment {
    let (position, body) = match look {
        Ok(look) => (look.position(), body(place, &look)),
        Err(refusal) => (refusal.position, Err(refusal.error)),
    };
    let body = body.unwrap_or_else(|error| {
        let (_, title) = status(error.code);
        Body { title: title.to_owned(), main: reason(title, &error), project: None }
    });
    let html = clean(&main(&body, position).into_string());
    Fragment { title: body.title, inside: body.main.into_string(), html, position }
}

fn status(code: QueryErrorCode) -> (u16, &'static str) {
    match code {
        QueryErrorCode::BadQuery => (400, "This address cannot be read"),
        QueryErrorCode::NotFound => (404, "Not found"),
        QueryErrorCode::Behind => (503, "Not ready yet"),
    }
}

fn reason(title: &str, error: &QueryError) -> Markup {
    html! {
        h1 { (title) }
        p { (error.message) }
        @if let Some(hint) = &error.hint { p.dim { (hint) } }
    }
}

/// Draws a page that says why there is none.
pub fn refused(error: &QueryError) -> Document {
    let (status, title) = status(error.code);
    still(status, title, &reason(title, error))
}

/// Draws a page that does not change, and that is about no project.
pub(crate) fn still(status: u16, title: &str, main: &Markup) -> Document {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            (head(title))
            body {
                header.top { strong { a href="/projects" { "Slipway" } } }
                main id="main" { (main) }
            }
        }
    };
    Document { status, html: clean(&page.into_string()) }
}

fn head(title: &str) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width,initial-scale=1";
            meta name="color-scheme" content="light dark";
            title { (title) }
            link rel="icon" type="image/svg+xml" href=(assets::ICON.path());
            link rel="stylesheet" href=(assets::STYLE.path());
            script src=(assets::SCRIPT.path()) defer {}
        }
    }
}

fn frame(place: &Place, body: &Body, look: &Look) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            (head(&body.title))
            body {
                a.skip href="#main" { "Skip to the content" }
                header.top {
                    strong { a href="/projects" { "Slipway" } }
                    @if let Some(project) = &body.project { (home(project)) }
                    (tabs(place, body))
                    @if let Some(acting) = &look.acting { (login(acting)) }
                    p.live { "event " (grouped(look.position())) }
                }
                (main(body, look.position()))
            }
        }
    }
}

/// The title stands in an attribute, too: a live page takes it from there.
fn main(body: &Body, position: Position) -> Markup {
    html! {
        main id="main" tabindex="-1" data-title=(body.title) data-position=(position) {
            (body.main)
        }
    }
}

/// Whether somebody is logged in is another matter for each who looks, so the page does not say it.
fn login(acting: &Acting) -> Markup {
    html! { a.login href={ "/login?page=" (part(&acting.back)) } { "Log in / out" } }
}

fn home(project: &ProjectName) -> Markup {
    let place = Place::Stages { project: project.to_string(), filter: StagesFilter::default() };
    html! { a.project href=(place.href()) { (project) } }
}

fn tabs(place: &Place, body: &Body) -> Markup {
    let Some(project) = &body.project else { return html! { nav aria-label="Projects" {} } };
    let name = project.to_string();
    let tab = |label: &'static str, target: Place, is_here: bool| {
        let current = is_here.then_some("page");
        html! { a href=(target.href()) aria-current=[current] { (label) } }
    };
    let here = |is_here: bool| is_here;
    html! {
        nav aria-label={ "Project " (name) } {
            (tab("Stages", Place::Stages { project: name.clone(), filter: StagesFilter::default() },
                here(matches!(place, Place::Stages { .. } | Place::Plan { .. }))))
            (tab("Runs", Place::Runs { project: name.clone(), filter: RunsFilter::default() },
                here(matches!(place, Place::Runs { .. } | Place::Run { .. }))))
            (tab("Graph", Place::Graph { project: name.clone() },
                here(matches!(place, Place::Graph { .. }))))
            (tab("Events", Place::Events { project: name.clone(), filter: EventsFilter::default() },
                here(matches!(place, Place::Events { .. }))))
            (tab("History", Place::History { project: name.clone(), filter: RunsFilter::default() },
                here(matches!(place, Place::History { .. }))))
        }
    }
}

/// Replaces what is no text: control characters, and those that turn the direction of what follows
/// them. They can stand in a value of an event, and have no meaning here.
fn clean(html: &str) -> String {
    let is_turning = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{61c}');
    let is_kept = |c: char| c == '\n' || !(c.is_control() || is_turning(c));
    if html.chars().all(is_kept) {
        return html.to_owned();
    }
    html.chars().map(|c| if is_kept(c) { c } else { '\u{fffd}' }).collect()
}
