//! One task at a time for one service in one stage.

use model::Position;

use super::{
    Verdict,
    deliveries::{Orders, Run},
    ensure,
    log::{Entry, Log},
};

/// A task that is open, from one position to another.
struct Open<'a> {
    run: &'a Run<'a>,
    task: &'a Entry<'a>,
    until: Position,
    services: Vec<String>,
}

/// Checks that no two tasks for one service in one stage are open at once. What was said before a
/// pause or an abort was seen may come behind it.
pub(super) fn check(log: &Log<'_>, (runs, orders): &(Vec<Run<'_>>, Orders)) -> Verdict {
    let open: Vec<Open<'_>> = runs.iter().flat_map(|run| opened(log, run)).collect();
    for (index, one) in open.iter().enumerate() {
        for other in open.iter().skip(index + 1) {
            let is_same_place = one.run.project == other.run.project
                && one.run.stage == other.run.stage
                && one.services.iter().any(|service| other.services.contains(service));
            let is_other_run = one.run.trigger.position != other.run.trigger.position;
            let both = one.task.position < other.until && other.task.position < one.until;
            if !(is_same_place && is_other_run && both) {
                continue;
            }
            let at = one.task.position.max(other.task.position);
            let is_excused = [one, other]
                .iter()
                .any(|open| orders.may_be_aborted(open.run, at) || orders.is_paused(open.run, at));
            ensure(is_excused, "a service has one task at a time in a stage", || {
                format!("{} and {}", one.task, other.task)
            })?;
        }
    }
    Ok(())
}

fn opened<'a>(log: &'a Log<'_>, run: &'a Run<'_>) -> Vec<Open<'a>> {
    let mut open = Vec::new();
    for (task, end) in &run.tasks {
        if task.event.event_type.to_string().contains(".approval.") {
            continue;
        }
        let closed = log.answers(task.event.id.as_str()).filter(|one| {
            one.event.source == fold::sequence::SOURCE
                && one.event.event_type.kind() == Some(model::Kind::Finished)
                && !one.is_early()
        });
        let until = end.map(|end| end.position).into_iter().chain(closed.map(|one| one.position));
        let until = until.min().unwrap_or(Position::MAX);
        open.push(Open { run, task, until, services: task.services() });
    }
    open
}

impl Orders {
    fn is_paused(&self, run: &Run<'_>, before: Position) -> bool {
        self.pauses.get(&run.context).is_some_and(|at| at.iter().any(|at| *at < before))
    }
}
