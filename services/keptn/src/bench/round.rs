//! One measurement: a load over a bed that stands, and what it cost.

use std::{collections::BTreeMap, time::Duration};

use bus::BootTime;
use serde::Serialize;
use service::process_usage;

use super::{
    bed::{Bed, Setting},
    load::{Answered, Driven, Load, TASKS_PER_SEQUENCE},
    part::Part,
    quantiles::Quantiles,
};
use crate::failure::Failure;

/// Cores that others may use while something is measured; more, and the round does not count.
pub(crate) const FOREIGN_CORES_MAX: f64 = 0.3;

/// Tasks to which processor time is related.
const CPU_PER_TASKS: f64 = 1_000.0;

/// What was measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Round {
    /// `controller`, `services` (all four) or `floor`.
    pub(crate) setting: &'static str,
    /// Sequences that were open at the same time.
    pub(crate) concurrency: u64,
    /// Sequences in all, of five tasks each.
    pub(crate) sequences: u64,
    /// From the first trigger to the last end.
    pub(crate) seconds: f64,
    /// Tasks that were finished in a second.
    pub(crate) tasks_per_second: f64,
    /// From the end of a task at the executor to the arrival of the next one there, microseconds.
    pub(crate) step_gap_micros: Spread,
    /// From a trigger to the end of its sequence, at the driver, microseconds.
    pub(crate) sequence_micros: Spread,
    /// Processor time per 1,000 tasks in seconds: all processes, driver and executor included.
    pub(crate) cpu_seconds_per_1000_tasks: f64,
    /// The same for each process.
    pub(crate) cpu_by_process: BTreeMap<&'static str, f64>,
    /// Messages that the stream stored for each task, the sequence's own included.
    pub(crate) stream_writes_per_task: f64,
    /// Messages that consumers were sent for each task.
    pub(crate) deliveries_per_task: f64,
    /// Bytes of the stream for each sequence.
    pub(crate) bytes_per_sequence: f64,
    /// Resident memory at the end, bytes.
    pub(crate) resident_bytes: BTreeMap<&'static str, u64>,
    /// Cores that others used in the meantime.
    pub(crate) foreign_cores: f64,
}

/// Median and 99th percentile.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Spread {
    /// Half are at most this.
    pub(crate) p50: f64,
    /// 99 of 100 are at most this.
    pub(crate) p99: f64,
}

impl Spread {
    /// Returns quantiles in microseconds.
    pub(crate) fn of(quantiles: Quantiles) -> Self {
        Self {
            p50: quantiles.p50.as_secs_f64() * MICROS_PER_SEC,
            p99: quantiles.p99.as_secs_f64() * MICROS_PER_SEC,
        }
    }
}

impl Round {
    /// Counts tasks that were finished in the meantime and are not part of the load.
    #[expect(clippy::cast_precision_loss, reason = "counts of a run are far below 2^52")]
    pub(crate) fn count_also(&mut self, tasks: u64) {
        let load = (self.sequences * u64::from(TASKS_PER_SEQUENCE)) as f64;
        let more = (load + tasks as f64) / load;
        self.tasks_per_second *= more;
        self.cpu_seconds_per_1000_tasks /= more;
        self.cpu_by_process.values_mut().for_each(|cpu| *cpu /= more);
        self.stream_writes_per_task /= more;
        self.deliveries_per_task /= more;
    }

    /// Tells whether nobody else used the machine.
    pub(crate) fn counts(&self) -> bool {
        self.foreign_cores <= FOREIGN_CORES_MAX
    }
}

/// What is known at a moment.
struct Moment {
    at: BootTime,
    busy: Duration,
    used: BTreeMap<&'static str, process_usage::Usage>,
    own: Duration,
    messages: u64,
    bytes: u64,
    deliveries: u64,
}

/// Warms up, then measures a load.
///
/// # Errors
/// [`Failure`] if a sequence does not pass, or a part ends.
pub(crate) async fn measure(bed: &mut Bed, setting: Setting, load: Load) -> Result<Round, Failure> {
    let _: Driven = bed.order(&Part::Driver, &load.warm_up()).await?;
    let _: Answered = bed.order(&Part::Executor, &()).await?;
    let before = moment(bed).await?;
    let driven: Driven = bed.order(&Part::Driver, &load).await?;
    let after = moment(bed).await?;
    let answered: Answered = bed.order(&Part::Executor, &()).await?;
    Ok(round((setting, load), (&before, &after), &driven, &answered))
}

async fn moment(bed: &Bed) -> Result<Moment, Failure> {
    let bus = bed.client().bus();
    let unknown = |error: bus::ApiError| Failure::unreachable(error.to_string());
    let deliveries = bus.deliveries().await.map_err(unknown)?;
    let info = bus.stream_info().await.map_err(unknown)?;
    Ok(Moment {
        at: BootTime::now(),
        busy: process_usage::machine_busy().unwrap_or_default(),
        used: bed.usage(),
        own: process_usage::of(std::process::id()).map(|own| own.cpu).unwrap_or_default(),
        messages: info.messages,
        bytes: info.bytes,
        deliveries,
    })
}

#[expect(clippy::cast_precision_loss, reason = "counts of a run are far below 2^52")]
fn round(
    (setting, load): (Setting, Load),
    (before, after): (&Moment, &Moment),
    driven: &Driven,
    answered: &Answered,
) -> Round {
    let tasks = (load.sequences * u64::from(TASKS_PER_SEQUENCE)) as f64;
    let per_task = |before: u64, after: u64| after.saturating_sub(before) as f64 / tasks;
    let cpu = |name: &&'static str| {
        let used = |moment: &Moment| moment.used.get(name).map(|used| used.cpu).unwrap_or_default();
        used(after).saturating_sub(used(before))
    };
    let by_process: BTreeMap<&'static str, Duration> =
        after.used.keys().map(|name| (*name, cpu(name))).collect();
    let all: Duration = by_process.values().sum();
    let own = after.own.saturating_sub(before.own);
    let foreign = after.busy.saturating_sub(before.busy).saturating_sub(all + own);
    let seconds = driven.elapsed.as_secs_f64();
    let per_1000 = |cpu: Duration| cpu.as_secs_f64() / tasks * CPU_PER_TASKS;
    Round {
        setting: setting.name(),
        concurrency: load.concurrency,
        sequences: load.sequences,
        seconds,
        tasks_per_second: tasks / seconds,
        step_gap_micros: Spread::of(answered.gap),
        sequence_micros: Spread::of(driven.sequence),
        cpu_seconds_per_1000_tasks: per_1000(all),
        cpu_by_process: by_process.into_iter().map(|(name, cpu)| (name, per_1000(cpu))).collect(),
        stream_writes_per_task: per_task(before.messages, after.messages),
        deliveries_per_task: per_task(before.deliveries, after.deliveries),
        bytes_per_sequence: after.bytes.saturating_sub(before.bytes) as f64 / load.sequences as f64,
        resident_bytes: after
            .used
            .iter()
            .map(|(name, used)| (*name, used.resident_bytes))
            .collect(),
        foreign_cores: foreign.as_secs_f64() / after.at.since(before.at).as_secs_f64(),
    }
}

const MICROS_PER_SEC: f64 = 1_000_000.0;
