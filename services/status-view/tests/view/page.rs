//! Pages over the story's stream: what they say, and that they stay small.

use std::sync::Arc;

use model::{
    Event, KeptnContext, Stored, StreamTime,
    view::{EventEntry, Events},
};
use serde_json::json;
use status_view::{
    answers,
    page::{Acting, EventsFilter, Look, Place, RunsFilter, StagesFilter, document},
};

use crate::stream::{Stream, pass};

/// Returns what a page is drawn from, its events read from the stream of the test.
pub(crate) fn look(stream: &Stream, place: &Place) -> Look {
    let events = place.events().map(|query| {
        let page = answers::events(&stream.view, &query).unwrap();
        let stored = |position: &u64| &stream.events[usize::try_from(*position).unwrap() - 1];
        let meant = |stored: &&Stored| {
            page.is_about(&stored.subject, || stored.body.as_ref().ok().cloned())
        };
        let entry = |stored: &Stored| {
            let json = stored.body.as_ref().unwrap().to_json();
            let event = serde_json::value::RawValue::from_string(json).unwrap();
            EventEntry { position: stored.position, time: stored.time, event }
        };
        let mut events: Vec<EventEntry> =
            page.positions.iter().map(stored).filter(meant).map(entry).collect();
        let surplus = events.len().saturating_sub(page.limit);
        let mut next_before = page.next_before;
        if surplus > 0 {
            events.drain(..surplus);
            next_before = Some(events[0].position);
        }
        Arc::new(Events { position: page.position, events, next_after: None, next_before })
    });
    let now = StreamTime::from_nanos(stream.time);
    Look { view: stream.view.clone(), now, events, acting: None }
}

/// Draws a page that there is.
pub(crate) fn page(stream: &Stream, place: &Place) -> String {
    let drawn = document(place, &look(stream, place));
    assert_eq!(drawn.status, 200, "{place:?}: {}", drawn.html);
    drawn.html
}

/// Draws a page whose buttons act.
pub(crate) fn acting(stream: &Stream, place: &Place) -> String {
    let acting = Some(Acting::on(place));
    let drawn = document(place, &Look { acting, ..look(stream, place) });
    assert_eq!(drawn.status, 200, "{place:?}: {}", drawn.html);
    drawn.html
}

/// Returns what a person reads: texts without tags, blanks as one.
pub(crate) fn text(html: &str) -> String {
    let body = html.split_once("<main").map_or(html, |(_, main)| main);
    let texts: Vec<&str> = body
        .split('<')
        .filter_map(|piece| piece.split_once('>'))
        .flat_map(|(_, text)| text.split_whitespace())
        .collect();
    texts.join(" ").replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">")
}

fn title(html: &str) -> &str {
    html.split_once("<title>").unwrap().1.split_once("</title>").unwrap().0
}

pub(crate) fn says(text: &str, wanted: &[&str]) {
    for one in wanted {
        assert!(text.contains(one), "`{one}` is missing in: {text}");
    }
}

pub(crate) fn project() -> String {
    "sockshop".to_owned()
}

pub(crate) fn stages() -> Place {
    Place::Stages { project: project(), filter: StagesFilter::default() }
}

pub(crate) fn plan(stage: &str, from: Option<&str>) -> Place {
    Place::Plan { project: project(), stage: stage.to_owned(), from: from.map(str::to_owned) }
}

pub(crate) fn run(context: &KeptnContext) -> Place {
    Place::Run { context: context.to_string() }
}

pub(crate) fn runs(filter: RunsFilter) -> Place {
    Place::Runs { project: project(), filter }
}

pub(crate) fn events(filter: EventsFilter) -> Place {
    Place::Events { project: project(), filter }
}

