//! The law, on the pure fold: no NATS, no clock, no runtime.
#![cfg(test)]

mod answers;
mod bad_input;
mod cells;
mod commands;
mod control;
mod data;
mod follow_ups;
mod own_values;
mod properties;
mod queue;
mod random;
mod resources;
mod retry;
mod status;
mod story;
mod stream;
mod time;
mod waiting;
mod watch;
