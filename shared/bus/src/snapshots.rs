//! Snapshots of a fold: one object per format and position, created once and never overwritten,
//! the last two of a format kept. Objects are those of the NATS object store (`nats object ls`).

mod object;

use std::{collections::BTreeMap, time::Duration};

use async_nats::jetstream::object_store;
use bytes::Bytes;
use model::StreamTime;
use serde_json::json;
use tokio::{io::AsyncReadExt as _, time::timeout};
use tracing::debug;

use crate::{
    ApiError, Bus, Digest, Mark,
    connection::Live,
    names::{snapshot_bucket, snapshot_object},
};
use object::ObjectStore;

/// Snapshots of a format that are kept: the latest, and one more should it be unreadable.
pub(crate) const KEPT: usize = 2;
/// How long a snapshot may take to be read; 100 MB at 5 MB/s.
const READ_WAIT: Duration = Duration::from_secs(20);
/// Largest snapshot, in bytes; beyond it a service reads the whole stream again.
pub(crate) const SNAPSHOT_BYTES_MAX: usize = 512 * 1024 * 1024;

/// A snapshot as it stands in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotInfo {
    /// Version of how the state is written.
    pub format: u32,
    /// The last message it contains.
    pub mark: Mark,
    /// Its size.
    pub bytes: u64,
    name: String,
    chunks_id: String,
}

/// Why a snapshot was not written or not read.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// NATS did not do it.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// It is not what was written.
    #[error("snapshot `{name}` must be readable: {reason}")]
    Unreadable {
        /// Which.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// It does not fit.
    #[error("a snapshot must be at most {SNAPSHOT_BYTES_MAX} bytes, has {bytes}")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
}

/// The snapshots of one component.
#[derive(Clone, Debug)]
pub struct Snapshots {
    bus: Bus,
    store: ObjectStore,
}

impl Bus {
    /// Opens the snapshots of a component; creates the bucket if it is missing.
    ///
    /// # Errors
    /// [`ApiError`] if there is no connection or the server does not create it.
    pub async fn snapshots(&self, component: &str) -> Result<Snapshots, ApiError> {
        let live = self.live_now("STREAM.CREATE")?;
        let bucket = snapshot_bucket(component);
        ensure_bucket(&live, &bucket, self.stream_settings().replicas).await?;
        Ok(Snapshots { bus: self.clone(), store: ObjectStore::new(bucket) })
    }
}

async fn ensure_bucket(live: &Live, bucket: &str, replicas: usize) -> Result<(), ApiError> {
    let config = object_store::Config {
        bucket: bucket.to_owned(),
        description: Some("Folded states; may be removed, they are written again".to_owned()),
        num_replicas: replicas,
        ..object_store::Config::default()
    };
    if live.jetstream.get_object_store(bucket).await.is_ok() {
        return Ok(());
    }
    if live.jetstream.create_object_store(config).await.is_ok() {
        return Ok(());
    }
    // Somebody else may have created it in between; else the server says what is wrong.
    let _: serde_json::Value = live.api(&format!("STREAM.INFO.OBJ_{bucket}"), &json!({})).await?;
    Ok(())
}

impl Snapshots {
    /// Writes a snapshot, and removes those of its format that are no longer among the last two.
    /// One that stands there already with the same mark is left as it is.
    ///
    /// # Errors
    /// [`SnapshotError`]; what was there before is left unchanged.
    pub async fn put(&self, format: u32, mark: &Mark, state: Bytes) -> Result<(), SnapshotError> {
        if state.len() > SNAPSHOT_BYTES_MAX {
            return Err(SnapshotError::TooLarge { bytes: state.len() });
        }
        let live = self.bus.live_now("snapshot")?;
        let name = snapshot_object(format, mark.position);
        let metadata = BTreeMap::from([
            (FORMAT, format.to_string()),
            (POSITION, mark.position.to_string()),
            (DIGEST, mark.digest.to_string()),
            (CREATED, mark.stream_created.as_nanos().to_string()),
        ]);
        if !self.store.create(&live, &name, &metadata, state.clone()).await? {
            match self.find(&live, &name).await? {
                Some(there) if there.mark == *mark => return Ok(()),
                Some(dead) => self.remove(&dead).await?,
                None => self.store.remove(&live, &name, "").await?,
            }
            self.store.create(&live, &name, &metadata, state).await?;
        }
        self.remove_old(format, mark).await?;
        Ok(())
    }

