//! Who is logged in: a bounded number of sessions, each for a bounded time.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use bus::BootTime;

use super::token::Secret;
use crate::http::chance;

/// How long a session lasts: a working day with its breaks.
pub(super) const SESSION_WAIT: Duration = Duration::from_hours(12);
/// Sessions at the same time; one more ends the oldest.
pub(super) const SESSIONS_MAX: usize = 100;

/// The sessions, oldest first.
#[derive(Debug, Default)]
pub(super) struct Sessions(Mutex<VecDeque<Session>>);

#[derive(Debug)]
struct Session {
    secret: Secret,
    until: BootTime,
}

impl Sessions {
    /// Begins a session; returns what the browser keeps.
    pub(super) fn begin(&self) -> String {
        let cookie = chance::secret();
        let until = BootTime::now().after(SESSION_WAIT);
        let session = Session { secret: Secret::of(&cookie), until };
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.push_back(session);
        if sessions.len() > SESSIONS_MAX {
            sessions.pop_front();
        }
        cookie
    }

    /// Tells whether a session lasts.
    pub(super) fn lasts(&self, cookie: &str) -> bool {
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = BootTime::now();
        sessions.retain(|session| session.until > now);
        sessions.iter().any(|session| session.secret.is(cookie))
    }

    /// Ends a session.
    pub(super) fn end(&self, cookie: &str) {
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.retain(|session| !session.secret.is(cookie));
    }
}
