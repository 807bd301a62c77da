//! A bare client of HTTP: one request, one connection, the answer as it came.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Longest silence of a server that works.
const SILENCE: Duration = Duration::from_secs(10);

/// Returns a request for something.
pub fn request(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
}

/// Asks for a page, and returns head and body.
///
/// # Errors
///
/// No connection, or no whole answer.
pub fn get(port: u16, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(SILENCE))?;
    stream.write_all(request(path).as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// Returns the status of an answer, 0 if it has none.
pub fn status(answer: &str) -> u16 {
    let code = answer.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3));
    code.and_then(|code| code.parse().ok()).unwrap_or_default()
}

#[test]
fn the_status_of_an_answer_is_read() {
    assert_eq!(status("HTTP/1.1 431 Request Header Fields Too Large\r\n"), 431);
    assert_eq!(status("HTTP/1.1 "), 0);
    assert_eq!(status(""), 0);
}
