//! What is noted of each open run; pure.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use model::{
    ProjectName, StreamTime,
    view::{Sequence, TaskState, WaitingFor, WaitingReason},
};

use super::super::{HINT_START, finding::Finding, projects::shown};
use crate::render::{ago, sequences};

/// Runs that are shown as those that wait longest.
const LONGEST_MAX: usize = 3;
/// Executors and runs that are kept by name; the others are counted.
const NAMES_MAX: usize = 20;
/// How long a wait may be over before its end is missed: a time-out is said only after 30 s of
/// unbroken connection.
const GRACE: Duration = Duration::from_mins(1);
/// Who waits longer than this is forgotten, perhaps.
const LONG: Duration = Duration::from_hours(1);
/// How long a task may be open without an answer where it has no bound.
const SILENCE_DEFAULT: Duration = Duration::from_mins(5);

/// A run that waits.
struct Waiter {
    since: StreamTime,
    what: String,
    way_out: String,
}

/// What was seen so far.
pub(super) struct Survey {
    now: StreamTime,
    projects: BTreeSet<ProjectName>,
    open: usize,
    longest: Vec<Waiter>,
    orphans: Vec<String>,
    orphans_open: usize,
    silent: BTreeMap<String, usize>,
    silent_open: usize,
}

impl Survey {
    /// Begins with nothing seen.
    pub(super) fn new(projects: impl Iterator<Item = ProjectName>, now: StreamTime) -> Self {
        Self {
            now,
            projects: projects.collect(),
            open: 0,
            longest: Vec::new(),
            orphans: Vec::new(),
            orphans_open: 0,
            silent: BTreeMap::new(),
            silent_open: 0,
        }
    }

    /// Notes an open run.
    pub(super) fn note(&mut self, run: &Sequence) {
        self.open += 1;
        if let Some(reason) = self.orphaned(run) {
            self.orphans_open += 1;
            if self.orphans.len() < NAMES_MAX {
                self.orphans.push(format!("{} ({reason})", place(run)));
            }
        }
        let Some(wait) = &run.waiting_for else { return };
        self.note_silent(run, wait);
        let is_among = self.longest.len() < LONGEST_MAX
            || self.longest.last().is_some_and(|last| wait.since < last.since);
        if is_among {
            let what = format!("{} waits: {}", place(run), sequences::waiting(wait, self.now));
            let waiter = Waiter { since: wait.since, what, way_out: way_out(run, wait) };
            let at = self.longest.partition_point(|one| one.since <= waiter.since);
            self.longest.insert(at, waiter);
            self.longest.truncate(LONGEST_MAX);
        }
    }

    /// Says why a run will not end by itself although it should.
    fn orphaned(&self, run: &Sequence) -> Option<String> {
        if !self.projects.contains(&run.project) {
            return Some(format!("project {} is gone", run.project));
        }
        let wait = run.waiting_for.as_ref()?;
        let ours = matches!(wait.reason, WaitingReason::Controller | WaitingReason::Command);
        let until = wait.until.or_else(|| ours.then_some(wait.since))?;
        let over = self.now.since(until);
        (over > GRACE).then(|| format!("over since {}", ago::coarse(over)))
    }

    /// Notes executors that have not started half of the time they have for it.
    fn note_silent(&mut self, run: &Sequence, wait: &WaitingFor) {
        let is_silent = run.tasks.iter().any(|task| task.state == TaskState::Triggered);
        if wait.reason != WaitingReason::Executor || !is_silent {
            return;
        }
        let patience = wait.until.map_or(SILENCE_DEFAULT, |until| until.since(wait.since) / 2);
        if self.now.since(wait.since) <= patience {
            return;
        }
        self.silent_open += 1;
        let anybody = ["an executor".to_owned()];
        let named = if wait.executors.is_empty() { &anybody[..] } else { &wait.executors };
        for name in named {
            if self.silent.len() < NAMES_MAX || self.silent.contains_key(name) {
                *self.silent.entry(name.clone()).or_default() += 1;
            }
        }
    }

    /// Says what was found; `cut` = why not all runs were looked at.
    pub(super) fn findings(self, cut: Option<String>) -> Vec<Finding> {
        let mut findings = vec![self.executors(), self.orphans()];
        findings.extend(self.longest.iter().map(|one| {
            let long = self.now.since(one.since) > LONG;
            let found = if long { Finding::warning } else { Finding::ok };
            found("waiting", one.what.clone()).hint(one.way_out.clone())
        }));
        let open = self.open;
        findings.push(match cut {
            None => Finding::ok("runs", format!("open: {open}")),
            Some(reason) => {
                Finding::warning("runs", format!("the newest {open} were looked at: {reason}"))
                    .hint("keptn get sequence --open lists all, page by page")
            }
        });
        findings
    }

    fn executors(&self) -> Finding {
        if self.silent.is_empty() {
            return Finding::ok("executors", "no task waits in vain for its executor to start");
        }
        let names: Vec<String> =
            self.silent.iter().map(|(name, tasks)| format!("{name} ({tasks})")).collect();
        let message = format!(
            "{} tasks are not started, half of the time for it is over; waited for: {}",
            self.silent_open,
            shown(&names)
        );
        Finding::problem("executors", message)
            .hint("start the executor; it must listen to the task's `.triggered` events")
    }

