//! Every page at the state of the story: it says what it is for, fits a phone, and the browser has
//! nothing to complain about.

use serde_json::Value;

use crate::browser::Browser;
use crate::pictures;
use crate::stand::Stand;

/// The command that the story ends in.
const COMMAND: &str = "keptn trigger artifact-delivery --project=sockshop --stage=hardening";

/// A page, and what must stand there.
pub(crate) struct Page {
    name: &'static str,
    /// Where it is.
    pub(crate) path: String,
    title: &'static str,
    /// What a person must be able to read.
    pub(crate) facts: Vec<&'static str>,
}

/// Returns the pages of the story: hardening has fallen behind dev, and dev's last run failed.
pub(crate) fn of_story(stand: &Stand) -> Vec<Page> {
    let of = |part: &str| format!("/projects/sockshop{part}");
    let page = |name, path, title, facts: &[&'static str]| Page {
        name,
        path,
        title,
        facts: facts.to_vec(),
    };
    let failure = "response time p95 934 ms is over 600 ms";
    vec![
        page(
            "projects",
            "/projects".to_owned(),
            "1 project is out of sync · Slipway",
            &["sockshop", "hardening"],
        ),
        page(
            "matrix",
            of(""),
            "hardening is out of sync · sockshop",
            &["hardening is 2 services behind dev", "out of sync · 2", failure, COMMAND],
        ),
        page(
            "plan",
            of("/stages/hardening/plan"),
            "Plan: sync hardening with dev · sockshop",
            &["takes 2 services over", "0.10.1 0.10.17 changed", "dev evaluated it", COMMAND],
        ),
        page(
            "failed-run",
            format!("/runs/{}", stand.delivery_of("carts:0.10.18")),
            "failed in dev · sockshop",
            &[
                "Failed at evaluation in dev, says evaluation-service",
                failure,
                "keptn retry sequence",
            ],
        ),
        page(
            "runs",
            of("/runs"),
            "No run is open · sockshop",
            &["failed", "0.10.18", "production"],
        ),
        page(
            "graph",
            of("/graph"),
            "sockshop is out of sync · graph",
            &["dev", "hardening", "production"],
        ),
        page("events", of("/events"), "Events · sockshop", &["dev.artifact-delivery.finished"]),
        page("history", of("/history"), "History · sockshop", &["carts", "0.10.17"]),
    ]
}

/// Returns the pages that change while the sync of hardening runs.
fn while_running(context: &str) -> Vec<Page> {
    let waits = "Waiting for jmeter-service to finish test (performance)";
    vec![
        Page {
            name: "run",
            path: format!("/runs/{context}"),
            title: "test (performance) is running in hardening · sockshop",
            facts: vec![
                "carts 0.10.17 and carts-db 0.4.1 to hardening",
                waits,
                "keptn abort sequence",
            ],
        },
        Page {
            name: "running-matrix",
            path: "/projects/sockshop".to_owned(),
            title: "hardening is out of sync · sockshop",
            facts: vec!["running · 1", "in test (performance)"],
        },
    ]
}

#[test]
fn each_page_says_what_it_is_for_fits_a_phone_and_breaks_no_policy() {
    let mut stand = Stand::with_story();
    let browser = Browser::open();
    let mut wrong = Vec::new();
    for page in of_story(&stand) {
        wrong.extend(judge(&browser, &stand, &page));
    }
    let context = stand.begin_sync();
    for page in while_running(&context) {
        browser.go(&stand.url(&page.path));
        // The last answer may not have reached the view yet.
        crate::harness::wait::until(page.title, || match browser.title() {
            title if title == page.title => Ok(()),
            title => Err(title),
        });
        wrong.extend(judge(&browser, &stand, &page));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[track_caller]
fn judge(browser: &Browser, stand: &Stand, page: &Page) -> Vec<String> {
    browser.widen(pictures::DESK);
    browser.go(&stand.url(&page.path));
    let mut wrong = Vec::new();
    if browser.title() != page.title {
        wrong.push(format!("title `{}`, not `{}`", browser.title(), page.title));
    }
    let text = browser.text();
    let missing = page.facts.iter().filter(|fact| !text.contains(**fact));
    wrong.extend(missing.map(|fact| format!("`{fact}` is missing in: {text}")));
    pictures::take(browser, page.name);
    wrong.extend(wider_than_a_phone(browser));
    wrong.extend(browser.console());
    wrong.into_iter().map(|what| format!("{}: {what}", page.name)).collect()
}

/// Returns what makes a page wider than a phone; what scrolls by itself does not.
fn wider_than_a_phone(browser: &Browser) -> Option<String> {
    browser.widen(pictures::PHONE);
    let found = browser.run(
        "const page = document.documentElement;
         if (page.scrollWidth <= page.clientWidth && document.body.scrollWidth <= document.body.clientWidth) return null;
         const wide = [...document.querySelectorAll('body *')].filter(
           (one) => !one.closest('.scroll, .hidden, .skip') && one.getBoundingClientRect().right > page.clientWidth + 1);
         return `${page.scrollWidth} pixels wide: ${wide.map((one) => one.outerHTML.slice(0, 120)).join(' | ')}`;",
        &[],
    );
    browser.widen(pictures::DESK);
    found.as_str().map(str::to_owned)
}

#[test]
fn the_judge_notices_what_is_too_wide_and_what_the_policy_forbids() {
    let stand = Stand::start();
    let browser = Browser::open();
    browser.go(&stand.url("/projects"));
    assert_eq!((wider_than_a_phone(&browser), browser.console()), (None, Vec::new()));
    browser.run(
        "const wide = document.createElement('p');
         wide.textContent = 'x'.repeat(400);
         document.body.append(wide);
         const script = document.createElement('script');
         script.textContent = 'window.__ran = 1';
         document.body.append(script);",
        &[],
    );
    assert!(wider_than_a_phone(&browser).is_some());
    assert_eq!(browser.run("return window.__ran ?? null", &[]), Value::Null);
    let console = browser.console().join("\n");
    assert!(console.contains("Content Security Policy"), "{console}");
}
