//! Queries over the wire.

use bus::RequestError;
use model::{
    Position,
    view::{
        self, Delivery, Events, EventsQuery, Projects, ProjectsQuery, QueryErrorCode,
        SequenceQuery, StageQuery, StageStatus,
    },
};

use crate::{
    running::{LIMIT, Running},
    stream::Stream,
};

fn status_query(at_least: Position) -> StageQuery {
    StageQuery {
        project: "sockshop".to_owned(),
        stage: "hardening".to_owned(),
        from: None,
        at_least: Some(at_least),
    }
}

fn refusal(error: RequestError) -> (QueryErrorCode, String, Position) {
    let RequestError::Refused(refusal) = error else { panic!("{error}") };
    (refusal.error.code, refusal.error.message, refusal.position)
}

#[tokio::test]
async fn the_view_answers_over_the_wire_what_the_stream_says() {
    let (running, mut stream) = (Running::start().await, Stream::behind());
    let context = stream.sync("hardening");
    running.publish(&stream).await;
    let last = stream.events.len() as Position;

    let status: StageStatus = running.ask(view::STAGE, &status_query(last)).await.unwrap();
    assert_eq!(
        (status.position, status.sync_status),
        (last, stream.status("hardening").sync_status)
    );
    assert_eq!(status.command, stream.status("hardening").command);
    assert_eq!(status.ongoing[0].keptn_context, context);

    let query = SequenceQuery { keptn_context: context.short().to_owned(), at_least: None };
    let delivery: Delivery = running.ask(view::SEQUENCE, &query).await.unwrap();
    assert!(delivery.open);
    assert_eq!(delivery.sequences[0].services, stream.delivery(&context).sequences[0].services);

    let projects: Projects = running.ask(view::PROJECTS, &ProjectsQuery::default()).await.unwrap();
    assert_eq!(projects.projects.len(), 1);

    let query = EventsQuery {
        event_type: Some("test.finished".to_owned()),
        limit: 2,
        ..EventsQuery::default()
    };
    let events: Events = running.ask(view::EVENTS, &query).await.unwrap();
    assert_eq!(events.events.len(), 2);
    for entry in &events.events {
        let stored = &stream.events[usize::try_from(entry.position).unwrap() - 1];
        assert_eq!(entry.event.get(), stored.body.as_ref().unwrap().to_json());
    }
}

#[tokio::test]
async fn events_of_a_stage_and_a_service_are_found_page_by_page_in_both_directions() {
    let (running, stream) = (Running::start().await, Stream::behind());
    running.publish(&stream).await;
    let expected: Vec<Position> = stream
        .events
        .iter()
        .filter(|one| {
            let data = one.body.as_ref().unwrap().data.to_map();
            let is_of_carts = data.get("service").is_some_and(|it| it == "carts")
                || data.get("services").is_some_and(|it| it.get("carts").is_some());
            is_of_carts && data.get("stage").is_some_and(|it| it == "dev")
        })
        .map(|one| one.position)
        .collect();
    assert!(expected.len() > 10 && expected.len() < stream.events.len() / 2, "{expected:?}");
    for mut query in
        [EventsQuery { after: Some(0), ..EventsQuery::default() }, EventsQuery::default()]
    {
        (query.stage, query.service) = (Some("dev".to_owned()), Some("carts".to_owned()));
        (query.limit, query.at_least) = (3, Some(stream.events.len() as Position));
        let is_forward = query.after.is_some();
        let mut seen = Vec::new();
        loop {
            let page: Events = running.ask(view::EVENTS, &query).await.unwrap();
            assert!(page.events.len() <= 3);
            let positions: Vec<Position> = page.events.iter().map(|one| one.position).collect();
            let at = if is_forward { seen.len() } else { 0 };
            seen.splice(at..at, positions);
            let next = if is_forward { page.next_after } else { page.next_before };
            if next.is_none() {
                break;
            }
            if is_forward { query.after = next } else { query.before = next }
        }
        assert_eq!(seen, expected);
    }
    let query = EventsQuery { stage: Some("prod".to_owned()), ..EventsQuery::default() };
    let unknown = running.ask::<Events>(view::EVENTS, &query).await.unwrap_err();
    assert_eq!(refusal(unknown).0, QueryErrorCode::NotFound);
}

