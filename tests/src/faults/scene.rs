//! Everything that a row needs: NATS, the services, the load, and the common end.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::checker;
use super::load::Load;
use super::outcome::Figures;
use super::watch::Watch;
use crate::harness::nats_server::NatsServer;
use crate::harness::stack::{SERVICES, STATUS_VIEW, Stack};
use crate::harness::wait;

/// From the last fault until every sequence has ended.
const END_LIMIT: Duration = Duration::from_secs(30);
/// From the start until the first deliveries have ended.
const WARM_LIMIT: Duration = Duration::from_mins(1);
/// Deliveries that have ended before faults begin.
const WARM_DELIVERIES: usize = 4;
/// No bound on deliveries: the load goes on until the faults have stopped.
pub const ENDLESS: usize = usize::MAX;

/// A control plane under load.
pub struct Scene {
    /// NATS and the services.
    pub stack: Stack,
    /// What happens in the stream.
    pub watch: Arc<Watch>,
    load: Load,
}

impl Scene {
    /// Starts everything on a server as the development profile has it.
    pub fn start() -> Self {
        Self::on(Stack::bare().with_all_services(), ENDLESS)
    }

    /// Starts everything on a server that runs.
    pub fn on_server(nats: NatsServer) -> Self {
        Self::on(Stack::on(nats).with_all_services(), ENDLESS)
    }

    /// Puts the load, or so many deliveries of it, on services that run.
    pub fn on(stack: Stack, most: usize) -> Self {
        let watch = Arc::new(Watch::start(stack.nats.port()));
        let load = Load::start(stack.nats.port(), Arc::clone(&watch), most);
        let warm = watch.wait(WARM_LIMIT, |seen| seen.ended >= WARM_DELIVERIES.min(most));
        assert!(warm, "no delivery ended in {WARM_LIMIT:?}");
        Self { stack, watch, load }
    }

    /// Kills a service, starts it again at once, and measures when it first speaks.
    pub fn kill(&mut self, service: &'static str) {
        self.stack.kill_and_restart(service);
        self.measure(service);
    }

    /// Measures from now until the service first speaks; status-view never does.
    pub fn measure(&self, service: &'static str) {
        if service != STATUS_VIEW {
            self.watch.measure(service);
        }
    }

    /// Waits until the load has said all that it was to say.
    #[track_caller]
    pub fn wait_for_load(&self, limit: Duration) {
        let done = self.watch.wait(limit, |_| self.load.is_done());
        assert!(done, "the load has not said everything in {limit:?}");
    }

    /// The common end: no more faults, all sequences end, the checker finds nothing.
    ///
    /// # Errors
    ///
    /// Something is stuck, or a rule was broken.
    pub fn end(mut self, faults: usize) -> Result<Figures, String> {
        let last_fault = Instant::now();
        for service in SERVICES {
            if !self.stack.service(service).is_running() {
                return Err(format!("{service} ended:\n{}", self.stack.service(service).tail()));
            }
        }
        let file = self.acknowledged_file();
        let finished = self.load.finish(END_LIMIT, &file);
        let slowest =
            self.watch.seen().last_end.map(|end| end.saturating_duration_since(last_fault));
        self.stack.wait_until_ready(&SERVICES);
        let verdict = checker::check(&self.stack.nats.url(), Some(&file), true)?;
        let figures = Figures::default()
            .with("faults", faults)
            .with("sequences", verdict.count("sequences"))
            .with("events", verdict.count("events"))
            .with("lost", verdict.count("lost"))
            .with("doubled", verdict.count("doubled"))
            .with("stuck", verdict.count("stuck"))
            .with("slowest end", format!("{} ms", slowest.unwrap_or_default().as_millis()))
            .with_times("restart to first event", &self.watch.seen().first_events);
        let violations = verdict.violations();
        if finished.is_err() || !violations.is_empty() {
            let why = finished.err().unwrap_or_else(|| "rules were broken".to_owned());
            return Err(format!("{why}; {figures}; {}", violations.join(" ")));
        }
        Ok(figures)
    }

    fn acknowledged_file(&self) -> PathBuf {
        self.stack.user.folder().join("acknowledged")
    }

    /// Lets the load run on for a while between two faults.
    pub fn go_on(&self, time: Duration) {
        wait::pass(time);
    }
}
