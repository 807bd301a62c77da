//! Lists of runs, newest first.

use fold::{RunKey, World, sequence::OpenTask};
use imbl::OrdSet;
use model::{
    Position, ProjectName, ServiceName, StageName,
    view::{QueryError, SEQUENCES_PAGE, SEQUENCES_PAGE_MAX, Sequence, Sequences, SequencesQuery},
};

use super::{LIST_BYTES_MAX, context, context::Wanted, names, page_size, run};
use crate::{View, history::History};

/// Returns a page of runs, newest first.
///
/// # Errors
/// [`QueryError`] if a name or a context is unknown.
pub fn sequences(view: &View, query: &SequencesQuery) -> Result<Sequences, QueryError> {
    let filter = Filter::of(view, query)?;
    let before = query.before.unwrap_or(Position::MAX);
    let limit = page_size(query.limit, SEQUENCES_PAGE, SEQUENCES_PAGE_MAX);
    // One more than is returned tells whether there are more.
    let keys = match &query.keptn_context {
        Some(text) => {
            let context = context::find(view, text, Wanted::Runs)?;
            let runs = view.history.runs_of(&context).iter().rev().copied();
            filter.first(runs.filter(|key| *key < before), limit + 1)
        }
        None => filter.newest(&view.history, before, limit + 1),
    };
    let sequences = that_fit(view, keys.iter().copied().take(limit));
    let next_before =
        sequences.last().map(|last| last.position).filter(|_| sequences.len() < keys.len());
    Ok(Sequences { position: view.position(), sequences, next_before })
}

/// Returns as many of these runs, in this order, as an answer holds; at least one.
pub(super) fn that_fit(view: &View, keys: impl Iterator<Item = RunKey>) -> Vec<Sequence> {
    let mut bytes = 0;
    let within = |sequence: &Sequence| {
        let is_first = bytes == 0;
        bytes += serde_json::to_vec(sequence).map_or(0, |json| json.len());
        is_first || bytes <= LIST_BYTES_MAX
    };
    keys.filter_map(|key| run::sequence(view, key)).take_while(within).collect()
}

/// What runs must be to be listed: in one of the sets of each kind that is there.
struct Filter<'a> {
    /// Those that have not ended; one of them is looked at to know what it waits for.
    open: Option<Vec<&'a OrdSet<RunKey>>>,
    /// Where to look for an open approval.
    approvals: Option<&'a World>,
    services: Option<Vec<&'a OrdSet<RunKey>>>,
    stages: Option<Vec<&'a OrdSet<RunKey>>>,
}

impl<'a> Filter<'a> {
    fn of(view: &'a View, query: &SequencesQuery) -> Result<Self, QueryError> {
        let projects = names::projects(view, query.project.as_deref())?;
        let project =
            query.project.as_ref().and(projects.first()).map(|project| project.name.clone());
        let stage = query.stage.as_deref().map(|name| names::stage_of_any(&projects, name));
        let service = query.service.as_deref().map(|name| names::service_of_any(&projects, name));
        let (stage, service) = (stage.transpose()?, service.transpose()?);
        let history = &view.history;
        let in_project = |name: &ProjectName| project.as_ref().is_none_or(|one| one == name);
        let has_stage = stage.is_some() || project.is_some();
        let of_stage = |(project, name): &(ProjectName, StageName)| {
            in_project(project) && stage.as_ref().is_none_or(|one| one == name)
        };
        let of_service = |(project, name): &(ProjectName, ServiceName)| {
            in_project(project) && service.as_ref() == Some(name)
        };
        Ok(Self {
            open: (query.open_only || query.approval_only).then(|| vec![history.open()]),
            approvals: query.approval_only.then_some(&view.world),
            services: service.is_some().then(|| {
                history
                    .by_service()
                    .iter()
                    .filter(|(at, _)| of_service(at))
                    .map(|(_, s)| s)
                    .collect()
            }),
            stages: has_stage.then(|| {
                history.by_stage().iter().filter(|(at, _)| of_stage(at)).map(|(_, s)| s).collect()
            }),
        })
    }

    /// Returns the newest runs before a position that fit, newest first. Only those of the
    /// smallest kind of set are looked at.
    fn newest(&self, history: &History, before: Position, count: usize) -> Vec<RunKey> {
        let Some(sets) = [&self.open, &self.services, &self.stages].into_iter().flatten().next()
        else {
            return history.runs_before(before).take(count).collect();
        };
        let newest_of =
            |set: &&OrdSet<RunKey>| self.first(set.range(..before).rev().copied(), count);
        let mut keys: Vec<RunKey> = sets.iter().flat_map(newest_of).collect();
        keys.sort_unstable_by(|one, other| other.cmp(one));
        keys.truncate(count);
        keys
    }

    /// Returns the first of these runs that fit.
    fn first(&self, keys: impl Iterator<Item = RunKey>, count: usize) -> Vec<RunKey> {
        keys.filter(|key| self.fits(*key)).take(count).collect()
    }

    fn fits(&self, key: RunKey) -> bool {
        [&self.open, &self.services, &self.stages]
            .into_iter()
            .flatten()
            .all(|sets| sets.iter().any(|set| set.contains(&key)))
            && self.approvals.is_none_or(|world| has_open_approval(world, key))
    }
}

fn has_open_approval(world: &World, key: RunKey) -> bool {
    let run = world.sequences.run(key).filter(|run| !run.is_ended());
    run.and_then(|run| run.open.as_ref()).is_some_and(OpenTask::is_approval)
}
