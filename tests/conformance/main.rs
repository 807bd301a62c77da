//! Keptn's behaviour as numbered cases: what its own tests and code say, and what we do.
//!
//! Each case is a test, and its documentation says what it is about in one form that `table` reads:
//! `Case NUMBER, VERDICT: TITLE. Because: REASON.`, with the verdict `same`, `differs` or
//! `not applicable`; the last two need the reason. `docs/conformance.md` is made of it.
#![cfg(test)]

mod branching;
mod bus;
mod config_store;
mod control;
mod executors;
mod happy_path;
mod queue;
mod story;
mod support;
mod table;
mod timing;
mod view;
