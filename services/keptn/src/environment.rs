//! The only reader of the environment.

/// Returns a variable; one that is no UTF-8 reads as absent.
#[expect(clippy::disallowed_methods, reason = "this is the door through which settings come in")]
pub(crate) fn get(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
