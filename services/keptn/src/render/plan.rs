//! What a trigger is going to change, in one line.

use model::view::{Sequence, WaitingReason};

use super::artifact;

/// Column at which the context stands behind the plan, so that short plans line up.
const CONTEXT_COLUMN: usize = 68;
/// Blanks between a longer plan and its context.
const GAP: usize = 2;

/// Returns `carts 0.10.1 -> 0.10.17, carts-db 0.4.0 -> 0.4.1 (from dev)`, or what there is to say
/// when nothing changes. What follows in other stages brings the same there, and is not repeated.
pub(crate) fn line(runs: &[Sequence]) -> String {
    let Some(first) = runs.first() else { return "nothing to do".to_owned() };
    let changes: Vec<String> = runs
        .iter()
        .filter(|run| run.stage == first.stage)
        .flat_map(|run| &run.services)
        .map(|one| {
            let (released, artifact) = (one.released.as_deref(), one.artifact.as_deref());
            artifact::short_change(one.service.as_str(), released, artifact)
        })
        .collect();
    if changes.is_empty() || runs.iter().all(|run| run.nothing_to_do) {
        return first.message.clone().unwrap_or_else(|| "nothing to do".to_owned());
    }
    match &first.from {
        Some(from) => format!("{} (from {from})", changes.join(", ")),
        None => changes.join(", "),
    }
}

/// Returns the head of a drawing: the plan and, behind it, the context; or below it, where the
/// terminal is too narrow for both.
pub(crate) fn head(runs: &[Sequence], context: &str, width: usize) -> Vec<String> {
    let plan = line(runs);
    let plan_width = plan.chars().count();
    // The last column stays free: a terminal wraps a line that fills it.
    let room = width.saturating_sub(context.chars().count() + 1);
    if plan_width + GAP > room {
        return vec![plan, context.to_owned()];
    }
    let blanks = CONTEXT_COLUMN.min(room).max(plan_width + GAP) - plan_width;
    vec![format!("{plan}{}{context}", " ".repeat(blanks))]
}

/// Says which runs wait in a queue, and behind which other.
pub(crate) fn queued(runs: &[Sequence]) -> Vec<String> {
    runs.iter()
        .filter_map(|run| {
            let waiting = run.waiting_for.as_ref()?;
            (waiting.reason == WaitingReason::Queue)
                .then(|| format!("{} waits in the queue {}", run.stage, behind(waiting)))
        })
        .collect()
}

/// Returns `behind 7be20c11 (catalogue)`.
pub(crate) fn behind(waiting: &model::view::WaitingFor) -> String {
    let services: Vec<&str> = waiting.services.iter().map(model::ServiceName::as_str).collect();
    let whom = waiting.behind.as_ref().map_or("another run", |context| context.short());
    if services.is_empty() {
        format!("behind {whom}")
    } else {
        format!("behind {whom} ({})", services.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::testing::run;

    #[test]
    fn the_plan_names_changes_and_where_they_come_from() {
        assert_eq!(line(&[run()]), "carts 0.10.1 -> 0.10.17, carts-db 0.4.0 -> 0.4.1 (from dev)");
        assert_eq!(
            head(&[run()], "c1f0a3d2", usize::MAX),
            ["carts 0.10.1 -> 0.10.17, carts-db 0.4.0 -> 0.4.1 (from dev)         c1f0a3d2"]
        );
        assert_eq!(
            head(&[run()], "c1f0a3d2", 72),
            ["carts 0.10.1 -> 0.10.17, carts-db 0.4.0 -> 0.4.1 (from dev)    c1f0a3d2"]
        );
        assert_eq!(
            head(&[run()], "c1f0a3d2", 69),
            ["carts 0.10.1 -> 0.10.17, carts-db 0.4.0 -> 0.4.1 (from dev)", "c1f0a3d2"]
        );
    }

    #[test]
    fn what_follows_in_another_stage_does_not_repeat_the_plan() {
        let mut follows = run();
        follows.stage = "production".parse().unwrap();
        assert_eq!(line(&[run(), follows]), line(&[run()]));
    }

    #[test]
    fn nothing_to_do_says_why() {
        let mut idle = run();
        idle.nothing_to_do = true;
        idle.message = Some("hardening is in sync with dev".to_owned());
        assert_eq!(line(&[idle]), "hardening is in sync with dev");
    }

    #[test]
    fn a_queue_names_the_run_before() {
        let mut waiting = run();
        if let Some(reason) = &mut waiting.waiting_for {
            reason.reason = WaitingReason::Queue;
            reason.behind = model::KeptnContext::new("7be20c11-x").ok();
            reason.services = vec!["catalogue".parse().unwrap()];
        }
        assert_eq!(
            queued(&[waiting]),
            ["hardening waits in the queue behind 7be20c11 (catalogue)"]
        );
    }
}
