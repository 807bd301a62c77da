//! Acting from a page: forms, with a session.

use axum::{
    Form,
    extract::{FromRequest as _, Request, State},
    http::{HeaderMap, header::SET_COOKIE},
    response::{Html, IntoResponse, Redirect, Response},
};
use model::Position;
use serde::Deserialize;
use service::http::Problem;

use super::{
    COOKIE_NAME,
    carry_out::carry_out,
    cookie, not_allowed,
    request::{Action, Verb},
    session::SESSION_WAIT,
    token::Secret,
};
use crate::http::{
    Here,
    parameters::{Names, bad},
};

/// Where a person says the token.
const LOGIN_PAGE: &str = "<!doctype html>
<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Log in</title></head>
<body><main><h1>Log in</h1>
<form method=\"post\" action=\"/login\">
<label>Token, as in UI_TOKEN_FILE <input type=\"password\" name=\"token\" required \
autocomplete=\"current-password\"></label>
<button>Log in</button></form></main></body></html>
";

/// An error as a person reads it, like on the command line.
pub(in crate::http) struct Told(Problem);

impl IntoResponse for Told {
    fn into_response(self) -> Response {
        let Self(Problem { error, .. }) = self;
        let hint = error.hint.map(|hint| format!("hint: {hint}\n")).unwrap_or_default();
        (error.code.status(), format!("error: {}\n{hint}", error.message)).into_response()
    }
}

fn told(position: Position) -> impl Fn(Problem) -> Told {
    move |problem| Told(problem.at(position))
}

/// What the login form says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Login {
    token: String,
    /// Where to go then: a path here.
    next: Option<String>,
}

/// Shows where the token is said.
pub(super) async fn login_page(State(here): State<Here>) -> Result<Html<&'static str>, Told> {
    here.acting.token().map_err(told(here.position()))?;
    Ok(Html(LOGIN_PAGE))
}

/// Begins a session for who knows the token.
pub(super) async fn login(State(here): State<Here>, request: Request) -> Result<Response, Told> {
    let begun = async {
        let headers = request.headers().clone();
        let token = here.acting.token()?;
        super::origin::check(&headers)?;
        let Form(login) = read::<Login>(request, &here).await?;
        if !token.is(&login.token) {
            return Err(not_allowed(
                "the token must be the one in UI_TOKEN_FILE",
                "look into that file, and log in again at /login",
            ));
        }
        Ok((here.acting.sessions.begin(), login.next))
    };
    let (session, next) = begun.await.map_err(told(here.position()))?;
    let next = next.filter(|next| is_path_here(next)).unwrap_or_else(|| "/".to_owned());
    let seconds = SESSION_WAIT.as_secs();
    let cookie =
        format!("{COOKIE_NAME}={session}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict");
    Ok(([(SET_COOKIE, cookie)], Redirect::to(&next)).into_response())
}

/// What the logout form says.
#[derive(Debug, Deserialize)]
struct Logout {
    csrf: String,
}

/// Ends a session.
pub(super) async fn logout(State(here): State<Here>, request: Request) -> Result<Response, Told> {
    let ended = async {
        let headers = request.headers().clone();
        let csrf = here.acting.check_session(&headers)?;
        let Form(logout) = read::<Logout>(request, &here).await?;
        check_csrf(&csrf, &logout.csrf)?;
        here.acting.sessions.end(cookie(&headers).unwrap_or_default());
        Ok(())
    };
    ended.await.map_err(told(here.position()))?;
    let gone = format!("{COOKIE_NAME}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict");
    Ok(([(SET_COOKIE, gone)], Redirect::to("/")).into_response())
}

/// Does what a form says, and goes to the run.
pub(super) async fn act(
    State(here): State<Here>,
    Names(verb): Names<String>,
    headers: HeaderMap,
    request: Request,
) -> Result<Redirect, Told> {
    let done = async {
        let csrf = here.acting.check_session(&headers)?;
        let verb: Verb = verb.parse()?;
        let Form(action) = read::<Action>(request, &here).await?;
        let action = action.cleaned();
        check_csrf(&csrf, action.csrf.as_deref().unwrap_or_default())?;
        carry_out(&here, verb, action).await
    };
    let done = done.await.map_err(told(here.position()))?;
    Ok(Redirect::to(&format!("/runs/{}", escaped(&done.keptn_context))))
}

async fn read<T: serde::de::DeserializeOwned>(
    request: Request,
    here: &Here,
) -> Result<Form<T>, Problem> {
    Form::<T>::from_request(request, here)
        .await
        .map_err(|error| bad(error.body_text(), "send a form as a page of ours does"))
}

fn check_csrf(expected: &str, said: &str) -> Result<(), Problem> {
    if Secret::of(expected).is(said) {
        return Ok(());
    }
    Err(not_allowed("the form must be one of this session", "load the page again"))
}

/// Tells whether a text is a path on this host and nowhere else.
fn is_path_here(text: &str) -> bool {
    let mut characters = text.chars();
    let begins = characters.next() == Some('/') && !matches!(characters.next(), Some('/' | '\\'));
    begins && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
}

/// Writes a context as one segment of a path.
fn escaped(context: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    let written = context.bytes().map(|byte| {
        if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }
    });
    written.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_host_are_gone_to() {
        assert!(is_path_here("/projects/sockshop?a=b") && is_path_here("/"));
        for elsewhere in
            ["//evil.example", "/\\evil.example", "https://evil.example", "", "/a\nb", "x"]
        {
            assert!(!is_path_here(elsewhere), "{elsewhere}");
        }
        assert_eq!(escaped("a-1/../b?"), "a-1%2F..%2Fb%3F");
    }
}
