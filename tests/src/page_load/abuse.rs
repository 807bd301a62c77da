//! What strangers can do to status-view: come and go, be slow, send too much. Meanwhile a person
//! who means well must get an answer, and memory must not grow with what is sent.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::task::JoinSet;
use tokio::time::{interval, timeout};

use super::usage;
use super::{say, start, web};
use crate::harness::stack::STATUS_VIEW;
use crate::harness::wait;

/// What a person may wait for a page.
const ANSWER_MAX: Duration = Duration::from_secs(1);
/// What status-view may hold in memory, in megabytes.
const RESIDENT_MB_MAX: u64 = 150;
/// Pause between two pages of the person who means well.
const READ_EVERY: Duration = Duration::from_millis(50);
/// The page that everybody asks for.
const PAGE: &str = "/projects/sockshop";

/// How long each is done at least, so that the person who means well meets it.
const ATTACK_MIN: Duration = Duration::from_secs(5);

/// Live pages that are opened and closed, and how many at the same time.
const VISITS: usize = 10_000;
const VISITORS: usize = 200;
/// Connections whose request never ends, and a letter of which each sends so often.
const SLOW: usize = 500;
const LETTER_EVERY: Duration = Duration::from_millis(500);
/// Requests with a head of so many bytes.
const LARGE_HEADS: usize = 200;
const HEAD_BYTES: usize = 100_000;
/// Requests with a body of so many bytes, half of them without saying so first.
const LARGE_BODIES: usize = 8;
const BODY_BYTES: usize = 1 << 30;
/// Bytes of a body that are sent at once.
const PIECE_BYTES: usize = 64 * 1024;
/// Longest time of one connection: it should have been closed long before.
const CONNECTION_LIMIT: Duration = Duration::from_secs(30);

/// Sends something to a port, and says what became of it.
type Attack = fn(u16) -> String;

/// Runs all of it, prints what it came to, and tells whether the limits held.
pub fn run() -> bool {
    let (mut stack, port) = start();
    stack.user.keptn(&["demo"]).done();
    let view = stack.service(STATUS_VIEW).id();
    say(&format!("status-view before: {} MB", usage::resident_mb(usage::of(view))));
    let attacks: [(&str, Attack); 4] = [
        ("live pages opened and closed", come_and_go),
        ("requests that never end", be_slow),
        ("heads of 100 kB", send_heads),
        ("bodies of 1 GB", send_bodies),
    ];
    let mut holds = true;
    for (what, attack) in attacks {
        let person = Person::start(port, view);
        let begun = Instant::now();
        let mut times = 1;
        let mut said = attack(port);
        while begun.elapsed() < ATTACK_MIN {
            said = attack(port);
            times += 1;
        }
        let took = begun.elapsed();
        let met = person.end();
        let is_good = met.refused == 0
            && met.pages > 0
            && met.slowest <= ANSWER_MAX
            && met.resident_mb <= RESIDENT_MB_MAX
            && stack.service(STATUS_VIEW).is_running();
        holds &= is_good;
        say(&format!(
            "{} {what}: {said}, {times} times in {:.1} s; meanwhile {} pages, slowest {} ms, {} refused, at most {} MB",
            if is_good { "pass" } else { "FAIL" },
            took.as_secs_f64(),
            met.pages,
            met.slowest.as_millis(),
            met.refused,
            met.resident_mb,
        ));
    }
    holds
}

/// What the person who means well has met.
#[derive(Default)]
struct Met {
    pages: usize,
    refused: usize,
    slowest: Duration,
    resident_mb: u64,
}

/// Loads a page again and again, each over a connection of its own.
struct Person {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Met>,
}

impl Person {
    fn start(port: u16, view: u32) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let mut met = Met::default();
            while !told.load(Ordering::Relaxed) {
                let begun = Instant::now();
                let answer = web::get(port, PAGE).unwrap_or_default();
                met.slowest = met.slowest.max(begun.elapsed());
                met.pages += 1;
                met.refused += usize::from(web::status(&answer) != 200);
                met.resident_mb = met.resident_mb.max(usage::resident_mb(usage::of(view)));
                wait::pass(READ_EVERY);
            }
            met
        });
        Self { stop, thread }
    }

    fn end(self) -> Met {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("a person does not fail")
    }
}