#[test]
fn the_matrix_says_what_is_behind_why_and_what_to_do() {
    let html = page(&Stream::behind(), &stages());
    assert_eq!(title(&html), "hardening is out of sync · sockshop");
    let text = text(&html);
    says(
        &text,
        &[
            "3 services in 3 stages. hardening is 2 services behind dev.",
            "dev failed · 1 first stage",
            "hardening out of sync · 2 takes over from dev Sync 2 services",
            "production in sync follows hardening by itself",
            "carts 0.10.17 evaluated pass ·",
            "0.10.18 failed : response time p95 934 ms is over 600 ms",
            "0.10.1 behind 0.10.17 0.10.1 in sync",
            "keptn trigger artifact-delivery --project=sockshop --stage=hardening",
        ],
    );
    assert!(html.contains("href=\"/projects/sockshop/stages/hardening/plan\""));
    assert!(html.contains("data-position=\""));
}

#[test]
fn the_matrix_shows_what_runs_and_offers_no_second_sync_of_it() {
    let mut stream = Stream::behind();
    let context = stream.sync("hardening");
    let html = page(&stream, &stages());
    says(&text(&html), &["running · 1", "0.10.17 in deployment ·", "On its way"]);
    assert!(!html.contains("Sync 2 services"));
    assert!(html.contains(&format!("href=\"/runs/{context}\"")));
    stream.play(pass);
    assert_eq!(title(&page(&stream, &stages())), "sockshop is in sync");
}

#[test]
fn the_matrix_is_narrowed_to_services_and_to_what_differs() {
    let stream = Stream::behind();
    let of = |filter| page(&stream, &Place::Stages { project: project(), filter });
    let differing = of(StagesFilter { differs: true, ..StagesFilter::default() });
    says(&text(&differing), &["carts 0.10.17", "carts-db 0.4.1"]);
    assert!(!text(&differing).contains("catalogue"));
    let named = of(StagesFilter { service: Some("db".to_owned()), ..StagesFilter::default() });
    assert!(!text(&named).contains("catalogue") && text(&named).contains("carts-db"));
    let none = of(StagesFilter { service: Some("zzz".to_owned()), ..StagesFilter::default() });
    says(&text(&none), &["No service fits."]);
}

#[test]
fn the_plan_tells_changed_new_unchanged_and_not_eligible_apart() {
    let shipyard = crate::stream::SHIPYARD;
    let services = ["carts", "carts-db", "catalogue", "orders", "user"];
    let mut stream = Stream::with_project(shipyard, Some(crate::stream::UNIFORM), &services);
    for service in ["carts", "carts-db", "catalogue"] {
        stream.deliver("dev", service, &format!("{service}:1"));
    }
    stream.sync("hardening");
    stream.play(pass);
    stream.deliver("dev", "carts", "carts:2");
    stream.deliver("dev", "orders", "orders:1");
    stream.deliver_bad("dev", "user", "user:1");
    stream.deliver_bad("dev", "carts-db", "carts-db:2");
    let change = json!({"project": "sockshop", "stage": "hardening", "service": "carts",
        "configurationChange": {"values": {"replicaCount": 3}}});
    let answer = stream.command("configuration.change", change);
    assert_eq!(answer["status"], "succeeded", "{answer}");
    let html = page(&stream, &plan("hardening", None));
    assert_eq!(title(&html), "Plan: sync hardening with dev · sockshop");
    says(
        &text(&html),
        &[
            "One run takes 2 services over, as dev evaluated them.",
            "carts 1 2 changed dev evaluated it",
            "orders – 1 new dev evaluated it",
            "carts-db 1 1 unchanged dev evaluated it",
            "2 is newer but failed its evaluation: response time",
            "user – – not eligible 1 failed its evaluation: response time",
            "Stays as it is in hardening replicaCount: 3 for carts",
            "deployment → test (functional) → test (performance) → evaluation → release, then production by itself",
            "keptn trigger artifact-delivery --project=sockshop --stage=hardening",
        ],
    );
    let first = text(&page(&stream, &plan("dev", None)));
    says(&first, &["dev is the first stage", "--service=SERVICE --artifact=IMAGE"]);
    let other = acting(&stream, &plan("production", Some("dev")));
    says(&other, &["name=\"from\" value=\"dev\"", "--stage=production --from=dev"]);
}

