//! Runs of sequences: each trigger has one end, its steps follow each other as the shipyard says,
//! its end says what the last task said, and what follows is what the shipyard says.

use std::collections::{BTreeSet, HashMap};

use model::{
    DerivedId, EventType, KeptnContext, Kind, Position, ProjectName, SequenceName, Shipyard,
    StageName, TaskResult, TaskStatus,
};

use super::{
    Verdict, ensure, is_ours,
    log::{Entry, Log},
    task::{self, End},
};
use crate::simulation::documents::{self, FIXED};

/// A run of a sequence, as the events tell it.
pub(super) struct Run<'a> {
    pub(super) trigger: Entry<'a>,
    pub(super) project: ProjectName,
    pub(super) context: KeptnContext,
    pub(super) stage: StageName,
    sequence: SequenceName,
    /// Its tasks in order, and how each ended.
    pub(super) tasks: Vec<(Entry<'a>, Option<End>)>,
    end: Option<Entry<'a>>,
}

/// Where deliveries were first aborted, paused; where the changing project was deleted.
pub(super) struct Orders {
    aborts: HashMap<KeptnContext, Vec<Position>>,
    pub(super) pauses: HashMap<KeptnContext, Vec<Position>>,
}

/// Checks every run; returns them for other rules.
pub(super) fn check<'a>(log: &Log<'a>) -> Result<(Vec<Run<'a>>, Orders), super::Broken> {
    let orders = Orders::read(log);
    let shipyard = documents::shipyard();
    let mut seen = BTreeSet::new();
    let mut runs = Vec::new();
    for entry in log.entries() {
        let Some(run) = Run::read(log, entry) else { continue };
        if !seen.insert((run.context.clone(), entry.event.event_type.clone(), &entry.event.id)) {
            continue;
        }
        run.check_steps(log, &orders)?;
        if let Some(shipyard) = shipyard.as_ref().filter(|_| run.project.as_str() == FIXED) {
            run.check_tasks(shipyard, &orders)?;
            run.check_follow_ups(log, shipyard, &orders)?;
        }
        runs.push(run);
    }
    Ok((runs, orders))
}

impl Orders {
    fn read(log: &Log<'_>) -> Self {
        let mut orders = Self { aborts: HashMap::new(), pauses: HashMap::new() };
        for entry in log.entries() {
            let EventType::Command(_, verb, Kind::Triggered) = &entry.event.event_type else {
                continue;
            };
            let Some(context) = &entry.event.context else { continue };
            let list = match verb.as_ref() {
                "abort" => &mut orders.aborts,
                "pause" => &mut orders.pauses,
                _ => continue,
            };
            list.entry(context.clone()).or_default().push(entry.position);
        }
        orders
    }

    /// Tells whether a run may have been aborted before a position: by a person, or with its
    /// project.
    pub(super) fn may_be_aborted(&self, run: &Run<'_>, before: Position) -> bool {
        run.project.as_str() != FIXED
            || self.aborts.get(&run.context).is_some_and(|at| at.iter().any(|at| *at < before))
    }
}

impl<'a> Run<'a> {
    fn read(log: &Log<'a>, trigger: &Entry<'a>) -> Option<Self> {
        let event = trigger.event;
        let EventType::Sequence(stage, sequence, Kind::Triggered) = &event.event_type else {
            return None;
        };
        let project = ProjectName::new(&trigger.text("project")?).ok()?;
        let context = event.context.clone().unwrap_or_else(|| KeptnContext::of_trigger(&event.id));
        let (stage, sequence) = (stage.clone(), sequence.clone());
        let (tasks, end) = (Vec::new(), None);
        let mut run = Self { trigger: *trigger, project, context, stage, sequence, tasks, end };
        for number in 1_u32.. {
            let id = run.derived("step", &number.to_string()).to_string();
            let step = log.with_id(&id).find(|one| is_ours(&one.event.source)).copied();
            let Some(step) = step else { break };
            if matches!(step.event.event_type, EventType::Task(_, Kind::Triggered)) {
                let detail = |kind: &str| format!("{number}/{kind}/{id}");
                let end = task::end(log, &step, |kind| run.derived("time-out", &detail(kind)));
                run.tasks.push((step, end));
            } else {
                run.end = Some(step);
                break;
            }
        }
        Some(run)
    }

    fn derived(&self, what: &str, detail: &str) -> DerivedId {
        DerivedId::of(&[
            self.project.as_str(),
            self.context.as_str(),
            self.stage.as_str(),
            self.sequence.as_str(),
            self.trigger.event.id.as_str(),
            what,
            detail,
        ])
    }

    fn name(&self) -> String {
        self.trigger.to_string()
    }

