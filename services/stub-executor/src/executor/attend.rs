//! Keeps a delivery while it is worked on: confirms it, and takes over the newer one when it was
//! delivered again over another connection.

use std::time::Duration;

use bus::{ApiError, Delivery};
use model::{KeptnContext, Position, trace::Trace};
use service::log;
use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval},
};
use tracing::debug;

/// How often a task in work is confirmed: three times before it would be delivered again.
const CONFIRM_EVERY: Duration = Duration::from_millis(300);
/// Repeated deliveries of one task that wait to be taken over; the newest suffices, and one that
/// finds no place comes again.
const NEWER_MAX: usize = 2;

/// A delivery and the way on which newer ones of the same task arrive.
pub(super) struct Attended {
    delivery: Delivery,
    newer: mpsc::Receiver<Delivery>,
}

impl Attended {
    pub(super) fn new(delivery: Delivery) -> (Self, mpsc::Sender<Delivery>) {
        let (sender, newer) = mpsc::channel(NEWER_MAX);
        (Self { delivery, newer }, sender)
    }

    /// Confirms the delivery until `work` is done.
    pub(super) async fn during<T>(&mut self, work: impl Future<Output = T>) -> T {
        tokio::pin!(work);
        let mut confirm = interval(CONFIRM_EVERY);
        confirm.set_missed_tick_behavior(MissedTickBehavior::Delay);
        confirm.reset();
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                Some(newer) = self.newer.recv() => self.delivery = newer,
                _ = confirm.tick() => {
                    // Over a broken connection: it comes again over the next one.
                    if let Err(error) = self.delivery.in_progress().await {
                        Line::about(&self.delivery).says("a task in work could not be confirmed", &error);
                    }
                }
            }
        }
    }

    /// Says that the task is done.
    pub(super) async fn ack(self) {
        let delivery = self.newest();
        let line = Line::about(&delivery);
        if let Err(error) = delivery.ack().await {
            line.says("a task that is done could not be acknowledged; it comes again", &error);
        }
    }

    /// Says that the task is to come again after `delay`.
    pub(super) async fn nak(self, delay: Duration) {
        let delivery = self.newest();
        let line = Line::about(&delivery);
        if let Err(error) = delivery.nak(delay).await {
            line.says("a task could not be put off; it comes again at once", &error);
        }
    }

    fn newest(mut self) -> Delivery {
        while let Ok(newer) = self.newer.try_recv() {
            self.delivery = newer;
        }
        self.delivery
    }
}

/// What names a task in a line of the log, when its delivery is gone.
struct Line {
    position: Position,
    context: Option<KeptnContext>,
    trace: Option<Trace>,
}

impl Line {
    fn about(delivery: &Delivery) -> Self {
        let event = delivery.message.event().ok();
        let event = event.as_ref();
        Self {
            position: delivery.message.position,
            context: event.and_then(|event| event.context.clone()),
            trace: event.and_then(Trace::of_event),
        }
    }

    fn says(&self, what: &str, error: &ApiError) {
        let context = self.context.as_ref().map(KeptnContext::as_str);
        debug!(position = self.position, keptn.context = context,
            trace_id = log::shown(self.trace), error = %error, "{what}");
    }
}
