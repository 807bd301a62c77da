//! From the view and a query to an answer; pure.
//!
//! Reading order: [`stage()`] (the status), [`plan()`] (what a sync would take), [`sequences()`] and [`delivery()`] (runs), [`events()`]
//! (where they stand; reading them is the caller's), [`projects()`].

mod command;
mod context;
mod delivery;
mod events;
mod follows;
mod names;
mod plan;
mod projects;
mod run;
mod sequences;
mod stage;

use model::view::{QueryError, QueryErrorCode};

pub use self::{
    command::sync_sequence,
    delivery::delivery,
    events::{EventsPage, events},
    names::project,
    plan::plan,
    projects::projects,
    run::open_states,
    sequences::sequences,
    stage::stage,
};

/// Bytes of a list in an answer; a NATS message holds 1 MiB by default, and the rest of the answer
/// needs room, too. What is beyond is left to the next page.
pub const LIST_BYTES_MAX: usize = 900 * 1024;

fn bad_query(message: impl Into<String>, hint: impl Into<String>) -> QueryError {
    QueryError { code: QueryErrorCode::BadQuery, message: message.into(), hint: Some(hint.into()) }
}

fn not_found(message: impl Into<String>, hint: impl Into<String>) -> QueryError {
    QueryError { code: QueryErrorCode::NotFound, message: message.into(), hint: Some(hint.into()) }
}

/// Returns how many entries to return: the query's number, within bounds.
fn page_size(limit: usize, default: usize, max: usize) -> usize {
    if limit == 0 { default } else { limit.min(max) }
}
