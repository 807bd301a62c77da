//! The real services as processes of their own, on a real NATS: what a user sees, byte for byte.
//!
//! Nothing here links a service: events go in through a bare NATS client, commands through the
//! binary `keptn`, and what happened is read from the stream. Start with [`delivery`], then
//! [`tests::harness`].
#![cfg(test)]

use tests::harness;

mod bad_input;
mod bench;
mod checker;
mod command_line;
#[cfg(feature = "docker")]
mod containers;
mod crash;
mod delivery;
mod doctor;
mod foreign_client;
mod http;
mod people;
mod resources;
mod start_order;
mod traces;
mod two_controllers;
