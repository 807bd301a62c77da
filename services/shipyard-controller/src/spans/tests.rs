//! Deliveries without NATS, and the spans that they come to.

use std::collections::BTreeMap;

use model::{EventId, KeptnContext, Stored};
use serde_json::json;
use testing::{Stream, carts, shipyard, verdict};

use super::*;

/// Who folds the stream as the controller does, and keeps the spans.
#[derive(Clone, Debug, Default)]
struct Seen {
    world: World,
    spans: Vec<Span>,
}

fn see(seen: &mut Seen, stored: &Stored) {
    let applied = seen.world.apply(stored);
    seen.spans.extend(ended(&seen.world, &applied.facts));
}

fn stream() -> Stream<Seen> {
    let mut stream = Stream::seen_by(Seen::default(), see);
    let documents = shipyard(&[
        "{name: dev, sequences: [{name: d, tasks: [{name: deployment}, {name: test}]}, \
         {name: rollback, triggeredOn: [{event: dev.d.finished, selector: {match: {result: fail}}}], \
         tasks: [{name: undo}]}]}",
        "{name: hard, sequences: [{name: d, triggeredOn: [{event: dev.d.finished}], \
         tasks: [{name: deployment}]}]}",
    ]);
    stream.create_project("p", (&documents, None), &["carts"]);
    stream
}

/// Draws spans as a tree: what hangs below what, and what failed.
fn tree(spans: &[Span]) -> Vec<String> {
    let mut below: BTreeMap<Option<SpanId>, Vec<&Span>> = BTreeMap::new();
    let ids: Vec<SpanId> = spans.iter().map(|span| span.id).collect();
    for span in spans {
        let parent = span.parent.filter(|parent| ids.contains(parent));
        below.entry(parent).or_default().push(span);
    }
    let mut lines = Vec::new();
    draw(&below, None, 0, &mut lines);
    lines
}

fn draw(
    below: &BTreeMap<Option<SpanId>, Vec<&Span>>,
    parent: Option<SpanId>,
    depth: usize,
    lines: &mut Vec<String>,
) {
    let mut spans = below.get(&parent).cloned().unwrap_or_default();
    spans.sort_by_key(|span| span.start);
    for span in spans {
        let word = if span.error.is_some() { " failed" } else { "" };
        lines.push(format!("{}{}{word}", "  ".repeat(depth), span.name));
        draw(below, Some(span.id), depth + 1, lines);
    }
}

fn attribute<'a>(span: &'a Span, key: &str) -> Option<&'a str> {
    span.attributes.iter().find(|(name, _)| *name == key).map(|(_, value)| value.as_str())
}

fn named<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    spans.iter().find(|span| span.name == name).unwrap()
}

#[test]
fn a_delivery_is_one_tree_over_its_stages_with_the_ids_of_the_events() {
    let mut stream = stream();
    let context = stream.deliver("dev.d", "1");
    let spans = stream.view.spans.clone();
    let drawn = ["delivery", "  dev.d", "    deployment", "    test", "  hard.d", "    deployment"];
    assert_eq!(tree(&spans), drawn);
    assert!(spans.iter().all(|span| span.trace == Trace::of(None, &context)), "{spans:?}");

    let said = |kind: &str| {
        let said = stream.events.iter().filter_map(|one| Some((one, one.body.as_ref().ok()?)));
        let mut said = said.filter(|(one, _)| one.subject.ends_with(kind));
        said.next().unwrap()
    };
    let (triggered, event) = said(".test.triggered");
    let (finished, _) = said(".test.finished");
    let test = named(&spans, "test");
    let parent = Trace::read_parent(event.traceparent.as_deref().unwrap());
    assert_eq!(parent, Some((test.trace, test.id)), "what the executor is told");
    assert_eq!((test.start, test.end), (triggered.time, finished.time));
    let (hard, _) = said("hard.d.triggered");
    let (end, _) = said("hard.d.finished");
    let (first, _) = said("dev.d.triggered");
    let sequence = named(&spans, "hard.d");
    assert_eq!((sequence.start, sequence.end), (hard.time, end.time));
    let before = named(&spans, "dev.d");
    assert_eq!(sequence.link, Some((before.trace, before.id)), "what it follows");
    assert_eq!(before.link, None);
    let root = named(&spans, "delivery");
    assert_eq!((root.parent, root.start, root.end), (None, first.time, end.time));

    let expected = [
        ("keptn.context", context.as_str()),
        ("keptn.project", "p"),
        ("keptn.stage", "dev"),
        ("keptn.sequence", "d"),
        ("keptn.service", "carts"),
        ("keptn.task", "test"),
        ("keptn.result", "pass"),
        ("keptn.status", "succeeded"),
    ];
    assert_eq!(test.attributes, expected.map(|(key, value)| (key, value.to_owned())));
}

