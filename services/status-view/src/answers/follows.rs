//! What will follow if everything passes that is open, through `triggeredOn`, transitively.

use std::collections::{BTreeSet, VecDeque};

use fold::{
    Run, RunKey,
    catalog::Project,
    sequence::{Decline, Phase},
};
use model::{SequenceName, SequenceSpec, StageName, TaskResult, TriggeredOn, view::Follows};

use crate::View;

/// A sequence that passes.
struct Passing<'a> {
    project: &'a Project,
    stage: StageName,
    sequence: SequenceName,
    /// The run, if it is one already.
    run: Option<&'a Run>,
}

/// What was found so far.
#[derive(Default)]
struct Search<'a> {
    found: Vec<Follows>,
    /// A loop of `triggeredOn` is followed once.
    seen: BTreeSet<(StageName, SequenceName)>,
    passing: VecDeque<Passing<'a>>,
}

/// Returns what will follow these runs, in order.
pub(super) fn follows(view: &View, runs: &[RunKey]) -> Vec<Follows> {
    let mut search = Search::default();
    let runs = runs.iter().filter_map(|key| view.world.sequences.run(*key));
    for run in runs {
        if let Some(project) = view.world.catalog.project(run.project.as_str()) {
            search.begin(project, run);
        }
    }
    search.finish()
}

/// Returns what follows a sequence that passes, in order.
pub(super) fn behind(
    project: &Project,
    stage: &StageName,
    sequence: &SequenceName,
) -> Vec<Follows> {
    let mut search = Search::default();
    let (stage, sequence) = (stage.clone(), sequence.clone());
    search.passing.push_back(Passing { project, stage, sequence, run: None });
    search.finish()
}

impl<'a> Search<'a> {
    fn finish(mut self) -> Vec<Follows> {
        while let Some(one) = self.passing.pop_front() {
            for next in one.next() {
                self.add(one.project, next);
            }
        }
        self.found
    }

    /// Begins with a run that is open, or with what an ended one still owes.
    fn begin(&mut self, project: &'a Project, run: &'a Run) {
        match &run.phase {
            Phase::Declined(Decline::Refused(_) | Decline::NothingToDo(_)) => {}
            Phase::Undecided | Phase::Decided if run.aborted.is_some() => {}
            Phase::Undecided | Phase::Decided => self.passing.push_back(Passing {
                project,
                stage: run.stage.clone(),
                sequence: run.sequence.clone(),
                run: Some(run),
            }),
            Phase::Ended { follow_ups } => {
                for next in follow_ups.iter().filter(|next| next.run.is_none() && !next.is_aborted)
                {
                    let (stage, sequence) = (next.stage.clone(), next.sequence.clone());
                    self.add(project, Follows { stage, sequence, after: run.stage.clone() });
                }
            }
        }
    }

    fn add(&mut self, project: &'a Project, next: Follows) {
        if !self.seen.insert((next.stage.clone(), next.sequence.clone())) {
            return;
        }
        self.passing.push_back(Passing {
            project,
            stage: next.stage.clone(),
            sequence: next.sequence.clone(),
            run: None,
        });
        self.found.push(next);
    }
}

impl Passing<'_> {
    /// Returns the sequences that follow at once.
    fn next(&self) -> Vec<Follows> {
        let event = format!("{}.{}.finished", self.stage, self.sequence);
        let mut found = Vec::new();
        for stage in &self.project.definition.shipyard.stages {
            for sequence in &stage.sequences {
                let follows =
                    sequence.triggered_on.iter().any(|on| on.event == event && self.fits(on));
                if follows {
                    found.push(Follows {
                        stage: stage.name.clone(),
                        sequence: sequence.name.clone(),
                        after: self.stage.clone(),
                    });
                }
            }
        }
        found
    }

    /// Tells whether a selector fits when the sequence passes.
    fn fits(&self, on: &TriggeredOn) -> bool {
        on.selector.is_empty()
            || on.selector.iter().any(|(key, wanted)| {
                let result = match key.strip_suffix(".result") {
                    Some(task) => self.result_of(task),
                    None => (key == "result").then_some(TaskResult::Pass),
                };
                result.is_some_and(|result| result.as_str() == wanted)
            })
    }

    /// Returns the result that the last task of a name will have: pass, unless nothing but an
    /// ended one has it.
    fn result_of(&self, task: &str) -> Option<TaskResult> {
        let spec = self.project.definition.sequence(&self.stage, self.sequence.as_str())?;
        let done = self.run.map_or(0, |run| usize::try_from(run.tasks_done).unwrap_or(usize::MAX));
        if is_ahead(spec, done, task) {
            return Some(TaskResult::Pass);
        }
        let results = self.run.map(|run| run.results.as_slice()).unwrap_or_default();
        results.iter().rev().find(|(name, _)| name.as_str() == task).map(|(_, result)| *result)
    }
}

fn is_ahead(spec: &SequenceSpec, done: usize, task: &str) -> bool {
    spec.tasks.iter().skip(done).any(|one| one.name.as_str() == task)
}
