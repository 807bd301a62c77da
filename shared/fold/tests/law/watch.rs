//! What must hold behind every event of every history.

use std::collections::BTreeMap;

use fold::{
    Owes as _, Run, RunKey, Waits,
    sequence::{Reason, Standing},
};
use model::{EventType, Kind, StreamTime};

use crate::stream::{Stream, owed};

/// Looks at a stream after each thing that happened.
#[derive(Default)]
pub(crate) struct Watch {
    /// How runs stood to their slots before.
    stood: BTreeMap<RunKey, Standing>,
    /// Runs whose task opened late: it was said before a pause or an abort was seen.
    late: Vec<RunKey>,
    /// What was owed under an id, and where that was seen last.
    owed: BTreeMap<String, (String, usize)>,
    /// How many events there were when a person last changed what comes next.
    changed: usize,
    looked: usize,
}

impl Watch {
    pub(crate) fn look(&mut self, stream: &Stream, is_late: bool) {
        self.look_at_slots(stream, is_late);
        self.look_at_owed(stream);
        for run in stream.world.sequences.runs().filter(|run| !run.is_ended()) {
            look_at_waiting(stream, run);
        }
        self.looked = stream.events.len();
    }

    /// Never two tasks at once for one service in one stage, and nobody overtakes.
    fn look_at_slots(&mut self, stream: &Stream, is_late: bool) {
        let runs: Vec<&Run> = stream.world.sequences.runs().map(AsRef::as_ref).collect();
        let has_task = |run: &Run| run.open.as_ref().is_some_and(|task| !task.is_approval());
        for run in &runs {
            let stood = self.stood.insert(run.key, run.standing);
            let is_taken = run.holds() && stood != Some(Standing::Holds);
            if is_taken && is_late {
                self.late.push(run.key);
            }
            if self.late.contains(&run.key) {
                continue;
            }
            assert!(!has_task(run) || run.holds(), "a task is open without a slot: {run:#?}");
            for other in runs.iter().filter(|other| other.key != run.key && share(run, other)) {
                let both = has_task(run) && has_task(other);
                assert!(
                    !both || self.late.contains(&other.key),
                    "two at once: {run:#?} {other:#?}"
                );
                let is_before = other.place < run.place && other.is_in_line();
                // It may have begun to want the slot after this one took it.
                let is_before = is_before && other.cause <= run.cause;
                assert!(!is_taken || !is_before, "overtaken: {other:#?} by {run:#?}");
                let is_held = is_taken && other.holds() && !self.late.contains(&other.key);
                assert!(!is_held, "a slot is held twice: {run:#?} {other:#?}");
            }
        }
        self.late.retain(|key| runs.iter().any(|run| run.key == *key && run.holds()));
    }

    /// What is owed under an id stays what it is, until a person changes what comes next.
    fn look_at_owed(&mut self, stream: &Stream) {
        for stored in &stream.events[self.looked..] {
            if let Ok(event) = &stored.body
                && matches!(
                    event.event_type,
                    EventType::Command(_, _, Kind::Triggered | Kind::Finished)
                )
            {
                self.changed = usize::try_from(stored.position).unwrap();
            }
        }
        for event in stream.owed_events() {
            let (id, text) = (event.id.to_string(), event.to_json());
            let seen = stream.events.len();
            if let Some((before, at)) = self.owed.insert(id, (text.clone(), seen)) {
                assert!(before == text || self.changed > at, "owed {before}, then {text}");
            }
        }
    }
}

/// Every open run can say what it waits for, and that can come.
fn look_at_waiting(stream: &Stream, run: &Run) {
    let world = &stream.world;
    let waiting = world.sequences.waiting(run);
    let waiting = waiting.unwrap_or_else(|| panic!("waits for nothing: {run:#?}"));
    let can_come = match &waiting.reason {
        Reason::Executor(_) => run.deadline.is_some(),
        Reason::Approval | Reason::Pause => true,
        Reason::Queue(_, behind) => behind.is_some(),
        Reason::Delay => run.deadline.is_some() && run.deadline == run.not_before,
        Reason::Command => world.catalog.is_changing(run.project.as_str(), run.key),
        Reason::Controller => {
            let id = run.next_id().event_id();
            owed(world, StreamTime::from_nanos(stream.time)).iter().any(|event| event.id == id)
        }
    };
    assert!(can_come, "waits for what cannot come, {waiting:?}: {run:#?}");
    let is_listed =
        world.owed_after(0).iter().all(|one| world.event(one, Waits::default()).is_some());
    assert!(is_listed, "owes what nobody can say: {run:#?}");
}

fn share(one: &Run, other: &Run) -> bool {
    (&one.project, &one.stage) == (&other.project, &other.stage)
        && one
            .services
            .iter()
            .any(|service| other.services.iter().any(|another| another.name == service.name))
}
