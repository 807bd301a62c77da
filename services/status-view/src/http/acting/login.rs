//! Where a session begins and ends.

use std::time::Duration;

use axum::{
    extract::{Query, Request, State},
    http::{HeaderMap, header::SET_COOKIE},
    response::{IntoResponse as _, Redirect, Response},
};
use maud::{Markup, html};
use serde::Deserialize;

use super::{
    COOKIE_NAME, cookie,
    forms::{is_path_here, read},
    not_allowed,
    session::SESSION_WAIT,
    told::Told,
};
use crate::{
    http::Here,
    page::{Document, Parameters, part, still},
};

/// Parameter of the page whose button was pressed without a session.
const NEXT: &str = "next";
/// Parameter of the page whose link was followed.
const PAGE: &str = "page";

/// Returns the address of the login page for whoever pressed a button.
pub(super) fn path(back: Option<&str>) -> String {
    back.map_or_else(|| "/login".to_owned(), |back| format!("/login?{NEXT}={}", part(back)))
}

/// Shows where the token is said; whoever is logged in already can log out.
pub(super) async fn page(
    State(here): State<Here>,
    Query(asked): Query<Parameters>,
    headers: HeaderMap,
) -> Result<Document, Told> {
    here.acting.token()?;
    let path = |name| asked.get(name).map(String::as_str).filter(|path| is_path_here(path));
    let (next, page) = (path(NEXT), path(PAGE));
    let back = next.or(page);
    Ok(if here.acting.is_logged_in(&headers) {
        still(200, "Logged in", &logged_in(back.unwrap_or("/")))
    } else {
        still(200, "Log in", &login(back, next.is_some()))
    })
}

fn login(back: Option<&str>, was_pressed: bool) -> Markup {
    html! {
        h1 { "Log in" }
        @if was_pressed {
            p.lead { "Log in to act; then press again. Nothing was done yet." }
        } @else {
            p.lead { "Log in to act. To look at the pages nobody needs to." }
        }
        form method="post" action="/login" {
            @if let Some(back) = back { input type="hidden" name="next" value=(back); }
            div.bar {
                label for="token" { "Token, as in UI_TOKEN_FILE" }
                input id="token" type="password" name="token" required autocomplete="current-password" autofocus;
                button type="submit" { "Log in" }
                @if let Some(back) = back { a.button.quiet href=(back) { "Back" } }
            }
        }
    }
}

fn logged_in(back: &str) -> Markup {
    html! {
        h1 { "You are logged in" }
        p.lead { "The buttons of all pages work." }
        form method="post" action="/logout" {
            div.bar {
                a.button href=(back) { "Back" }
                button.quiet type="submit" { "Log out" }
            }
        }
    }
}

/// What the login form says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Login {
    token: String,
    /// Where to go then: a path here.
    next: Option<String>,
}

/// Begins a session for who knows the token.
pub(super) async fn begin(State(here): State<Here>, request: Request) -> Result<Response, Told> {
    let headers = request.headers().clone();
    here.acting.check_form(&headers)?;
    let Login { token, next } = read(request, &here).await?;
    let next = next.filter(|next| is_path_here(next));
    if !here.acting.token()?.is(&token) {
        let problem = not_allowed(
            "the token must be the one in UI_TOKEN_FILE",
            "look into that file, and log in again",
        );
        return Err(Told::new(problem, Some(path(next.as_deref()))));
    }
    let cookie = cookie_line(&here.acting.sessions.begin(), SESSION_WAIT);
    Ok(([(SET_COOKIE, cookie)], Redirect::to(next.as_deref().unwrap_or("/"))).into_response())
}

/// Ends a session; without one there is nothing to end.
pub(super) async fn end(State(here): State<Here>, headers: HeaderMap) -> Result<Response, Told> {
    here.acting.check_form(&headers)?;
    here.acting.sessions.end(cookie(&headers).unwrap_or_default());
    Ok(([(SET_COOKIE, cookie_line("", Duration::ZERO))], Redirect::to("/")).into_response())
}

fn cookie_line(session: &str, lasts: Duration) -> String {
    let seconds = lasts.as_secs();
    format!("{COOKIE_NAME}={session}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict")
}
