//! Settings of the controller.

use std::time::Duration;

use fold::Waits;
use service::Settings;

/// Settings of the controller beside the common ones.
#[derive(Clone, Debug)]
pub struct Config {
    /// `TASK_STARTED_WAIT_DURATION`: until anybody answers a task at all; default 10m.
    /// `TASK_FINISHED_WAIT_DURATION`: until a task is done; default 1h. 0 = no bound.
    pub waits: Waits,
}

impl Config {
    /// Reads them.
    pub fn read(settings: &mut Settings<'_>) -> Self {
        let default = Waits::default();
        let mut secs = |name: &str, secs: u64| {
            let wait = settings.duration(name, Duration::from_secs(secs));
            // A wait below a second is one second; only zero means that there is no bound.
            if wait.is_zero() { 0 } else { wait.as_secs().max(1) }
        };
        let waits = Waits {
            start_secs: secs("TASK_STARTED_WAIT_DURATION", default.start_secs),
            finish_secs: secs("TASK_FINISHED_WAIT_DURATION", default.finish_secs),
        };
        Self { waits }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(get: &dyn Fn(&str) -> Option<String>) -> Waits {
        let mut settings = Settings::new(get);
        let config = Config::read(&mut settings);
        settings.finish().unwrap();
        config.waits
    }

    #[test]
    fn keptns_ten_minutes_are_the_default() {
        assert_eq!(waits(&|_| None), Waits { start_secs: 600, finish_secs: 3600 });
    }

    #[test]
    fn a_fraction_of_a_second_is_a_second_and_zero_is_no_bound() {
        let get = |name: &str| {
            Some(if name.starts_with("TASK_STARTED") { "300ms" } else { "0" }.to_owned())
        };
        assert_eq!(waits(&get), Waits { start_secs: 1, finish_secs: 0 });
    }
}
