//! Objects of the NATS object store that are created and never overwritten; the client library's
//! `put` overwrites, and its `delete` leaves a marker for ever.

use std::collections::BTreeMap;

use async_nats::{HeaderMap, RequestErrorKind};
use base64::{Engine as _, engine::general_purpose::URL_SAFE};
use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::{
    ApiError,
    api::{API_WAIT, CODE_STREAM_NOT_FOUND, api_error, decode},
    connection::Live,
    direct::get,
    names::EXPECTED_LAST_SUBJECT_SEQUENCE,
};

/// Bytes of a chunk, as other clients have it.
const CHUNK_BYTES: usize = 128 * 1024;
/// Chunks on their way at the same time: one megabyte.
const CHUNKS_IN_FLIGHT: usize = 8;
/// `wrong last sequence`: the object is there.
const CODE_THERE: u64 = 10071;

/// What an object says about itself.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ObjectInfo {
    pub(super) name: String,
    bucket: String,
    pub(super) nuid: String,
    pub(super) size: u64,
    chunks: usize,
    digest: Option<String>,
    #[serde(default)]
    pub(super) metadata: BTreeMap<String, String>,
    #[serde(default)]
    deleted: bool,
    #[serde(default)]
    options: serde_json::Value,
}

/// One bucket.
#[derive(Clone, Debug)]
pub(super) struct ObjectStore {
    bucket: String,
}

impl ObjectStore {
    pub(super) fn new(bucket: String) -> Self {
        Self { bucket }
    }

    pub(super) fn bucket(&self) -> &str {
        &self.bucket
    }

    fn stream(&self) -> String {
        format!("OBJ_{}", self.bucket)
    }

    fn meta_subject(&self, name: &str) -> String {
        format!("$O.{}.M.{}", self.bucket, URL_SAFE.encode(name))
    }

    fn chunk_subject(&self, id: &str) -> String {
        format!("$O.{}.C.{id}", self.bucket)
    }

    /// Creates an object. Returns false, and changes nothing, if there is one of this name.
    pub(super) async fn create(
        &self,
        live: &Live,
        name: &str,
        metadata: &BTreeMap<&'static str, String>,
        bytes: Bytes,
    ) -> Result<bool, ApiError> {
        if self.info(live, name).await?.is_some() {
            return Ok(false);
        }
        let inbox = live.client.new_inbox();
        let id = inbox.rsplit('.').next().unwrap_or(&inbox);
        let meta = json!({
            "name": name,
            "bucket": self.bucket,
            "nuid": id,
            "size": bytes.len(),
            "chunks": bytes.len().div_ceil(CHUNK_BYTES),
            "digest": format!("SHA-256={}", URL_SAFE.encode(Sha256::digest(&bytes))),
            "metadata": metadata,
            "options": { "max_chunk_size": CHUNK_BYTES },
        });
        let chunks = self.chunk_subject(id);
        let written = match write_chunks(live, &chunks, &bytes).await {
            Ok(()) => self.write_meta(live, name, meta.to_string()).await,
            Err(error) => Err(error),
        };
        if !matches!(written, Ok(true)) {
            // Chunks without an object; what cannot be removed is never read.
            self.purge(live, &chunks).await.ok();
        }
        written
    }

    async fn write_meta(&self, live: &Live, name: &str, meta: String) -> Result<bool, ApiError> {
        let mut headers = HeaderMap::new();
        headers.insert("Nats-Rollup", "sub");
        headers.insert(EXPECTED_LAST_SUBJECT_SEQUENCE, "0");
        match publish(live, self.meta_subject(name), headers, meta.into()).await {
            Ok(()) => Ok(true),
            Err(error) if error.code() == Some(CODE_THERE) => Ok(false),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn info(
        &self,
        live: &Live,
        name: &str,
    ) -> Result<Option<ObjectInfo>, ApiError> {
        self.info_on(live, &self.meta_subject(name)).await
    }

    async fn info_on(&self, live: &Live, subject: &str) -> Result<Option<ObjectInfo>, ApiError> {
        let message = get(live, &self.stream(), &json!({ "last_by_subj": subject })).await?;
        let info = message.and_then(|message| serde_json::from_slice(message.payload()).ok());
        Ok(info.filter(|info: &ObjectInfo| !info.deleted))
    }

    /// Lists the objects, in no order.
    pub(super) async fn list(&self, live: &Live) -> Result<Vec<ObjectInfo>, ApiError> {
        #[derive(Deserialize)]
        struct Info {
            state: State,
        }
        #[derive(Deserialize)]
        struct State {
            #[serde(default)]
            subjects: Option<BTreeMap<String, u64>>,
        }
        let query = json!({ "subjects_filter": format!("$O.{}.M.>", self.bucket) });
        let info: Info = match live.api(&format!("STREAM.INFO.{}", self.stream()), &query).await {
            Ok(info) => info,
            Err(error) if error.code() == Some(CODE_STREAM_NOT_FOUND) => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut objects = Vec::new();
        for subject in info.state.subjects.unwrap_or_default().into_keys() {
            objects.extend(self.info_on(live, &subject).await?);
        }
        Ok(objects)
    }

    /// Removes an object and its chunks, without a trace.
    pub(super) async fn remove(&self, live: &Live, name: &str, id: &str) -> Result<(), ApiError> {
        self.purge(live, &self.meta_subject(name)).await?;
        if id.is_empty() {
            return Ok(());
        }
        self.purge(live, &self.chunk_subject(id)).await
    }

    async fn purge(&self, live: &Live, subject: &str) -> Result<(), ApiError> {
        let request = format!("STREAM.PURGE.{}", self.stream());
        let _: serde_json::Value = live.api(&request, &json!({ "filter": subject })).await?;
        Ok(())
    }
}

async fn write_chunks(live: &Live, subject: &str, bytes: &Bytes) -> Result<(), ApiError> {
    let chunk = |at: usize| bytes.slice(at..bytes.len().min(at + CHUNK_BYTES));
    stream::iter((0..bytes.len()).step_by(CHUNK_BYTES))
        .map(|at| publish(live, subject.to_owned(), HeaderMap::new(), chunk(at)))
        .buffered(CHUNKS_IN_FLIGHT)
        .try_collect()
        .await
}

async fn publish(
    live: &Live,
    subject: String,
    headers: HeaderMap,
    payload: Bytes,
) -> Result<(), ApiError> {
    let answer = live
        .request(subject, headers, payload, API_WAIT)
        .await
        .map_err(|kind: RequestErrorKind| api_error("snapshot", kind))?;
    decode::<serde_json::Value>("snapshot", &answer.payload).map(drop)
}
