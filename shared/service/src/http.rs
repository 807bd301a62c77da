//! HTTP with bounds that a stranger cannot break: on connections, headers, bodies and waits.
//!
//! Reading order: `serve` (connections), `guard` (what holds for every request and answer),
//! [`Problem`] (how an error is told).

pub(crate) mod guard;
mod patient;
mod problem;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tracing::debug;

use self::patient::Patient;
pub use self::{
    guard::{BODY_BYTES_MAX, Hosts},
    problem::{Problem, ProblemCode},
};
use crate::metrics::HTTP_CONNECTIONS;

/// Connections at the same time; one more waits until another ends. Below the usual bound of 1,024
/// open files, so that NATS and the snapshots are never without one.
pub const CONNECTIONS_MAX: usize = 900;
/// How long the head of a request may take, and how long a connection may be idle.
pub const HEAD_WAIT: Duration = Duration::from_secs(5);
/// Bytes of the head of a request; a larger one is answered with 431.
pub const HEAD_BYTES_MAX: usize = 32 * 1024;
/// Header lines of a request; more are answered with 431.
const HEAD_LINES_MAX: usize = 64;
/// Pause after the system had no connection to give: it has no files left.
const AGAIN_PAUSE: Duration = Duration::from_millis(50);

/// Serves routes on a listener for as long as the process runs.
pub(crate) async fn serve(listener: TcpListener, routes: Router) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        // The semaphore is never closed.
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let routes = routes.clone();
                tokio::spawn(async move {
                    HTTP_CONNECTIONS.add(1);
                    serve_connection(stream, routes).await;
                    HTTP_CONNECTIONS.subtract(1);
                    drop(place);
                });
            }
            Err(error) => {
                debug!(error = %error, "a connection could not be taken");
                tokio::time::sleep(AGAIN_PAUSE).await;
            }
        }
    }
}

async fn serve_connection(stream: TcpStream, routes: Router) {
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WAIT)
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(HEAD_LINES_MAX)
        .serve_connection(TokioIo::new(Patient::new(stream)), TowerToHyperService::new(routes));
    if let Err(error) = served.await {
        debug!(error = %error, "a connection ended early");
    }
}
