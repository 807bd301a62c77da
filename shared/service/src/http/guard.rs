//! What holds for every request and every answer, errors included: who may be asked under which
//! name, how large and how slow a request may be, and what a browser may do with the answer.

use std::{net::IpAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    http::{
        HeaderMap, HeaderName, HeaderValue,
        header::{
            CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST,
            REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
        },
        uri::Authority,
    },
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse as _, Response},
};
use model::name::shortened;
use tokio::time::timeout;

use super::{Problem, ProblemCode};
use crate::{Progress, metrics};

/// Bytes of a body that are read; nothing that is sent here is larger than a form.
pub const BODY_BYTES_MAX: usize = 64 * 1024;
/// How long an answer may take until it begins: longer than the longest wait behind it.
const ANSWER_WAIT: Duration = Duration::from_secs(15);

/// Nothing is loaded from anywhere else, nothing is inline, nobody frames it.
macro_rules! policy {
    ($form_action:literal) => {
        concat!(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
             connect-src 'self'; base-uri 'none'; form-action ",
            $form_action,
            "; frame-ancestors 'none'"
        )
    };
}
/// For what is no page: no form is ever sent from it.
const POLICY: HeaderValue = HeaderValue::from_static(policy!("'none'"));
/// For pages: their filters and buttons are forms.
const POLICY_OF_PAGES: HeaderValue = HeaderValue::from_static(policy!("'self'"));

const NO_REFERRER: HeaderValue = HeaderValue::from_static("no-referrer");
/// For pages: under `no-referrer` a browser sends a form with `Origin: null`, and then nobody can
/// tell a form of ours from another site's.
const REFERRER_OF_PAGES: HeaderValue = HeaderValue::from_static("same-origin");

const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// The names under which this process may be asked. A page of another site that points its own
/// name at this address is refused.
#[derive(Clone, Debug)]
pub struct Hosts {
    bound: IpAddr,
    names: Arc<[String]>,
}

impl Hosts {
    /// Allows loopback, the address that is listened on, and these names besides.
    pub fn new(bound: IpAddr, names: &[String]) -> Self {
        Self { bound, names: names.iter().map(|name| name.to_ascii_lowercase()).collect() }
    }

    /// Tells whether a `Host` is allowed, whatever its port.
    pub fn allows(&self, host: &str) -> bool {
        let Ok(authority) = host.parse::<Authority>() else { return false };
        if host.contains('@') {
            return false;
        }
        let name = authority.host().to_ascii_lowercase();
        let name = name.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.');
        match name.parse::<IpAddr>() {
            // A name cannot be pointed at us by writing an address; any of ours may be meant.
            Ok(ip) => ip.is_loopback() || ip == self.bound || self.bound.is_unspecified(),
            Err(_) => name == "localhost" || self.names.iter().any(|one| one == name),
        }
    }

    /// Returns the one host that a request names, if it is allowed.
    ///
    /// # Errors
    /// [`Problem`] that says which setting allows it.
    fn check(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let mut hosts = headers.get_all(HOST).iter();
        let (first, second) = (hosts.next(), hosts.next());
        let host = first.and_then(|host| host.to_str().ok()).unwrap_or_default();
        if second.is_none() && self.allows(host) {
            return Ok(());
        }
        let message = format!(
            "the host of a request must be localhost or the address that is listened on, is `{}`",
            shortened(host)
        );
        Err(Problem::new(ProblemCode::NotAllowed, message, "name it in HTTP_ALLOWED_HOSTS"))
    }
}

/// What the guard knows.
#[derive(Clone, Debug)]
pub(crate) struct Guard {
    /// Who may be asked for.
    pub(crate) hosts: Hosts,
    /// How far the component is.
    pub(crate) progress: Progress,
}

impl Guard {
    /// Puts the guard before all routes and their errors.
    pub(crate) fn before(self, routes: Router) -> Router {
        routes.layer(DefaultBodyLimit::max(BODY_BYTES_MAX)).layer(from_fn_with_state(self, guard))
    }
}

async fn guard(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    let admitted = guard.hosts.check(request.headers()).and_then(|()| check_size(&request));
    let mut response = match admitted {
        Err(problem) => problem.at(guard.progress.position()).into_response(),
        Ok(()) => timeout(ANSWER_WAIT, next.run(request)).await.unwrap_or_else(|_| {
            let message = format!("an answer must begin within {ANSWER_WAIT:?}, did not");
            let problem = Problem::new(ProblemCode::Behind, message, "ask again");
            problem.at(guard.progress.position()).into_response()
        }),
    };
    metrics::count_answer(response.status());
    protect(response.headers_mut());
    response
}

/// Refuses a body that says to be too large before any of it is read.
fn check_size(request: &Request) -> Result<(), Problem> {
    let said = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    let bytes = said.and_then(|length| length.parse::<u64>().ok()).unwrap_or(0);
    if usize::try_from(bytes).is_ok_and(|bytes| bytes <= BODY_BYTES_MAX) {
        return Ok(());
    }
    let message = format!("a body must have at most {BODY_BYTES_MAX} bytes, has {bytes}");
    Err(Problem::new(ProblemCode::TooLarge, message, "send less"))
}

/// Tells the browser what it may do with an answer.
fn protect(headers: &mut HeaderMap) {
    let is_page =
        headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    let (policy, referrer) =
        if is_page { (POLICY_OF_PAGES, REFERRER_OF_PAGES) } else { (POLICY, NO_REFERRER) };
    headers.insert(CONTENT_SECURITY_POLICY, policy);
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, referrer);
    headers.insert(RESOURCE_POLICY, HeaderValue::from_static("same-origin"));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}
