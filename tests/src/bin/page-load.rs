//! What open pages cost, and what strangers can do to status-view:
//! `page-load [load|abuse] [--services N] [--stages N] [--pages N] [--rounds N] [--seconds N] [--burst N]`.

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    tests::page_load::run(&arguments)
}
