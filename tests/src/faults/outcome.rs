//! What a row comes to, as it is printed.

use std::fmt;
use std::time::Duration;

/// How far a row goes: the same steps, in other numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Minutes for all rows together.
    Short,
    /// The figures that are to be published.
    Full,
}

impl Scale {
    /// Returns the number of this scale.
    pub fn of<T>(self, short: T, full: T) -> T {
        match self {
            Self::Short => short,
            Self::Full => full,
        }
    }
}

/// What a row measured, in the order in which it is printed.
#[derive(Clone, Debug, Default)]
pub struct Figures(Vec<(String, String)>);

impl Figures {
    /// Adds one.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.0.push((name.to_owned(), value.to_string()));
        self
    }

    /// Adds the median and the 99th percentile of durations, if there are any.
    #[must_use]
    pub fn with_times(self, name: &str, times: &[Duration]) -> Self {
        let mut sorted = times.to_vec();
        sorted.sort_unstable();
        let at = |percent: usize| sorted.get((sorted.len() * percent / 100).min(sorted.len() - 1));
        if sorted.is_empty() {
            return self;
        }
        let of = |time: Option<&Duration>| format!("{} ms", time.map_or(0, Duration::as_millis));
        self.with(&format!("{name} p50"), of(at(50))).with(&format!("{name} p99"), of(at(99)))
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> =
            self.0.iter().map(|(name, value)| format!("{name} {value}")).collect();
        to.write_str(&parts.join(", "))
    }
}

/// How a row ended that did not fail.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// All that was promised held.
    Pass(Figures),
    /// It cannot be run here, and why.
    LeftOut(String),
}

/// A row: what it does, or why it failed.
pub type Row = fn(Scale) -> Result<Outcome, String>;
