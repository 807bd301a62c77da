//! The real services as processes of their own, on a real NATS: what a user sees, byte for byte.
//!
//! Nothing here links a service: events go in through a bare NATS client, commands through the
//! binary `keptn`, and what happened is read from the stream. Start with [`delivery`], then
//! [`harness`].
#![cfg(test)]

mod harness;

mod bad_input;
mod command_line;
#[cfg(feature = "docker")]
mod containers;
mod crash;
mod delivery;
mod foreign_client;
mod people;
mod start_order;
mod two_controllers;
