//! Rules about the repository itself, as tests: what a reviewer should not have to look for.
//!
//! Reading order: [`files`] (what is looked at), [`text`] (rules about single files), [`crates`]
//! (who may depend on whom), [`settings`] (what is documented is what is read), [`versions`].
//! A failing rule says the rule, then every place that breaks it.
#![cfg(test)]

mod crates;
mod files;
mod settings;
mod text;
mod versions;

/// Fails with the rule and all places that break it.
#[track_caller]
fn assert_kept(rule: &str, broken: &[String]) {
    assert!(
        broken.is_empty(),
        "{rule}; broken in {} place(s):\n  {}",
        broken.len(),
        broken.join("\n  ")
    );
}
