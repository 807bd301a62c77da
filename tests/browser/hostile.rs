//! What events say stays text in the browser, too, wherever a page shows it: in a page that is
//! loaded, and in one that changes by itself.

mod judge;
mod payloads;

use std::time::Duration;

use serde_json::{Value, json};
use tests::faults::project::{encoded, shipyard_of};

use crate::browser::Browser;
use crate::harness::event::Entry;
use crate::harness::wait;
use crate::stand::Stand;

use self::judge::Verdict;
use self::payloads::{FIELDS, HARMLESS, PAYLOADS, text, word};

/// Services, of which the first fails and the second passes its evaluation.
const SERVICES: [&str; 2] = ["carts", "orders"];
/// How often what one payload makes is more than a page of events lists.
const LISTED: usize = 40;
/// Longest time until all runs have ended, on a machine that does other work.
const RUNS_LIMIT: Duration = Duration::from_mins(2);

/// The name of the project whose events hold a payload.
fn project(number: usize) -> String {
    format!("p{number}")
}

/// The delivery of a service in a project.
fn context(number: usize, service: &str) -> String {
    word(4, &format!("{number}-{service}-{}", PAYLOADS[number]))
}

fn command(stand: &mut Stand, kind: &str, data: &Value) {
    let id = format!("command-{}", stand.stream.read_to_end());
    stand.say(&format!("{kind}.triggered"), &json!({"id": id, "shkeptncontext": id}), data);
}

/// Creates a project, and triggers a delivery of each of its services.
fn deliver(stand: &mut Stand, number: usize) {
    let payload = PAYLOADS[number];
    let project = project(number);
    let tasks = json!([
        {"name": "deployment", "properties": {"kind": text(0, payload)}},
        {"name": "deployment", "properties": {"kind": "other"}},
        {"name": "evaluation"},
    ]);
    let selector = json!({"match": {"result": text(1, payload)}});
    let back = json!({"name": "back", "tasks": [{"name": "test"}],
        "triggeredOn": [{"event": "dev.go.finished", "selector": selector}]});
    let shipyard = shipyard_of(&[
        json!({"name": "dev", "sequences": [{"name": "go", "tasks": tasks}, back]}),
        json!({"name": "hardening", "sequences": [{"name": "go", "tasks": [{"name": "deployment"}]}]}),
    ]);
    let create = json!({"project": project, "shipyard": encoded(&shipyard)});
    command(stand, "project.create", &create);
    for service in SERVICES {
        command(stand, "service.create", &json!({"project": project, "service": service}));
    }
    let values = json!({"values": {text(2, payload): text(3, payload)}});
    let change = json!({"project": project, "stage": "hardening", "service": SERVICES[1],
        "configurationChange": values});
    command(stand, "configuration.change", &change);
    for service in SERVICES {
        let data = json!({
            "project": project, "stage": "dev", "service": service, "message": text(7, payload),
            "labels": {text(8, payload): text(9, payload)},
            "configurationChange": {"values": {"image": text(10, payload)}},
            "deployment": {"deploymentURIsPublic": [text(11, payload)]},
        });
        let attributes = json!({"id": context(number, service), "source": text(5, payload),
            "shkeptncontext": context(number, service), "time": text(6, payload)});
        stand.say("dev.go.triggered", &attributes, &data);
    }
}

/// Publishes events that no service of ours would, with a payload in all that is left.
fn foreign(stand: &mut Stand, project: &str, payload: &str) {
    // A name that is none is refused wherever it stands; pages must not show it either.
    for names in [json!({"stage": text(17, payload)}), json!({"service": text(18, payload)})] {
        let mut data = names;
        data["project"] = json!(project);
        stand.say("foreign.triggered", &Value::Null, &data);
    }
    // Its type has more parts than any of ours, and no letter that a subject cannot have.
    let kind = format!("a.b.c.d.{}.triggered", word(14, payload).replace(['.', '*', '>'], ""));
    let attributes = json!({"id": word(15, payload), "source": text(5, payload),
        "triggeredid": word(16, payload), "shkeptncontext": word(4, payload)});
    stand.say(&kind, &attributes, &json!({"project": project}));
}

/// Plays the executors of all runs until they have ended.
fn play(stand: &mut Stand, runs: usize) {
    let (mut position, mut ended) = (0, 0);
    wait::within(RUNS_LIMIT, "all runs end", || {
        stand.stream.read_to_end();
        let is_new = |entry: &&Entry| entry.position > position;
        let new: Vec<Entry> = stand.stream.entries().iter().filter(is_new).cloned().collect();
        for entry in &new {
            position = entry.position;
            ended += usize::from(entry.short() == "dev.go.finished");
            if entry.is_task() && entry.attribute("source") == "shipyard-controller" {
                answer(stand, entry);
            }
        }
        if ended == runs { Ok(()) } else { Err(format!("{ended} of {runs}")) }
    });
}

