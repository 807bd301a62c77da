//! Where spans go: the address of a collector, what it must be told with every request, and one
//! request. TLS ends before the collector or in one that stands beside us.

use std::{io, time::Duration};

use axum::{
    body::{Body, to_bytes},
    http::{
        HeaderMap, HeaderName, HeaderValue, Request, StatusCode, Uri,
        header::{CONTENT_TYPE, HOST, USER_AGENT},
        uri::{Authority, Scheme},
    },
};
use bytes::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use percent_encoding::percent_decode_str;
use tokio::{net::TcpStream, task::JoinSet, time::timeout};

use super::otlp;

/// How long a collector may take for one request.
const ANSWER_WAIT: Duration = Duration::from_secs(10);
/// Bytes of an answer that are read; more of them are not an answer of a collector.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// Where a collector takes traces, below its address.
const TRACES_PATH: &str = "/v1/traces";
/// Port of `http` when an address names none.
const HTTP_PORT: u16 = 80;

/// A collector, and what it is told with every request. Its headers are never shown.
#[derive(Clone, Debug)]
pub struct Collector {
    authority: Authority,
    path: String,
    headers: HeaderMap,
}

/// Why a setting names no collector. Holds no value of a header.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCollector {
    /// The address.
    #[error("must be like `http://localhost:4318`, without user, password or fragment")]
    Address,
    /// The address asks for TLS.
    #[error("must begin with `http://`: let a collector beside this service speak TLS to others")]
    Tls,
    /// The headers.
    #[error("must be like `name=value,other=value`, with `%2C` for a comma in a value")]
    Headers,
}

/// Why spans were not taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    /// There was no answer.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// There was no whole answer.
    #[error("the answer must be HTTP: {0}")]
    Http(#[from] hyper::Error),
    /// It did not answer in time.
    #[error("no answer in {ANSWER_WAIT:?}")]
    Late,
    /// It answered with another status than 2xx.
    #[error("the collector answered {0}")]
    Status(StatusCode),
}

impl Refused {
    /// Tells whether the same request may be taken later, as OTLP says.
    pub(super) fn retryable(&self) -> bool {
        match self {
            Self::Io(_) | Self::Http(_) | Self::Late => true,
            Self::Status(status) => matches!(status.as_u16(), 429 | 502 | 503 | 504),
        }
    }
}

impl Collector {
    /// Reads the address of a collector (`OTEL_EXPORTER_OTLP_ENDPOINT`): traces go to
    /// `/v1/traces` below it.
    ///
    /// # Errors
    /// [`InvalidCollector`] with the rule.
    pub fn at(address: &str) -> Result<Self, InvalidCollector> {
        let mut collector = Self::exactly_at(address)?;
        if collector.path.contains('?') {
            return Err(InvalidCollector::Address);
        }
        collector.path = collector.path.trim_end_matches('/').to_owned() + TRACES_PATH;
        Ok(collector)
    }

    /// Reads the address that takes traces (`OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`).
    ///
    /// # Errors
    /// [`InvalidCollector`] with the rule.
    pub fn exactly_at(address: &str) -> Result<Self, InvalidCollector> {
        let uri: Uri = address.parse().map_err(|_| InvalidCollector::Address)?;
        if uri.scheme() == Some(&Scheme::HTTPS) {
            return Err(InvalidCollector::Tls);
        }
        let authority = uri.authority().filter(|_| uri.scheme() == Some(&Scheme::HTTP));
        let authority = authority.ok_or(InvalidCollector::Address)?.clone();
        if authority.as_str().contains('@') || authority.host().is_empty() {
            return Err(InvalidCollector::Address);
        }
        let path = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        Ok(Self { authority, path, headers: HeaderMap::new() })
    }

    /// Adds headers (`OTEL_EXPORTER_OTLP_HEADERS`).
    ///
    /// # Errors
    /// [`InvalidCollector::Headers`].
    pub fn with_headers(mut self, list: &str) -> Result<Self, InvalidCollector> {
        for pair in list.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
            let (name, value) = header(pair).ok_or(InvalidCollector::Headers)?;
            self.headers.insert(name, value);
        }
        Ok(self)
    }

    /// Returns the address, for the log.
    pub(super) fn shown(&self) -> String {
        format!("http://{}{}", self.authority, self.path)
    }

    /// Sends what was written; returns how many spans the collector says that it refused.
    pub(super) async fn send(&self, body: Bytes) -> Result<u64, Refused> {
        let (status, answer) =
            timeout(ANSWER_WAIT, self.exchange(body)).await.map_err(|_| Refused::Late)??;
        if status.is_success() { Ok(otlp::rejected(&answer)) } else { Err(Refused::Status(status)) }
    }

    /// One request on a connection of its own: there is one a second at most.
    async fn exchange(&self, body: Bytes) -> Result<(StatusCode, Bytes), Refused> {
        // An address of IPv6 stands in brackets, and is looked up without.
        let host = self.authority.host().trim_start_matches('[').trim_end_matches(']');
        let port = self.authority.port_u16().unwrap_or(HTTP_PORT);
        let stream = TcpStream::connect((host, port)).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // Ends with this function, whatever becomes of the answer.
        let mut connections = JoinSet::new();
        connections.spawn(connection);
        let response = sender.send_request(self.request(body)?).await?;
        let status = response.status();
        // The status says it all; what cannot be read of the rest is as if it were not there.
        let answer = to_bytes(Body::new(response.into_body()), ANSWER_BYTES_MAX).await;
        Ok((status, answer.unwrap_or_default()))
    }

    fn request(&self, body: Bytes) -> io::Result<Request<Body>> {
        let request = Request::post(&self.path)
            .header(HOST, self.authority.as_str())
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, concat!("slipway/", env!("CARGO_PKG_VERSION")));
        let mut request = request.body(Body::from(body)).map_err(io::Error::other)?;
        request.headers_mut().extend(self.headers.clone());
        Ok(request)
    }
}

