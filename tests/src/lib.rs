//! What the tests over the whole workspace, and the programs beside them, stand on.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    clippy::missing_errors_doc,
    clippy::indexing_slicing,
    reason = "test support: what does not hold fails the test"
)]

pub mod faults;
pub mod harness;
pub mod page_load;
pub mod simulation;
