//! NATS: connect, subjects, read, publish, buckets; the only crate that knows async-nats.