#[test]
fn a_delivery_that_fails_says_so_even_when_a_rollback_passes_and_ends_anew_behind_a_retry() {
    let mut stream = stream();
    let (context, _) = stream.trigger("dev.d", carts("1"));
    stream.settle();
    let failure = json!({"status": "succeeded", "result": "fail", "message": "no\nway"});
    stream.finish(&context, failure);
    stream.play(|_| "pass");
    let spans = std::mem::take(&mut stream.view.spans);
    let drawn = [
        "delivery failed",
        "  dev.d failed",
        "    deployment failed",
        "  dev.rollback",
        "    undo",
    ];
    assert_eq!(tree(&spans), drawn);
    let task = named(&spans, "deployment");
    assert_eq!(task.error.as_deref(), Some("no\nway"));
    assert_eq!(attribute(task, "keptn.message"), Some("no\nway"));
    assert_eq!(attribute(named(&spans, "delivery"), "keptn.result"), Some("fail"));

    stream.control(&context, "retry", json!({"project": "p"}));
    stream.play(|_| "pass");
    let again = &stream.view.spans;
    let drawn = ["delivery", "  dev.d", "    deployment", "    test", "  hard.d", "    deployment"];
    assert_eq!(tree(again), drawn);
    let (before, after) = (named(&spans, "delivery"), named(again, "delivery"));
    assert_eq!((before.id, before.start), (after.id, after.start), "the same span");
    assert!(before.end < after.end);
    let failed = named(&spans, "dev.d");
    assert_eq!(named(again, "dev.d").link, Some((failed.trace, failed.id)), "what it repeats");
}

#[test]
fn whoever_began_a_delivery_is_above_it_and_decides_whether_it_is_recorded() {
    let named_by = |flags: &str| {
        let mut stream = stream();
        let mut event = stream.make("dev.d.triggered", carts("1"));
        let traceparent = format!("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-{flags}");
        event.traceparent = Some(traceparent.as_str().into());
        stream.store(event);
        stream.play(|_| "pass");
        (stream.view.spans, Trace::read_parent(&traceparent).unwrap())
    };
    let (spans, (trace, parent)) = named_by("01");
    let root = named(&spans, "delivery");
    assert_eq!((root.trace, root.parent), (trace, Some(parent)));
    assert_eq!(named(&spans, "dev.d").parent, Some(root.id));
    assert_eq!(named_by("00").0, []);
}

#[test]
fn an_aborted_run_is_no_error_and_its_task_ends_when_its_executor_does() {
    let mut stream = stream();
    let (context, _) = stream.trigger("dev.d", carts("1"));
    stream.settle();
    let task = stream.open_task(&context);
    stream.control(&context, "abort", json!({"project": "p"}));
    stream.settle();
    assert_eq!(tree(&stream.view.spans), ["delivery", "  dev.d"]);
    assert_eq!(attribute(named(&stream.view.spans, "dev.d"), "keptn.status"), Some("aborted"));
    stream.answer(&task, "executor", "finished", verdict("succeeded", "pass"));
    assert_eq!(tree(&stream.view.spans), ["delivery", "  dev.d", "    deployment"]);
}

#[test]
fn a_delivery_that_was_triggered_by_the_command_line_is_a_root() {
    let mut stream = stream();
    let mut event = stream.make("dev.d.triggered", carts("1"));
    let context = KeptnContext::of_trigger(&event.id);
    let parent = SpanId::of_delivery(&context);
    event.traceparent = Some(Trace::of(None, &context).parent(parent));
    let id: EventId = event.id.clone();
    stream.store(event);
    stream.play(|_| "pass");
    let spans = &stream.view.spans;
    assert_eq!(named(spans, "delivery").parent, None);
    let first = named(spans, "dev.d");
    assert_eq!((first.id, first.parent, first.link), (SpanId::of(&id), Some(parent), None));
}
