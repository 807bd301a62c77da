//! The read side: folds every event, keeps the history, answers queries. Publishes nothing.
//!
//! Reading order: [`View`] (what is kept), [`history`] (runs and events, ended ones too),
//! [`answers`] (from the view to an answer; pure), [`status_view`] (the loop), [`queries`] (who
//! waits for what).

pub mod answers;
pub mod history;
pub mod queries;
mod reading;
pub mod status_view;
mod view;

pub use status_view::{main, run};
pub use view::View;
