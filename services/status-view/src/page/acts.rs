//! What a person can do: a button where the page may act, and always the command that does the same.
//!
//! A button is a form, so it works without a script. What it carries is the same for everybody.

use maud::{Markup, html};

use super::look::Acting;

/// Characters of a message: as many as are kept of it.
const MESSAGE_CHARS_MAX: usize = 1_000;

/// How much a button asks for attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weight {
    /// The one thing to do.
    Filled,
    /// Everything else.
    Quiet,
}

/// A verb of `/actions/{verb}`, and what its button says.
pub(super) type Act<'a> = (&'static str, &'a str);

/// Returns a button that posts to `/actions/{verb}`; nothing if the page may not act.
pub(super) fn button(
    acting: Option<&Acting>,
    (verb, label): Act<'_>,
    weight: Weight,
    fields: &[(&str, &str)],
) -> Markup {
    let Some(acting) = acting else { return html! {} };
    let quiet = (weight == Weight::Quiet).then_some("quiet");
    html! {
        form method="post" action=(path(verb)) {
            (hidden(acting, fields))
            button type="submit" class=[quiet] { (label) }
        }
    }
}

/// Returns a field for a message with two buttons, for yes and for no; nothing if the page may not
/// act. `id` is the field's, so that what is typed stays there when the page is drawn again.
pub(super) fn answer(
    acting: Option<&Acting>,
    [yes, no]: [Act<'_>; 2],
    id: &str,
    fields: &[(&str, &str)],
) -> Markup {
    let Some(acting) = acting else { return html! {} };
    html! {
        form method="post" action=(path(yes.0)) {
            // The Enter key presses the first button of a form: it must not decide.
            button type="submit" disabled hidden {}
            (hidden(acting, fields))
            input type="text" id=(id) name="message" maxlength=(MESSAGE_CHARS_MAX)
                placeholder="why (optional)" aria-label="Why (optional)" autocomplete="off";
            button type="submit" { (yes.1) }
            button.quiet type="submit" formaction=(path(no.0)) { (no.1) }
        }
    }
}

fn path(verb: &str) -> String {
    format!("/actions/{verb}")
}

fn hidden(acting: &Acting, fields: &[(&str, &str)]) -> Markup {
    html! {
        input type="hidden" name="back" value=(acting.back);
        @for (name, value) in fields { input type="hidden" name=(name) value=(value); }
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
