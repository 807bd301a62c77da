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
    /// Keeps a record to which something will be added.
    pub(super) fn new(record: Sequence) -> Self {
        Self::Open(Arc::new(record))
    }

    /// Changes the record.
    pub(super) fn change(&mut self, change: impl FnOnce(&mut Sequence)) {
        match self {
            Self::Open(record) => change(Arc::make_mut(record)),
            Self::Packed(bytes) => {
                let Some(mut record) = packed::unpack(bytes) else { return };
                change(&mut record);
                *self = Self::new(record);
            }
        }
    }

    /// Packs the record: nothing will be added to it.
    pub(super) fn pack(&mut self) {
        if let Self::Open(record) = self
            && let Some(bytes) = packed::pack(record.as_ref().clone())
        {
            *self = Self::Packed(bytes.into());
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