    /// Removes what is not among the last two up to `mark`. Snapshots behind it may be somebody
    /// else's who is ahead; those of another stream are of no use to anybody.
    async fn remove_old(&self, format: u32, mark: &Mark) -> Result<(), ApiError> {
        let mut kept = 0;
        for info in self.list().await? {
            let same_stream = info.mark.stream_created == mark.stream_created;
            if info.format != format || (same_stream && info.mark.position > mark.position) {
                continue;
            }
            if same_stream && kept < KEPT {
                kept += 1;
            } else {
                debug!(snapshot = %info.name, "snapshot removed");
                self.remove(&info).await?;
            }
        }
        Ok(())
    }

    /// Lists the snapshots of all formats, the highest position first. Objects that are no
    /// snapshots are left out.
    ///
    /// # Errors
    /// [`ApiError`] if NATS does not say.
    pub async fn list(&self) -> Result<Vec<SnapshotInfo>, ApiError> {
        let live = self.bus.live_now("snapshots")?;
        let mut found = Vec::new();
        for object in self.store.list(&live).await? {
            found.extend(SnapshotInfo::from_object(object));
        }
        found.sort_by_key(|info| std::cmp::Reverse((info.mark.position, info.format)));
        Ok(found)
    }

    /// Reads a snapshot; its bytes are compared with the hash that was written with them.
    ///
    /// # Errors
    /// [`SnapshotError`] if it is gone or damaged.
    pub async fn get(&self, info: &SnapshotInfo) -> Result<Bytes, SnapshotError> {
        let live = self.bus.live_now("snapshot")?;
        let unreadable =
            |reason: String| SnapshotError::Unreadable { name: info.name.clone(), reason };
        let read = async {
            let store = live
                .jetstream
                .get_object_store(self.store.bucket())
                .await
                .map_err(|error| unreadable(error.to_string()))?;
            let mut object = store
                .get(info.name.as_str())
                .await
                .map_err(|error| unreadable(error.to_string()))?;
            let mut bytes = Vec::with_capacity(usize::try_from(info.bytes).unwrap_or(0));
            object.read_to_end(&mut bytes).await.map_err(|error| unreadable(error.to_string()))?;
            Ok(Bytes::from(bytes))
        };
        match timeout(READ_WAIT, read).await {
            Ok(read) => read,
            Err(_) => Err(unreadable(format!("not read within {READ_WAIT:?}"))),
        }
    }

    /// Removes a snapshot, for instance one of a stream that is no more.
    ///
    /// # Errors
    /// [`ApiError`] if NATS does not do it.
    pub async fn remove(&self, info: &SnapshotInfo) -> Result<(), ApiError> {
        let live = self.bus.live_now("snapshot")?;
        self.store.remove(&live, &info.name, &info.chunks_id).await
    }

    async fn find(&self, live: &Live, name: &str) -> Result<Option<SnapshotInfo>, ApiError> {
        Ok(self.store.info(live, name).await?.and_then(SnapshotInfo::from_object))
    }
}

const FORMAT: &str = "format";
const POSITION: &str = "position";
const DIGEST: &str = "digest";
const CREATED: &str = "stream-created";

impl SnapshotInfo {
    fn from_object(object: object::ObjectInfo) -> Option<Self> {
        let value = |key: &str| object.metadata.get(key);
        let mark = Mark {
            position: value(POSITION)?.parse().ok()?,
            digest: Digest::parse(value(DIGEST)?)?,
            stream_created: StreamTime::from_nanos(value(CREATED)?.parse().ok()?),
        };
        let format = value(FORMAT)?.parse().ok()?;
        Some(Self { format, mark, bytes: object.size, name: object.name, chunks_id: object.nuid })
    }

    /// Returns the name of the object.
    pub fn name(&self) -> &str {
        &self.name
    }
}
