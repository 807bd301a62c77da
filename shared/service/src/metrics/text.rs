//! The text form of Prometheus, version 0.0.4.

use std::fmt;

/// What a figure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It only grows; its name ends in `_total`.
    Counter,
    /// It goes up and down.
    Gauge,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
        }
    }
}

/// One value of a figure.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    labels: Vec<(&'static str, String)>,
    value: f64,
}

impl Sample {
    /// A value under one label.
    pub fn labelled(name: &'static str, label: &str, value: u64) -> Self {
        Self { labels: vec![(name, label.to_owned())], value: number(value) }
    }

    /// A value under several labels.
    pub fn new(labels: Vec<(&'static str, String)>, value: f64) -> Self {
        Self { labels, value }
    }
}

/// One figure with all its values; the unit stands at the end of its name.
#[derive(Clone, Debug, PartialEq)]
pub struct Family {
    name: &'static str,
    help: &'static str,
    kind: Kind,
    samples: Vec<Sample>,
}

impl Family {
    /// A figure with one value.
    pub fn new(kind: Kind, name: &'static str, help: &'static str, value: f64) -> Self {
        Self { name, help, kind, samples: vec![Sample::new(Vec::new(), value)] }
    }

    /// A counter with one value.
    pub fn counter(name: &'static str, help: &'static str, value: u64) -> Self {
        Self::new(Kind::Counter, name, help, number(value))
    }

    /// A gauge with one value.
    pub fn gauge(name: &'static str, help: &'static str, value: u64) -> Self {
        Self::new(Kind::Gauge, name, help, number(value))
    }

    /// A counter with several values.
    pub fn counters(name: &'static str, help: &'static str, samples: Vec<Sample>) -> Self {
        Self { name, help, kind: Kind::Counter, samples }
    }

    /// A gauge with several values.
    pub fn gauges(name: &'static str, help: &'static str, samples: Vec<Sample>) -> Self {
        Self { name, help, kind: Kind::Gauge, samples }
    }
}

/// Every number of the format is a float; beyond 2^53 the last digits are lost.
#[expect(clippy::cast_precision_loss, reason = "the text form has floats only")]
fn number(value: u64) -> f64 {
    value as f64
}

/// Writes figures.
pub(crate) fn write(families: &[Family]) -> String {
    families.iter().map(ToString::to_string).collect()
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, kind) = (self.name, self.kind.as_str());
        write!(f, "# HELP {name} {}\n# TYPE {name} {kind}\n", self.help)?;
        for sample in &self.samples {
            writeln!(f, "{name}{} {}", written(&sample.labels), sample.value)?;
        }
        Ok(())
    }
}

fn written(labels: &[(&'static str, String)]) -> String {
    let pairs: Vec<String> =
        labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
    if pairs.is_empty() { String::new() } else { format!("{{{}}}", pairs.join(",")) }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_has_its_help_its_kind_and_its_values() {
        let quoted = Sample::labelled("state", "a\"b\\c\nd", 2);
        let families = [
            Family::counter("x_total", "What x is.", 18_204),
            Family::gauges("y_seconds", "What y is.", vec![quoted, Sample::new(vec![], 0.25)]),
        ];
        let expected = "\
# HELP x_total What x is.
# TYPE x_total counter
x_total 18204
# HELP y_seconds What y is.
# TYPE y_seconds gauge
y_seconds{state=\"a\\\"b\\\\c\\nd\"} 2
y_seconds 0.25
";
        assert_eq!(write(&families), expected);
    }
}
