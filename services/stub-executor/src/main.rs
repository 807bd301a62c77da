//! The process `stub-executor`.

fn main() -> std::process::ExitCode {
    stub_executor::main()
}