#[test]
fn the_page_of_a_run_shows_tasks_waits_failure_and_events() {
    let mut stream = Stream::behind();
    let context = stream.sync("hardening");
    stream.pass(19);
    let html = page(&stream, &run(&context));
    assert_eq!(title(&html), "deployment is running in hardening · sockshop");
    says(
        &text(&html),
        &[
            "carts 0.10.17 and carts-db 0.4.1 to hardening",
            "Waiting for deployment-service to finish deployment : for 19 s , at most",
            "deployment triggered · 19 s so far · deployment-service (awaited)",
            "test (performance) not started",
            "production artifact-delivery follows when hardening passes",
            "keptn abort sequence -c",
            "deployment.triggered shipyard-controller",
        ],
    );
    // An open task has a bar, what has not started has none.
    assert_eq!(html.matches("<rect ").count(), 1);
    assert!(html.contains("&quot;shkeptncontext&quot;: &quot;"), "an event has its JSON");
    stream.play(|task| {
        if task.task == "evaluation" { ("fail", "see https://x.example/1") } else { ("pass", "") }
    });
    let failed = page(&stream, &run(&context));
    assert_eq!(title(&failed), "failed in hardening · sockshop");
    says(
        &text(&failed),
        &[
            "Failed at evaluation in hardening, says evaluation-service: see https://x.example/1",
            "deployment pass · 1",
            "keptn retry sequence -c",
        ],
    );
    assert!(
        failed.contains("<a href=\"https://x.example/1\" rel=\"noopener noreferrer nofollow\">")
    );
}

#[test]
fn the_page_of_a_run_shows_its_problem_and_the_score_of_its_evaluation() {
    let mut stream = Stream::story();
    let context = stream.say(
        "dev.hotfix.triggered",
        &json!({"project": "sockshop", "stage": "dev", "service": "carts",
            "problem": {"problemTitle": "response time degraded"},
            "configurationChange": {"values": {"image": "carts:1"}}}),
    );
    // Executors hand on what they were given, the score of somebody else's evaluation, too.
    let data = json!({"status": "succeeded", "result": "pass", "evaluation": {"score": 87.5}});
    while let Some(task) = stream.open_tasks().into_iter().next() {
        stream.answer(&task, "started", &json!({"status": "succeeded"}));
        stream.answer(&task, "finished", &data);
    }
    let text = text(&page(&stream, &run(&context)));
    says(&text, &["Problem: response time degraded", "evaluation pass · score 87.5 ·"]);
    assert_eq!(text.matches("· score").count(), 1, "{text}");
}

#[test]
fn a_run_in_a_queue_links_to_what_it_stands_behind_and_a_paused_one_to_its_end() {
    let mut stream = Stream::story();
    let first = stream.trigger("dev", "carts", "carts:1");
    let second = stream.trigger("dev", "carts", "carts:2");
    let html = page(&stream, &run(&second));
    says(&text(&html), &["In the queue for carts , behind", "queued"]);
    assert!(html.contains(&format!("<a class=\"mono\" href=\"/runs/{first}\"")), "{html}");
    stream.control("pause", &first);
    let paused = text(&page(&stream, &run(&first)));
    says(
        &paused,
        &[
            "Paused by a person: nothing more is started. Waiting for deployment-service",
            "keptn resume sequence -c",
        ],
    );
}