#[tokio::test]
async fn a_query_that_cannot_be_answered_says_why() {
    let (running, stream) = (Running::start().await, Stream::story());
    running.publish(&stream).await;
    let last = stream.events.len() as Position;
    let query = StageQuery { project: "sokshop".to_owned(), ..status_query(last) };
    let unknown = running.ask::<StageStatus>(view::STAGE, &query).await.unwrap_err();
    assert_eq!(
        refusal(unknown),
        (QueryErrorCode::NotFound, "project `sokshop` does not exist".to_owned(), last)
    );
    let bad = running.ask::<StageStatus>(view::STAGE, &["no object"]).await.unwrap_err();
    assert_eq!(refusal(bad).0, QueryErrorCode::BadQuery);
    let behind =
        running.ask::<StageStatus>(view::STAGE, &status_query(last + 1)).await.unwrap_err();
    let (code, message, position) = refusal(behind);
    assert_eq!((code, position), (QueryErrorCode::Behind, last));
    assert!(message.contains(&format!("position {}", last + 1)), "{message}");
    assert!(message.contains(&format!("up to {last}")), "{message}");
}

#[tokio::test]
async fn hundreds_of_queries_wait_for_an_event_and_are_answered_when_it_comes() {
    const QUERIES: usize = 300;
    let (running, mut stream) = (Running::start().await, Stream::story());
    running.publish(&stream).await;
    let last = stream.events.len() as Position;
    // The view listens.
    running.ask::<StageStatus>(view::STAGE, &status_query(last)).await.unwrap();
    let mut asking = tokio::task::JoinSet::new();
    for _ in 0..QUERIES {
        let bus = running.bus.clone();
        asking.spawn(async move {
            let query = status_query(last + 1);
            bus.request_json::<_, StageStatus>(view::STAGE, &query, LIMIT).await.unwrap().position
        });
    }
    // A query without a condition is answered while they wait.
    let now = running.ask::<StageStatus>(view::STAGE, &status_query(0)).await.unwrap();
    assert_eq!(now.position, last);
    let event = stream.make("other.triggered", serde_json::json!({"project": "sockshop"}));
    running.say(&event.event_type.to_string(), &event.to_json(), event.id.as_str()).await;
    let answered = asking.join_all().await;
    assert_eq!(answered, [last + 1; QUERIES]);
}

#[tokio::test]
async fn large_and_unreadable_events_are_listed_within_the_bounds_of_a_message() {
    const TYPE: &str = "sh.keptn.event.large.started";
    let running = Running::start().await;
    let event = |id: usize, bytes: usize| {
        format!(r#"{{"id":"{id}","type":"{TYPE}","data":{{"text":"{}"}}}}"#, "x".repeat(bytes))
    };
    for (id, bytes) in [400_000, 400_000, 400_000, 980_000].into_iter().enumerate() {
        running.say(TYPE, &event(id, bytes), &id.to_string()).await;
    }
    let last = running.say(TYPE, "no JSON", "unreadable").await;
    let mut query = EventsQuery { after: Some(0), at_least: Some(last), ..EventsQuery::default() };
    let (mut seen, mut pages) = (Vec::new(), 0);
    while query.after.is_some() {
        let page: Events = running.ask(view::EVENTS, &query).await.unwrap();
        query.after = page.next_after;
        seen.extend(page.events);
        pages += 1;
    }
    let positions: Vec<Position> = seen.iter().map(|one| one.position).collect();
    assert_eq!((positions, pages), (vec![1, 2, 3, 4, 5], 2));
    assert_eq!(seen[0].event.get(), event(0, 400_000));
    assert!(seen[3].event.get().contains("omitted"), "{:.200}", seen[3].event.get());
    assert!(seen[4].event.get().contains("must be JSON"), "{}", seen[4].event.get());
    // The newest are asked for: what does not fit is left out at the old end.
    let newest: Events = running.ask(view::EVENTS, &EventsQuery::default()).await.unwrap();
    let positions: Vec<Position> = newest.events.iter().map(|one| one.position).collect();
    assert_eq!((positions, newest.next_after), (vec![2, 3, 4, 5], None));
}
