//! The process `config-store`.

use std::process::ExitCode;

fn main() -> ExitCode {
    config_store::main()
}
