//! The loop: an event is read and applied, a query is answered from what was applied. Neither
//! waits for the other; what takes time is done beside the loop.

use std::{process::ExitCode, sync::Arc, time::Duration};

use bus::names::STATUS_VIEW;
use futures_util::FutureExt as _;
use model::view;
use service::{Component, FollowError, Followed, Follower, Start, process};
use tokio::{sync::watch, time::interval};
use tracing::{debug, info};

use crate::{
    Config, View, http,
    queries::{Counter, Desk},
};

/// How often the loop turns when nothing happens; readiness wants it within five seconds.
const TURN_EVERY: Duration = Duration::from_secs(1);

/// Events that are applied in one turn beside what woke it; about 400 µs, for which a query waits.
const AT_ONCE_MAX: usize = 64;

/// Runs status-view as this process.
pub fn main() -> ExitCode {
    let component = Component { name: STATUS_VIEW, read: Config::read, corrects_subjects: false };
    process::run(&component, run)
}

/// Folds the whole stream and answers queries, until it is told to stop.
///
/// # Errors
/// [`FollowError`] when the stream cannot be folded from its beginning.
pub async fn run(start: Start<Config>) -> Result<(), FollowError> {
    let Start { bus, mut shutdown, progress, config } = start;
    let mut follower = tokio::select! {
        follower = Follower::<View>::start(&bus, STATUS_VIEW, &[]) => follower?,
        () = shutdown.requested() => return Ok(()),
    };
    let subjects =
        [view::STAGE, view::PLAN, view::SEQUENCES, view::SEQUENCE, view::EVENTS, view::PROJECTS];
    let mut queries =
        bus.serve(STATUS_VIEW, env!("CARGO_PKG_VERSION"), &subjects.map(str::to_owned));
    let mut desk = Desk::new(bus.clone());
    let (counter, mut local) = Counter::open();
    let (position, seen) = watch::channel(follower.position());
    progress.measure_also(http::figures(counter.clone()));
    let acting = Arc::new(http::Acting::new(config.token));
    progress.serve_also(http::routes(counter, seen, bus, acting));
    let mut turn = interval(TURN_EVERY);
    loop {
        tokio::select! {
            () = shutdown.requested() => break,
            read = follower.next() => log(&follower, &read?),
            query = queries.next(), if desk.has_room() => desk.take(query),
            Some(query) = local.recv(), if desk.has_room() => desk.take_local(query, follower.state()),
            () = desk.turn() => {}
            _ = turn.tick() => {}
        }
        for _ in 0..AT_ONCE_MAX {
            let Some(read) = follower.next().now_or_never() else { break };
            log(&follower, &read?);
        }
        progress.turned(follower.position(), follower.is_caught_up());
        desk.answer(follower.state(), follower.is_caught_up());
        if follower.is_caught_up() {
            position.send_if_modified(|seen| {
                std::mem::replace(seen, follower.position()) != follower.position()
            });
        }
    }
    desk.finish().await;
    follower.finish().await;
    Ok(())
}

fn log(follower: &Follower<View>, read: &Followed<Vec<fold::Note>>) {
    match read {
        Followed::Applied { stored, notes } => {
            for note in notes {
                let event = stored.body.as_ref().ok();
                debug!(
                    position = stored.position,
                    event.id = service::log::id(stored),
                    event.r#type = %stored.subject,
                    keptn.context = event.and_then(service::log::context),
                    trace_id = event.and_then(service::log::trace_id),
                    reason = %note,
                    "nothing changed"
                );
            }
        }
        Followed::CaughtUp => info!(position = follower.position(), "caught up"),
        Followed::Restarted => info!("the stream is another one, reading it from its beginning"),
    }
}