#[test]
fn buttons_are_forms_only_where_the_page_may_act() {
    let (stream, context) = Stream::approving();
    let quiet = page(&stream, &run(&context));
    assert!(!quiet.contains("method=\"post\""));
    says(&text(&quiet), &["Waiting for a person to approve", "keptn approve -c", "-s a"]);
    let html = acting(&stream, &run(&context));
    for verb in ["approve", "pause", "abort"] {
        says(&html, &[&format!("<form method=\"post\" action=\"/actions/{verb}\">")]);
    }
    says(&html, &["formaction=\"/actions/decline\"", "<a class=\"login\" href=\"/login?page="]);
    let fields = format!("<input type=\"hidden\" name=\"keptnContext\" value=\"{context}\">");
    let back = format!("name=\"back\" value=\"/runs/{context}\"");
    says(&html, &[&back, "name=\"stage\" value=\"a\"", &fields]);
    let mut failed = Stream::story();
    let context = failed.trigger("dev", "carts", "carts:1");
    failed.play(|_| ("fail", ""));
    let at_first = acting(&failed, &run(&context));
    assert_eq!(at_first.matches("action=\"/actions/retry\"").count(), 1, "{at_first}");
}

#[test]
fn runs_are_listed_newest_first_and_in_pages() {
    let mut stream = Stream::behind();
    let all = text(&page(&stream, &runs(RunsFilter::default())));
    says(
        &all,
        &[
            "carts 0.10.18 artifact-delivery dev failed",
            "carts 0.10.17 artifact-delivery dev passed",
        ],
    );
    let narrow = RunsFilter { stage: Some("hardening".to_owned()), ..RunsFilter::default() };
    let narrow = text(&page(&stream, &runs(narrow)));
    assert!(!narrow.contains("carts 0.10.18"));
    for n in 0..60 {
        stream.deliver("dev", "carts", &format!("carts:1.{n}"));
    }
    let newest = page(&stream, &runs(RunsFilter::default()));
    assert!(text(&newest).contains("carts 1.59") && !text(&newest).contains("carts 1.5 "));
    let before = newest.split_once("before=").unwrap().1.split_once('"').unwrap().0;
    let older = RunsFilter { before: Some(before.parse().unwrap()), ..RunsFilter::default() };
    says(&text(&page(&stream, &runs(older))), &["carts 1.5 ", "carts 1.0 "]);
}

#[test]
fn events_are_narrowed_by_type_delivery_and_stage() {
    let mut stream = Stream::behind();
    let context = stream.sync("hardening");
    stream.play(pass);
    let of = |filter: EventsFilter| text(&page(&stream, &events(filter)));
    let finished = of(EventsFilter {
        event_type: Some("test.finished".to_owned()),
        ..EventsFilter::default()
    });
    says(&finished, &["test.finished jmeter-service pass"]);
    assert!(!finished.contains("test.started") && !finished.contains("deployment.finished"));
    let of_run = EventsFilter { context: Some(context.to_string()), ..EventsFilter::default() };
    let in_production = EventsFilter { stage: Some("production".to_owned()), ..of_run.clone() };
    says(
        &of(of_run),
        &["hardening.artifact-delivery.finished", "production.artifact-delivery.finished"],
    );
    let in_production = of(in_production);
    says(&in_production, &["production.artifact-delivery.finished", "update.triggered"]);
    assert!(!in_production.contains("hardening.artifact-delivery.finished"));
    let newest = page(&stream, &events(EventsFilter::default()));
    assert_eq!(newest.matches("<li id=\"event-").count(), 100);
    let before = newest.split_once("before=").unwrap().1.split_once('"').unwrap().0;
    let older = EventsFilter { before: Some(before.parse().unwrap()), ..EventsFilter::default() };
    let older = page(&stream, &events(older));
    assert!(older.contains("<li id=\"event-1\">") || older.contains("older"), "the next page");
    assert!(!older.contains(&format!("\"event-{}\"", stream.events.len())));
}

