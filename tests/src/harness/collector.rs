//! A collector of traces: takes what is exported to it over HTTP and keeps the spans. It shares no
//! code with the exporter.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use serde_json::Value;

/// One span, as it was sent.
#[derive(Clone, Debug)]
pub struct Span(Value);

impl Span {
    /// Returns a member that is a text; empty if it is absent.
    pub fn text(&self, key: &str) -> &str {
        self.0[key].as_str().unwrap_or_default()
    }

    /// Returns a moment in nanoseconds.
    pub fn nanos(&self, key: &str) -> i64 {
        self.text(key).parse().expect("a moment is a number written as text")
    }

    /// Returns an attribute; empty if it is absent.
    pub fn attribute(&self, key: &str) -> &str {
        let all = self.0["attributes"].as_array().map(Vec::as_slice).unwrap_or_default();
        let found = all.iter().find(|attribute| attribute["key"] == key);
        found.and_then(|one| one["value"]["stringValue"].as_str()).unwrap_or_default()
    }

    /// Tells whether it failed.
    pub fn is_error(&self) -> bool {
        self.0["status"]["code"] == 2
    }
}

#[derive(Default)]
struct Taken {
    heads: Vec<String>,
    spans: Vec<Span>,
    unanswered: Vec<TcpStream>,
}

/// A collector on a port of its own; ends with the test.
pub struct Collector {
    address: SocketAddr,
    taken: Arc<Mutex<Taken>>,
}

impl Collector {
    /// Starts one that takes everything.
    pub fn start() -> Self {
        Self::on(listener("127.0.0.1:0"), true)
    }

    /// Starts one that reads and never answers.
    pub fn that_hangs() -> Self {
        Self::on(listener("127.0.0.1:0"), false)
    }

    /// Returns an address where nobody listens.
    pub fn nowhere() -> SocketAddr {
        listener("127.0.0.1:0").local_addr().expect("a listener has an address")
    }

    /// Starts one that takes everything, where nobody was before.
    pub fn at(address: SocketAddr) -> Self {
        Self::on(listener(&address.to_string()), true)
    }

    fn on(listener: TcpListener, answers: bool) -> Self {
        let address = listener.local_addr().expect("a listener has an address");
        let taken = Arc::<Mutex<Taken>>::default();
        let kept = Arc::clone(&taken);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                take(stream, answers, &kept);
            }
        });
        Self { address, taken }
    }

    /// Returns what services are told.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the spans of a trace that were taken so far.
    pub fn spans_of(&self, trace: &str) -> Vec<Span> {
        let taken = self.taken();
        taken.spans.iter().filter(|span| span.text("traceId") == trace).cloned().collect()
    }

    /// Returns the heads of the requests.
    pub fn heads(&self) -> Vec<String> {
        self.taken().heads.clone()
    }

    /// Returns how many requests have no answer.
    pub fn unanswered(&self) -> usize {
        self.taken().unanswered.len()
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn listener(address: &str) -> TcpListener {
    TcpListener::bind(address).expect("a port is free")
}

/// Reads one request, and answers it or keeps it open.
fn take(mut stream: TcpStream, answers: bool, taken: &Mutex<Taken>) {
    let (head, body) = request(&mut stream);
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let mut taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
    taken.heads.push(head);
    if !answers {
        taken.unanswered.push(stream);
        return;
    }
    let spans = body.pointer("/resourceSpans/0/scopeSpans/0/spans").and_then(Value::as_array);
    taken.spans.extend(spans.into_iter().flatten().cloned().map(Span));
    drop(taken);
    let answer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
    // Who asked may be gone.
    drop(stream.write_all(answer.as_bytes()));
}

/// Returns head and body of a request, as far as they came.
fn request(stream: &mut TcpStream) -> (String, Vec<u8>) {
    let (mut read, mut part) = (Vec::new(), [0_u8; 4096]);
    loop {
        if let Some(at) = read.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&read[..at]).into_owned();
            let length = head.to_lowercase();
            let length = length.lines().find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.and_then(|text| text.parse().ok()).unwrap_or(0);
            if read.len() >= at + 4 + length {
                return (head, read[at + 4..].to_vec());
            }
        }
        match stream.read(&mut part) {
            Ok(count) if count > 0 => read.extend_from_slice(&part[..count]),
            Ok(_) | Err(_) => return (String::new(), Vec::new()),
        }
    }
}
