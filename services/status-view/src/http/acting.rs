//! What a person does over HTTP: who may, and how it is carried out. Without a token nobody may.
//!
//! Reading order: [`token`] and [`session`] (who), [`origin`] (from where), [`request`] (what),
//! [`carry_out`] (the event that says it), [`api`] (with a bearer token), [`forms`] (with a session,
//! from a page) and [`login`] (where one begins and ends).

pub(super) mod api;
mod carry_out;
mod commands;
mod forms;
mod login;
mod origin;
mod request;
mod session;
#[cfg(test)]
mod tests;
mod token;
mod told;

use axum::{
    Router,
    http::{
        HeaderMap,
        header::{AUTHORIZATION, COOKIE},
    },
    routing::{get, post},
};
use service::http::{Problem, ProblemCode};

use self::session::Sessions;
pub use self::token::{Token, TokenError};
use super::Here;

/// Name of the cookie that holds a session.
const COOKIE_NAME: &str = "slipway-session";

/// Who may act.
#[derive(Debug, Default)]
pub struct Acting {
    token: Option<Token>,
    sessions: Sessions,
}

impl Acting {
    /// Lets those act who know the token; nobody without one.
    pub fn new(token: Option<Token>) -> Self {
        Self { token, sessions: Sessions::default() }
    }

    /// Tells whether anybody may act.
    pub fn is_possible(&self) -> bool {
        self.token.is_some()
    }

    /// Tells whether a request carries the cookie of a session that lasts.
    pub fn is_logged_in(&self, headers: &HeaderMap) -> bool {
        cookie(headers).is_some_and(|cookie| self.sessions.lasts(cookie))
    }

    /// Checks the bearer token of a request that is no page's.
    ///
    /// # Errors
    /// [`Problem`] that says why not.
    fn check_bearer(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let token = self.token()?;
        origin::check_if_said(headers)?;
        let said = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let said = said.and_then(|value| value.strip_prefix("Bearer "));
        match said {
            Some(said) if token.is(said) => Ok(()),
            Some(_) => Err(not_allowed(
                "the token must be the one in UI_TOKEN_FILE",
                "send that file's content as `Authorization: Bearer …`",
            )),
            None => Err(not_allowed(
                "a token is needed to act",
                "send the content of UI_TOKEN_FILE as `Authorization: Bearer …`",
            )),
        }
    }

    /// Checks that a form comes from a page of ours, where somebody may act.
    ///
    /// # Errors
    /// [`Problem`] that says why not.
    fn check_form(&self, headers: &HeaderMap) -> Result<(), Problem> {
        self.token()?;
        origin::check(headers)
    }

    fn token(&self) -> Result<&Token, Problem> {
        self.token.as_ref().ok_or_else(|| {
            not_allowed(
                "nobody may act over HTTP here",
                "start status-view with UI_TOKEN_FILE, or use the command line",
            )
        })
    }
}

/// Returns the routes that are no part of the interface for programs.
pub(super) fn routes() -> Router<Here> {
    Router::new()
        .route("/login", get(login::page).post(login::begin))
        .route("/logout", post(login::end))
        .route("/actions/{verb}", post(forms::act))
}

/// Returns the session that a browser sends.
fn cookie(headers: &HeaderMap) -> Option<&str> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.split_once('='));
    pairs.find(|(name, _)| name.trim() == COOKIE_NAME).map(|(_, value)| value.trim())
}

fn not_allowed(message: &str, hint: &str) -> Problem {
    Problem::new(ProblemCode::NotAllowed, message, hint)
}
