//! The forms of a page as a browser sees them: what is sent when one of their buttons is pressed.

use crate::page_hostile::{Element, elements};

/// A button, and what is sent when it is pressed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Button {
    /// The path to which it is sent.
    pub(crate) path: String,
    /// Names and values of the fields, as drawn.
    pub(crate) fields: Vec<(String, String)>,
    is_quiet: bool,
}

impl Button {
    /// Makes a button that no page draws.
    pub(crate) fn made(path: &str, fields: &[(&str, &str)]) -> Self {
        let field = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self { path: path.to_owned(), fields: fields.iter().map(field).collect(), is_quiet: true }
    }

    /// Types into a field that is drawn.
    pub(crate) fn typed(mut self, name: &str, value: &str) -> Self {
        let field = self.fields.iter_mut().find(|(one, _)| one == name);
        value.clone_into(&mut field.unwrap_or_else(|| panic!("no field {name}")).1);
        self
    }

    /// Returns a field as drawn.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(one, _)| one == name).map(|(_, value)| value.as_str())
    }

    /// Returns the body of the request.
    pub(crate) fn body(&self) -> String {
        let pair =
            |(name, value): &(String, String)| format!("{}={}", written(name), written(value));
        self.fields.iter().map(pair).collect::<Vec<_>>().join("&")
    }
}

fn written(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
            char::from(byte).to_string()
        }
        other => format!("%{other:02X}"),
    };
    text.bytes().map(byte).collect()
}

/// Returns the buttons of all forms that are posted, in the order of the page.
pub(crate) fn buttons(html: &str) -> Vec<Button> {
    let mut buttons: Vec<Button> = Vec::new();
    let mut form: Option<(String, Vec<(String, String)>)> = None;
    // Where the buttons of the form begin: fields behind a button are sent with it, too.
    let mut first = 0;
    for element in elements(html) {
        match (element.0.as_str(), &mut form) {
            ("form", _) if value(&element, "method").as_deref() == Some("post") => {
                form = Some((value(&element, "action").unwrap(), Vec::new()));
                first = buttons.len();
            }
            ("/form", Some((_, fields))) => {
                buttons[first..].iter_mut().for_each(|button| button.fields.clone_from(fields));
                form = None;
            }
            ("input", Some((_, fields))) => {
                let name = value(&element, "name").unwrap();
                fields.push((name, value(&element, "value").unwrap_or_default()));
            }
            ("button", Some((action, _))) if value(&element, "disabled").is_none() => {
                assert_eq!(value(&element, "type").as_deref(), Some("submit"));
                let path = value(&element, "formaction").unwrap_or_else(|| action.clone());
                let is_quiet = value(&element, "class").as_deref() == Some("quiet");
                buttons.push(Button { path, fields: Vec::new(), is_quiet });
            }
            _ => {}
        }
    }
    buttons
}

/// Returns the only button that is sent to a path.
pub(crate) fn button(html: &str, path: &str) -> Button {
    let mut found = buttons(html);
    found.retain(|button| button.path == path);
    assert_eq!(found.len(), 1, "{path}: {found:?} in {html}");
    found.remove(0)
}

/// Returns how many buttons of a page are filled: it has one thing to do, or none.
pub(crate) fn filled(html: &str) -> usize {
    buttons(html).iter().filter(|button| !button.is_quiet).count()
}

fn value((_, attributes): &Element, key: &str) -> Option<String> {
    let found = attributes.iter().find(|(one, _)| one == key);
    found.map(|(_, value)| value.replace("&quot;", "\"").replace("&amp;", "&"))
}
