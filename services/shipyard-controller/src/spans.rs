//! What has ended, as spans: a delivery, below it its sequences, below them their tasks. Pure.
//!
//! The ids are those that the events name in `traceparent`, so whatever an executor sends of its
//! own hangs below its task.

use fold::{
    Fact, Run, What, World,
    sequence::{ClosedTask, Outcome},
};
use model::{
    StreamTime,
    trace::{SpanId, Trace},
};
use service::traces::Span;

/// Name of the root.
const DELIVERY: &str = "delivery";

/// Returns what an event ended. A trace whose beginner does not want it recorded has no spans.
pub(crate) fn ended(world: &World, facts: &[Fact]) -> Vec<Span> {
    let mut spans = Vec::new();
    for Fact { run, what, .. } in facts.iter().filter(|fact| fact.run.trace().is_sampled()) {
        match what {
            What::TaskClosed(closed) => spans.push(task(run, closed, world.now())),
            What::Ended(outcome) => {
                spans.push(sequence(run, outcome, world.now()));
                if !world.sequences.is_open(&run.context) {
                    spans.push(delivery(run, outcome, world));
                }
            }
            What::Triggered
            | What::Decided
            | What::TaskTriggered
            | What::Answered
            | What::Controlled => {}
        }
    }
    spans
}

fn task(run: &Run, closed: &ClosedTask, end: StreamTime) -> Span {
    let mut attributes = of_stage(run);
    attributes.push(("keptn.task", closed.task.name.to_string()));
    attributes.extend(of_outcome(&closed.outcome));
    Span {
        trace: run.trace(),
        id: SpanId::of(&closed.task.id.event_id()),
        parent: Some(SpanId::of(&run.trigger_id)),
        link: None,
        name: closed.task.name.to_string(),
        start: closed.task.at,
        end,
        attributes,
        error: error(&closed.outcome),
    }
}

fn sequence(run: &Run, outcome: &Outcome, end: StreamTime) -> Span {
    let mut attributes = of_stage(run);
    attributes.extend(of_outcome(outcome));
    Span {
        trace: run.trace(),
        id: SpanId::of(&run.trigger_id),
        parent: Some(SpanId::of_delivery(&run.context)),
        link: triggered_by(run),
        name: format!("{}.{}", run.stage, run.sequence),
        start: run.triggered_at,
        end,
        attributes,
        error: error(outcome),
    }
}

/// The root, when nothing of the delivery is open any more. A sequence that failed makes it fail,
/// also if another one followed, unless it was repeated. After a retry it ends anew.
fn delivery(last: &Run, outcome: &Outcome, world: &World) -> Span {
    let has_failed = world.sequences.has_failed(&last.context);
    let failed = || "a sequence of it failed".to_owned();
    let error = error(outcome).or_else(|| has_failed.then(failed));
    let mut attributes = of_delivery(last);
    let result = if error.is_some() { "fail" } else { outcome.result.as_str() };
    attributes.push(("keptn.result", result.to_owned()));
    Span {
        trace: last.trace(),
        id: SpanId::of_delivery(&last.context),
        parent: begun_by(last),
        link: None,
        name: DELIVERY.to_owned(),
        start: last.begun.at,
        end: world.now(),
        attributes,
        error,
    }
}

/// Returns the span of whoever began the delivery, if he named one of his own.
fn begun_by(run: &Run) -> Option<SpanId> {
    let (_, span) = Trace::read_parent(run.begun.traceparent.as_deref()?)?;
    (span != SpanId::of_delivery(&run.context)).then_some(span)
}

/// Returns what triggered a sequence, if that is another one or somebody outside.
fn triggered_by(run: &Run) -> Option<(Trace, SpanId)> {
    if run.traceparent == run.begun.traceparent {
        return None;
    }
    let link = Trace::read_parent(run.traceparent.as_deref()?)?;
    (link != (run.trace(), SpanId::of_delivery(&run.context))).then_some(link)
}

fn of_delivery(run: &Run) -> Vec<(&'static str, String)> {
    vec![("keptn.context", run.context.to_string()), ("keptn.project", run.project.to_string())]
}

fn of_stage(run: &Run) -> Vec<(&'static str, String)> {
    let mut attributes = of_delivery(run);
    attributes.push(("keptn.stage", run.stage.to_string()));
    attributes.push(("keptn.sequence", run.sequence.to_string()));
    let services: Vec<&str> = run.services.iter().map(|one| one.name.as_str()).collect();
    if !services.is_empty() {
        attributes.push(("keptn.service", services.join(",")));
    }
    attributes
}

fn of_outcome(outcome: &Outcome) -> Vec<(&'static str, String)> {
    let mut attributes = vec![
        ("keptn.result", outcome.result.as_str().to_owned()),
        ("keptn.status", outcome.status.as_str().to_owned()),
    ];
    if !outcome.message.is_empty() {
        attributes.push(("keptn.message", outcome.message.to_string()));
    }
    attributes
}

fn error(outcome: &Outcome) -> Option<String> {
    (!outcome.goes_on()).then(|| outcome.message.to_string())
}

#[cfg(test)]
mod tests;
