//! What a person can do: a button where the page may act, and always the command that does the same.

use maud::{Markup, html};

use super::look::Acting;

/// How much a button asks for attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weight {
    /// The one thing to do.
    Filled,
    /// Everything else.
    Quiet,
}

/// Returns a button that posts to `/actions/{verb}`; nothing if the page may not act.
pub(super) fn button(
    acting: Option<&Acting>,
    (verb, label): (&str, &str),
    weight: Weight,
    fields: &[(&str, &str)],
) -> Markup {
    let Some(acting) = acting else { return html! {} };
    let quiet = (weight == Weight::Quiet).then_some("quiet");
    html! {
        form method="post" action={ "/actions/" (verb) } {
            input type="hidden" name="csrf" value=(acting.csrf);
            @for (name, value) in fields { input type="hidden" name=(name) value=(value); }
            button type="submit" class=[quiet] { (label) }
        }
    }
}

/// Returns a command to copy. The button works with the script alone, which shows it.
pub(super) fn command(text: &str) -> Markup {
    html! {
        div.cmd {
            code { (text) }
            button.quiet type="button" data-copy=(text) hidden { "Copy" }
        }
    }
}