    /// One end, and nothing of it behind that; each step behind the one before it.
    fn check_steps(&self, log: &Log<'_>, orders: &Orders) -> Verdict {
        let wanted = EventType::Sequence(self.stage.clone(), self.sequence.clone(), Kind::Finished);
        let ends = log.answers(self.trigger.event.id.as_str()).filter(|one| {
            one.event.event_type == wanted && one.event.context.as_ref() == Some(&self.context)
        });
        let ends: Vec<_> = ends.filter(|one| is_ours(&one.event.source)).collect();
        let is_one = ends.len() == 1
            && self.end.map(|end| end.position) == ends.first().map(|one| one.position);
        ensure(is_one, "every trigger has exactly one end", || {
            format!("{} has {} ends", self.name(), ends.len())
        })?;
        let beyond = u32::try_from(self.tasks.len() + 2).unwrap_or(u32::MAX);
        let id = self.derived("step", &beyond.to_string()).to_string();
        let is_last = !log.with_id(&id).any(|one| is_ours(&one.event.source));
        ensure(is_last, "nothing follows the end of a sequence", || self.name())?;
        let mut before = self.trigger.position;
        for (index, (task, _)) in self.tasks.iter().enumerate() {
            let previous = index.checked_sub(1).and_then(|index| self.tasks.get(index));
            let is_closed = previous.is_none_or(|(_, end)| {
                end.is_some_and(|end| end.position < task.position && end.goes_on())
            });
            ensure(
                task.position > before && is_closed,
                "a task follows the end of the one before",
                || task.to_string(),
            )?;
            before = task.position;
        }
        let Some(end) = &self.end else { return Ok(()) };
        let last = self.tasks.last().map(|(_, end)| *end);
        let is_closed =
            last.is_none_or(|last| last.is_some_and(|last| last.position < end.position));
        let is_free = is_closed || orders.may_be_aborted(self, end.position);
        ensure(end.position > before && is_free, "an end follows its last task", || end.to_string())
    }

    /// Its tasks are those of the shipyard, all of them unless one failed, and the end says what
    /// the last one said.
    fn check_tasks(&self, shipyard: &Shipyard, orders: &Orders) -> Verdict {
        let Some(end) = &self.end else { return Ok(()) };
        let stage = shipyard.stage(self.stage.as_str());
        let spec = stage.and_then(|stage| stage.sequence(self.sequence.as_str()));
        let wanted = spec.map(|spec| spec.tasks.as_slice()).unwrap_or_default();
        let is_in_order = self.tasks.len() <= wanted.len()
            && self.tasks.iter().zip(wanted).all(|((task, _), spec)| {
                task.event.event_type == EventType::Task(spec.name.clone(), Kind::Triggered)
            });
        ensure(is_in_order, "tasks are those of the shipyard, in order", || self.name())?;
        if self.tasks.is_empty() || orders.may_be_aborted(self, end.position) {
            return Ok(());
        }
        let last = self.tasks.last().and_then(|(_, end)| *end);
        let is_all = self.tasks.len() == wanted.len() || last.is_some_and(|last| !last.goes_on());
        ensure(is_all, "a sequence ends behind its last task, or one that failed", || self.name())?;
        let said = (
            TaskResult::read(end.text("result").as_deref()),
            TaskStatus::read(end.text("status").as_deref()),
        );
        let is_same = last.is_some_and(|last| (last.result, last.status) == said);
        ensure(is_same, "an end says what its last task said", || {
            format!("{end}: {said:?}, {last:?}")
        })
    }

    /// What follows is what `triggeredOn` says, each once.
    fn check_follow_ups(&self, log: &Log<'_>, shipyard: &Shipyard, orders: &Orders) -> Verdict {
        let Some(end) = &self.end else { return Ok(()) };
        if orders.may_be_aborted(self, Position::MAX) {
            return Ok(());
        }
        let event = format!("{}.{}.finished", self.stage, self.sequence);
        for stage in &shipyard.stages {
            for sequence in &stage.sequences {
                for (index, on) in sequence.triggered_on.iter().enumerate() {
                    let detail = format!("{}/{}/{index}", stage.name, sequence.name);
                    let id = self.derived("follow-up", &detail).to_string();
                    let found = log.with_id(&id).filter(|one| is_ours(&one.event.source)).count();
                    let fits = on.event == event
                        && !self.tasks.is_empty()
                        && self.fits(on.selector.iter(), end);
                    ensure(
                        found == usize::from(fits),
                        "what follows is what `triggeredOn` says",
                        || format!("{detail} behind {end}: {found}"),
                    )?;
                }
            }
        }
        Ok(())
    }

    /// Without a selector, pass or warning; with one, any of its keys.
    fn fits<'s>(
        &self,
        selector: impl ExactSizeIterator<Item = (&'s String, &'s String)>,
        end: &Entry<'_>,
    ) -> bool {
        let result = end.text("result").unwrap_or_default();
        if selector.len() == 0 {
            return result == "pass" || result == "warning";
        }
        let of_task = |key: &str| {
            let name = key.strip_suffix(".result")?;
            let wanted = |task: &Entry<'_>| matches!(&task.event.event_type, EventType::Task(task, _) if task.as_str() == name);
            let (_, end) = self.tasks.iter().rev().find(|(task, _)| wanted(task))?;
            end.map(|end| end.result.as_str().to_owned())
        };
        let mut selector = selector;
        selector.any(|(key, wanted)| {
            let found = if key == "result" { Some(result.clone()) } else { of_task(key) };
            found.as_deref() == Some(wanted)
        })
    }
}
