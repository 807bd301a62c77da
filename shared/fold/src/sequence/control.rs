//! Commands on runs: abort, pause, resume. They take effect where they stand in the stream; their
//! answer says what they did.

use std::sync::Arc;

use model::{DerivedId, Event, EventId, KeptnContext, Payload, ProjectName, StageName, Stored};
use serde_json::{Map, Value};

use super::{
    ControlAnswer, Due, Effects, Sequences, Surroundings, What,
    run::{Abort, Phase, Run, RunKey},
};
use crate::{
    refusal::{Code, Refusal},
    values::text,
};

/// What a person can do to a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// End it.
    Abort,
    /// Send no further task.
    Pause,
    /// Go on.
    Resume,
}

impl Verb {
    fn parse(word: &str) -> Option<Self> {
        match word {
            "abort" => Some(Self::Abort),
            "pause" => Some(Self::Pause),
            "resume" => Some(Self::Resume),
            _ => None,
        }
    }

    const fn done(self) -> &'static str {
        match self {
            Self::Abort => "aborted",
            Self::Pause => "paused",
            Self::Resume => "resumed",
        }
    }
}

impl Sequences {
    /// A `sequence.<verb>.triggered`.
    pub(super) fn see_control(
        &mut self,
        stored: &Stored,
        event: &Event,
        verb: &str,
        effects: &mut Effects,
    ) {
        let seen = DerivedId::of(&["control", event.id.as_str()]);
        if self.handled.contains(seen) {
            return effects.note("this command was seen already");
        }
        self.handled.insert(seen);
        let stage = event.data.head().stage.map(std::borrow::Cow::into_owned);
        let done = self.control(stored, event, verb, stage.as_deref(), effects);
        let context = event.context.clone().unwrap_or_else(|| KeptnContext::of_trigger(&event.id));
        let answer = ControlAnswer {
            verb: model::name::shortened(verb).into(),
            triggered_id: event.id.clone(),
            data: answer_data(event, done),
            context,
        };
        let id = DerivedId::of(&["answer", answer.context.as_str(), event.id.as_str(), verb]);
        self.owed.insert(id, stored.time, Due::Control(Arc::new(answer)));
    }

    fn control(
        &mut self,
        stored: &Stored,
        event: &Event,
        verb: &str,
        stage: Option<&str>,
        effects: &mut Effects,
    ) -> Result<String, Refusal> {
        let verb = Verb::parse(verb).ok_or_else(|| {
            Refusal::new(
                Code::Invalid,
                format!("`sequence.{}` is no command", model::name::shortened(verb)),
                "there is abort, pause, resume",
            )
        })?;
        let stage = stage.filter(|name| !name.is_empty()).map(StageName::new).transpose().map_err(
            |error| Refusal::new(Code::Invalid, error.to_string(), "name a stage of the shipyard"),
        )?;
        let keys = self.controlled(event, stage.as_ref())?;
        let mut changed = 0;
        for key in keys {
            if self.control_run(key, verb, stored, &event.id) {
                changed += 1;
                effects.facts.extend(self.fact(key, What::Controlled));
            }
        }
        if let Some(delivery) =
            event.context.as_ref().and_then(|context| self.contexts.get_mut(context))
        {
            match verb {
                Verb::Pause => _ = delivery.paused.insert(stage),
                Verb::Resume if stage.is_none() => delivery.paused.clear(),
                Verb::Resume => _ = delivery.paused.remove(&stage),
                Verb::Abort => {}
            }
        }
        Ok(match changed {
            0 => format!("nothing changed: no sequence to be {} there", verb.done()),
            1 => format!("1 sequence {}", verb.done()),
            n => format!("{n} sequences {}", verb.done()),
        })
    }

