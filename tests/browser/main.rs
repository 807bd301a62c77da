//! The pages in a real browser: what a person sees, types and waits for, and what an event must not
//! be able to do there.
//!
//! Each test has its own services, its own chromedriver and its own browser. Reading order:
//! [`stand`] (what is looked at), [`browser`] (who looks), [`pages`], then any.
#![cfg(test)]

use tests::harness;

mod browser;
mod driver;
mod hostile;
mod keyboard;
mod live;
mod pages;
mod pictures;
mod stand;
mod unscripted;
