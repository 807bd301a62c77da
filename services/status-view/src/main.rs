//! The process `status-view`.

use std::process::ExitCode;

fn main() -> ExitCode {
    status_view::main()
}