    /// Returns the runs that a command is about: of its context, project and stage.
    fn controlled(&self, event: &Event, stage: Option<&StageName>) -> Result<Vec<RunKey>, Refusal> {
        let context = event.context.as_ref().ok_or_else(|| {
            Refusal::new(Code::Invalid, "`shkeptncontext` is missing", "name the delivery")
        })?;
        let project = event.data.head().project.map(std::borrow::Cow::into_owned);
        let keys: Vec<RunKey> = self
            .contexts
            .get(context)
            .into_iter()
            .flat_map(|delivery| &delivery.runs)
            .copied()
            .filter(|key| {
                self.runs.get(key).is_some_and(|run| {
                    project.as_deref().is_none_or(|name| name == run.project.as_str())
                        && (stage.is_none_or(|name| *name == run.stage)
                            || !run.follow_ups().is_empty())
                        && (!run.is_ended() || !run.follow_ups().is_empty())
                })
            })
            .collect();
        if keys.is_empty() {
            let place = stage.map(|name| format!(" in stage `{name}`")).unwrap_or_default();
            return Err(Refusal::new(
                Code::NotFound,
                format!("no open sequence in context {context}{place}"),
                "it has ended, or never was: `keptn get sequence` lists them",
            ));
        }
        Ok(keys)
    }

    /// Applies a verb to one run; tells whether it changed anything.
    fn control_run(&mut self, key: RunKey, verb: Verb, stored: &Stored, by: &EventId) -> bool {
        let abort = Abort { at: stored.time, by: by.clone() };
        let changed = self.change(key, |run| match verb {
            Verb::Abort => run.abort(abort),
            Verb::Pause if run.is_running_or_waits() && !run.is_paused => {
                run.is_paused = true;
                true
            }
            Verb::Resume if run.is_running_or_waits() && run.is_paused => {
                run.is_paused = false;
                run.cause = stored.time;
                true
            }
            Verb::Pause | Verb::Resume => false,
        });
        if verb == Verb::Abort {
            self.close_approval(key);
        }
        self.settle(key, stored.time);
        changed == Some(true)
    }

    /// Ends the open runs of a project that was deleted.
    pub(super) fn abort_orphans(
        &mut self,
        around: &Surroundings<'_>,
        stored: &Stored,
        event: &Event,
        effects: &mut Effects,
    ) {
        let head = event.data.head();
        let Some(project) = head.project.as_deref().and_then(|name| ProjectName::new(name).ok())
        else {
            return;
        };
        if around.catalog.project(project.as_str()).is_some() {
            return;
        }
        let stages = self.by_stage.get(&project).cloned().unwrap_or_default();
        for key in stages.values().flatten().copied().filter(|key| *key < stored.position) {
            if self.is_changing_undecided(around, key) {
                continue;
            }
            if self.control_run(key, Verb::Abort, stored, &event.id) {
                effects.facts.extend(self.fact(key, What::Controlled));
            }
        }
    }

    fn is_changing_undecided(&self, around: &Surroundings<'_>, key: RunKey) -> bool {
        self.runs.get(&key).is_some_and(|run| {
            run.phase == Phase::Undecided && around.catalog.is_changing(run.project.as_str(), key)
        })
    }
}

impl Run {
    fn is_running_or_waits(&self) -> bool {
        self.aborted.is_none() && matches!(self.phase, Phase::Undecided | Phase::Decided)
    }

    fn abort(&mut self, abort: Abort) -> bool {
        if let Phase::Ended { follow_ups } = &mut self.phase {
            let waiting =
                follow_ups.iter_mut().filter(|next| next.run.is_none() && !next.is_aborted);
            return waiting.map(|next| next.is_aborted = true).count() > 0;
        }
        if self.aborted.is_some() || matches!(self.phase, Phase::Declined(_)) {
            return false;
        }
        self.cause = abort.at;
        self.aborted = Some(abort);
        true
    }
}

fn answer_data(event: &Event, done: Result<String, Refusal>) -> Payload {
    let asked = event.data.to_map();
    let mut data = Map::new();
    for key in ["project", "stage"] {
        if let Some(name) = text(&asked, key) {
            data.insert(key.to_owned(), Value::String(model::name::shortened(name)));
        }
    }
    let mut insert = |key: &str, value: &str| data.insert(key.to_owned(), value.into());
    match done {
        Ok(message) => {
            insert("status", "succeeded");
            insert("result", "pass");
            insert("message", &message);
        }
        Err(refusal) => {
            insert("status", "errored");
            insert("result", "fail");
            insert("message", &refusal.message);
            insert("hint", &refusal.hint);
            insert("code", refusal.code.as_str());
        }
    }
    Payload::from_map(&data)
}
