//! Acting from a page: forms, with a session.
//!
//! A form carries nothing that only its session knows, because pages are drawn once for all. It
//! counts because a browser sends the session's cookie with requests of this site alone, and says
//! with every form from where it comes.

use axum::{
    Form,
    extract::{FromRequest as _, Request, State},
    response::Redirect,
};
use model::{
    name::shortened,
    view::{Delivery, SequenceQuery, StageQuery, SyncPlan},
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use service::http::Problem;

use super::{
    carry_out::carry_out,
    login,
    request::{Action, Done, Verb},
    told::Told,
};
use crate::{
    http::{
        Here,
        parameters::{Names, bad},
    },
    page::part,
    queries::Asked,
};

/// Field with the page that a form stands on.
const BACK: &str = "back";
/// What to do about a form that cannot be read.
const AS_OURS: &str = "send a form as a page of ours does";

/// Does what a form says, and goes to the run. Whoever is not logged in does that first; nothing is
/// kept of the form, so that what is done is always pressed.
pub(super) async fn act(
    State(here): State<Here>,
    verb: Result<Names<String>, Problem>,
    request: Request,
) -> Result<Redirect, Told> {
    let headers = request.headers().clone();
    here.acting.check_form(&headers)?;
    let (back, rest) = fields(request, &here).await?;
    if !here.acting.is_logged_in(&headers) {
        return Ok(Redirect::to(&login::path(back.as_deref())));
    }
    let done = async {
        let Names(verb) = verb?;
        let verb: Verb = verb.parse()?;
        let action = action(rest)?;
        let done = carry_out(&here, verb, action.clone()).await?;
        Ok(shown(&here, verb, &action, done).await)
    };
    match done.await {
        Ok(context) => Ok(Redirect::to(&format!("/runs/{}", part(&context)))),
        Err(problem) => Err(Told::new(problem, back)),
    }
}

/// Reads a form: where it stands, and what it says.
async fn fields(
    request: Request,
    here: &Here,
) -> Result<(Option<String>, Map<String, Value>), Problem> {
    let pairs: Vec<(String, String)> = read(request, here).await?;
    let mut fields = Map::new();
    for (name, value) in pairs {
        if let Some((name, _)) = fields.get_key_value(&name) {
            return Err(bad(format!("field `{}` is there twice", shortened(name)), AS_OURS));
        }
        fields.insert(name, Value::String(value));
    }
    let back = fields.remove(BACK);
    let back = back.as_ref().and_then(Value::as_str).filter(|back| is_path_here(back));
    Ok((back.map(str::to_owned), fields))
}

fn action(fields: Map<String, Value>) -> Result<Action, Problem> {
    let action: Result<Action, _> = serde_json::from_value(Value::Object(fields));
    action.map(Action::cleaned).map_err(|error| bad(error.to_string(), AS_OURS))
}

/// Returns the delivery that shows best what was done. A sync that is pressed twice finds nothing to
/// do the second time, because the first brings it all: then that one.
async fn shown(here: &Here, verb: Verb, action: &Action, done: Done) -> String {
    let first = if verb == Verb::Trigger { first(here, action, &done).await } else { None };
    first.unwrap_or(done.keptn_context)
}

/// Returns the delivery that brings what a sync that found nothing to do was about.
async fn first(here: &Here, action: &Action, done: &Done) -> Option<String> {
    let query =
        SequenceQuery { keptn_context: done.keptn_context.clone(), at_least: Some(done.position) };
    let delivery: Delivery = here.counter.read(Asked::Sequence(query)).await.ok()?;
    if !delivery.sequences.iter().all(|run| run.nothing_to_do) {
        return None;
    }
    let query = StageQuery {
        project: action.project.clone()?,
        stage: action.stage.clone()?,
        from: action.from.clone(),
        at_least: None,
    };
    let plan: SyncPlan = here.counter.read(Asked::Plan(query)).await.ok()?;
    let is_meant = |name: &str| action.service.as_deref().is_none_or(|wanted| wanted == name);
    let mut meant = plan.services.into_iter().filter(|one| is_meant(one.service.as_str()));
    meant.find_map(|one| one.under_way).map(|context| context.to_string())
}

/// Reads the fields of a form.
///
/// # Errors
/// [`Problem`] if it is none, or says something else.
pub(super) async fn read<T: DeserializeOwned>(request: Request, here: &Here) -> Result<T, Problem> {
    let read = Form::<T>::from_request(request, here).await;
    read.map(|Form(fields)| fields).map_err(|error| bad(error.body_text(), AS_OURS))
}

/// Tells whether a text is a path on this host and nowhere else.
pub(super) fn is_path_here(text: &str) -> bool {
    let mut characters = text.chars();
    let begins = characters.next() == Some('/') && !matches!(characters.next(), Some('/' | '\\'));
    begins && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
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
    }
}
