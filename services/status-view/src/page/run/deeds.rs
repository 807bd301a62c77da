//! What a person can do with a delivery.

use maud::{Markup, html};
use model::view::{Delivery, Sequence, SequenceState};

use crate::page::{
    acts::{self, Weight},
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
        @for run in open.iter().take(RUNS_MAX) {
            @let (verb, label) = if run.state == SequenceState::Paused { ("resume", "Resume") } else { ("pause", "Pause") };
            (line(look, run, several, &[(verb, label), ("abort", "Abort")]))
        }
        @if let Some(run) = failed { (line(look, run, false, &[("retry", "Retry")])) }
    }
}

fn line(look: &Look, run: &Sequence, names_stage: bool, verbs: &[(&str, &str)]) -> Markup {
    let context = run.keptn_context.as_str();
    let fields = [
        ("project", run.project.as_str()),
        ("stage", run.stage.as_str()),
        ("keptnContext", context),
    ];
    html! {
        div.bar {
            @if names_stage { b { (run.stage) } }
            @for verb in verbs {
                (acts::button(look.acting.as_ref(), *verb, Weight::Quiet, &fields))
            }
            @if look.acting.is_some() { span.dim { "or" } }
            @for (verb, _) in verbs {
                code {
                    "keptn " (verb) " sequence -c " (short(&run.keptn_context))
                    @if names_stage { " -s " (run.stage) }
                }
            }
        }
    }
}
