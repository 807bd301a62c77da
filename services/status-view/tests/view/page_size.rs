//! Pages stay small, however much there is.

use model::StreamTime;
use serde_json::{Value, json};
use status_view::page::{EventsFilter, Place, RunsFilter, StagesFilter};

use crate::{
    page::{events, page, plan, project, run, runs, says, stages, text},
    stream::{Stream, pass},
};

/// Bytes of a page at most.
const PAGE_BYTES_MAX: usize = 200 * 1024;

/// Ten stages, a thousand services in each of them, all with something to say.
fn crowd() -> Stream {
    let stage = |n: usize| {
        format!(
            "    - {{name: stage-{n}, sequences: [{{name: go, tasks: [{{name: deployment}}, {{name: evaluation}}]}}]}}\n"
        )
    };
    let stages: String = (0..10).map(stage).collect();
    let shipyard = format!(
        "apiVersion: spec.keptn.sh/0.2.3\nkind: Shipyard\nmetadata: {{name: s}}\nspec:\n  stages:\n{stages}"
    );
    let names: Vec<String> = (0..1_000).map(|n| format!("service-number-{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut stream = Stream::with_project(&shipyard, None, &names);
    let bracket = |version: &str| -> Value {
        let values = |name: &&str| {
            let image = format!("registry.example/shop/{name}:{version}");
            ((*name).to_owned(), json!({"values": {"image": image}}))
        };
        let services: serde_json::Map<String, Value> = names.iter().map(values).collect();
        json!({"project": "sockshop", "stage": "stage-0", "services": services})
    };
    stream.say("stage-0.go.triggered", &bracket("0.10.17-build.1234"));
    stream.play(pass);
    for n in 1..10 {
        let data = json!({"project": "sockshop", "stage": format!("stage-{n}")});
        stream.say(&format!("stage-{n}.go.triggered"), &data);
        stream.play(pass);
    }
    for (n, version) in ["0.10.18-build.1235", "0.10.19-build.1236"].into_iter().enumerate() {
        stream.say("stage-0.go.triggered", &bracket(version));
        stream.play(|task| match (n, task.task.as_str()) {
            (1, "evaluation") => {
                ("fail", "response time p95 934 ms is over 600 ms in the last five minutes")
            }
            _ => ("pass", ""),
        });
    }
    stream
}

#[test]
fn every_page_of_a_thousand_services_in_ten_stages_stays_small() {
    let stream = crowd();
    let html = page(&stream, &stages());
    assert!(html.len() <= PAGE_BYTES_MAX, "{} bytes", html.len());
    says(
        &text(&html),
        &[
            "1,000 services in 10 stages.",
            "stage-1 is 1,000 services behind stage-0",
            "page 1 of 20",
            "0.10.18-build.1235",
            "0.10.19-build.1236 failed",
        ],
    );
    let last = StagesFilter { page: 19, ..StagesFilter::default() };
    let last = page(&stream, &Place::Stages { project: project(), filter: last });
    says(&text(&last), &["page 20 of 20", "service-number-999"]);
    let (runs, plan) = (runs(RunsFilter::default()), plan("stage-1", None));
    let newest = stream.view.history.runs_before(u64::MAX).next().unwrap();
    let context = stream.view.history.run(newest).unwrap().keptn_context;
    let history = Place::History { project: project(), filter: RunsFilter::default() };
    for place in [
        plan,
        runs,
        history,
        run(&context),
        events(EventsFilter::default()),
        Place::Graph { project: project() },
    ] {
        let bytes = page(&stream, &place).len();
        assert!(bytes <= PAGE_BYTES_MAX, "{place:?}: {bytes} bytes");
    }
}

#[test]
fn pages_of_very_many_runs_stay_small() {
    /// Enough for whatever is not paged to be too large.
    const RUNS: usize = 10_000;
    let mut stream = Stream::behind();
    let data = json!({"project": "sockshop", "stage": "dev", "service": "carts"});
    for _ in 0..RUNS {
        // The view alone: what the controller would answer is not needed.
        let event = stream.make("dev.nothing.triggered", &data);
        let (position, time) = (stream.view.position() + 1, StreamTime::from_nanos(stream.time));
        let subject = event.event_type.to_string();
        stream.view.apply(&model::Stored::new(position, time, &subject, Ok(event)));
    }
    assert!(stream.view.history.runs_before(u64::MAX).count() >= RUNS);
    let history = Place::History { project: project(), filter: RunsFilter::default() };
    for place in
        [stages(), runs(RunsFilter::default()), history, Place::Graph { project: project() }]
    {
        let bytes = page(&stream, &place).len();
        assert!(bytes <= PAGE_BYTES_MAX, "{place:?}: {bytes} bytes");
    }
}
