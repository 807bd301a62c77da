//! What a process and the whole machine have used, where there is a `/proc`.

use std::{fs, time::Duration};

/// Where the fields of `/proc/<id>/stat` begin behind the name of the program, which may hold
/// blanks: the state is field 3.
const FIRST_FIELD: usize = 3;
/// Processor time in the program and in the system, in ticks.
const FIELDS_CPU: [usize; 2] = [14, 15];
/// When the process began, in ticks since the system did.
const FIELD_START: usize = 22;
/// Resident pages.
const FIELD_RESIDENT: usize = 24;
/// Words of the first line of `/proc/stat`, in ticks: waiting for work, and for the disk.
const WORDS_IDLE: [usize; 2] = [4, 5];
/// The words that are time; guests are counted in the first two already.
const WORDS_TIME: std::ops::RangeInclusive<usize> = 1..=8;

/// The line of `/proc/<id>/smaps_rollup` with the part of what is shared, in kibibytes.
const PROPORTIONAL: &str = "Pss:";
const KIBIBYTE: u64 = 1024;

const NANOS_PER_SEC: u64 = 1_000_000_000;

/// What a process has used so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Processor time, in the program and in the system.
    pub cpu: Duration,
    /// Resident memory.
    pub resident_bytes: u64,
}

/// Returns what a process has used; none if there is no such process.
pub fn of(process: u32) -> Option<Usage> {
    let stat = Stat::read(&process.to_string())?;
    let resident_bytes = stat.resident_pages()?.saturating_mul(page_bytes());
    Some(Usage { cpu: time(stat.cpu_ticks()?), resident_bytes })
}

/// Returns the resident memory of a process, of what it shares with others (the program itself) its
/// part alone: of processes together that is what they hold together.
pub fn proportional_bytes(process: u32) -> Option<u64> {
    let sums = fs::read_to_string(format!("/proc/{process}/smaps_rollup")).ok()?;
    let words = sums.lines().find_map(|line| line.strip_prefix(PROPORTIONAL))?;
    let kibibytes: u64 = words.split_whitespace().next()?.parse().ok()?;
    kibibytes.checked_mul(KIBIBYTE)
}

/// Returns how long the processors of the machine have worked since it began, all together.
pub fn machine_busy() -> Option<Duration> {
    busy_ticks(&fs::read_to_string("/proc/stat").ok()?).map(time)
}

/// One line about a process.
#[derive(Debug)]
pub(crate) struct Stat(String);

impl Stat {
    /// Reads it; `process` is an id or `self`.
    pub(crate) fn read(process: &str) -> Option<Self> {
        fs::read_to_string(format!("/proc/{process}/stat")).ok().map(Self)
    }

    pub(crate) fn cpu_ticks(&self) -> Option<u64> {
        let [user, kernel] = self.fields(FIELDS_CPU)?;
        Some(user.saturating_add(kernel))
    }

    pub(crate) fn start_ticks(&self) -> Option<u64> {
        self.fields([FIELD_START]).map(|[start]| start)
    }

    pub(crate) fn resident_pages(&self) -> Option<u64> {
        self.fields([FIELD_RESIDENT]).map(|[pages]| pages)
    }

    /// Reads fields by the numbers that the manual gives them.
    fn fields<const N: usize>(&self, numbers: [usize; N]) -> Option<[u64; N]> {
        let (_, rest) = self.0.rsplit_once(')')?;
        let all: Vec<&str> = rest.split_whitespace().collect();
        let mut values = [0; N];
        for (value, number) in values.iter_mut().zip(numbers) {
            *value = all.get(number.checked_sub(FIRST_FIELD)?)?.parse().ok()?;
        }
        Some(values)
    }
}

/// Returns the bytes of a page of memory.
pub(crate) fn page_bytes() -> u64 {
    u64::try_from(rustix::param::page_size()).unwrap_or(0)
}

fn time(ticks: u64) -> Duration {
    let tick = NANOS_PER_SEC / rustix::param::clock_ticks_per_second().max(1);
    Duration::from_nanos(ticks.saturating_mul(tick))
}

fn busy_ticks(stat: &str) -> Option<u64> {
    let words: Vec<&str> = stat.lines().next()?.split_whitespace().collect();
    let ticks = |word: usize| words.get(word)?.parse::<u64>().ok();
    let all: u64 = WORDS_TIME.map_while(ticks).sum();
    let idle: u64 = WORDS_IDLE.into_iter().map_while(ticks).sum();
    Some(all.saturating_sub(idle))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_counted_behind_a_name_with_blanks() {
        let line = "7 (a ) b) S 1 2 3 4 5 6 7 8 9 10 250 50 13 14 15 16 17 18 900 20 512 22";
        let stat = Stat(line.to_owned());
        assert_eq!(stat.cpu_ticks(), Some(300));
        assert_eq!(stat.start_ticks(), Some(900));
        assert_eq!(stat.resident_pages(), Some(512));
        assert_eq!(stat.fields([60]), None);
    }

    #[test]
    fn what_is_shared_counts_in_part() {
        let own = std::process::id();
        let (all, part) = (of(own).unwrap().resident_bytes, proportional_bytes(own).unwrap());
        // Both are of now, and memory may be taken or given back in between.
        assert!(part > 0 && part < all * 2, "{part} of {all} bytes");
        assert_eq!(proportional_bytes(u32::MAX), None);
    }

    #[test]
    fn waiting_is_no_work() {
        assert_eq!(busy_ticks("cpu  10 1 20 500 90 2 3 4 7 7\ncpu0 1\n"), Some(40));
        assert_eq!(busy_ticks(""), None);
    }
}
