//! What open pages cost the rest, and what strangers can do to status-view, over real processes.
//!
//! Reading order: [`rounds`] (the controller's work with and without pages), [`pages`] (who looks),
//! [`abuse`] (who does not mean well).

pub mod abuse;
pub mod follower;
pub mod options;
pub mod pages;
pub mod project;
pub mod rounds;
pub mod usage;
pub mod web;

use std::fs::Permissions;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::ExitCode;

use self::options::{Options, What};
use crate::harness::stack::Stack;

/// Letters of the token that status-view asks for: as few as it takes.
const TOKEN_CHARS: usize = 32;

/// Runs what the arguments say; exit code 1 if a limit does not hold.
pub fn run(arguments: &[String]) -> ExitCode {
    let options = match Options::read(arguments) {
        Ok(options) => options,
        Err(error) => {
            say(&format!("error: {error}\nhint: {}", options::USAGE));
            return ExitCode::from(2);
        }
    };
    let mut holds = true;
    if options.what != Some(What::Abuse) {
        rounds::run(&options);
    }
    if options.what != Some(What::Load) {
        holds = abuse::run();
    }
    if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Starts the services; returns the port of the pages, too.
fn start() -> (Stack, u16) {
    let stack = Stack::bare().with_setting("LOG_LEVEL", "warn");
    // With it, there is somewhere to send a body to.
    let token = stack.user.write("token", &"t".repeat(TOKEN_CHARS));
    let own = Permissions::from_mode(0o600);
    std::fs::set_permissions(&token, own).expect("a file of ours can be closed to others");
    let mut stack = stack.with_setting("UI_TOKEN_FILE", &token.to_string_lossy());
    let port = stack.start_all_with_pages();
    (stack, port)
}

#[expect(clippy::print_stdout, reason = "the lines are the output of the program")]
fn say(line: &str) {
    println!("{line}");
    // Nobody is left to be told if this fails.
    drop(std::io::stdout().flush());
}
