//! Lists of runs, events and projects: filters, pages, contexts by their beginning.

use model::{
    KeptnContext, Position,
    view::{EventsQuery, ProjectsQuery, QueryErrorCode, SequenceQuery, SequencesQuery},
};
use serde_json::json;
use status_view::answers;

use crate::stream::{Stream, pass};

fn listed(stream: &Stream, query: &SequencesQuery) -> Vec<Position> {
    let answer = answers::sequences(&stream.view, query).unwrap();
    answer.sequences.iter().map(|run| run.position).collect()
}

#[test]
fn pages_of_runs_follow_each_other_newest_first() {
    let stream = Stream::behind();
    let all = listed(&stream, &SequencesQuery::default());
    assert_eq!(all.len(), 8);
    assert!(all.is_sorted_by(|one, next| one > next));
    let (mut query, mut seen) =
        (SequencesQuery { limit: 3, ..SequencesQuery::default() }, Vec::new());
    loop {
        let page = answers::sequences(&stream.view, &query).unwrap();
        assert!(page.sequences.len() <= 3);
        seen.extend(page.sequences.iter().map(|run| run.position));
        query.before = page.next_before;
        if query.before.is_none() {
            break;
        }
    }
    assert_eq!(seen, all);
}

#[test]
fn filters_narrow_alone_and_together() {
    let mut stream = Stream::behind();
    let open = stream.sync("hardening");
    let count = |query: SequencesQuery| {
        let found = answers::sequences(&stream.view, &query).unwrap().sequences;
        for run in &found {
            assert!(query.project.as_ref().is_none_or(|name| *name == run.project.as_str()));
            assert!(query.stage.as_ref().is_none_or(|name| *name == run.stage.as_str()));
            assert!(query.service.as_ref().is_none_or(|name| {
                run.services.iter().any(|one| *name == one.service.as_str())
            }));
            assert!(!query.open_only || run.finished_at.is_none());
        }
        found.len()
    };
    let query = SequencesQuery::default;
    assert_eq!(count(query()), 9);
    assert_eq!(count(SequencesQuery { project: Some("sockshop".into()), ..query() }), 9);
    assert_eq!(count(SequencesQuery { stage: Some("dev".into()), ..query() }), 6);
    assert_eq!(count(SequencesQuery { stage: Some("hardening".into()), ..query() }), 2);
    assert_eq!(count(SequencesQuery { service: Some("carts-db".into()), ..query() }), 5);
    assert_eq!(
        count(SequencesQuery {
            service: Some("carts-db".into()),
            stage: Some("dev".into()),
            ..query()
        }),
        2
    );
    assert_eq!(count(SequencesQuery { open_only: true, ..query() }), 1);
    assert_eq!(count(SequencesQuery { open_only: true, stage: Some("dev".into()), ..query() }), 0);
    assert_eq!(count(SequencesQuery { keptn_context: Some(open.short().into()), ..query() }), 1);
    assert_eq!(
        count(SequencesQuery {
            keptn_context: Some(open.short().into()),
            stage: Some("dev".into()),
            ..query()
        }),
        0
    );
}

#[test]
fn unknown_names_in_a_filter_are_refused() {
    let stream = Stream::behind();
    let refused = |query: SequencesQuery| {
        let error = answers::sequences(&stream.view, &query).unwrap_err();
        assert_eq!(error.code, QueryErrorCode::NotFound);
        error.hint.unwrap()
    };
    let query = SequencesQuery::default;
    assert_eq!(
        refused(SequencesQuery { project: Some("sockshopp".into()), ..query() }),
        "did you mean `sockshop`?"
    );
    assert_eq!(
        refused(SequencesQuery { stage: Some("prod".into()), ..query() }),
        "did you mean `production`?"
    );
    assert_eq!(
        refused(SequencesQuery {
            service: Some("cats".into()),
            project: Some("sockshop".into()),
            ..query()
        }),
        "did you mean `carts`?"
    );
}

#[test]
fn a_context_may_be_given_by_a_beginning_that_only_one_has() {
    let mut stream = Stream::story();
    for context in ["aaaaaaaa-1", "aaaaaaaa-2", "bbbbbbbb-1"] {
        let mut event = stream.make(
            "dev.artifact-delivery.triggered",
            json!({"project": "sockshop", "stage": "dev", "service": "carts"}),
        );
        event.context = Some(KeptnContext::new(context).unwrap());
        stream.store(event);
    }
    let find = |context: &str| {
        let query = SequenceQuery { keptn_context: context.to_owned(), at_least: None };
        answers::delivery(&stream.view, &query)
            .map(|delivery| delivery.keptn_context.to_string())
            .map_err(|error| (error.code, error.hint.unwrap_or_default()))
    };
    assert_eq!(find("bbbbbbbb").unwrap(), "bbbbbbbb-1");
    assert_eq!(find("aaaaaaaa-2").unwrap(), "aaaaaaaa-2");
    let (code, hint) = find("aaaaaaaa").unwrap_err();
    assert_eq!(code, QueryErrorCode::BadQuery);
    assert!(hint.contains("aaaaaaaa-1") && hint.contains("aaaaaaaa-2"), "{hint}");
    assert_eq!(find("bbbbbbb").unwrap_err().0, QueryErrorCode::BadQuery);
    assert_eq!(find("cccccccc").unwrap_err().0, QueryErrorCode::NotFound);
    assert_eq!(find("a b").unwrap_err().0, QueryErrorCode::BadQuery);
}

