//! What a person can do with a delivery.

use maud::{Markup, html};
use model::view::{Delivery, Sequence, SequenceState};

use super::failed_task;
use crate::page::{
    acts::{self, Act, Weight},
    look::Look,
    words::{Tone, short, state},
};

/// Runs that have buttons of their own.
const RUNS_MAX: usize = 5;

/// Returns the buttons and the commands that do the same.
pub(super) fn bar(look: &Look, delivery: &Delivery) -> Markup {
    let open: Vec<&Sequence> =
        delivery.sequences.iter().filter(|run| !run.state.is_ended()).collect();
    let failed = delivery.sequences.iter().rev().find(|run| state(run).0 == Tone::Bad);
    let failed = failed.filter(|_| !delivery.open);
    let several = open.len() > 1;
    html! {
        @for run in open.iter().take(RUNS_MAX) { (control(look, run, several)) }
        @if let Some(run) = failed { (retry(look, run)) }
    }
}

fn control(look: &Look, run: &Sequence, names_stage: bool) -> Markup {
    let first: Act<'_> =
        if run.state == SequenceState::Paused { ("resume", "Resume") } else { ("pause", "Pause") };
    let verbs = [first, ("abort", "Abort")];
    // As the command: without a stage the whole delivery is meant, what follows included.
    let mut fields = delivery(run).to_vec();
    if names_stage {
        fields.push(("stage", run.stage.as_str()));
    }
    html! {
        div.bar {
            @if names_stage { b { (run.stage) } }
            @for verb in verbs {
                (acts::button(look.acting.as_ref(), verb, Weight::Quiet, &fields))
            }
            @if look.acting.is_some() { span.dim { "or" } }
            @for (verb, _) in verbs {
                code {
                    (command(verb, run))
                    @if names_stage { " -s " (run.stage) }
                }
            }
        }
    }
}

/// A run that failed at its first task begins there anyway.
fn retry(look: &Look, run: &Sequence) -> Markup {
    let acting = look.acting.as_ref();
    let mut fields = delivery(run).to_vec();
    fields.extend([("stage", run.stage.as_str()), ("sequence", run.sequence.as_str())]);
    let from_failed = [&fields[..], &[("fromFailedTask", "true")]].concat();
    let task = failed_task(run).filter(|task| run.tasks.first() != Some(task));
    html! {
        div.bar {
            (acts::button(acting, ("retry", "Retry"), Weight::Quiet, &fields))
            @if let Some(task) = task {
                (acts::button(acting, ("retry", &format!("Retry from {}", task.label)), Weight::Quiet, &from_failed))
            }
            @if acting.is_some() { span.dim { "or" } }
            code { (command("retry", run)) }
            @if task.is_some() { code { (command("retry", run)) " --from-failed-task" } }
        }
    }
}

fn delivery(run: &Sequence) -> [(&'static str, &str); 2] {
    [("project", run.project.as_str()), ("keptnContext", run.keptn_context.as_str())]
}

fn command(verb: &str, run: &Sequence) -> String {
    format!("keptn {verb} sequence -c {}", short(&run.keptn_context))
}
