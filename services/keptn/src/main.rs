//! The command line `keptn`: what people type, and the whole stack in one command.
//!
//! Reading order: [`arguments`] (what can be typed), [`examples`], [`commands`] (one file a command), [`client`]
//! (how NATS is asked), [`wire`] (what is published; in `model`), [`render`] (value to text), [`watch`] (until
//! a delivery ends), [`follow`] (what is newer), [`stack`] (the processes of `keptn dev`), [`demo`] (its history),
//! [`mod@bench`] (how fast it is).

mod approvals;
mod arguments;
mod bench;
mod client;
mod commands;
mod demo;
mod documents;
mod environment;
mod examples;
mod failure;
mod follow;
mod lookup;
mod render;
mod screen;
mod stack;
mod stamp;
mod terminal;
mod values;
mod watch;

use std::process::ExitCode;

use model::wire;

fn main() -> ExitCode {
    match arguments::read() {
        Ok(arguments) => commands::run(arguments),
        Err(error) => arguments::refuse(&error),
    }
}
