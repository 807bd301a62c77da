//! Following what the view knows: the next answer is asked for behind the position of the last one,
//! and the view holds the question until it has read further. So nothing is missed, nothing comes
//! twice, and while nothing happens there is a question every two seconds.

use std::time::Duration;

use model::{
    Position,
    view::{Events, Sequences},
};
use serde::{Serialize, de::DeserializeOwned};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use crate::{
    client::Client,
    failure::{Exit, Failure},
    terminal,
};

/// Least time between two answers, so that a busy stream does not make a busy view.
const ANSWER_PAUSE: Duration = Duration::from_millis(100);
/// Pause after the view, or NATS, did not answer.
const SILENCE_PAUSE: Duration = Duration::from_secs(1);

/// An answer that holds at a position.
pub(crate) trait AtPosition: DeserializeOwned {
    /// Returns the position.
    fn position(&self) -> Position;
}

impl AtPosition for Events {
    fn position(&self) -> Position {
        self.position
    }
}

impl AtPosition for Sequences {
    fn position(&self) -> Position {
        self.position
    }
}

/// What became of a wait.
#[derive(Debug)]
pub(crate) enum Turn<A> {
    /// The view has read further, and this holds now.
    Newer(A),
    /// Nothing was read meanwhile.
    Idle,
    /// The time is over.
    Over,
}

/// Who follows, and how far he is.
#[derive(Debug)]
pub(crate) struct Follow {
    position: Position,
    until: Option<Instant>,
    not_before: Instant,
    is_silence_told: bool,
}

impl Follow {
    /// Begins behind an answer that was shown; without a limit it never ends.
    pub(crate) fn behind(position: Position, limit: Option<Duration>) -> Self {
        let now = Instant::now();
        let until = limit.and_then(|limit| now.checked_add(limit));
        Self { position, until, not_before: now, is_silence_told: false }
    }

    /// Waits for the next answer; `query` makes the question for what must have been read.
    ///
    /// # Errors
    /// What the view refuses. That it does not answer is told once, and tried again.
    pub(crate) async fn next<A: AtPosition, Q: Serialize + Sync>(
        &mut self,
        client: &Client,
        subject: &str,
        query: impl FnOnce(Position) -> Q,
    ) -> Result<Turn<A>, Failure> {
        let asking = self.ask(client, subject, query(self.position + 1));
        let asked = match self.until {
            Some(until) => timeout_at(until, asking).await.unwrap_or(Ok(None)),
            None => asking.await,
        };
        let is_over = self.until.is_some_and(|until| Instant::now() >= until);
        let turn = match asked {
            Ok(Some(answer)) => self.newer(answer),
            Ok(None) if is_over => Turn::Over,
            Ok(None) => Turn::Idle,
            Err(Failure::Told(told)) if told.exit == Exit::Unreachable => {
                self.tell_silence(&told.errors);
                sleep(SILENCE_PAUSE).await;
                if is_over { Turn::Over } else { Turn::Idle }
            }
            Err(failure) => return Err(failure),
        };
        Ok(turn)
    }

    async fn ask<A: DeserializeOwned>(
        &self,
        client: &Client,
        subject: &str,
        query: impl Serialize + Sync,
    ) -> Result<Option<A>, Failure> {
        sleep_until(self.not_before).await;
        client.ask_newer(subject, &query).await
    }

    fn newer<A: AtPosition>(&mut self, answer: A) -> Turn<A> {
        self.is_silence_told = false;
        self.not_before = Instant::now() + ANSWER_PAUSE;
        self.position = answer.position();
        Turn::Newer(answer)
    }

    fn tell_silence(&mut self, errors: &[String]) {
        if !self.is_silence_told {
            self.is_silence_told = true;
            terminal::talk(&format!("warning: {}; trying again", errors.join("; ")));
        }
    }
}
