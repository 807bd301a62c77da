//! What must hold behind every run, said over the stored events alone, as the specification says
//! it; the fold is not asked. Only the last rule compares states.

mod deliveries;
mod log;
mod slots;
mod task;

use std::collections::BTreeSet;

use model::{DerivedId, EventType, Kind};

use self::log::Log;
use super::run::Run;

/// A rule that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The rule.
    pub rule: &'static str,
    /// Where it does not hold.
    pub what: String,
}

/// What a rule says: nothing, or where it does not hold.
type Verdict = Result<(), Broken>;

fn ensure(holds: bool, rule: &'static str, what: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(Broken { rule, what: what() }) }
}

/// Tells whether controller or config-store said it, or somebody who says so.
pub(super) fn is_ours(source: &str) -> bool {
    source == fold::sequence::SOURCE || source == fold::catalog::SOURCE
}

impl Run<'_> {
    /// Looks at everything that was stored, and at what everybody made of it.
    pub(super) fn judge(&mut self) {
        let verdict = self.judged();
        if let Err(Broken { rule, what }) = verdict {
            self.breaks(rule, what);
        }
    }

    fn judged(&self) -> Verdict {
        let log = Log::new(self.server.all());
        self.acks_are_true()?;
        said_once(&log, &self.people.taken)?;
        answers_have_causes(&log)?;
        commands_are_answered(&log)?;
        poison_is_reported(&log)?;
        let runs = deliveries::check(&log)?;
        slots::check(&log, &runs)?;
        self.all_agree()
    }

    /// Every acked publish is in the stream, at the acked position.
    fn acks_are_true(&self) -> Verdict {
        for (position, message) in &self.acks {
            let stored = self.server.at(*position);
            let is_there = stored.is_some_and(|stored| {
                let id = stored.body.as_ref().map(|event| event.id.to_string());
                stored.subject == message.subject
                    || id.is_ok_and(|id| Some(id.as_str()) == message.id.as_deref())
                    || message.id.is_some()
            });
            ensure(is_there, "what was acked is in the stream", || format!("{position}"))?;
        }
        Ok(())
    }

    /// Nothing is owed, and every state is what the stream says.
    fn all_agree(&self) -> Verdict {
        let anew = self.prologue.followed_by(&self.server);
        for actor in &self.actors {
            let name = &actor.link().name;
            let has_read = actor.link().read_up_to == self.server.last();
            ensure(has_read, "everybody has read everything", || name.clone())?;
            let is_exact = actor.is_exact(&anew);
            ensure(is_exact, "every state is the fold of the whole stream", || name.clone())?;
            ensure(actor.is_settled(), "nobody is stuck", || format!("{name} owes or waits"))?;
        }
        Ok(())
    }
}

/// Nothing of ours is stored twice, whatever it says; a time-out that came too early does not
/// count. Under a message id that a stranger took, a publish that arrives late may be stored behind
/// the one that was said under another message id; it changes nothing.
fn said_once(log: &Log<'_>, taken: &BTreeSet<DerivedId>) -> Verdict {
    for (id, entries) in log.by_id() {
        let ours = entries.iter().filter(|one| is_ours(&one.event.source));
        let counted: Vec<_> = ours.filter(|one| !one.is_early()).collect();
        let is_taken = DerivedId::parse(id).is_some_and(|id| taken.contains(&id));
        ensure(counted.len() <= 1 + usize::from(is_taken), "a step is stored once", || {
            let places: Vec<_> = counted.iter().map(|one| one.position).collect();
            format!("{id} at {places:?}")
        })?;
    }
    Ok(())
}

/// What names a `triggeredid` stands behind an event with that id.
fn answers_have_causes(log: &Log<'_>) -> Verdict {
    for entry in log.entries().iter().filter(|one| is_ours(&one.event.source)) {
        let Some(cause) = &entry.event.triggered_id else { continue };
        let is_there = log.with_id(cause.as_str()).any(|one| one.position < entry.position);
        ensure(is_there, "a triggeredid names an earlier event", || entry.to_string())?;
    }
    Ok(())
}

/// Every command is answered once.
fn commands_are_answered(log: &Log<'_>) -> Verdict {
    for entry in log.entries() {
        let EventType::Command(object, verb, Kind::Triggered) = &entry.event.event_type else {
            continue;
        };
        let wanted = EventType::Command(*object, verb.clone(), Kind::Finished);
        let answers = log.answers(entry.event.id.as_str());
        let answers =
            answers.filter(|one| one.event.event_type == wanted && is_ours(&one.event.source));
        ensure(answers.count() == 1, "a command is answered once", || entry.to_string())?;
    }
    Ok(())
}

/// What nobody can read is reported once, and what is under `sh.keptn.log.` is not.
fn poison_is_reported(log: &Log<'_>) -> Verdict {
    let reports = |position: u64| {
        log.entries()
            .iter()
            .filter(|one| one.event.event_type == EventType::LogError)
            .filter(|one| {
                let data = one.event.data.to_map();
                data.get("position").and_then(serde_json::Value::as_u64) == Some(position)
            })
            .count()
    };
    for stored in log.unreadable() {
        let wanted = usize::from(!stored.subject.starts_with("sh.keptn.log."));
        let found = reports(stored.position);
        ensure(found == wanted, "what nobody can read is reported once", || {
            format!("{} has {found} reports", stored.position)
        })?;
    }
    Ok(())
}
