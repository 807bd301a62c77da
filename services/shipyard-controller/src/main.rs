//! The process `shipyard-controller`.

use std::process::ExitCode;

fn main() -> ExitCode {
    shipyard_controller::main()
}
