//! The read side: folds every event, keeps the history, answers queries. Publishes
//! nothing of its own: what a person does over HTTP is said on that person's behalf.
//!
//! Reading order: [`View`] (what is kept), [`history`] (runs and events, ended ones too),
//! [`answers`] (from the view to an answer; pure), [`status_view`] (the loop), [`queries`] (who
//! waits for what), [`http`] (the same answers over HTTP), [`page`] (the pages).

pub mod answers;
mod config;
pub mod history;
pub mod http;
pub mod page;
pub mod queries;
mod reading;
pub mod status_view;
mod view;

pub use config::Config;
pub use status_view::{main, run};
pub use view::View;
