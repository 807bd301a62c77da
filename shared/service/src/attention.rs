//! Notices that the process got no processor for a while, and then keeps it silent until it has
//! read on. Pure: it is told the time and what the server says.
//!
//! What such a process has read is old. The window in which the server tells a repetition by its
//! message id may be over, and a step may have been decided otherwise on another subject, which no
//! fence looks at. So it says nothing until it has read up to the end of the stream as it is now.

use std::time::Duration;

use bus::BootTime;
use model::Position;

#[cfg(test)]
mod tests;

/// Time between two turns from which on the process was stopped: a loop that runs turns each
/// second. A shorter stop is covered by the message ids.
pub const STOPPED_FROM: Duration = Duration::from_secs(5);

/// Pause before the end of the stream is asked for again when nobody answered.
const ASK_PAUSE: Duration = Duration::from_millis(200);

/// Number of a question for the end of the stream; an answer to an older one is void.
pub type Question = u64;

/// Whether what was read may be spoken about.
#[derive(Debug, Default)]
pub struct Attention {
    last_turn: Option<BootTime>,
    question: Question,
    lag: Lag,
}

/// How far behind the process may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Lag {
    #[default]
    None,
    /// The end must be asked for, not before this moment.
    Unknown(BootTime),
    Asked,
    /// It must read up to there.
    UpTo(Position),
}

impl Attention {
    /// Notes that the loop turns; each turn must be noted before anything is said in it.
    pub fn turn(&mut self, now: BootTime) {
        let is_stopped = self.last_turn.is_some_and(|last| now.since(last) > STOPPED_FROM);
        self.last_turn = Some(now);
        if is_stopped {
            self.question += 1;
            self.lag = Lag::Unknown(now);
        }
    }

    /// Returns the number under which the end of the stream must be asked for now.
    pub fn ask(&mut self, now: BootTime) -> Option<Question> {
        let is_time = matches!(self.lag, Lag::Unknown(at) if at <= now);
        if is_time {
            self.lag = Lag::Asked;
        }
        is_time.then_some(self.question)
    }

    /// Hears where the stream ends, or that nobody answered.
    pub fn told(&mut self, question: Question, end: Option<Position>, now: BootTime) {
        if question == self.question && self.lag == Lag::Asked {
            self.lag = end.map_or_else(|| Lag::Unknown(now.after(ASK_PAUSE)), Lag::UpTo);
        }
    }

    /// Tells whether something may be said by who has read up to there.
    pub fn is_awake(&mut self, read_up_to: Position) -> bool {
        if matches!(self.lag, Lag::UpTo(end) if end <= read_up_to) {
            self.lag = Lag::None;
        }
        self.lag == Lag::None
    }
}
