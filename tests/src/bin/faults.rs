//! Runs the fault rows: `faults [--full] [R1 R2 …]`; no row named = all. Exit code 1 if one fails.

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    tests::faults::run(&arguments)
}
