//! The smallest HTTP client: one request, one answer, the connection closed behind it; and one that
//! reads server-sent events.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::running::LIMIT;

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    /// Returns the body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Returns the value of a header.
    pub(crate) fn header(&self, name: &str) -> &str {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.into_iter().find(|(one, _)| *one == name).map_or("", |(_, value)| value)
    }
}

/// Asks; `headers` are whole lines.
pub(crate) async fn ask(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[&str],
    body: &str,
) -> Answer {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let lines = headers.iter().fold(String::new(), |lines, line| lines + line + "\r\n");
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {}\r\n{lines}\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    timeout(LIMIT, stream.read_to_end(&mut answer)).await.unwrap().unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}

/// Gets a page.
pub(crate) async fn get(address: SocketAddr, path: &str) -> Answer {
    ask(address, "GET", path, &[], "").await
}

/// Who follows events.
pub(crate) struct Follower {
    stream: TcpStream,
    text: String,
}

impl Follower {
    /// Opens a stream, perhaps behind an event that was seen.
    pub(crate) async fn open(address: SocketAddr, path: &str, last: Option<u64>) -> Self {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let last = last.map(|last| format!("Last-Event-ID: {last}\r\n")).unwrap_or_default();
        let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n{last}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        Self { stream, text: String::new() }
    }

    /// Reads until something is there, or the other side ends; returns all so far.
    pub(crate) async fn until(&mut self, is_there: impl Fn(&str) -> bool) -> &str {
        let mut bytes = [0; 4096];
        while !is_there(&self.text) {
            let read = timeout(LIMIT, self.stream.read(&mut bytes)).await;
            let read = read.unwrap_or_else(|_| panic!("not there: {}", self.text)).unwrap();
            if read == 0 {
                break;
            }
            self.text.push_str(std::str::from_utf8(&bytes[..read]).unwrap());
        }
        &self.text
    }

    /// Reads until as many events are there; returns their positions.
    pub(crate) async fn positions(&mut self, count: usize) -> Vec<u64> {
        let text = self.until(|text| ids(text).len() >= count).await;
        ids(text)
    }
}

/// Returns the ids of whole events.
fn ids(text: &str) -> Vec<u64> {
    let whole = text.rsplit_once("\n\n").map_or("", |(whole, _)| whole);
    whole.lines().filter_map(|line| line.strip_prefix("id: ")?.trim().parse().ok()).collect()
}