#[test]
fn events_of_a_stage_are_found_behind_hundreds_of_others() {
    let mut stream = Stream::behind();
    stream.sync("hardening");
    stream.play(pass);
    for _ in 0..300 {
        stream.say("other.triggered", &json!({"project": "sockshop", "stage": "dev"}));
    }
    let of = |stage: &str| {
        events(EventsFilter { stage: Some(stage.to_owned()), ..EventsFilter::default() })
    };
    let found = page(&stream, &of("production"));
    says(&text(&found), &["production.artifact-delivery.finished", "--stage=production"]);
    assert!(!found.contains("rel=\"next\""), "there are no older ones");
    let (newest, next) = (page(&stream, &of("dev")), "rel=\"next\" href=\"");
    assert_eq!(newest.matches("<li id=\"event-").count(), 100);
    says(&newest, &[next, "?stage=dev&amp;before="]);
    let refused = answers::events(&stream.view, &of("prod").events().unwrap()).unwrap_err();
    says(&refused.message, &["prod"]);
}

#[test]
fn the_history_says_who_what_from_where_and_why() {
    let mut stream = Stream::story();
    let mut event: Event = stream.make(
        "dev.artifact-delivery.triggered",
        json!({"project": "sockshop", "stage": "dev", "service": "carts",
            "labels": {"buildId": "17", "why": "https://git.example/pr/9"},
            "configurationChange": {"values": {"image": "carts:1"}}}),
    );
    event.source = "jenkins".into();
    stream.store(event);
    stream.settle();
    stream.play(pass);
    stream.sync("hardening");
    stream.play(pass);
    let place = Place::History { project: project(), filter: RunsFilter::default() };
    let html = page(&stream, &place);
    says(
        &text(&html),
        &[
            "carts 1 dev passed",
            "jenkins artifact-delivery buildId: 17 why: https://git.example/pr/9",
            "artifact-delivery, taken over from dev",
            "follows by itself",
        ],
    );
    assert!(html.contains("<a href=\"https://git.example/pr/9\""));
}

#[test]
fn the_graph_draws_stages_what_follows_loops_and_what_runs() {
    let shipyard = "
apiVersion: spec.keptn.sh/0.2.3
kind: Shipyard
metadata: {name: s}
spec:
  stages:
    - {name: a, sequences: [{name: go, tasks: [{name: test}], triggeredOn: [{event: b.go.finished}]}]}
    - name: b
      sequences:
        - {name: back, tasks: [{name: t}], triggeredOn: [{event: b.go.finished, selector: {match: {result: fail}}}]}
        - {name: go, tasks: [{name: t}], triggeredOn: [{event: a.go.finished}]}
";
    let mut stream = Stream::with_project(shipyard, None, &["s"]);
    stream.say("a.go.triggered", &json!({"project": "sockshop", "stage": "a", "service": "s"}));
    let html = page(&stream, &Place::Graph { project: project() });
    assert_eq!(html.matches("<path class=\"edge").count(), 3);
    assert_eq!(html.matches("<path class=\"edge other").count(), 1);
    assert_eq!(html.matches("<rect class=\"run\"").count(), 1);
    says(
        &text(&html),
        &["a.go follows b.go", "b.back follows b.go if result = fail", "1 task · running · 1"],
    );
}

#[test]
fn projects_are_listed_and_an_unknown_one_has_a_hint() {
    let mut stream = Stream::behind();
    stream.create_project("other", (crate::stream::SHIPYARD, None), &["a"]);
    let html = page(&stream, &Place::Projects);
    assert_eq!(title(&html), "1 project is out of sync · Slipway");
    says(&text(&html), &["sockshop 3 dev first stage hardening out of sync · 2", "other 1 dev"]);
    let unknown = Place::Graph { project: "sokshop".to_owned() };
    let refused = document(&unknown, &look(&stream, &unknown));
    assert_eq!(refused.status, 404);
    says(&text(&refused.html), &["project `sokshop` does not exist", "did you mean `sockshop`?"]);
    let empty = page(&Stream::default(), &Place::Projects);
    says(&text(&empty), &["No project yet", "keptn create project NAME --shipyard=FILE"]);
}