/// Runs so many connections side by side and returns what each came to; an error is told as `None`.
fn together<T, F>(connections: usize, connection: impl Fn(usize) -> F) -> Vec<Option<T>>
where
    T: Send + 'static,
    F: Future<Output = std::io::Result<T>> + Send + 'static,
{
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime can be built").block_on(async {
        let mut all = JoinSet::new();
        for number in 0..connections {
            all.spawn(timeout(CONNECTION_LIMIT, connection(number)));
        }
        all.join_all().await.into_iter().map(|ended| ended.ok().and_then(Result::ok)).collect()
    })
}

async fn connect(port: u16) -> std::io::Result<TcpStream> {
    TcpStream::connect(("127.0.0.1", port)).await
}

/// Reads the beginning of an answer and returns its status.
async fn status(stream: &mut TcpStream) -> std::io::Result<u16> {
    let mut beginning = [0; 64];
    let read = stream.read(&mut beginning).await?;
    Ok(web::status(&String::from_utf8_lossy(&beginning[..read])))
}

fn come_and_go(port: u16) -> String {
    let mut good = 0;
    for _ in 0..VISITS / VISITORS {
        let seen = together(VISITORS, |_| async move {
            let mut stream = connect(port).await?;
            stream.write_all(web::request(&format!("{PAGE}?live=0")).as_bytes()).await?;
            status(&mut stream).await
        });
        good += seen.iter().filter(|status| **status == Some(200)).count();
    }
    format!("{VISITS} visits, {VISITORS} at the same time, {good} were shown the page")
}

fn be_slow(port: u16) -> String {
    let begun = Instant::now();
    let closed = together(SLOW, |_| async move {
        let mut stream = connect(port).await?;
        stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ").await?;
        let mut pace = interval(LETTER_EVERY);
        let mut answer = [0; 512];
        loop {
            tokio::select! {
                // An answer or the end: either way, the server waits no longer.
                _ = stream.read(&mut answer) => return Ok(begun.elapsed()),
                _ = pace.tick() => {}
            }
            if stream.write_all(b"x").await.is_err() {
                return Ok(begun.elapsed());
            }
        }
    });
    let ended: Vec<Duration> = closed.into_iter().flatten().collect();
    let longest = ended.iter().max().copied().unwrap_or_default();
    format!("{} of {SLOW} were closed, the last after {:.1} s", ended.len(), longest.as_secs_f64())
}

fn send_heads(port: u16) -> String {
    let head = format!(
        "GET {PAGE} HTTP/1.1\r\nHost: localhost\r\nX-Large: {}\r\n\r\n",
        "x".repeat(HEAD_BYTES)
    );
    let head: Arc<str> = head.into();
    let seen = together(LARGE_HEADS, |_| {
        let head = Arc::clone(&head);
        async move {
            let mut stream = connect(port).await?;
            // The rest may be cut off by the answer.
            drop(stream.write_all(head.as_bytes()).await);
            status(&mut stream).await
        }
    });
    let answered = seen.iter().filter(|status| **status == Some(431)).count();
    let taken = seen.iter().filter(|status| **status == Some(200)).count();
    format!("{LARGE_HEADS} requests, {answered} answered with 431, {taken} with 200")
}

fn send_bodies(port: u16) -> String {
    let sent = together(LARGE_BODIES, |number| async move {
        let is_said = number % 2 == 0;
        let mut stream = connect(port).await?;
        let length = if is_said {
            format!("Content-Length: {BODY_BYTES}")
        } else {
            "Transfer-Encoding: chunked".to_owned()
        };
        let form = "Content-Type: application/x-www-form-urlencoded";
        let head = format!("POST /login HTTP/1.1\r\nHost: localhost\r\n{form}\r\n{length}\r\n\r\n");
        stream.write_all(head.as_bytes()).await?;
        let mut piece = vec![b'x'; PIECE_BYTES];
        if !is_said {
            piece.splice(..0, format!("{PIECE_BYTES:x}\r\n").into_bytes());
            piece.extend_from_slice(b"\r\n");
        }
        let mut bytes = 0;
        while bytes < BODY_BYTES && stream.write_all(&piece).await.is_ok() {
            bytes += PIECE_BYTES;
        }
        Ok(bytes)
    });
    let sent: Vec<usize> = sent.into_iter().flatten().collect();
    let most = sent.iter().max().copied().unwrap_or_default();
    format!(
        "{} of {LARGE_BODIES} were cut off, the last behind {} kB",
        sent.iter().filter(|bytes| **bytes < BODY_BYTES).count(),
        most / 1_000
    )
}
