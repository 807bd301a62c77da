//! Plays one pair: takes its tasks from a durable consumer, side by side, and acknowledges each
//! when it is answered or concerns somebody else.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bus::{Bus, Delivery, Publisher, TaskConsumer, TaskConsumerOptions, names};
use model::{Event, Position, Stored, StubRule};
use service::log;
use tokio::{
    sync::{Mutex, mpsc},
    task::JoinSet,
    time::sleep,
};
use tracing::{debug, error, info};

use super::{
    answered::{Done, Said},
    attend::Attended,
    learnt::Learnt,
    say::say,
};
use crate::{
    roster::Pair,
    script::{Attempt, Step, TriggeredTask, script},
};

/// Tasks of one pair that are played side by side. As many as the consumer hands out before it
/// waits for an acknowledgement, so that none lies about here until it is delivered again.
const SIDE_BY_SIDE_MAX: usize = 1_000;
/// Pause before a task comes again whose answer is refused for good, until somebody has given the
/// permission or changed the setting that is missing.
const REFUSED_PAUSE: Duration = Duration::from_secs(30);

/// What all players share.
pub(super) struct Stage {
    pub(super) bus: Bus,
    pub(super) publisher: Publisher,
    pub(super) learnt: Learnt,
    /// Rules of the file; they stand behind those of a uniform.
    pub(super) rules: Vec<StubRule>,
}

/// A rule wants the process to end.
#[derive(Debug)]
pub(super) struct Crashed;

/// How the work on one task ended.
enum Ended {
    Answered(Position),
    PutOff(Position),
    Crashed,
}

/// One pair and what is known of its tasks.
pub(super) struct Player {
    stage: Arc<Stage>,
    pair: Pair,
    tasks: TaskConsumer,
    in_work: BTreeMap<Position, mpsc::Sender<Delivery>>,
    works: JoinSet<Ended>,
    done: Done,
    said: Arc<Mutex<Said>>,
}

impl Player {
    /// Prepares to play a pair that was first named at `from`.
    pub(super) fn new(stage: Arc<Stage>, pair: Pair, from: Position) -> Self {
        let tasks = stage.bus.task_consumer(TaskConsumerOptions {
            name: names::task_consumer(pair.service.as_str(), pair.task.as_str()),
            filter: names::task_triggered(pair.task.as_str()),
            from,
        });
        let (in_work, works) = (BTreeMap::new(), JoinSet::new());
        let (done, said) = (Done::default(), Arc::default());
        Self { stage, pair, tasks, in_work, works, done, said }
    }

    /// Plays until a rule wants a crash.
    pub(super) async fn play(mut self) -> Crashed {
        info!(service = %self.pair.service, task = %self.pair.task, "playing");
        loop {
            tokio::select! {
                Some(ended) = self.works.join_next() => match ended {
                    Ok(Ended::Answered(position)) => {
                        self.in_work.remove(&position);
                        self.done.insert(position);
                    }
                    Ok(Ended::PutOff(position)) => {
                        self.in_work.remove(&position);
                    }
                    Ok(Ended::Crashed) => return Crashed,
                    Err(error) => error!(error = %error, "the work on a task broke off"),
                },
                delivery = self.tasks.next(), if self.works.len() < SIDE_BY_SIDE_MAX => {
                    self.take(delivery).await;
                }
            }
        }
    }

    async fn take(&mut self, delivery: Delivery) {
        let position = delivery.message.position;
        if self.done.contains(position) {
            let (attended, _) = Attended::new(delivery);
            attended.ack().await;
        } else if let Some(worker) = self.in_work.get(&position) {
            // A full way means that it has a newer delivery already; a closed one, that the work
            // broke off and must begin anew when the task comes once more.
            if let Err(mpsc::error::TrySendError::Closed(_)) = worker.try_send(delivery) {
                self.in_work.remove(&position);
            }
        } else {
            let work = Work {
                stage: Arc::clone(&self.stage),
                pair: self.pair.clone(),
                said: Arc::clone(&self.said),
            };
            let count = delivery.count;
            let stored = delivery.message.stored();
            let (mut attended, newer) = Attended::new(delivery);
            self.in_work.insert(position, newer);
            self.works.spawn(async move {
                let attempt = if count > 1 { Attempt::Later } else { Attempt::First };
                let result = match &stored.body {
                    Ok(event) => attended.during(work.answer(event, &stored, attempt)).await,
                    // The controller reports it; nobody can ever answer it.
                    Err(_) => Answer::Done,
                };
                match result {
                    Answer::Crash => return Ended::Crashed,
                    Answer::Done => attended.ack().await,
                    Answer::Refused => {
                        attended.nak(REFUSED_PAUSE).await;
                        return Ended::PutOff(position);
                    }
                }
                Ended::Answered(position)
            });
        }
    }
}

/// What became of a task.
enum Answer {
    /// It is answered, or somebody else's.
    Done,
    /// An answer is refused for good.
    Refused,
    /// The process is to end.
    Crash,
}

/// What the work on one task needs.
struct Work {
    stage: Arc<Stage>,
    pair: Pair,
    said: Arc<Mutex<Said>>,
}

impl Work {
    async fn answer(&self, event: &Event, stored: &Stored, attempt: Attempt) -> Answer {
        let Some(task) = TriggeredTask::read(event) else { return Answer::Done };
        let steps = self.steps(&task, stored, attempt).await;
        if steps.is_empty() {
            return Answer::Done;
        }
        let last = steps.iter().rev().find_map(|step| match step {
            Step::Say(answer) => Some(&answer.id),
            Step::Wait(_) | Step::Crash => None,
        });
        if attempt == Attempt::Later
            && let Some(last) = last
        {
            let mut said = self.said.lock().await;
            if said.contains(&self.stage.bus, &self.pair, (stored.position, last)).await {
                debug!(triggered_id = %event.id, keptn.context = log::context(event),
                    trace_id = log::trace_id(event), "a task that came again was answered before");
                return Answer::Done;
            }
        }
        self.perform(steps, event).await
    }

    /// Returns what is to be done; nothing if the task concerns somebody else.
    async fn steps(
        &self,
        task: &TriggeredTask<'_>,
        stored: &Stored,
        attempt: Attempt,
    ) -> Vec<Step> {
        let Some(project) = task.project() else { return Vec::new() };
        let roster = self.stage.learnt.roster_at(stored.position).await;
        let Some(executor) = roster.executor(project, &self.pair.service, stored.time) else {
            return Vec::new();
        };
        let none = serde_json::Map::new();
        if !executor.answers(task.task_name(), task.properties().unwrap_or(&none)) {
            return Vec::new();
        }
        let rules: Vec<&StubRule> = executor.stub.iter().chain(&self.stage.rules).collect();
        script(task, self.pair.service.as_str(), &rules, attempt)
    }

    async fn perform(&self, steps: Vec<Step>, event: &Event) -> Answer {
        for step in steps {
            match step {
                Step::Wait(time) => sleep(time).await,
                Step::Crash => return Answer::Crash,
                Step::Say(answer) => {
                    let said = say(&self.stage.bus, &self.stage.publisher, *answer).await;
                    if let Err(error) = said {
                        error!(triggered_id = %event.id, keptn.context = log::context(event),
                            trace_id = log::trace_id(event), task = %self.pair.task, error = %error,
                            "an answer is refused; the task comes again later");
                        return Answer::Refused;
                    }
                }
            }
        }
        info!(triggered_id = %event.id, keptn.context = log::context(event),
            trace_id = log::trace_id(event), task = %self.pair.task,
            executor = %self.pair.service, "task played");
        Answer::Done
    }
}
