//! What a process uses of the machine, as Linux says it.

use std::time::Duration;

/// Fields of `/proc/ID/stat` behind the name of the program, of which the state is the first:
/// processor time in the program and in the system, in ticks.
const FIELDS_CPU: [usize; 2] = [11, 12];
/// Field of `/proc/ID/statm`: resident pages.
const FIELD_RESIDENT: usize = 1;

/// What a process has used.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    /// Processor time until now.
    pub cpu: Duration,
    /// Resident memory now, in bytes.
    pub resident_bytes: u64,
}

impl Usage {
    /// Asks about a process.
    pub fn of(process: u32) -> Self {
        let read = |file: &str| {
            let path = format!("/proc/{process}/{file}");
            std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
        };
        let stat = read("stat");
        let (_, fields) = stat.rsplit_once(')').expect("the name of the program ends");
        let ticks: u64 = FIELDS_CPU.iter().map(|field| number(fields, *field)).sum();
        let per_second = rustix::param::clock_ticks_per_second().max(1);
        let page_bytes = rustix::param::page_size() as u64;
        Self {
            cpu: Duration::from_millis(ticks * 1_000 / per_second),
            resident_bytes: number(&read("statm"), FIELD_RESIDENT) * page_bytes,
        }
    }

    /// Returns the resident memory in whole megabytes.
    pub fn resident_mb(&self) -> u64 {
        self.resident_bytes / 1_000_000
    }
}

fn number(fields: &str, field: usize) -> u64 {
    let text = fields.split_whitespace().nth(field);
    text.and_then(|text| text.parse().ok()).expect("a field is a number")
}

#[test]
fn a_process_that_works_uses_processor_and_memory() {
    let begin = Usage::of(std::process::id());
    assert!(begin.resident_mb() > 0);
    crate::harness::wait::until("processor time is counted", || {
        let used = Usage::of(std::process::id()).cpu;
        if used > begin.cpu { Ok(()) } else { Err(format!("{used:?}")) }
    });
}
