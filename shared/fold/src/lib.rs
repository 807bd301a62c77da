//! What the stream says: catalog, sequences, stage status, what is owed; pure.
