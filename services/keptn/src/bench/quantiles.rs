//! Median and 99th percentile of durations.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Durations that are kept; a measurement has fewer, so that its quantiles are exact.
pub(crate) const KEPT_MAX: usize = 4_000_000;

/// Quantiles of what was measured; zero if nothing was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Quantiles {
    /// Half are at most this.
    pub(crate) p50: Duration,
    /// 99 of 100 are at most this.
    pub(crate) p99: Duration,
}

impl Quantiles {
    /// Computes them; the order of the durations is lost.
    pub(crate) fn of(durations: &mut [Duration]) -> Self {
        durations.sort_unstable();
        Self { p50: at(durations, 50), p99: at(durations, 99) }
    }
}

/// Returns the smallest duration that so many percent do not exceed.
fn at(sorted: &[Duration], percent: usize) -> Duration {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

/// Returns the median of figures; none of no figure.
pub(crate) fn median(figures: &[f64]) -> Option<f64> {
    let mut sorted = figures.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let upper = *sorted.get(middle)?;
    if sorted.len() % 2 == 1 {
        return Some(upper);
    }
    sorted.get(middle.checked_sub(1)?).map(|lower| f64::midpoint(*lower, upper))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_durations_that_were_measured() {
        let mut durations: Vec<Duration> = (1..=200).rev().map(Duration::from_millis).collect();
        let expected =
            Quantiles { p50: Duration::from_millis(100), p99: Duration::from_millis(198) };
        assert_eq!(Quantiles::of(&mut durations), expected);
        assert_eq!(Quantiles::of(&mut []), Quantiles::default());
        let one = Duration::from_millis(7);
        assert_eq!(Quantiles::of(&mut [one]), Quantiles { p50: one, p99: one });
    }

    #[test]
    fn the_median_stands_in_the_middle() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(&[]), None);
    }
}
