//! The common load: four projects of two services, 64 deliveries in flight until told to stop.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::project::{self, FAILS, FIRST, LAST, PROJECTS, SEQUENCE, SERVICES, WARNS};
use super::publisher::{Publisher, event};
use super::watch::Watch;

/// Deliveries that have not ended at any moment.
pub const IN_FLIGHT: usize = 64;
/// Every so many deliveries one fails its evaluation, and one passes with a warning.
const UNHAPPY_EVERY: usize = 10;
/// Pause between two changes of the configuration, which give config-store something to do.
const CONFIGURE_EVERY: Duration = Duration::from_millis(100);
/// Project that is configured all the while and delivers nothing.
const CONFIGURED: &str = "settings";

/// A running load. Dropped, it stops at once.
pub struct Load {
    watch: Arc<Watch>,
    stop: Arc<AtomicBool>,
    abandon: Arc<AtomicBool>,
    thread: Option<JoinHandle<Publisher>>,
}

impl Load {
    /// Creates the projects and starts to deliver; at most `most` deliveries in all.
    pub fn start(port: u16, watch: Arc<Watch>, most: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let abandon = Arc::new(AtomicBool::new(false));
        let deliveries = Deliveries {
            publisher: Publisher::new(port),
            watch: Arc::clone(&watch),
            stop: Arc::clone(&stop),
            abandon: Arc::clone(&abandon),
            number: 0,
            changes: 0,
        };
        let thread = thread::spawn(move || deliveries.run(most));
        Self { watch, stop, abandon, thread: Some(thread) }
    }

    /// Begins no more deliveries, waits until all have ended, and writes what was acknowledged.
    ///
    /// # Errors
    ///
    /// Some have not ended within the limit.
    pub fn finish(mut self, limit: Duration, acknowledged: &Path) -> Result<usize, String> {
        self.stop.store(true, Ordering::Relaxed);
        let deadline = Instant::now() + limit;
        let left = || deadline.saturating_duration_since(Instant::now());
        let said_all = self.watch.wait(left(), |_| self.is_done());
        let ended = self.watch.wait(left(), |seen| seen.open.is_empty());
        // What waits for an acknowledgement is given up; the checker judges what was stored.
        self.abandon.store(true, Ordering::Relaxed);
        let Some(publisher) = self.thread.take().and_then(|thread| thread.join().ok()) else {
            return Err("the load failed".to_owned());
        };
        write(acknowledged, &publisher.acknowledged).map_err(|error| error.to_string())?;
        let seen = self.watch.seen();
        if ended && said_all {
            return Ok(seen.ended);
        }
        let some: Vec<&String> = seen.open.iter().take(5).collect();
        Err(format!("{} deliveries have not ended in {limit:?}, such as {some:?}", seen.open.len()))
    }

    /// Tells whether nothing more will be said.
    pub fn is_done(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.abandon.store(true, Ordering::Relaxed);
        drop(self.thread.take().map(JoinHandle::join));
    }
}

fn write(path: &Path, acknowledged: &[(u64, String)]) -> std::io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    for (position, id) in acknowledged {
        writeln!(file, "{position}\t{id}")?;
    }
    file.flush()
}

struct Deliveries {
    publisher: Publisher,
    watch: Arc<Watch>,
    stop: Arc<AtomicBool>,
    abandon: Arc<AtomicBool>,
    number: usize,
    changes: u64,
}

impl Deliveries {
    fn run(mut self, most: usize) -> Publisher {
        self.create_projects();
        let mut configured = Instant::now();
        while !self.stop.load(Ordering::Relaxed) && self.number < most {
            if self.watch.seen().open.len() < IN_FLIGHT {
                self.deliver();
            } else {
                self.watch.wait(CONFIGURE_EVERY, |seen| seen.open.len() < IN_FLIGHT);
            }
            if configured.elapsed() > CONFIGURE_EVERY {
                configured = Instant::now();
                self.configure();
            }
        }
        self.publisher
    }

    fn say(&mut self, kind: &str, context: &str, data: &Value) {
        self.publisher.say(&event(kind, context, context, data), &self.abandon);
    }

    fn command(&mut self, kind: &str, data: &Value) {
        self.changes += 1;
        let context = format!("00000000-0000-4000-9000-{:012x}", self.changes);
        self.say(&format!("{kind}.triggered"), &context, data);
    }

    fn create_projects(&mut self) {
        for project in PROJECTS.iter().chain(&[CONFIGURED]) {
            self.command("project.create", &project::create(project));
            for service in SERVICES {
                self.command("service.create", &json!({"project": project, "service": service}));
                let values = json!({"values": {"replicaCount": 3, "probes": {"live": true}}});
                self.command(
                    "configuration.change",
                    &json!({"project": project, "stage": LAST,
                    "service": service, "configurationChange": values}),
                );
            }
        }
    }

    fn configure(&mut self) {
        let values = json!({"values": {"round": self.changes}});
        self.command(
            "configuration.change",
            &json!({"project": CONFIGURED, "stage": FIRST,
            "service": SERVICES[0], "configurationChange": values}),
        );
    }

    fn deliver(&mut self) {
        self.number += 1;
        let context = format!("00000000-0000-4000-8000-{:012x}", self.number);
        let project = PROJECTS[self.number % PROJECTS.len()];
        let service = SERVICES[self.number / PROJECTS.len() % SERVICES.len()];
        let tag = match self.number % UNHAPPY_EVERY {
            0 => FAILS.to_owned(),
            1 => WARNS.to_owned(),
            _ => format!("1.0.{}", self.number),
        };
        let image = format!("{service}:{tag}");
        self.watch.begin(&context);
        self.say(
            &format!("{FIRST}.{SEQUENCE}.triggered"),
            &context,
            &json!({
                "project": project, "stage": FIRST, "service": service, "labels": {"round": "load"},
                "configurationChange": {"values": {"image": image, "replicaCount": 1}},
            }),
        );
    }
}
