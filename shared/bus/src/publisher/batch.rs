//! One atomic batch: all of its messages are stored in a row, or none is.

use std::sync::atomic::Ordering;

use async_nats::{HeaderMap, Message, RequestErrorKind};
use bytes::Bytes;
use model::Position;
use serde::Deserialize;
use tracing::{debug, info};

use super::{ACK_WAIT, PublishAck, PublishError, Sent, group::Letter, not_allowed};
use crate::{
    api::WireError,
    connection::Live,
    names::{BATCH_COMMIT, BATCH_COMMIT_FINAL, BATCH_ID, BATCH_SEQUENCE, STREAM},
};

/// The stream was created without atomic batches.
const CODE_BATCHES_DISABLED: u64 = 10174;

/// Sends messages that were said over one connection, and tells whoever said them what became of them.
/// Returns those of a batch that was refused, of which none is stored: one alone that is stored
/// already refuses all of them.
pub(super) async fn send(members: Vec<Letter>) -> Vec<Letter> {
    let Some(live) = members.last().map(|letter| letter.sent.live.clone()) else { return members };
    if live.refuses_batches.load(Ordering::Relaxed) {
        return members;
    }
    match sent(&live, &members).await {
        Ok(Committed::At(last)) => {
            let first = (last + 1).saturating_sub(members.len() as u64);
            for (position, letter) in (first..).zip(members) {
                drop(letter.sayer.send(Ok(PublishAck { position, duplicate: false })));
            }
            Vec::new()
        }
        Ok(Committed::Not) => members,
        Err(kind) => {
            for Letter { sent: Sent { subject, .. }, sayer } in members {
                drop(sayer.send(Err(in_doubt(kind, subject))));
            }
            Vec::new()
        }
    }
}

enum Committed {
    /// The position of its last message.
    At(Position),
    Not,
}

fn in_doubt(kind: RequestErrorKind, subject: String) -> PublishError {
    match kind {
        RequestErrorKind::TimedOut => PublishError::NoAck { subject, limit: ACK_WAIT },
        RequestErrorKind::NoResponders
        | RequestErrorKind::InvalidSubject
        | RequestErrorKind::MaxPayloadExceeded
        | RequestErrorKind::Other => PublishError::Disconnected { subject },
    }
}

/// Sends them and waits for the answer to the last one, which commits the batch.
///
/// # Errors
/// If nobody knows whether they are stored.
async fn sent(live: &Live, members: &[Letter]) -> Result<Committed, RequestErrorKind> {
    let inbox = live.client.new_inbox();
    // The part that is unique: the server takes at most 64 bytes.
    let id = inbox.rsplit('.').next().unwrap_or(&inbox);
    let Some((last, others)) = members.split_last() else { return Ok(Committed::Not) };
    for (sequence, Letter { sent, .. }) in (1_u64..).zip(others) {
        let headers = with_place(&sent.headers, id, sequence);
        let payload = Bytes::clone(&sent.payload);
        let queued = live.client.publish_with_headers(sent.subject.clone(), headers, payload).await;
        if queued.is_err() {
            // Too large, or no connection: without its last message nothing of the batch is stored.
            return Ok(Committed::Not);
        }
    }
    let mut headers = with_place(&last.sent.headers, id, members.len() as u64);
    headers.insert(BATCH_COMMIT, BATCH_COMMIT_FINAL);
    let subject = &last.sent.subject;
    let payload = Bytes::clone(&last.sent.payload);
    let request = live.request(subject.clone(), headers, payload, ACK_WAIT);
    let answer = tokio::select! {
        biased;
        answer = request => answer,
        () = not_allowed(live, subject) => return Ok(Committed::Not),
    };
    match answer {
        Ok(message) => Ok(read_ack(live, members.len(), &message)),
        Err(kind @ (RequestErrorKind::TimedOut | RequestErrorKind::Other)) => Err(kind),
        Err(_) => Ok(Committed::Not),
    }
}

fn with_place(headers: &HeaderMap, id: &str, sequence: u64) -> HeaderMap {
    let mut headers = headers.clone();
    headers.insert(BATCH_ID, id);
    headers.insert(BATCH_SEQUENCE, sequence.to_string());
    headers
}

#[derive(Deserialize)]
struct BatchAck {
    error: Option<WireError>,
    stream: Option<String>,
    seq: Option<Position>,
    count: Option<u64>,
}

fn read_ack(live: &Live, members: usize, message: &Message) -> Committed {
    match serde_json::from_slice::<BatchAck>(&message.payload) {
        Ok(BatchAck { error: None, stream: Some(stream), seq: Some(last), count: Some(count) })
            if stream == STREAM && count == members as u64 =>
        {
            Committed::At(last)
        }
        Ok(BatchAck { error: Some(error), .. }) => {
            let code = error.number();
            debug!(code, reason = error.description, members, "a batch was refused");
            if code == CODE_BATCHES_DISABLED && !live.refuses_batches.swap(true, Ordering::Relaxed)
            {
                info!(
                    "the stream allows no atomic batches: each event is written through by itself"
                );
            }
            Committed::Not
        }
        // Somebody else's stream: each message alone will say so.
        Ok(_) | Err(_) => Committed::Not,
    }
}
