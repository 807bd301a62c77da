//! Open pages: each is loaded and then followed, as a browser does.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

use super::options::Options;
use super::project::{PROJECT, service, stage};
use super::web::request;
use crate::harness::wait;

/// What stands before the position of a page.
const POSITION: &str = "data-position=\"";

#[derive(Default)]
struct Counts {
    open: AtomicUsize,
    drawings: AtomicUsize,
    bytes: AtomicUsize,
}

/// Pages that are open. Dropped, they are closed.
pub struct Pages {
    counts: Arc<Counts>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Pages {
    /// Opens pages and waits until all of them are live.
    pub fn open(port: u16, places: Vec<String>) -> Self {
        let counts = Arc::new(Counts::default());
        let wanted = places.len();
        let (stop, stopped) = oneshot::channel();
        let own = Arc::clone(&counts);
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime can be built").block_on(async {
                for place in places {
                    tokio::spawn(look(port, place, Arc::clone(&own)));
                }
                // The sender was dropped: that is a stop, too.
                drop(stopped.await);
            });
        });
        let pages = Self { counts, stop: Some(stop), thread: Some(thread) };
        wait::until("all pages are live", || match pages.opened() {
            open if open == wanted => Ok(()),
            open => Err(format!("{open} of {wanted}")),
        });
        pages
    }

    /// Returns how many are live.
    pub fn opened(&self) -> usize {
        self.counts.open.load(Ordering::Relaxed)
    }

    /// Returns how often pages were drawn anew, and in how many bytes, since the last call.
    pub fn taken(&self) -> (usize, usize) {
        let take = |count: &AtomicUsize| count.swap(0, Ordering::Relaxed);
        (take(&self.counts.drawings), take(&self.counts.bytes))
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        drop(self.stop.take());
        // A thread that failed has said so already.
        drop(self.thread.take().map(JoinHandle::join));
    }
}

/// Loads a page and follows it until the connection ends.
async fn look(port: u16, place: String, counts: Arc<Counts>) {
    if let Err(error) = follow(port, &place, &counts).await {
        super::say(&format!("the page {place} ended: {error}"));
    }
}

async fn follow(port: u16, place: &str, counts: &Counts) -> std::io::Result<()> {
    let mut loading = TcpStream::connect(("127.0.0.1", port)).await?;
    loading.write_all(request(place).as_bytes()).await?;
    let mut page = String::new();
    loading.read_to_string(&mut page).await?;
    let found = page.split_once(POSITION).and_then(|(_, rest)| rest.split_once('"'));
    let (position, _) = found.ok_or_else(|| std::io::Error::other(format!("{page:.300}")))?;
    let mark = if place.contains('?') { '&' } else { '?' };
    let mut live = TcpStream::connect(("127.0.0.1", port)).await?;
    live.write_all(request(&format!("{place}{mark}live={position}")).as_bytes()).await?;
    let mut live = BufReader::new(live);
    let mut read = Vec::new();
    live.read_until(b'\n', &mut read).await?;
    if !read.starts_with(b"HTTP/1.1 200") {
        return Err(std::io::Error::other(String::from_utf8_lossy(&read).into_owned()));
    }
    counts.open.fetch_add(1, Ordering::Relaxed);
    while !read.is_empty() {
        read.clear();
        counts.bytes.fetch_add(live.read_until(b'\n', &mut read).await?, Ordering::Relaxed);
        if read.starts_with(b"event: page") {
            counts.drawings.fetch_add(1, Ordering::Relaxed);
        }
    }
    counts.open.fetch_sub(1, Ordering::Relaxed);
    Err(std::io::Error::other("the stream has ended"))
}

/// Returns so many places, each of which many people look at, and some of which nobody shares:
/// the matrix, plans, lists of runs and events of every stage, the graph, services of one's own.
pub fn places(options: &Options) -> Vec<String> {
    let of = |part: &str| format!("/projects/{PROJECT}{part}");
    let mut shared: Vec<String> = ["", "?differs=1", "/graph", "/runs", "/events", "/history"]
        .map(of)
        .into_iter()
        .chain(["/projects".to_owned(), "/runs/load-first".to_owned()])
        .collect();
    for number in 0..options.stages {
        let stage = stage(number);
        shared.push(of(&format!("/runs?stage={stage}")));
        shared.push(of(&format!("/events?stage={stage}")));
        if number > 0 {
            shared.push(of(&format!("/stages/{stage}/plan")));
        }
    }
    let own = |number: usize| of(&format!("?service={}", service(number)));
    (0..options.pages)
        .map(|number| {
            // Half of them look at what others look at.
            let index = number / 2;
            if number % 2 == 0 { shared[index % shared.len()].clone() } else { own(index) }
        })
        .collect()
}

#[test]
fn places_are_shared_and_not_shared() {
    let options = Options::read(&[]).expect("no argument is needed");
    let places = places(&options);
    assert_eq!(places.len(), options.pages);
    let all: std::collections::BTreeSet<&String> = places.iter().collect();
    assert_eq!(all.len(), 8 + 3 * options.stages - 1 + options.pages / 2);
}
