//! How the record of a run is kept: as it is while it changes, packed afterwards.

use std::sync::Arc;

use model::view::Sequence;
use serde::{Deserialize, Serialize};

use super::packed;

/// The record of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Kept {
    /// It still changes.
    Open(Arc<Sequence>),
    /// It has ended; a few hundred bytes in one piece of memory.
    Packed(Arc<[u8]>),
}

impl Kept {
    /// Keeps a record, packed if nothing will be added to it.
    pub(super) fn new(record: Sequence, is_settled: bool) -> Self {
        let packed = if is_settled { packed::pack(record.clone()) } else { None };
        match packed {
            Some(bytes) => Self::Packed(bytes.into()),
            None => Self::Open(Arc::new(record)),
        }
    }

    /// Returns the record.
    pub(super) fn record(&self) -> Option<Sequence> {
        match self {
            Self::Open(record) => Some(record.as_ref().clone()),
            Self::Packed(bytes) => packed::unpack(bytes),
        }
    }
}
