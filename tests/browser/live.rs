//! An open page shows what happens by itself: how soon, and after status-view was started again.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::harness::stack::STATUS_VIEW;
use crate::harness::wait;
use crate::stand::Stand;

/// Events that are measured each time.
const EVENTS: u64 = 100;
/// Events that happen while status-view is away; fewer than a page lists.
const MISSED: u64 = 20;
/// Longest pause between two events: longer than the page rests between two drawings, so that
/// events come at any moment of it.
const PAUSE_MS_MAX: u64 = 120;

/// Notes for each event when the page first showed it, in milliseconds since 1970.
const OBSERVE: &str = "
    window.__seen = {};
    window.__wanted = null;
    const look = () => {
      const now = performance.timeOrigin + performance.now();
      for (const found of document.getElementById('main').textContent.matchAll(/probe-(\\d+)\\./g))
        window.__seen[found[1]] ??= now;
      if (window.__wanted && window.__wanted.probe in window.__seen) {
        window.__wanted.tell(window.__seen[window.__wanted.probe]);
        window.__wanted = null;
      }
    };
    new MutationObserver(look).observe(document.body, { childList: true, subtree: true });
    look();";
/// Returns when the page first showed an event, as soon as it does.
const SHOWN: &str = "
    const [probe, tell] = arguments;
    if (probe in window.__seen) tell(window.__seen[probe]);
    else window.__wanted = { probe, tell };";

#[test]
fn an_open_page_shows_events_at_once_and_goes_on_after_a_restart() {
    let mut stand = Stand::with_story();
    let browser = Browser::open();
    browser.go(&stand.url("/projects/sockshop/events"));
    browser.wait_until_live();
    browser.run(OBSERVE, &[]);
    report("an open page", measure(&mut stand, &browser, 0));

    stand.stack.kill(STATUS_VIEW);
    wait::until("the page says that it is not live", || browser.live("not live"));
    for probe in EVENTS..EVENTS + MISSED {
        publish(&mut stand, probe);
    }
    stand.start_view();
    for probe in EVENTS..EVENTS + MISSED {
        shown(&browser, probe);
    }
    browser.wait_until_live();
    report("after a restart of status-view", measure(&mut stand, &browser, EVENTS + MISSED));
    // Nobody has loaded the page again.
    let seen = browser.run("return Object.keys(window.__seen).length", &[]);
    assert_eq!(seen.as_u64(), Some(2 * EVENTS + MISSED));
}

/// Publishes an event and returns when it was acknowledged, in milliseconds since 1970.
fn publish(stand: &mut Stand, probe: u64) -> f64 {
    stand.say(&format!("probe-{probe}.triggered"), &Value::Null, &json!({"project": "sockshop"}));
    #[expect(clippy::disallowed_methods, reason = "it is compared with the clock of the browser")]
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.expect("it is after 1970").as_secs_f64() * 1000.0
}

/// Returns when the page first showed an event; fails if it does not within the limit of a script.
fn shown(browser: &Browser, probe: u64) -> f64 {
    let shown = browser.run_until_called(SHOWN, &[json!(probe.to_string())]);
    shown.as_f64().unwrap_or_else(|| panic!("event {probe}: {shown}"))
}

/// Returns the milliseconds from the acknowledgement of each event until the page showed it.
fn measure(stand: &mut Stand, browser: &Browser, from: u64) -> Vec<f64> {
    let mut chance = fastrand::Rng::with_seed(from);
    let mut took = Vec::new();
    for probe in from..from + EVENTS {
        wait::pass(Duration::from_millis(chance.u64(0..PAUSE_MS_MAX)));
        let stored = publish(stand, probe);
        took.push(shown(browser, probe) - stored);
    }
    took
}

#[expect(clippy::print_stdout, reason = "the figure is what was measured, it is not judged here")]
fn report(what: &str, mut took: Vec<f64>) {
    took.sort_by(f64::total_cmp);
    let at = |percent: usize| took[(took.len() * percent).div_ceil(100) - 1];
    println!(
        "{what}: {} events, from the acknowledgement until the page has changed: \
         p50 {:.1} ms, p99 {:.1} ms, longest {:.1} ms",
        took.len(),
        at(50),
        at(99),
        at(100)
    );
}
