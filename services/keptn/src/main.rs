//! The command line `keptn`: what people type, and the whole stack in one command.
//!
//! Reading order: [`arguments`] (what can be typed), [`commands`] (one file a command), [`client`]
//! (how NATS is asked), [`wire`] (what is published), [`render`] (value to text), [`watch`] (until
//! a delivery ends), [`stack`] (the processes of `keptn dev`), [`demo`] (its history).

mod arguments;
mod client;
mod commands;
mod demo;
mod documents;
mod environment;
mod failure;
mod lookup;
mod render;
mod screen;
mod stack;
mod stamp;
mod terminal;
mod values;
mod watch;
mod wire;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match arguments::Arguments::try_parse() {
        Ok(arguments) => commands::run(arguments),
        Err(error) => arguments::refuse(&error),
    }
}
