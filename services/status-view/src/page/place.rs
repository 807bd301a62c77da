//! Where a page is: its path and what stands behind the question mark.
//!
//! Two addresses that mean the same are one place, so that a live page is drawn once for all who
//! look at it. A parameter that cannot be read counts as absent.

use std::collections::BTreeMap;

use model::{Position, view::EventsQuery};

use super::words::part;

/// Events of a page.
pub(super) const EVENTS_SHOWN: usize = 100;
/// Characters of a filter; longer than any name.
const FILTER_CHARS_MAX: usize = 200;

/// What stands behind the question mark.
pub type Parameters = BTreeMap<String, String>;

/// A page.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// All projects.
    Projects,
    /// The matrix of a project: services and stages.
    Stages {
        /// The project.
        project: String,
        /// What is left of it.
        filter: StagesFilter,
    },
    /// What a sync of a stage would do.
    Plan {
        /// The project.
        project: String,
        /// The stage.
        stage: String,
        /// Compare with this stage instead of the one before.
        from: Option<String>,
    },
    /// One delivery.
    Run {
        /// Its context, or the beginning of it.
        context: String,
    },
    /// Stages and what follows what.
    Graph {
        /// The project.
        project: String,
    },
    /// Runs, newest first.
    Runs {
        /// The project.
        project: String,
        /// What is left of them.
        filter: RunsFilter,
    },
    /// Events, newest first.
    Events {
        /// The project.
        project: String,
        /// What is left of them.
        filter: EventsFilter,
    },
    /// Who delivered what, when, and why.
    History {
        /// The project.
        project: String,
        /// What is left of it.
        filter: RunsFilter,
    },
}

/// What of the matrix is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct StagesFilter {
    /// Services whose name holds this.
    pub service: Option<String>,
    /// Only services that differ somewhere.
    pub differs: bool,
    /// From 0.
    pub page: usize,
}

/// Which runs are shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct RunsFilter {
    /// Only in this stage.
    pub stage: Option<String>,
    /// Only of this service.
    pub service: Option<String>,
    /// Only those that have not ended.
    pub open: bool,
    /// Only older ones.
    pub before: Option<Position>,
}

/// Which events are shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventsFilter {
    /// Only of this type.
    pub event_type: Option<String>,
    /// Only of this delivery.
    pub context: Option<String>,
    /// Only those that name this stage.
    pub stage: Option<String>,
    /// Only older ones.
    pub before: Option<Position>,
}

fn text(parameters: &Parameters, name: &str) -> Option<String> {
    let value = parameters.get(name)?.trim();
    let is_usable = !value.is_empty() && value.chars().count() <= FILTER_CHARS_MAX;
    is_usable.then(|| value.to_owned())
}

fn number<N: std::str::FromStr>(parameters: &Parameters, name: &str) -> Option<N> {
    parameters.get(name)?.parse().ok()
}

impl StagesFilter {
    /// Reads it.
    pub fn read(from: &Parameters) -> Self {
        Self {
            service: text(from, "service"),
            differs: from.contains_key("differs"),
            page: number(from, "page").map_or(0, |page: usize| page.saturating_sub(1)),
        }
    }
}

impl RunsFilter {
    /// Reads it.
    pub fn read(from: &Parameters) -> Self {
        Self {
            stage: text(from, "stage"),
            service: text(from, "service"),
            open: from.contains_key("open"),
            before: number(from, "before"),
        }
    }
}

impl EventsFilter {
    /// Reads it.
    pub fn read(from: &Parameters) -> Self {
        Self {
            event_type: text(from, "type"),
            context: text(from, "context"),
            stage: text(from, "stage"),
            before: number(from, "before"),
        }
    }
}

/// Returns the page of a plan.
pub(super) fn plan(parameters: &Parameters, project: String, stage: String) -> Place {
    Place::Plan { project, stage, from: text(parameters, "from") }
}

impl Place {
    /// Returns the events that the page shows, if it shows any.
    pub fn events(&self) -> Option<EventsQuery> {
        let limit = EVENTS_SHOWN;
        match self {
            Self::Run { context } => Some(EventsQuery {
                keptn_context: Some(context.clone()),
                limit,
                ..EventsQuery::default()
            }),
            Self::Events { project, filter } => Some(EventsQuery {
                project: Some(project.clone()),
                keptn_context: filter.context.clone(),
                event_type: filter.event_type.clone(),
                stage: filter.stage.clone(),
                before: filter.before,
                limit,
                ..EventsQuery::default()
            }),
            Self::Projects
            | Self::Stages { .. }
            | Self::Plan { .. }
            | Self::Graph { .. }
            | Self::Runs { .. }
            | Self::History { .. } => None,
        }
    }

    /// Returns the path with what stands behind the question mark.
    pub(super) fn href(&self) -> String {
        let project = |name: &str| format!("/projects/{}", part(name));
        let mut query: Vec<(&str, String)> = Vec::new();
        let mut add = |name, value: &Option<String>| {
            query.extend(value.iter().map(|value| (name, part(value))));
        };
        let path = match self {
            Self::Projects => "/projects".to_owned(),
            Self::Stages { project: name, filter } => {
                add("service", &filter.service);
                add("differs", &filter.differs.then(|| "1".to_owned()));
                add("page", &(filter.page > 0).then(|| (filter.page + 1).to_string()));
                project(name)
            }
            Self::Plan { project: name, stage, from } => {
                add("from", from);
                format!("{}/stages/{}/plan", project(name), part(stage))
            }
            Self::Run { context } => format!("/runs/{}", part(context)),
            Self::Graph { project: name } => format!("{}/graph", project(name)),
            Self::Runs { project: name, filter } | Self::History { project: name, filter } => {
                add("stage", &filter.stage);
                add("service", &filter.service);
                add("open", &filter.open.then(|| "1".to_owned()));
                add("before", &filter.before.map(|before| before.to_string()));
                let page = if matches!(self, Self::Runs { .. }) { "runs" } else { "history" };
                format!("{}/{page}", project(name))
            }
            Self::Events { project: name, filter } => {
                add("type", &filter.event_type);
                add("context", &filter.context);
                add("stage", &filter.stage);
                add("before", &filter.before.map(|before| before.to_string()));
                format!("{}/events", project(name))
            }
        };
        let query: Vec<String> =
            query.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        if query.is_empty() { path } else { format!("{path}?{}", query.join("&")) }
    }
}
