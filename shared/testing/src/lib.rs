//! Test support: a stream of one process, the folds over it, and who says what is owed.
//!
//! Reading order: [`stream`] (events in, what is owed out), `play` (executors and people),
//! [`data`] (documents and data of events), [`history`] (streams that tests of snapshots share).
//! Never linked by a service.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::missing_panics_doc,
    clippy::indexing_slicing,
    reason = "test support: what does not hold fails the test"
)]

pub mod data;
pub mod history;
mod play;
pub mod stream;

pub use data::{SHIPYARD, carts, encoded, pass, shipyard, short, verdict};
pub use stream::{Stream, owed};
