//! What a crash in the middle of the work costs: the controller and the server are killed together,
//! while sequences run and many more are open.

use bus::{Bus, Read, ReadFrom, ReaderOptions, names};
use serde::Serialize;
use tokio::time::{Duration, Instant, sleep, timeout};

use super::{
    bed::{Bed, SERVER, Server, Setting},
    growth,
    load::{Driven, Load},
    part::Part,
    set_up::prepare,
};
use crate::{failure::Failure, stack::Component, terminal};

/// Sequences that are open beside the load.
const OPEN: u64 = 10_000;
/// Sequences of the load.
const SEQUENCES: u64 = 10_000;
/// Sequences of the load that are open at the same time.
const CONCURRENCY: u64 = 32;
/// How long the load runs before the crash.
const BEFORE: Duration = Duration::from_secs(1);
/// Longest time until the first new event.
const FIRST_WAIT: Duration = Duration::from_secs(30);
/// Pause between two looks.
const LOOK_PAUSE: Duration = Duration::from_millis(2);

/// Times from the crash on, seconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Recovered {
    /// The server takes connections.
    pub(crate) server_connected: f64,
    /// The controller has read everything.
    pub(crate) controller_ready: f64,
    /// The first task behind the crash is triggered.
    pub(crate) first_trigger: f64,
    /// All sequences of the load have passed.
    pub(crate) all_finished: f64,
}

/// Kills both in the middle of a load, starts them again, and waits for its end.
///
/// # Errors
/// [`Failure`] if it does not go on in time.
pub(crate) async fn recover(server: &Server) -> Result<Recovered, Failure> {
    let mut bed = Bed::start(server).await?;
    prepare(&mut bed, Setting::Controller, CONCURRENCY).await?;
    terminal::talk(&format!("opening {OPEN} sequences"));
    growth::open(&mut bed, OPEN).await?;
    let load = Load { sequences: SEQUENCES, concurrency: CONCURRENCY };
    bed.begin(&Part::Driver, &load).await?;
    sleep(BEFORE).await;
    let bus = bed.client().bus().clone();
    let begun = Instant::now();
    bed.kill(Component::ShipyardController.name()).await?;
    bed.kill(SERVER).await?;
    bed.restart_server()?;
    let end = end(&bus).await?;
    let server_connected = begun.elapsed();
    let (started, first) = tokio::join!(
        bed.start_services(&[Component::ShipyardController]),
        first_trigger(&bus, end),
    );
    let controller_ready = server_connected + started?;
    let first = first?.duration_since(begun);
    let _: Driven = bed.ended(&Part::Driver).await?;
    Ok(Recovered {
        server_connected: server_connected.as_secs_f64(),
        controller_ready: controller_ready.as_secs_f64(),
        first_trigger: first.as_secs_f64(),
        all_finished: begun.elapsed().as_secs_f64(),
    })
}

/// Returns where the stream ends, as soon as somebody says so.
async fn end(bus: &Bus) -> Result<u64, Failure> {
    let until = Instant::now() + FIRST_WAIT;
    loop {
        match bus.stream_end().await {
            Ok(end) => return Ok(end),
            Err(error) if Instant::now() >= until => {
                return Err(Failure::unreachable(error.to_string()));
            }
            Err(_) => sleep(LOOK_PAUSE).await,
        }
    }
}

/// Waits for the first trigger of a task behind a position.
async fn first_trigger(bus: &Bus, end: u64) -> Result<Instant, Failure> {
    let filters = vec![names::task_triggered("*")];
    let mut reader = bus.reader(ReaderOptions { filters, from: ReadFrom::Position(end + 1) });
    let found = timeout(FIRST_WAIT, async {
        while !matches!(reader.next().await, Read::Message(_)) {}
        Instant::now()
    });
    let secs = FIRST_WAIT.as_secs();
    found.await.map_err(|_| {
        Failure::unreachable(format!("a task must be triggered within {secs} s, none was"))
    })
}
