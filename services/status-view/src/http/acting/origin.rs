//! Whether a request comes from a page of ours: another site's page can send forms here, with the
//! cookies of whoever looks at it, but it cannot lie about where they come from.

use axum::http::{
    HeaderMap, HeaderName, Uri,
    header::{HOST, ORIGIN},
};
use model::name::shortened;
use service::http::Problem;

use super::not_allowed;

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Checks a request of a browser: it must say that it comes from here.
///
/// # Errors
/// [`Problem`] if it says something else, or nothing.
pub(super) fn check(headers: &HeaderMap) -> Result<(), Problem> {
    if headers.contains_key(ORIGIN) || headers.contains_key(FETCH_SITE) {
        return check_if_said(headers);
    }
    Err(not_allowed(
        "a form must say where it comes from (Origin or Sec-Fetch-Site)",
        "programs use /api/v1/actions with a bearer token",
    ))
}

/// Checks a request that may come from no browser at all.
///
/// # Errors
/// [`Problem`] if it says that it comes from somewhere else.
pub(super) fn check_if_said(headers: &HeaderMap) -> Result<(), Problem> {
    let text = |name: &HeaderName| {
        headers.get_all(name).iter().map(|value| value.to_str().unwrap_or("?").to_owned())
    };
    let host = text(&HOST).next().unwrap_or_default();
    let is_ours = |origin: &String| {
        let origin = origin.parse::<Uri>().ok();
        let authority = origin.as_ref().and_then(Uri::authority);
        authority.is_some_and(|authority| authority.as_str().eq_ignore_ascii_case(&host))
    };
    let foreign = text(&FETCH_SITE)
        .find(|site| site != "same-origin")
        .or_else(|| text(&ORIGIN).find(|origin| !is_ours(origin)));
    match foreign {
        None => Ok(()),
        Some(foreign) => Err(not_allowed(
            &format!(
                "what is done here must come from a page of ours, not from `{}`",
                shortened(&foreign)
            ),
            "open the page under the address that is asked",
        )),
    }
}
