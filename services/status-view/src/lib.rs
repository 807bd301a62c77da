//! The read side: answers queries.
