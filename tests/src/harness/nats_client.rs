//! A bare client of core NATS, written against the protocol: no library that the product uses, no
//! header, no acknowledgement unless a test asks for one.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use serde_json::Value;

/// Messages that a subscription keeps until the test takes them; a test makes a few hundred.
const QUEUED_MESSAGES_MAX: usize = 100_000;

/// One message.
#[derive(Clone, Debug)]
pub struct Message {
    /// Where the answer goes; for a consumer, where and when the message was stored.
    pub reply: String,
    /// Status line and headers, empty if there are none.
    pub headers: String,
    /// What it says.
    pub body: Vec<u8>,
}

type Subscribers = Arc<Mutex<BTreeMap<String, SyncSender<Message>>>>;

/// One connection.
pub struct NatsClient {
    stream: Mutex<TcpStream>,
    subscribers: Subscribers,
    last_id: Mutex<u64>,
    /// Tells its inboxes from those of other connections of the same process.
    number: u32,
}

impl NatsClient {
    /// Connects to the server on this machine.
    ///
    /// # Errors
    ///
    /// Nobody listens on the port.
    pub fn connect(port: u16) -> std::io::Result<Self> {
        static CLIENTS: AtomicU32 = AtomicU32::new(0);
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        let subscribers = Subscribers::default();
        let reader = BufReader::new(stream.try_clone()?);
        let writer = stream.try_clone()?;
        let kept = Arc::clone(&subscribers);
        // Ends with the connection.
        thread::spawn(move || read_messages(reader, writer, &kept));
        let number = CLIENTS.fetch_add(1, Ordering::Relaxed);
        let last_id = Mutex::new(0);
        let client = Self { stream: Mutex::new(stream), subscribers, last_id, number };
        client.send(
            b"CONNECT {\"verbose\":false,\"headers\":true,\"no_responders\":true}\r\nPING\r\n",
        )?;
        Ok(client)
    }

    /// Publishes as the oldest client would: subject and body, nothing else.
    pub fn publish(&self, subject: &str, body: &[u8]) {
        self.put(subject, "", body).expect("the connection to NATS holds");
    }

    /// Subscribes; messages arrive in the order of the server.
    pub fn subscribe(&self, subject: &str) -> Receiver<Message> {
        self.try_subscribe(subject).expect("the connection to NATS holds")
    }

    /// Subscribes on a connection that may be gone.
    ///
    /// # Errors
    ///
    /// It is gone.
    pub fn try_subscribe(&self, subject: &str) -> std::io::Result<Receiver<Message>> {
        self.subscribe_as(&self.next_id(), subject, QUEUED_MESSAGES_MAX)
    }

    /// The room for the messages is taken at once, all of it.
    fn subscribe_as(
        &self,
        id: &str,
        subject: &str,
        messages: usize,
    ) -> std::io::Result<Receiver<Message>> {
        let (sender, receiver) = sync_channel(messages);
        lock(&self.subscribers).insert(id.to_owned(), sender);
        self.send(format!("SUB {subject} {id}\r\n").as_bytes())?;
        Ok(receiver)
    }

    /// Asks and waits for one answer.
    ///
    /// # Errors
    ///
    /// Nobody answers, the connection is gone, or the answer is no JSON; the text says which.
    pub fn request(&self, subject: &str, body: &[u8]) -> Result<Value, String> {
        let answer = self.request_bytes(subject, body)?;
        serde_json::from_slice(&answer).map_err(|error| format!("{subject}: {error}"))
    }

    /// Asks and waits for one answer, as it came.
    ///
    /// # Errors
    ///
    /// Nobody answers, or the connection is gone; the text says which.
    pub fn request_bytes(&self, subject: &str, body: &[u8]) -> Result<Vec<u8>, String> {
        // JetStream answers within milliseconds, and a missing responder is told at once.
        const ANSWER_WAIT: Duration = Duration::from_secs(5);
        let id = self.next_id();
        let inbox = format!("_INBOX.{}.{}.{id}", std::process::id(), self.number);
        let gone = |error: std::io::Error| error.to_string();
        let answers = self.subscribe_as(&id, &inbox, 1).map_err(gone)?;
        self.put(subject, &inbox, body).map_err(gone)?;
        let answer = answers.recv_timeout(ANSWER_WAIT).map_err(|error| match error {
            RecvTimeoutError::Timeout => format!("no answer to {subject} in {ANSWER_WAIT:?}"),
            RecvTimeoutError::Disconnected => format!("no connection for {subject}"),
        });
        lock(&self.subscribers).remove(&id);
        self.send(format!("UNSUB {id}\r\n").as_bytes()).map_err(gone)?;
        let answer = answer?;
        if answer.headers.starts_with("NATS/1.0 503") {
            return Err(format!("nobody answers on {subject}"));
        }
        Ok(answer.body)
    }

    fn put(&self, subject: &str, reply: &str, body: &[u8]) -> std::io::Result<()> {
        let mut frame = format!("PUB {subject} {reply} {}\r\n", body.len()).into_bytes();
        frame.extend_from_slice(body);
        frame.extend_from_slice(b"\r\n");
        self.send(&frame)
    }

    fn send(&self, bytes: &[u8]) -> std::io::Result<()> {
        lock(&self.stream).write_all(bytes)
    }

    fn next_id(&self) -> String {
        let mut last = lock(&self.last_id);
        *last += 1;
        last.to_string()
    }
}

/// A thread that failed has already been reported; what it held is still good.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Hands messages to their subscribers until the connection ends.
fn read_messages(
    mut reader: BufReader<TcpStream>,
    mut writer: TcpStream,
    subscribers: &Subscribers,
) {
    let mut line = String::new();
    while reader.read_line(&mut line).is_ok_and(|bytes| bytes > 0) {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        match words.as_slice() {
            ["PING"] if writer.write_all(b"PONG\r\n").is_err() => break,
            ["MSG" | "HMSG", _, id, ..] => {
                let with_headers = line.starts_with('H');
                let Some(message) = read_message(&mut reader, &words, with_headers) else { break };
                if let Some(subscriber) = lock(subscribers).get(*id) {
                    // A subscription that the test has let go of is no failure.
                    drop(subscriber.try_send(message));
                }
            }
            _ => {}
        }
        line.clear();
    }
    lock(subscribers).clear();
}

/// Reads what stands behind `MSG subject id [reply] size` or `HMSG … headers-size size`.
fn read_message(
    reader: &mut BufReader<TcpStream>,
    words: &[&str],
    with_headers: bool,
) -> Option<Message> {
    let sizes = if with_headers { 2 } else { 1 };
    let size: usize = words.last()?.parse().ok()?;
    let headers_size: usize =
        if with_headers { words.get(words.len() - 2)?.parse().ok()? } else { 0 };
    let reply = if words.len() == 4 + sizes { words.get(3)? } else { "" };
    let mut bytes = vec![0; size + 2];
    reader.read_exact(&mut bytes).ok()?;
    bytes.truncate(size);
    let body = bytes.split_off(headers_size);
    let headers = String::from_utf8_lossy(&bytes).into_owned();
    Some(Message { reply: (*reply).to_owned(), headers, body })
}
