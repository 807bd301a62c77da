//! The command line in a real terminal, and in a pipe beside it: what is drawn again in place, what
//! is said once, and what Ctrl-C leaves.
//!
//! Each test has its own services and its own tmux. Reading order: [`tmux`], then [`follows`].
#![cfg(test)]

use tests::harness;

mod follows;
mod picture;
mod tmux;