fn answer(stand: &mut Stand, task: &Entry) {
    if !task.short().ends_with(".triggered") {
        return;
    }
    let number = task.text("/project").trim_start_matches('p').parse::<usize>();
    let payload = PAYLOADS[number.expect("the project of a payload")];
    let source = text(5, payload);
    let fails = task.short() == "evaluation.triggered" && task.text("/service") == SERVICES[0];
    let result = if fails { "fail" } else { "warning" };
    stand.answer(task, "started", &source, &Value::Null);
    let said = |field| json!({"result": result, "message": text(field, payload)});
    stand.answer(task, "status.changed", &source, &said(12));
    stand.answer(task, "finished", &source, &said(13));
}

/// Returns where all that is said about a project is shown.
fn places(number: usize) -> Vec<String> {
    let of = |part: &str| format!("/projects/{}{part}", project(number));
    let run = |service: &str| format!("/runs/{}", escaped(&context(number, service)));
    let mut places: Vec<String> =
        ["", "/stages/hardening/plan", "/graph", "/runs", "/events", "/history"].map(of).into();
    places.extend(SERVICES.map(run));
    places
}

/// Writes a text as one segment of a path.
fn escaped(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::new(), |mut escaped, byte| {
        write!(escaped, "%{byte:02X}").expect("a text can be written to");
        escaped
    })
}

/// Visits all places of a payload.
fn visit(browser: &Browser, stand: &Stand, number: usize) -> Verdict {
    let mut all = Verdict::default();
    for place in places(number) {
        browser.go(&stand.url(&place));
        browser.wait_until_live();
        all.join(&place, judge::judge(browser));
    }
    all
}

#[test]
fn what_events_say_stays_text_in_every_page() {
    let mut stand = Stand::start();
    for number in 0..PAYLOADS.len() {
        deliver(&mut stand, number);
    }
    play(&mut stand, PAYLOADS.len() * SERVICES.len());
    // At the last, because a page lists the newest events.
    for (number, payload) in PAYLOADS.iter().enumerate() {
        foreign(&mut stand, &project(number), payload);
    }
    stand.wait_until_shown();
    let browser = Browser::open();
    let known = visit(&browser, &stand, HARMLESS);
    let mut wrong = known.wrong.clone();
    for number in (0..PAYLOADS.len()).filter(|number| *number != HARMLESS) {
        let seen = visit(&browser, &stand, number);
        let foreign: Vec<&String> = seen.kinds.difference(&known.kinds).collect();
        let missing: Vec<usize> = (0..FIELDS).filter(|one| !seen.fields.contains(one)).collect();
        wrong.extend(seen.wrong);
        if !(foreign.is_empty() && missing.is_empty()) {
            wrong.push(format!("{:?}: made {foreign:?}, not shown {missing:?}", PAYLOADS[number]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_events_say_stays_text_in_a_page_that_is_open() {
    let mut stand = Stand::start();
    let create = json!({"project": "open", "shipyard": encoded(&shipyard_of(&[
        json!({"name": "dev", "sequences": [{"name": "go", "tasks": [{"name": "deployment"}]}]}),
    ]))});
    command(&mut stand, "project.create", &create);
    // More than a page lists, so that nothing but the payloads changes from here on.
    for _ in 0..LISTED {
        foreign(&mut stand, "open", PAYLOADS[HARMLESS]);
    }
    stand.wait_until_shown();
    let browser = Browser::open();
    browser.go(&stand.url("/projects/open/events"));
    browser.wait_until_live();
    let known = judge::judge(&browser);
    assert_eq!(known.wrong, Vec::<String>::new());
    browser.run("window.__loaded = 1", &[]);
    for payload in PAYLOADS {
        foreign(&mut stand, "open", payload);
        let shown = format!("event-{}", stand.stream.read_to_end());
        wait::until("the event is shown", || {
            let script = "return !!document.querySelector(`[data-key='${arguments[0]}']`)";
            let is_shown = browser.run(script, &[json!(shown)]) == json!(true);
            if is_shown { Ok(()) } else { Err(browser.text()) }
        });
        let seen = judge::judge(&browser);
        assert_eq!(seen.wrong, Vec::<String>::new(), "{payload:?}");
        assert_eq!(seen.kinds, known.kinds, "{payload:?}");
    }
    assert_eq!(browser.run("return window.__loaded", &[]), json!(1), "it was loaded again");
}