    fn orphans(&self) -> Finding {
        if self.orphans.is_empty() {
            return Finding::ok("orphans", "every open run has an end to wait for");
        }
        let message =
            format!("{} runs should have gone on: {}", self.orphans_open, shown(&self.orphans));
        Finding::problem("orphans", message)
            .hint("shipyard-controller must go on: see whether it is ready, and look at its log")
    }
}

/// Returns which run it is: project, stage, sequence, and its delivery.
fn place(run: &Sequence) -> String {
    let context = run.keptn_context.short();
    format!("{context} {}/{}.{}", run.project, run.stage, run.sequence)
}

/// Returns the command that ends a wait.
fn way_out(run: &Sequence, wait: &WaitingFor) -> String {
    let (context, stage) = (run.keptn_context.short(), &run.stage);
    match wait.reason {
        WaitingReason::Approval => format!("keptn approve -c {context} -s {stage} (or decline)"),
        WaitingReason::Pause => format!("keptn resume sequence -c {context}"),
        WaitingReason::Queue => {
            let before = wait.behind.as_ref().unwrap_or(&run.keptn_context).short();
            format!(
                "keptn get sequence {before} shows what is before it; keptn abort sequence -c {before} -s {stage} ends that"
            )
        }
        WaitingReason::Executor | WaitingReason::Delay => {
            format!("keptn abort sequence -c {context} -s {stage}, if it is not to be waited for")
        }
        WaitingReason::Command => format!("config-store must answer; {HINT_START}"),
        WaitingReason::Controller => format!("shipyard-controller must go on; {HINT_START}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::{
        Paint,
        testing::{run, time_at},
    };

    fn survey(now: i64) -> Survey {
        Survey::new(std::iter::once("sockshop".parse().unwrap()), time_at(now))
    }

    fn waiting(reason: WaitingReason, since: i64, until: Option<i64>) -> Sequence {
        let mut run = run();
        let wait = run.waiting_for.as_mut().unwrap();
        wait.reason = reason;
        wait.since = time_at(since);
        wait.until = until.map(time_at);
        run
    }

    fn told(survey: Survey) -> String {
        super::super::super::finding::text(&survey.findings(None), Paint::PLAIN)
    }

    #[test]
    fn a_quiet_survey_is_ok() {
        let mut survey = survey(60);
        survey.note(&run());
        let text = told(survey);
        assert!(!text.contains("problem") && !text.contains("warning"), "{text}");
        assert!(text.contains("runs       — open: 1\n"), "{text}");
    }

    #[test]
    fn who_waits_longest_comes_first_with_the_way_out() {
        let mut survey = survey(2 * 3600);
        for since in [50, 10, 30, 20, 40] {
            survey.note(&waiting(WaitingReason::Approval, since, None));
        }
        let text = told(survey);
        let waits: Vec<&str> = text.lines().filter(|line| line.contains("  waiting")).collect();
        assert_eq!(waits.len(), 3, "{text}");
        assert!(
            waits[0].starts_with("warning  waiting    — c1f0a3d2 sockshop/hardening"),
            "{text}"
        );
        assert!(text.contains("hint: keptn approve -c c1f0a3d2 -s hardening"), "{text}");
    }

    #[test]
    fn every_wait_has_a_way_out() {
        use WaitingReason as Reason;
        for (reason, words) in [
            (Reason::Executor, "keptn abort sequence"),
            (Reason::Queue, "keptn abort sequence"),
            (Reason::Approval, "keptn approve"),
            (Reason::Delay, "keptn abort sequence"),
            (Reason::Pause, "keptn resume sequence"),
            (Reason::Command, "config-store"),
            (Reason::Controller, "shipyard-controller"),
        ] {
            let run = waiting(reason, 0, None);
            let way_out = way_out(&run, run.waiting_for.as_ref().unwrap());
            assert!(way_out.contains(words), "{reason:?}: {way_out}");
        }
    }

    #[test]
    fn a_wait_that_is_over_and_a_project_that_is_gone_are_problems() {
        let over = waiting(WaitingReason::Executor, 0, Some(100));
        let mut gone = run();
        gone.project = "other".parse().unwrap();
        let stuck = waiting(WaitingReason::Controller, 0, None);
        for (run, now, is_orphan) in [
            (&over, 160, false),
            (&over, 161, true),
            (&gone, 60, true),
            (&stuck, 60, false),
            (&stuck, 61, true),
        ] {
            let mut survey = survey(now);
            survey.note(run);
            assert_eq!(told(survey).contains("problem  orphans"), is_orphan, "{now}");
        }
    }

    #[test]
    fn an_executor_that_does_not_start_is_named_at_half_time() {
        let mut silent = waiting(WaitingReason::Executor, 0, Some(600));
        silent.tasks[2].state = TaskState::Triggered;
        for (now, is_named) in [(300, false), (301, true)] {
            let mut survey = survey(now);
            survey.note(&silent);
            let text = told(survey);
            assert_eq!(text.contains("waited for: jmeter-service (1)"), is_named, "{text}");
        }
    }

    #[test]
    fn ten_thousand_runs_leave_little() {
        let mut survey = survey(4_000);
        for number in 0..10_000_i64 {
            let mut run = waiting(WaitingReason::Executor, number % 977, Some(number % 977 + 1));
            run.tasks[2].state = TaskState::Triggered;
            run.waiting_for.as_mut().unwrap().executors = vec![format!("executor-{number}")];
            survey.note(&run);
        }
        let kept = (survey.longest.len(), survey.orphans.len(), survey.silent.len());
        assert_eq!((survey.open, survey.orphans_open, kept), (10_000, 10_000, (3, 20, 20)));
    }
}
