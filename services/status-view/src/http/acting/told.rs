//! Why a form was refused: a page, with the way back.

use axum::response::{IntoResponse, Response};
use maud::html;
use service::http::{Problem, ProblemCode};

use crate::page::still;

/// Where whoever was refused goes when it is not known where the form stood.
const HOME: &str = "/";

/// A refusal as a person reads it.
#[derive(Debug)]
pub(super) struct Told {
    problem: Problem,
    back: String,
}

impl Told {
    /// Tells a problem; `back` is the page that the form stands on, a path here.
    pub(super) fn new(problem: Problem, back: Option<String>) -> Self {
        Self { problem, back: back.unwrap_or_else(|| HOME.to_owned()) }
    }
}

impl From<Problem> for Told {
    fn from(problem: Problem) -> Self {
        Self::new(problem, None)
    }
}

impl IntoResponse for Told {
    fn into_response(self) -> Response {
        let Problem { error, .. } = self.problem;
        let title = title(error.code);
        let main = html! {
            h1 { (title) }
            p { (error.message) }
            @if let Some(hint) = error.hint.filter(|hint| !hint.is_empty()) { p.dim { (hint) } }
            p { a.button.quiet href=(self.back) { "Back" } }
        };
        still(error.code.status().as_u16(), title, &main).into_response()
    }
}

const fn title(code: ProblemCode) -> &'static str {
    match code {
        ProblemCode::BadQuery => "This form cannot be read",
        ProblemCode::NotFound => "Not found",
        ProblemCode::Behind => "Not ready yet",
        ProblemCode::NotAllowed => "Not allowed",
        ProblemCode::WrongMethod => "Not this way",
        ProblemCode::TooLarge => "Too large",
        ProblemCode::Refused => "Refused",
        ProblemCode::Busy => "Too many at the same time",
    }
}
