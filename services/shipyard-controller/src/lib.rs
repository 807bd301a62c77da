//! Decides which task comes next.
