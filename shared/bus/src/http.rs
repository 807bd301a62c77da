//! The smallest HTTP client that reads a monitoring page or a health check: one GET, one answer,
//! the connection closed behind it.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

/// Largest answer that is read; `/varz` has about 5 KiB.
const ANSWER_BYTES_MAX: u64 = 1024 * 1024;

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpAnswer {
    /// Status code.
    pub status: u16,
    /// Its body.
    pub body: Vec<u8>,
}

/// Gets `http://<address><path>`, all in `limit`.
///
/// # Errors
/// What the system says, or that the answer is no HTTP.
pub async fn get(address: &str, path: &str, limit: Duration) -> io::Result<HttpAnswer> {
    timeout(limit, exchange(address, path))
        .await
        .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, format!("no answer in {limit:?}")))?
}

async fn exchange(address: &str, path: &str) -> io::Result<HttpAnswer> {
    let mut stream = TcpStream::connect(address).await?;
    // HTTP/1.0: no chunks, and the connection is closed behind the answer.
    let request = format!("GET {path} HTTP/1.0\r\nHost: {address}\r\nAccept: */*\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer).await?;
    parse(&answer).ok_or_else(|| io::Error::other("the answer must be HTTP"))
}

fn parse(answer: &[u8]) -> Option<HttpAnswer> {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let (head, body) = (answer.get(..end)?, answer.get(end + 4..)?);
    let first = std::str::from_utf8(head).ok()?.lines().next()?;
    let status = first.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()?;
    Some(HttpAnswer { status, body: body.to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_and_body_are_told_apart() {
        let answer = parse(b"HTTP/1.0 503 Service Unavailable\r\nA: b\r\n\r\n{}").unwrap();
        assert_eq!((answer.status, answer.body.as_slice()), (503, b"{}".as_slice()));
        assert_eq!(parse(b"+PONG\r\n"), None);
    }
}
