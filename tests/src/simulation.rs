//! A seeded simulation that shows that nothing is lost and nothing happens twice.
//!
//! Controllers, config-stores, a view, executors, people and the server, without NATS, without a
//! runtime and without a real clock: what happens when is a queue in virtual time, and everything
//! that is not decided by `fold`, `service::outbox` and `service::voice` is decided by one seed.
//! After a while the faults stop; then everything must settle, and the rules are asked.
//!
//! Reading order: `run` (the queue), `network` and `stream` (what may become of a publish),
//! `processes` and `actor` (who reads and speaks), `executors` and `people`, `rules`.

mod actor;
mod breaks;
mod documents;
mod executors;
mod faults;
mod habits;
mod keeper;
mod link;
mod network;
mod people;
mod processes;
mod prologue;
mod rules;
mod run;
mod stream;
#[cfg(test)]
mod tests;
mod time;

pub use breaks::Break;
pub use faults::{Fault, Faults};
pub use prologue::Prologue;
pub use rules::Broken;
pub use run::{Outcome, Run};
