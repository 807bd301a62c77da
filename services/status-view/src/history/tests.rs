//! What the history keeps, and what it forgets first.

use model::{EventId, Payload, StreamTime};

use super::*;

/// Stores an event of a type that nobody acts on, in a delivery of its own.
fn stored(position: Position, context: &str) -> Stored {
    let kind = EventType::Other("sh.keptn.other".into());
    let id = EventId::new(&format!("id-{position}")).unwrap();
    let mut event = Event::new(id, "test", kind, Payload::empty());
    event.context = Some(KeptnContext::new(context).unwrap());
    Stored::new(position, StreamTime::from_nanos(1), "sh.keptn.other", Ok(event))
}

#[test]
fn the_oldest_delivery_that_is_not_open_is_forgotten_first() {
    let (mut history, world) = (History::default(), World::default());
    let context = |n: usize| KeptnContext::new(&format!("context-{n}")).unwrap();
    for n in 0..=DELIVERIES_MAX {
        history.apply(&stored(n as Position + 1, context(n).as_str()), &world, &[]);
    }
    assert_eq!(history.deliveries.len(), DELIVERIES_MAX);
    assert!(!history.has_delivery(&context(0)));
    assert!(history.has_delivery(&context(1)));
    assert_eq!(history.events_of(&context(DELIVERIES_MAX)), [DELIVERIES_MAX as Position + 1]);
    assert_eq!(history.listed_events, DELIVERIES_MAX);
}

#[test]
fn an_open_delivery_is_not_forgotten_even_if_it_was_closed_before() {
    let (mut history, mut world) = (History::default(), World::default());
    history.apply(&stored(1, "open"), &world, &[]);
    let kind = EventType::parse("sh.keptn.event.dev.delivery.triggered").unwrap();
    let data = serde_json::json!({"project": "unknown"});
    let data = Payload::from_map(data.as_object().unwrap());
    let mut event = Event::new(EventId::new("trigger").unwrap(), "test", kind, data);
    event.context = Some(KeptnContext::new("open").unwrap());
    let subject = event.event_type.to_string();
    let trigger = Stored::new(2, StreamTime::from_nanos(1), &subject, Ok(event));
    // Its end is owed and never said, so it stays open.
    let applied = world.apply(&trigger);
    history.apply(&trigger, &world, &applied.facts);
    for n in 0..=DELIVERIES_MAX {
        history.apply(&stored(n as Position + 3, &format!("context-{n}")), &world, &[]);
    }
    assert_eq!(history.deliveries.len(), DELIVERIES_MAX);
    assert_eq!(history.runs_of(&KeptnContext::new("open").unwrap()), [2]);
    assert!(history.run(2).is_some_and(|run| run.finished_at.is_none()));
}

#[test]
fn a_long_text_is_cut_at_a_character() {
    assert_eq!(bounded("äöü", 2).as_deref(), Some("äö…"));
    assert_eq!(bounded("äö", 2).as_deref(), Some("äö"));
    assert_eq!(bounded("", 2), None);
}
