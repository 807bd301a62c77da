//! The law, on the pure fold: no NATS, no clock, no runtime.
#![cfg(test)]

mod story;
mod stream;
