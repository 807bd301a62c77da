//! Group commit. A server that writes each message through does so once for a whole atomic batch,
//! so that a batch of 64 is stored some three times as fast as 64 messages, and one of a few is
//! stored more slowly than these alone. So everything goes out by itself while few are on their way, what comes
//! meanwhile is gathered, and only as many as pay go out as one batch.

use std::{collections::VecDeque, future::Future, pin::Pin};

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use tokio::sync::{mpsc, oneshot};

use super::{IN_FLIGHT_MAX, PublishAck, PublishError, Sent, batch, send};

/// Fewest messages that are faster as a batch than alone: a batch costs the server 2 to 5 ms, a
/// message 0.2 ms.
const BATCH_MIN: usize = 64;
/// Most messages in a batch. The server takes 1,000; what comes behind must not wait for so many.
const BATCH_MAX: usize = 256;
/// Messages that are on their way alone, side by side: enough that the server always has the next
/// one while an acknowledgement travels.
const ALONE_MAX: usize = 8;

/// A message that waits for its turn.
pub(super) struct Letter {
    pub(super) sent: Sent,
    /// Whoever said it; gone if nobody wants it said any more.
    pub(super) sayer: oneshot::Sender<Result<PublishAck, PublishError>>,
}

/// The way into a group; the group ends with its last copy.
#[derive(Clone, Debug)]
pub(super) struct Group(mpsc::Sender<Letter>);

impl Group {
    /// Starts a group. Must be called within a runtime.
    pub(super) fn start() -> Self {
        let (letters_tx, letters) = mpsc::channel(IN_FLIGHT_MAX);
        tokio::spawn(Gathering::new(letters).run());
        Self(letters_tx)
    }

    /// Says a message when it is its turn; it is not said if this future is dropped before.
    pub(super) async fn send(&self, sent: Sent) -> Result<PublishAck, PublishError> {
        let disconnected = PublishError::Disconnected { subject: sent.subject.clone() };
        let (sayer, said) = oneshot::channel();
        if self.0.send(Letter { sent, sayer }).await.is_err() {
            return Err(disconnected);
        }
        // Without an answer the runtime is ending.
        said.await.unwrap_or(Err(disconnected))
    }
}

/// What goes out next.
#[derive(Debug, PartialEq, Eq)]
enum Turn {
    Alone,
    Batch(usize),
    /// Nothing before something comes in or back.
    Wait,
}

/// Decides by what waits and what is on its way.
fn turn(waiting: usize, refused: usize, alone: usize, batch_is_out: bool) -> Turn {
    if batch_is_out {
        Turn::Wait
    } else if refused == 0 && waiting >= BATCH_MIN {
        Turn::Batch(waiting.min(BATCH_MAX))
    } else if refused + waiting > 0 && alone < ALONE_MAX {
        Turn::Alone
    } else {
        Turn::Wait
    }
}

type Alone = Pin<Box<dyn Future<Output = ()> + Send>>;
type Batch = Pin<Box<dyn Future<Output = Vec<Letter>> + Send>>;

struct Gathering {
    letters: mpsc::Receiver<Letter>,
    waiting: VecDeque<Letter>,
    /// Members of a batch that was refused: they go alone, before all others.
    refused: VecDeque<Letter>,
    alone: FuturesUnordered<Alone>,
    batch: Option<Batch>,
}

impl Gathering {
    fn new(letters: mpsc::Receiver<Letter>) -> Self {
        Self {
            letters,
            waiting: VecDeque::new(),
            refused: VecDeque::new(),
            alone: FuturesUnordered::new(),
            batch: None,
        }
    }

    /// Runs until nobody can say anything more and everything has come back.
    async fn run(mut self) {
        let mut is_open = true;
        while is_open || !self.is_idle() {
            tokio::select! {
                biased;
                refused = returned(&mut self.batch) => {
                    self.batch = None;
                    self.refused.extend(refused);
                }
                Some(()) = self.alone.next(), if !self.alone.is_empty() => {}
                letter = self.letters.recv(), if is_open => match letter {
                    Some(letter) => self.waiting.push_back(letter),
                    None => is_open = false,
                },
            }
            while let Ok(letter) = self.letters.try_recv() {
                self.waiting.push_back(letter);
            }
            self.send_what_may_go();
        }
    }

    fn is_idle(&self) -> bool {
        let nothing_waits = self.waiting.is_empty() && self.refused.is_empty();
        nothing_waits && self.alone.is_empty() && self.batch.is_none()
    }

    fn send_what_may_go(&mut self) {
        loop {
            let (waiting, refused) = (self.waiting.len(), self.refused.len());
            match turn(waiting, refused, self.alone.len(), self.batch.is_some()) {
                Turn::Batch(most) => self.send_batch(most),
                Turn::Alone => self.send_alone(),
                Turn::Wait => return,
            }
        }
    }

    fn send_alone(&mut self) {
        let next = self.refused.pop_front().or_else(|| self.waiting.pop_front());
        if let Some(Letter { sent, sayer }) = next.filter(|letter| !letter.sayer.is_closed()) {
            // Who said it may be gone by then.
            self.alone.push(Box::pin(async move { drop(sayer.send(send(sent).await)) }));
        }
    }

    /// Sends at most so many; those that were said over another connection, or by nobody any more, are
    /// not among them.
    fn send_batch(&mut self, most: usize) {
        let mut members: Vec<Letter> = self.waiting.drain(..most).collect();
        members.retain(|letter| !letter.sayer.is_closed());
        let Some(last) = members.last() else { return };
        let connection = last.sent.live.number;
        let is_older = |letter: &Letter| letter.sent.live.number != connection;
        let split = members.iter().rposition(is_older).map_or(0, |at| at + 1);
        let newer = members.split_off(split);
        self.refused.extend(members);
        if newer.len() < BATCH_MIN {
            self.refused.extend(newer);
        } else {
            self.batch = Some(Box::pin(batch::send(newer)));
        }
    }
}

async fn returned(batch: &mut Option<Batch>) -> Vec<Letter> {
    match batch {
        Some(batch) => batch.await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_go_alone_and_many_as_a_batch() {
        let cases = [
            // waiting, refused, alone, a batch is out
            ((0, 0, 0, false), Turn::Wait),
            ((1, 0, 0, false), Turn::Alone),
            ((1, 0, ALONE_MAX, false), Turn::Wait),
            ((BATCH_MIN - 1, 0, ALONE_MAX - 1, false), Turn::Alone),
            ((BATCH_MIN, 0, ALONE_MAX, false), Turn::Batch(BATCH_MIN)),
            ((BATCH_MAX + 1, 0, 0, false), Turn::Batch(BATCH_MAX)),
            ((BATCH_MAX, 0, 0, true), Turn::Wait),
            ((BATCH_MAX, 1, 0, false), Turn::Alone),
            ((0, 1, ALONE_MAX, false), Turn::Wait),
        ];
        for ((waiting, refused, alone, batch_is_out), expected) in cases {
            let found = turn(waiting, refused, alone, batch_is_out);
            assert_eq!(found, expected, "{waiting} {refused} {alone} {batch_is_out}");
        }
    }
}
