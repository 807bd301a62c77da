//! Plays uniforms against a real nats-server.
#![cfg(test)]

mod breaks;
mod process;
mod scene;
mod tasks;
