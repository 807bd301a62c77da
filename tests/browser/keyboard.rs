//! With the keyboard alone: the order of stops, and that a page that changes takes nothing away.

use serde_json::{Value, json};

use crate::browser::{Browser, ENTER, TAB};
use crate::harness::story;
use crate::harness::wait;
use crate::stand::Stand;

/// Stops that are looked at: more than the head of a page has.
const STOPS: usize = 16;
/// What has the focus: its element and what it says.
const FOCUSED: &str = "
    const one = document.activeElement;
    return `${one.localName} ${(one.textContent || one.value || '').trim().replace(/\\s+/g, ' ')}`;";

fn focused(browser: &Browser) -> String {
    browser.run(FOCUSED, &[]).as_str().unwrap_or_default().to_owned()
}

fn tab(browser: &Browser) -> String {
    browser.press(TAB);
    focused(browser)
}

#[test]
fn tab_goes_from_the_skip_link_over_the_tabs_to_what_there_is_to_do() {
    let stand = Stand::with_story();
    let browser = Browser::open();
    browser.go(&stand.url("/projects/sockshop"));
    let stops: Vec<String> = (0..STOPS).map(|_| tab(&browser)).collect();
    assert!(stops[0].starts_with("a Skip"), "{stops:?}");
    let at = |stop: &str| stops.iter().position(|one| one == stop);
    let tabs: Vec<Option<usize>> =
        ["a Stages", "a Runs", "a Graph", "a Events", "a History"].map(at).to_vec();
    assert!(tabs.iter().all(Option::is_some) && tabs.is_sorted(), "{stops:?}");
    let to_do = stops.iter().position(|stop| stop.contains("Sync 2 services"));
    assert!(to_do > tabs[4], "{stops:?}");

    // The skip link leads past the tabs.
    browser.go(&stand.url("/projects/sockshop"));
    tab(&browser);
    browser.press(ENTER);
    assert!(focused(&browser).starts_with("main "), "{}", focused(&browser));
    let next = tab(&browser);
    let in_main = browser.run("return !!document.activeElement.closest('main')", &[]);
    assert_eq!(in_main, json!(true), "{next}");
}

#[test]
fn what_is_focused_and_what_is_open_stay_when_the_page_changes() {
    let mut stand = Stand::with_story();
    let browser = Browser::open();
    browser.go(&stand.url("/projects/sockshop"));
    browser.run(REMEMBER, &[]);
    browser.run("document.querySelector('#main a[href$=\"/hardening/plan\"]').focus()", &[]);
    assert_eq!(focused(&browser), "a Sync 2 services");
    story::deliver(&stand.stack.user, &mut stand.stream, "catalogue:1.7.1");
    wait_until_redrawn(&browser, "Sync 3 services");
    assert_eq!(focused(&browser), "a Sync 3 services");

    browser.go(&stand.url("/projects/sockshop/events"));
    browser.run(REMEMBER, &[]);
    let open = browser.run(
        "const one = document.querySelector('#main details[data-key]');
         one.querySelector('summary').click();
         return one.dataset.key;",
        &[],
    );
    stand.say("later.triggered", &Value::Null, &json!({"project": "sockshop"}));
    wait_until_redrawn(&browser, "later.triggered");
    let is_open = "return document.querySelector(`details[data-key='${arguments[0]}']`).open";
    assert_eq!(browser.run(is_open, std::slice::from_ref(&open)), json!(true), "{open}");
}

/// Remembers the present drawing.
const REMEMBER: &str = "window.__drawn = document.getElementById('main')";

/// Waits until the page says something in a drawing that is not the one that is remembered.
fn wait_until_redrawn(browser: &Browser, wanted: &str) {
    wait::until(wanted, || {
        let is_new = browser.run("return window.__drawn.isConnected", &[]) == json!(false);
        let text = browser.text();
        if is_new && text.contains(wanted) { Ok(()) } else { Err(text) }
    });
}
