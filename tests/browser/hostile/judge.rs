//! Looks at a page for anything that was made from data.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::browser::Browser;
use crate::harness::wait;

/// Returns what stands in the page: kinds of elements and attributes, the numbers of the fields
/// that are shown, addresses that lead nowhere good, and what a payload has left behind.
const LOOK: &str = "
    const all = [...document.querySelectorAll('*')];
    const kinds = all.flatMap((one) =>
      [one.localName, ...[...one.attributes].map((it) => `${one.localName}.${it.name}`)]);
    const shown = document.documentElement.textContent.match(/m\\d\\d/g) ?? [];
    const addresses = all.flatMap((one) => ['href', 'src', 'action', 'formaction', 'xlink:href']
      .filter((name) => one.hasAttribute(name))
      .map((name) => [one, new URL(one.getAttribute(name), location.href)]));
    const isOurs = (url) => url.origin === location.origin && url.protocol === 'http:';
    const isLink = (one, url) => one.localName === 'a' && ['http:', 'https:'].includes(url.protocol)
      && (one.rel ?? '').includes('noopener');
    const bad = addresses.filter(([one, url]) => !isOurs(url) && !isLink(one, url));
    return { ran: window.__xss ?? null, kinds: [...new Set(kinds)], shown: [...new Set(shown)],
      bad: bad.map(([one, url]) => `${one.localName} leads to ${url}`.slice(0, 200)) };";

/// What was found in pages.
#[derive(Default)]
pub(super) struct Verdict {
    /// What must not be.
    pub(super) wrong: Vec<String>,
    /// Kinds of elements and attributes.
    pub(super) kinds: BTreeSet<String>,
    /// Fields that are shown.
    pub(super) fields: BTreeSet<usize>,
}

impl Verdict {
    /// Adds what was found at a place.
    pub(super) fn join(&mut self, place: &str, found: Self) {
        self.wrong.extend(found.wrong.into_iter().map(|what| format!("{place}: {what}")));
        self.kinds.extend(found.kinds);
        self.fields.extend(found.fields);
    }
}

/// Looks at the page that is open.
#[track_caller]
pub(super) fn judge(browser: &Browser) -> Verdict {
    if let Some(dialog) = browser.dialog() {
        return Verdict { wrong: vec![format!("a dialog says {dialog}")], ..Verdict::default() };
    }
    let found = browser.run(LOOK, &[]);
    let texts = |name: &str| -> Vec<String> {
        let list = found[name].as_array().into_iter().flatten();
        list.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let mut wrong = texts("bad");
    if !found["ran"].is_null() {
        wrong.push(format!("a payload ran: {}", found["ran"]));
    }
    wrong.extend(browser.console());
    let number = |field: &String| field.trim_start_matches('m').parse().ok();
    Verdict {
        wrong,
        kinds: texts("kinds").into_iter().collect(),
        fields: texts("shown").iter().filter_map(number).collect(),
    }
}

#[test]
fn the_judge_notices_what_a_page_makes_from_data() {
    let browser = Browser::open();
    let page = |html: &str| browser.go(&format!("data:text/html,<main>{html}</main>"));
    page("<p>text</p>");
    let clean = judge(&browser);
    assert_eq!(clean.wrong, Vec::<String>::new());

    page(
        "<img src=http://localhost:1/ onerror=window.__xss=1><a href=javascript:window.__xss=2>x</a>",
    );
    wait::until("the payload runs", || {
        let has_run = browser.run("return !!window.__xss", &[]);
        if has_run == Value::Bool(true) { Ok(()) } else { Err(has_run.to_string()) }
    });
    let found = judge(&browser);
    let says = found.wrong.join("\n");
    assert!(says.contains("a payload ran: 1") && says.contains("leads to javascript:"), "{says}");
    assert!(found.kinds.contains("img.onerror") && !clean.kinds.contains("img.onerror"));

    page("<script>setTimeout(() => alert(1))</script>");
    wait::until("a dialog opens", || {
        let wrong = judge(&browser).wrong.join("\n");
        if wrong.contains("a dialog says") { Ok(()) } else { Err(wrong) }
    });
}
