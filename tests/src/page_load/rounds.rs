//! The controller's work without and with open pages, one part after the other, round by round.
//!
//! A part is a paced load of 10,000 events a minute, in which each step is timed by the server's
//! clock, and then a burst: deliveries as fast as they go, which takes all of the machine. The
//! first says what pages cost at that load, the second what they take from a machine that is full.

use std::time::{Duration, Instant};

use super::follower::{Follower, Seen};
use super::options::Options;
use super::pages::{self, Pages};
use super::project;
use super::usage;
use super::{say, start};
use crate::harness::nats_client::NatsClient;
use crate::harness::stack::{CONTROLLER, STATUS_VIEW};
use crate::harness::wait;

/// Events of the paced load.
const EVENTS_PER_MINUTE: usize = 10_000;
/// Deliveries of a burst that have not ended at any moment.
const IN_FLIGHT: usize = 64;
/// Longest wait for anything that was begun, on a machine that does other work.
const LIMIT: Duration = Duration::from_mins(5);

/// What one part came to.
struct Part {
    /// Events per minute at the pace.
    pace: f64,
    /// Median and 99th percentile of a step at the pace.
    gap: [Duration; 2],
    /// Deliveries per second of the burst.
    per_second: f64,
}

struct Work<'a> {
    options: &'a Options,
    nats: NatsClient,
    follower: Follower,
    /// Processes of the controller and the view.
    processes: [u32; 2],
    said: usize,
}

/// Runs all rounds and prints their figures.
pub fn run(options: &Options) {
    let (mut stack, page) = start();
    let follower = Follower::start(stack.nats.port(), project::last_type(options));
    let begun = Instant::now();
    project::create(stack.nats.port(), options);
    follower.wait(LIMIT, "every stage has something to show", |seen| seen.ended == 1);
    follower.take();
    say(&format!(
        "{} services in {} stages are there after {:.1} s",
        options.services,
        options.stages,
        begun.elapsed().as_secs_f64()
    ));
    let processes = [CONTROLLER, STATUS_VIEW].map(|name| stack.service(name).id());
    let nats = NatsClient::connect(stack.nats.port()).expect("NATS accepts a connection");
    let mut work = Work { options, nats, follower, processes, said: 0 };
    let places = pages::places(options);
    let mut all = [Vec::new(), Vec::new()];
    for round in 0..options.rounds {
        // What warms up over time is no gain or loss of either.
        for with_pages in [round % 2 == 1, round % 2 == 0] {
            let pages = with_pages.then(|| Pages::open(page, places.clone()));
            all[usize::from(with_pages)].push(work.part(round + 1, pages.as_ref()));
            let open = pages.as_ref().map_or(0, Pages::opened);
            assert_eq!(open, if with_pages { places.len() } else { 0 }, "pages were lost");
        }
    }
    let [without, with] = all;
    compare(&without, &with);
}

impl Work<'_> {
    fn part(&mut self, round: usize, pages: Option<&Pages>) -> Part {
        let before = self.processes.map(usage::of);
        let begun = Instant::now();
        let seen = self.paced();
        let took = begun.elapsed();
        let after = self.processes.map(usage::of);
        let cpu = |index: usize| {
            let used = after[index].cpu.saturating_sub(before[index].cpu);
            100.0 * used.as_secs_f64() / took.as_secs_f64()
        };
        let (drawings, bytes) = pages.map(Pages::taken).unwrap_or_default();
        let pace = 60.0 * per(seen.events, took);
        let gap = [50, 99].map(|percent| percentile(&seen.gaps, percent));
        let per_second = self.burst();
        say(&format!(
            "round {round}, {:>3} pages: {pace:.0} events/min, step p50 {:.2} ms, p99 {:.2} ms, \
             controller {:.0} % of a core, status-view {:.0} %, {} MB, {:.0} drawings/s in {:.1} \
             MB/s; burst of {} deliveries: {per_second:.1}/s, {:.0} events/s",
            pages.map_or(0, Pages::opened),
            millis(gap[0]),
            millis(gap[1]),
            cpu(0),
            cpu(1),
            usage::resident_mb(after[1]),
            per(drawings, took),
            per(bytes, took) / 1e6,
            self.options.burst,
            per_second * count(project::events_of_delivery(self.options)),
        ));
        Part { pace, gap, per_second }
    }

    fn deliver(&mut self) {
        let (_, trigger) = project::delivery(self.options, self.said);
        self.said += 1;
        let subject = trigger["type"].as_str().expect("an event has a type");
        self.nats.publish(subject, trigger.to_string().as_bytes());
    }

    /// Delivers at a fixed pace, and waits until all have ended.
    fn paced(&mut self) -> Seen {
        let of_delivery = project::events_of_delivery(self.options);
        let deliveries = (EVENTS_PER_MINUTE * self.options.seconds / 60 / of_delivery).max(1);
        let seconds = u32::try_from(self.options.seconds).expect("a few seconds");
        let every = Duration::from_secs(1) * seconds / u32::try_from(deliveries).expect("a few");
        let begun = Instant::now();
        for number in 0..u32::try_from(deliveries).expect("a few") {
            self.deliver();
            let next = begun + every * (number + 1);
            wait::pass(next.saturating_duration_since(Instant::now()));
        }
        self.follower.wait(LIMIT, "the paced deliveries", |seen| seen.ended >= deliveries);
        self.follower.take()
    }

    /// Delivers as fast as it goes; returns the deliveries per second.
    fn burst(&mut self) -> f64 {
        let begun = Instant::now();
        for number in 0..self.options.burst {
            self.follower.wait(LIMIT, "the burst", |seen| seen.ended + IN_FLIGHT > number);
            self.deliver();
        }
        self.follower.wait(LIMIT, "the burst", |seen| seen.ended >= self.options.burst);
        let took = begun.elapsed();
        self.follower.take();
        per(self.options.burst, took)
    }
}

fn compare(without: &[Part], with: &[Part]) {
    let middle = |parts: &[Part], of: &dyn Fn(&Part) -> f64| {
        let mut values: Vec<f64> = parts.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        f64::midpoint(values[(values.len() - 1) / 2], values[values.len() / 2])
    };
    let line = |what: &str, of: &dyn Fn(&Part) -> f64| {
        let (plain, paged) = (middle(without, of), middle(with, of));
        let change = 100.0 * (paged / plain - 1.0);
        say(&format!("{what}: {plain:.2} without pages, {paged:.2} with pages ({change:+.1} %)"));
    };
    line("events/min at the pace, median of rounds", &|part| part.pace);
    line("step p50 in ms, median of rounds", &|part| millis(part.gap[0]));
    line("step p99 in ms, median of rounds", &|part| millis(part.gap[1]));
    line("burst in deliveries/s, median of rounds", &|part| part.per_second);
}

fn percentile(times: &[Duration], percent: usize) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    sorted[(sorted.len() * percent).div_ceil(100).max(1) - 1]
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

fn per(number: usize, time: Duration) -> f64 {
    count(number) / time.as_secs_f64()
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn count(number: usize) -> f64 {
    number as f64
}

#[test]
fn percentiles_are_values_that_were_measured() {
    let times: Vec<Duration> = (1..=200).map(Duration::from_millis).collect();
    assert_eq!(percentile(&times, 50), Duration::from_millis(100));
    assert_eq!(percentile(&times, 99), Duration::from_millis(198));
    assert_eq!(percentile(&times[..1], 99), Duration::from_millis(1));
}
