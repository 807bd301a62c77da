//! The stream that the tests of the law stand on.

pub(crate) use testing::{SHIPYARD, Stream, carts, encoded, owed, pass, shipyard, short, verdict};
