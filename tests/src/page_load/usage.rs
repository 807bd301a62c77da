//! What a service uses of the machine while it is loaded.

use service::process_usage;
pub use service::process_usage::Usage;

/// Asks about a process that runs.
pub fn of(process: u32) -> Usage {
    process_usage::of(process).expect("the process runs, and Linux says what it uses")
}

/// Returns its resident memory in whole megabytes.
pub fn resident_mb(usage: Usage) -> u64 {
    usage.resident_bytes / 1_000_000
}
