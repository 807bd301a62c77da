//! The shell: follows the events of projects, and plays every pair that they name.
//!
//! One player per pair takes its tasks from a durable consumer. A task is played by a uniform that
//! is not older than itself; what is not answered is not acknowledged and comes again, under the
//! same ids.

mod answered;
mod attend;
mod learnt;
mod player;
mod say;

use std::sync::Arc;

use bus::{
    Bus,
    names::{STUB_EXECUTOR, UNIFORM_FILTERS},
};
use fold::Catalog;
use model::{Position, Stored, StubRule};
use service::{FollowError, Followed, Follower, State, log};
use tokio::{sync::watch, task::JoinSet};
use tracing::{debug, error, info};

use self::{
    learnt::Learnt,
    player::{Crashed, Player, Stage},
};
use crate::{
    plays::Plays,
    roster::{Change, Pair, Roster},
};

/// Why playing ended.
#[derive(Debug, thiserror::Error)]
pub enum PlayError {
    /// The stream cannot be followed.
    #[error(transparent)]
    Follow(#[from] FollowError),
    /// A rule with `crash: true` matched.
    #[error("a rule of a stub must be obeyed: `crash: true` ends this process; start it again")]
    Crash,
}

/// Version of how the pairs are written.
const PAIRS_FORMAT: u32 = 1;
/// What a version of the catalog counts as in a version of the roster, which holds both.
const CATALOG_COUNTS: u32 = 1_000;

impl State for Roster {
    const FORMAT: u32 = <Catalog as State>::FORMAT * CATALOG_COUNTS + PAIRS_FORMAT;
    type Notes = Change;

    fn apply(&mut self, stored: &Stored) -> Change {
        Roster::apply(self, stored)
    }
}

/// Plays everybody.
pub struct Executor {
    bus: Bus,
    rules: Vec<StubRule>,
    plays: Plays,
    follower: Follower<Roster>,
    roster: watch::Sender<Roster>,
    stage: Arc<Stage>,
    players: JoinSet<Crashed>,
}

impl Executor {
    /// Starts to follow; the stream must exist. `rules` stand behind those of the uniforms.
    ///
    /// # Errors
    /// [`PlayError::Follow`] if the beginning of the stream is gone.
    pub async fn start(bus: &Bus, rules: Vec<StubRule>, plays: Plays) -> Result<Self, PlayError> {
        let follower = Follower::<Roster>::start(bus, STUB_EXECUTOR, &UNIFORM_FILTERS).await?;
        let (roster, stage) = set_up(bus, &rules, follower.state().clone());
        let players = JoinSet::new();
        let (bus, rules) = (bus.clone(), rules);
        let mut executor = Self { bus, rules, plays, follower, roster, stage, players };
        let known = executor.follower.state().clone();
        for (pair, position) in known.pairs() {
            executor.begin(pair.clone(), position);
        }
        Ok(executor)
    }

    /// Waits for the next event of a project, or for a crash that a rule wants. Cancel-safe.
    ///
    /// # Errors
    /// [`PlayError`]; nothing is played after it.
    pub async fn step(&mut self) -> Result<(), PlayError> {
        let followed = tokio::select! {
            biased;
            Some(_) = self.players.join_next() => return Err(PlayError::Crash),
            followed = self.follower.next() => followed?,
        };
        match followed {
            Followed::Applied { stored, notes } => self.learn(&stored, notes),
            Followed::CaughtUp => {
                info!(position = self.follower.position(), "knows whom to play");
            }
            Followed::Restarted => {
                self.players.abort_all();
                self.players = JoinSet::new();
                (self.roster, self.stage) = set_up(&self.bus, &self.rules, Roster::default());
            }
        }
        Ok(())
    }

    /// Returns what follows the stream, for whoever asks how far it is.
    pub fn follower(&self) -> &Follower<Roster> {
        &self.follower
    }

    /// Stops playing; tasks in work come again when somebody plays.
    pub async fn finish(mut self) {
        self.players.abort_all();
        self.follower.finish().await;
    }

    fn learn(&mut self, stored: &Stored, change: Change) {
        if let Some(note) = change.note {
            let event = stored.body.as_ref().ok();
            debug!(position = stored.position, event.id = log::id(stored),
                event.r#type = %stored.subject, keptn.context = event.and_then(log::context),
                trace_id = event.and_then(log::trace_id), reason = %note,
                "an event of a project has no effect");
        }
        for pair in change.refused_pairs {
            error!(service = %pair.service, task = %pair.task,
                "too many executors and tasks in all uniforms: this one is not played");
        }
        self.roster.send_replace(self.follower.state().clone());
        for pair in change.new_pairs {
            self.begin(pair, stored.position);
        }
    }

    fn begin(&mut self, pair: Pair, position: Position) {
        if self.plays.includes(&pair.service) {
            self.players.spawn(Player::new(Arc::clone(&self.stage), pair, position).play());
        } else {
            info!(service = %pair.service, task = %pair.task, "left to somebody else");
        }
    }
}

fn set_up(bus: &Bus, rules: &[StubRule], roster: Roster) -> (watch::Sender<Roster>, Arc<Stage>) {
    let (sender, receiver) = watch::channel(roster);
    let stage = Stage {
        bus: bus.clone(),
        publisher: bus.publisher(),
        learnt: Learnt::new(bus.clone(), receiver),
        rules: rules.to_vec(),
    };
    (sender, Arc::new(stage))
}