/// Reads `name=value`; the value is percent-encoded.
fn header(pair: &str) -> Option<(HeaderName, HeaderValue)> {
    let (name, value) = pair.split_once('=')?;
    let name = HeaderName::from_bytes(name.trim().as_bytes()).ok()?;
    let value = percent_decode_str(value.trim()).decode_utf8().ok()?;
    let mut value = HeaderValue::from_str(&value).ok()?;
    value.set_sensitive(true);
    Some((name, value))
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    use super::*;

    const BODY: &str = "{\"spans\":1}";

    /// Sends one request to somebody who answers so; returns the request, too.
    async fn sent(answer: &'static str) -> (Result<u64, Refused>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/below", listener.local_addr().unwrap());
        let collector = Collector::at(&address).unwrap().with_headers("api-key=k").unwrap();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !request.ends_with(BODY.as_bytes()) {
                assert!(stream.read_buf(&mut request).await.unwrap() > 0);
            }
            stream.write_all(answer.as_bytes()).await.unwrap();
            String::from_utf8(request).unwrap()
        });
        let sent = collector.send(Bytes::from_static(BODY.as_bytes())).await;
        (sent, server.await.unwrap())
    }

    #[tokio::test]
    async fn a_request_is_what_a_collector_expects_and_its_answer_is_read() {
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 38\r\n\r\n\
             {\"partialSuccess\":{\"rejectedSpans\":2}}";
        let (sent, request) = sent(answer).await;
        assert_eq!(sent.unwrap(), 2);
        assert!(request.starts_with("POST /below/v1/traces HTTP/1.1\r\n"), "{request}");
        for line in ["content-type: application/json", "api-key: k", "host: 127.0.0.1"] {
            assert!(request.contains(&format!("\r\n{line}")), "{line}: {request}");
        }
    }

    #[tokio::test]
    async fn what_may_be_taken_later_is_told_from_what_never_will() {
        let refused = async |answer| sent(answer).await.0.unwrap_err().retryable();
        assert!(refused("HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n").await);
        assert!(!refused("HTTP/1.1 400 X\r\nContent-Length: 0\r\n\r\n").await);
        assert!(refused("").await, "the connection ended");
        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let collector = Collector::at(&format!("http://{closed}")).unwrap();
        assert!(collector.send(Bytes::new()).await.unwrap_err().retryable(), "nobody is there");
    }

    #[test]
    fn traces_go_below_the_address_or_exactly_to_it() {
        let shown = |collector: Result<Collector, _>| collector.map(|one| one.shown());
        let below = |address| shown(Collector::at(address));
        for address in ["http://a:4318", "http://a:4318/"] {
            assert_eq!(below(address), Ok("http://a:4318/v1/traces".to_owned()));
        }
        assert_eq!(below("http://[::1]/otlp/"), Ok("http://[::1]/otlp/v1/traces".to_owned()));
        let exactly = |address| shown(Collector::exactly_at(address));
        assert_eq!(exactly("http://a/x/?y=1"), Ok("http://a/x/?y=1".to_owned()));
        assert_eq!(exactly("http://a"), Ok("http://a/".to_owned()));
        for wrong in ["", "a:4318", "ftp://a", "http://", "http://u:secret@a", "/v1/traces", "a b"]
        {
            assert_eq!(exactly(wrong), Err(InvalidCollector::Address), "{wrong}");
        }
        assert_eq!(below("http://a/?y=1"), Err(InvalidCollector::Address));
        assert_eq!(below("https://a"), Err(InvalidCollector::Tls));
    }

    #[test]
    fn headers_are_decoded_and_never_shown() {
        let collector = Collector::at("http://a").unwrap();
        let with = collector.clone().with_headers(" api-key=sec%2Cret , x=1=2,").unwrap();
        let value = |name: &str| with.headers.get(name).map(|value| value.to_str().unwrap());
        assert_eq!((value("api-key"), value("x")), (Some("sec,ret"), Some("1=2")));
        assert!(!format!("{with:?}").contains("sec"), "{with:?}");
        for wrong in ["x", "a b=c", "x=%0Ay", "=x"] {
            let refused = collector.clone().with_headers(wrong).unwrap_err();
            assert_eq!(refused, InvalidCollector::Headers, "{wrong}");
        }
    }
}
