//! From values to text. Pure: no clock, no terminal; `now` and `Paint` come in as arguments.
//!
//! Reading order: [`artifact`], [`ago`], [`paint`], [`table`], then one file per picture.

pub(crate) mod ago;
pub(crate) mod approvals;
pub(crate) mod artifact;
pub(crate) mod bench;
pub(crate) mod document;
pub(crate) mod events;
pub(crate) mod lint;
pub(crate) mod live;
pub(crate) mod outcome;
mod paint;
pub(crate) mod plan;
pub(crate) mod projects;
pub(crate) mod resources;
pub(crate) mod sequences;
pub(crate) mod services;
pub(crate) mod status;
pub(crate) mod table;
#[cfg(test)]
pub(crate) mod testing;

pub(crate) use paint::{Paint, Tone};
