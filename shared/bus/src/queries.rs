//! Answers queries as a NATS service, so that `nats micro ls`, ping and stats work. Over breaks of
//! the connection it comes back by itself.

use async_nats::service::{Request, Service, ServiceExt as _, endpoint::Endpoint};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream::select_all};
use serde::{Serialize, de::DeserializeOwned};
use tokio::{sync::mpsc, task::JoinHandle, time::sleep};
use tracing::{debug, warn};

use crate::{Bus, connection::Live};

/// Queries that wait for an answer; beyond it they wait in the connection.
const QUEUE_MAX: usize = 256;
/// Pause before the service is announced again after that failed.
const AGAIN_PAUSE: std::time::Duration = std::time::Duration::from_millis(100);

/// What the service is called.
#[derive(Clone, Debug)]
struct Named {
    name: String,
    version: String,
    subjects: Vec<String>,
}

/// Queries as they come in; dropped, the service ends.
#[derive(Debug)]
pub struct Queries {
    incoming: mpsc::Receiver<Query>,
    _task: JoinHandle<()>,
}

/// One query.
#[derive(Debug)]
pub struct Query {
    request: Request,
}

impl Bus {
    /// Begins to answer under these subjects as the service `name`; `version` is semantic
    /// (`0.1.0`). Several processes of one name share the queries.
    pub fn serve(&self, name: &str, version: &str, subjects: &[String]) -> Queries {
        let (tx, incoming) = mpsc::channel(QUEUE_MAX);
        let named = Named {
            name: name.to_owned(),
            version: version.to_owned(),
            subjects: subjects.to_vec(),
        };
        let task = tokio::spawn(serve(self.clone(), named, tx));
        Queries { incoming, _task: task }
    }
}

impl Queries {
    /// Waits for the next query; never ends. Cancel-safe.
    pub async fn next(&mut self) -> Query {
        match self.incoming.recv().await {
            Some(query) => query,
            // The task ends only when we are dropped.
            None => std::future::pending().await,
        }
    }
}

impl Query {
    /// Returns the subject it was asked on.
    pub fn subject(&self) -> &str {
        &self.request.message.subject
    }

    /// Returns its body; an empty one stands for `{}`.
    pub fn body(&self) -> &[u8] {
        match &*self.request.message.payload {
            [] => b"{}",
            body => body,
        }
    }

    /// Reads its body.
    ///
    /// # Errors
    /// What the parser says.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(self.body())
    }

    /// Answers with JSON. Whoever asked and left is not waited for.
    pub async fn answer(self, answer: &impl Serialize) {
        let response = match serde_json::to_vec(answer) {
            Ok(json) => Ok(Bytes::from(json)),
            Err(error) => Err(service_error(error.to_string())),
        };
        if let Err(error) = self.request.respond(response).await {
            // A too large answer is refused here; whoever asked must not wait for it in vain.
            warn!(subject = self.subject(), error = %error, "query not answered");
            self.request.respond(Err(service_error(error.to_string()))).await.ok();
        }
    }
}

fn service_error(status: String) -> async_nats::service::error::Error {
    async_nats::service::error::Error { code: 500, status }
}

async fn serve(bus: Bus, named: Named, tx: mpsc::Sender<Query>) {
    loop {
        let live = tokio::select! {
            () = tx.closed() => return,
            live = bus.live() => live,
        };
        match announce(&live, &named).await {
            Ok((service, endpoints)) => {
                forward(endpoints, &tx).await;
                service.stop().await.ok();
            }
            Err(error) => debug!(error = %error, "service not announced"),
        }
        tokio::select! {
            () = tx.closed() => return,
            () = bus.gone(live.number) => {}
            () = sleep(AGAIN_PAUSE) => {}
        }
    }
}

async fn announce(
    live: &Live,
    named: &Named,
) -> Result<(Service, Vec<Endpoint>), async_nats::Error> {
    let service = live.client.service_builder().start(&named.name, &named.version).await?;
    let mut endpoints = Vec::with_capacity(named.subjects.len());
    for subject in &named.subjects {
        let name = subject.rsplit('.').next().unwrap_or(subject);
        endpoints.push(service.endpoint_builder().name(name).add(subject).await?);
    }
    Ok((service, endpoints))
}

/// Hands queries on until the connection or the reader is gone.
async fn forward(endpoints: Vec<Endpoint>, tx: &mpsc::Sender<Query>) {
    let mut requests = select_all(endpoints);
    loop {
        let request = tokio::select! {
            () = tx.closed() => return,
            request = requests.next() => request,
        };
        let Some(request) = request else { return };
        if tx.send(Query { request }).await.is_err() {
            return;
        }
    }
}
