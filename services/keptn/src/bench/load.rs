//! What is run: the project, its tasks, and what driver and executor are told and tell.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::quantiles::Quantiles;

/// The project; its one stage has the same name.
pub(crate) const PROJECT: &str = "bench";
/// The stage.
pub(crate) const STAGE: &str = "bench";
/// The sequence that is measured.
pub(crate) const SEQUENCE: &str = "load";
/// Its tasks.
pub(crate) const TASKS: [&str; 5] = ["build", "scan", "deploy", "check", "sign"];
/// A sequence whose one task nobody answers: it stays open.
pub(crate) const HELD: &str = "hold";
/// The sequence that delivers a bracket.
pub(crate) const DELIVERY: &str = "delivery";
/// Its tasks; the executor answers them and counts none, for they are not part of the load.
pub(crate) const DELIVERY_TASKS: [&str; 2] = ["deployment", "evaluation"];
/// Number of the first service that the load does not use.
pub(crate) const FIRST_OTHER: u64 = 1_000;
/// Tasks of a sequence, for what is counted per task.
pub(crate) const TASKS_PER_SEQUENCE: u32 = 5;

/// The shipyard of the project.
pub(crate) const SHIPYARD: &str = "\
apiVersion: spec.keptn.sh/0.2.3
kind: Shipyard
metadata: {name: bench}
spec:
  stages:
    - name: bench
      sequences:
        - name: load
          tasks: [{name: build}, {name: scan}, {name: deploy}, {name: check}, {name: sign}]
        - name: hold
          tasks: [{name: wait}]
        - name: delivery
          tasks: [{name: deployment}, {name: evaluation}]
";

/// Returns the name of a service; each sequence that is open at the same time has another one,
/// because the sequences of one service wait for each other.
pub(crate) fn service(number: u64) -> String {
    format!("service-{number}")
}

/// What the driver is told to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Load {
    /// Sequences in all.
    pub(crate) sequences: u64,
    /// Sequences that are open at the same time.
    pub(crate) concurrency: u64,
}

impl Load {
    /// Returns a load that fills caches and connections, and is not measured.
    pub(crate) const fn warm_up(self) -> Self {
        let twice = self.concurrency.saturating_mul(2);
        let sequences = if twice < WARM_UP_MIN { WARM_UP_MIN } else { twice };
        Self { sequences, concurrency: self.concurrency }
    }
}

/// Sequences of the shortest warm-up.
const WARM_UP_MIN: u64 = 32;

/// What the driver tells when all sequences have ended.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Driven {
    /// From the first trigger to the last end.
    pub(crate) elapsed: Duration,
    /// From a trigger to the end of its sequence.
    pub(crate) sequence: Quantiles,
}

/// What the executor tells about the tasks since it was asked last.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Answered {
    /// Tasks that it answered.
    pub(crate) tasks: u64,
    /// From the end of a task, by this process, to the arrival of the next one of its sequence.
    pub(crate) gap: Quantiles,
}

#[cfg(test)]
mod tests {
    use model::Shipyard;

    use super::*;

    #[test]
    fn the_shipyard_has_the_tasks_that_are_counted() {
        let shipyard = Shipyard::read(SHIPYARD).into_result().unwrap();
        let stage = shipyard.stage(STAGE).unwrap();
        let tasks = |sequence: &str| -> Vec<&str> {
            let sequence = stage.sequence(sequence).unwrap();
            sequence.tasks.iter().map(|task| task.name.as_str()).collect()
        };
        assert_eq!(tasks(SEQUENCE), TASKS);
        assert_eq!(tasks(DELIVERY), DELIVERY_TASKS);
        assert_eq!(TASKS.len(), usize::try_from(TASKS_PER_SEQUENCE).unwrap());
        assert!(stage.sequence(HELD).is_some());
    }

    #[test]
    fn a_warm_up_is_never_empty() {
        let warm_up = |concurrency| Load { sequences: 1_000, concurrency }.warm_up().sequences;
        assert_eq!((warm_up(1), warm_up(256)), (32, 512));
    }
}
