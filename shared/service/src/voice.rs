//! When a fold says what it owes. Pure: it is told how the process stands and returns what to
//! publish, and how.

use std::time::Duration;

use bus::BootTime;
use fold::{Owed, Owes};
use model::{Position, StreamTime};

use crate::outbox::{FENCED_FROM, Letter, Outbox};

/// How long who does not hold the lease waits before it says what is still owed.
pub const STANDBY_PATIENCE: Duration = Duration::from_millis(300);

/// How long the connection must have been unbroken and caught up before a deadline is said that
/// fell into a time without one. A shorter wait of the task's own counts instead.
pub const GRACE: Duration = Duration::from_secs(30);

/// How a process that has caught up with the stream stands.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    /// Its own clock.
    pub now: BootTime,
    /// The server's clock, as far as it is known.
    pub server_now: StreamTime,
    /// It holds the lease.
    pub holds_lease: bool,
    /// How long it has been connected and caught up without a break.
    pub unbroken: Duration,
    /// Position of the last event in its fold.
    pub position: Position,
}

/// Takes what became owed by now into the outbox.
pub fn take_owed<S: Owes>(outbox: &mut Outbox<S::Due>, state: &S, standing: &Standing) {
    let mut owed = state.owed_after(outbox.last_number());
    if state.next_deadline().is_some_and(|at| at <= standing.server_now) {
        owed.extend(due(state, standing));
    }
    let patience = if standing.holds_lease { Duration::ZERO } else { STANDBY_PATIENCE };
    outbox.take(owed, standing.now.after(patience));
}

/// Returns what deadlines made due, less those that fell into a time without connection and have
/// not had their grace.
fn due<S: Owes>(state: &S, standing: &Standing) -> Vec<Owed<S::Due>> {
    let mut due = state.due_by(standing.server_now);
    due.retain(|owed| has_had_grace(state, owed, standing));
    due
}

fn has_had_grace<S: Owes>(state: &S, owed: &Owed<S::Due>, standing: &Standing) -> bool {
    let unbroken = standing.unbroken;
    let passed_for = standing.server_now.since(owed.since);
    passed_for <= unbroken || unbroken >= GRACE.min(state.own_wait(owed))
}

/// Returns at most `room` letters that are due. What is said again, or whose cause is old by the
/// server's clock, is fenced.
pub fn letters<S: Owes>(
    outbox: &mut Outbox<S::Due>,
    state: &S,
    standing: &Standing,
    room: usize,
) -> Vec<Letter<S::Due>> {
    let server_now = standing.server_now;
    // What a deadline made due was perhaps taken before the connection broke: it waits anew.
    let is_owed = |owed: &Owed<S::Due>| {
        let is_of_a_deadline = owed.number == 0;
        state.is_owed(owed, server_now)
            && (!is_of_a_deadline || has_had_grace(state, owed, standing))
    };
    let mut letters = outbox.letters(standing.now, room, standing.position, is_owed);
    for letter in &mut letters {
        letter.is_fenced |= server_now.since(letter.owed.since) > FENCED_FROM;
    }
    letters
}