#[test]
fn events_are_found_by_delivery_project_and_type() {
    let mut stream = Stream::behind();
    stream.store_body(
        "sh.keptn.event.dev.artifact-delivery.triggered",
        Err(model::Malformed::new("must be JSON")),
    );
    let context = stream.sync("hardening");
    stream.play(pass);
    let find = |query: EventsQuery| answers::events(&stream.view, &query).unwrap().positions;
    let wanted = |fits: &dyn Fn(&model::Event) -> bool| -> Vec<Position> {
        let fitting = stream.events.iter().filter(|one| one.body.as_ref().is_ok_and(fits));
        fitting.map(|one| one.position).collect()
    };
    let query = || EventsQuery { limit: 500, ..EventsQuery::default() };
    let of_context = wanted(&|event| {
        event.context.as_ref() == Some(&context)
            || event.id == stream.events[of_trigger(&stream, &context)].body.as_ref().unwrap().id
    });
    assert_eq!(
        find(EventsQuery { keptn_context: Some(context.to_string()), ..query() }),
        of_context
    );
    assert_eq!(find(query()).len(), stream.events.len());
    // Only the malformed message, and the answer that it gets, have no project.
    assert_eq!(
        find(EventsQuery { project: Some("sockshop".into()), ..query() }).len(),
        stream.events.len() - 2
    );
    let finished = wanted(&|event| event.event_type.to_string() == "sh.keptn.event.test.finished");
    assert_eq!(find(EventsQuery { event_type: Some("test.finished".into()), ..query() }), finished);
    assert_eq!(
        find(EventsQuery { event_type: Some("sh.keptn.event.test.finished".into()), ..query() }),
        finished
    );
    let both = find(EventsQuery {
        keptn_context: Some(context.short().into()),
        event_type: Some("test.finished".into()),
        ..query()
    });
    assert_eq!(both.len(), 2);
    assert_eq!(find(EventsQuery { event_type: Some("no.such.type".into()), ..query() }), [0; 0]);
}

/// Returns the index of the trigger of a delivery that named no context.
fn of_trigger(stream: &Stream, context: &KeptnContext) -> usize {
    let is_trigger = |one: &model::Stored| {
        one.body.as_ref().is_ok_and(|event| KeptnContext::of_trigger(&event.id) == *context)
    };
    stream.events.iter().position(is_trigger).unwrap()
}

#[test]
fn pages_of_events_follow_each_other_oldest_first() {
    let stream = Stream::behind();
    let (mut query, mut seen) =
        (EventsQuery { limit: 7, after: Some(0), ..EventsQuery::default() }, Vec::new());
    while query.after.is_some() {
        let page = answers::events(&stream.view, &query).unwrap();
        seen.extend(page.positions);
        query.after = page.next_after;
    }
    assert_eq!(seen, (1..=stream.events.len() as u64).collect::<Vec<_>>());
}

#[test]
fn projects_tell_their_stages_at_a_glance() {
    let mut stream = Stream::behind();
    stream.sync("hardening");
    let all = answers::projects(&stream.view, &ProjectsQuery::default()).unwrap();
    let [project] = all.projects.as_slice() else { panic!("{all:?}") };
    assert_eq!(project.shipyard_version, "spec.keptn.sh/0.2.3");
    let services: Vec<&str> = project.services.iter().map(|one| one.service.as_str()).collect();
    assert_eq!(services, ["carts", "carts-db", "catalogue"]);
    let stages: Vec<String> = project
        .stages
        .iter()
        .map(|one| format!("{} {:?} {} {}", one.stage, one.sync_status, one.differing, one.running))
        .collect();
    assert_eq!(stages, ["dev FirstStage 0 0", "hardening OutOfSync 2 1", "production InSync 0 0"]);
    let check = &project.stages[1].sequences[0];
    assert_eq!((check.sequence.as_str(), check.delivers), ("check", false));
    assert_eq!(
        project.stages[1].sequences[1].tasks,
        ["deployment", "test (functional)", "test (performance)", "evaluation", "release"]
    );
    let query = ProjectsQuery { project: Some("other".into()), at_least: None };
    assert_eq!(answers::projects(&stream.view, &query).unwrap_err().code, QueryErrorCode::NotFound);
}
