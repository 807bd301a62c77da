//! A stream of one process: events in order, everybody who folds them, and who says what is owed.

use std::{borrow::Borrow, collections::BTreeMap, sync::Arc};

use fold::{Applied, Catalog, Owes, Run, Waits, World, sequence::SOURCE};
use model::{
    DerivedId, Event, EventId, EventType, KeptnContext, Kind, Malformed, Payload, Stored,
    StreamTime,
};
use serde_json::{Value, json};

use crate::data::{encoded, short};

/// Nanoseconds between two stored events.
const TICK: i64 = 1_000_000;
/// Events that one `settle` may say; more of them are a loop that does not end.
pub(crate) const SAID_MAX: usize = 100_000;

/// Events, and the folds over them: the controller's, config-store's, and one that a test adds.
#[derive(Clone, Debug)]
pub struct Stream<V = ()> {
    /// The fold of the controller.
    pub world: World,
    /// The fold of config-store.
    pub config: Catalog,
    /// The fold that the test adds.
    pub view: V,
    see: fn(&mut V, &Stored),
    /// All that was stored, in order; positions count from 1.
    pub events: Vec<Stored>,
    /// Why events changed nothing, as text.
    pub notes: Vec<String>,
    /// Stream time of the newest event, in nanoseconds. A test may move it.
    pub time: i64,
    made: usize,
    /// Where the `triggered` of each task stands in `events`.
    tasks: BTreeMap<DerivedId, usize>,
}

impl Default for Stream {
    fn default() -> Self {
        Self::seen_by((), |(), _| {})
    }
}

impl Stream {
    /// Starts with a project `p` and services.
    pub fn with_project(shipyard: &str, services: &[&str]) -> Self {
        Self::with_documents(shipyard, None, services)
    }

    /// Starts with a project `p`, its uniform, and services.
    pub fn with_documents(shipyard: &str, uniform: Option<&str>, services: &[&str]) -> Self {
        let mut stream = Self::default();
        stream.create_project("p", (shipyard, uniform), services);
        stream
    }
}

impl<V> Stream<V> {
    /// Starts empty, with one more fold: `see` hands it each event behind the other folds.
    pub fn seen_by(view: V, see: fn(&mut V, &Stored)) -> Self {
        Self {
            world: World::default(),
            config: Catalog::default(),
            view,
            see,
            events: Vec::new(),
            notes: Vec::new(),
            time: 0,
            made: 0,
            tasks: BTreeMap::new(),
        }
    }

    /// Creates a project with a shipyard, perhaps a uniform, and services.
    pub fn create_project(
        &mut self,
        project: &str,
        (shipyard, uniform): (&str, Option<&str>),
        services: &[&str],
    ) {
        let mut data = json!({"project": project, "shipyard": encoded(shipyard)});
        if let Some(uniform) = uniform {
            data["uniform"] = encoded(uniform).into();
        }
        let answer = self.command("project.create", data);
        assert_eq!(answer["status"], "succeeded", "{answer}");
        for service in services {
            self.command("service.create", json!({"project": project, "service": service}));
        }
    }

    /// Stores an event on the subject that is its type.
    pub fn store(&mut self, event: Event) -> Applied {
        let subject = event.event_type.to_string();
        self.store_body(&subject, Ok(event))
    }

    /// Stores what may be no event.
    pub fn store_body(&mut self, subject: &str, body: Result<Event, Malformed>) -> Applied {
        self.time += TICK;
        let position = self.events.len() as u64 + 1;
        let stored = Stored::new(position, StreamTime::from_nanos(self.time), subject, body);
        self.config.apply(&stored);
        let applied = self.world.apply(&stored);
        (self.see)(&mut self.view, &stored);
        self.notes.extend(applied.notes.iter().map(ToString::to_string));
        if let Ok(event) = &stored.body
            && matches!(event.event_type, EventType::Task(_, Kind::Triggered))
            && let Some(id) = DerivedId::parse(event.id.as_str())
        {
            self.tasks.entry(id).or_insert(self.events.len());
        }
        self.events.push(stored);
        applied
    }

    /// Makes an event with a new id; `kind` is its type without `sh.keptn.event.`.
    pub fn make(&mut self, kind: &str, data: impl Borrow<Value>) -> Event {
        self.made += 1;
        let id = EventId::new(&format!("e{}", self.made)).unwrap();
        let kind = EventType::parse(&format!("sh.keptn.event.{kind}")).unwrap();
        let data = data.borrow().as_object().unwrap();
        Event::new(id, "test", kind, Payload::from_map(data))
    }

    /// Sends a command and settles; returns the data of its answer.
    pub fn command(&mut self, kind: &str, data: impl Borrow<Value>) -> Value {
        let event = self.make(&format!("{kind}.triggered"), data);
        self.command_event(event)
    }

    /// The same, for an event that is made already.
    pub fn command_event(&mut self, event: Event) -> Value {
        let id = event.id.clone();
        self.store(event);
        self.settle();
        self.answer_to(&id)
    }

    /// Returns the data of the `.finished` that answers an event; null if there is none.
    pub fn answer_to(&self, id: &EventId) -> Value {
        let answer = self.said().find(|event| {
            event.triggered_id.as_ref() == Some(id)
                && event.event_type.kind() == Some(Kind::Finished)
        });
        answer.map_or(Value::Null, |event| Value::Object(event.data.to_map()))
    }

    /// Says everything that controller and config-store owe, until nothing is owed.
    pub fn settle(&mut self) {
        for _ in 0..SAID_MAX {
            let now = StreamTime::from_nanos(self.time);
            let next = first_owed(&self.world, now).or_else(|| first_owed(&self.config, now));
            let Some(event) = next else { return };
            self.store(event);
        }
        panic!("what is owed does not end");
    }

    /// Returns what is owed now.
    pub fn owed_events(&self) -> Vec<Event> {
        let now = StreamTime::from_nanos(self.time);
        let mut all = owed(&self.world, now);
        all.extend(owed(&self.config, now));
        all
    }

    /// Returns what the controller owes in a delivery, without the answers to commands.
    pub fn owed_in(&self, context: &KeptnContext) -> Vec<Event> {
        let mut owed = owed(&self.world, StreamTime::from_nanos(self.time));
        owed.retain(|event| {
            event.context.as_ref() == Some(context)
                && !matches!(event.event_type, EventType::Command(..))
        });
        owed
    }

    /// Returns the `triggered` events of tasks that are open and not config-store's (`update`), in
    /// the order of the stream.
    pub fn open_tasks(&self) -> Vec<Event> {
        let open = self.world.sequences.runs().filter_map(|run| run.open.as_ref());
        let mut at: Vec<usize> = open
            .filter(|task| task.name.as_str() != "update")
            .filter_map(|task| self.tasks.get(&task.id).copied())
            .collect();
        at.sort_unstable();
        at.into_iter().filter_map(|at| self.events[at].body.as_ref().ok().cloned()).collect()
    }

    /// Returns the `triggered` of the open task of a delivery.
    pub fn open_task(&self, context: &KeptnContext) -> Event {
        let mut tasks = self.open_tasks().into_iter();
        tasks.find(|task| task.context.as_ref() == Some(context)).unwrap()
    }

    /// Returns all events that could be read.
    pub fn said(&self) -> impl DoubleEndedIterator<Item = &Event> {
        self.events.iter().filter_map(|stored| stored.body.as_ref().ok())
    }

    /// Returns the types of the task events of a context, without the prefix, by stage.
    pub fn task_events(&self, context: &KeptnContext, stage: &str) -> Vec<String> {
        self.said()
            .filter(|event| event.context.as_ref() == Some(context))
            .filter(|event| matches!(event.event_type, EventType::Task(_, _)))
            .filter(|event| self.stage_of(event).as_deref() == Some(stage))
            .map(|event| event.event_type.to_string().replace("sh.keptn.event.", ""))
            .collect()
    }

    fn stage_of(&self, event: &Event) -> Option<String> {
        let task = match &event.triggered_id {
            Some(id) => self.said().find(|other| other.id == *id)?,
            None => event,
        };
        task.data.head().stage.map(std::borrow::Cow::into_owned)
    }

    /// Returns the data of the first event of a type in a context; null if there is none.
    pub fn data_of(&self, context: &KeptnContext, kind: &str) -> Value {
        let kind = format!("sh.keptn.event.{kind}");
        self.said()
            .find(|event| {
                event.context.as_ref() == Some(context) && event.event_type.to_string() == kind
            })
            .map_or(Value::Null, |event| Value::Object(event.data.to_map()))
    }

    /// Returns the newest run of a delivery that is not over.
    pub fn run(&self, context: &KeptnContext) -> Option<&Arc<Run>> {
        self.world.sequences.runs().filter(|run| run.context == *context).last()
    }

    /// Returns what the controller said in a delivery, as short text.
    pub fn told(&self, context: &KeptnContext) -> Vec<String> {
        self.said()
            .filter(|event| event.context.as_ref() == Some(context) && event.source == SOURCE)
            .map(short)
            .collect()
    }

    /// Tells whether nothing is open, owed, or held.
    pub fn is_empty(&self) -> bool {
        self.world.sequences.runs().count() == 0
            && self.owed_events().is_empty()
            && self.world.next_deadline().is_none()
    }

    /// Lets seconds pass.
    pub fn pass(&mut self, secs: i64) {
        self.time += secs * 1_000_000_000;
    }
}

/// Returns the events that a fold owes at a moment.
pub fn owed<F: Owes>(fold: &F, now: StreamTime) -> Vec<Event> {
    let mut owed = fold.owed_after(0);
    owed.extend(fold.due_by(now));
    owed.iter().filter_map(|one| fold.event(one, Waits::default())).collect()
}

/// Returns the first of them.
fn first_owed<F: Owes>(fold: &F, now: StreamTime) -> Option<Event> {
    let first = fold.owed_after(0).iter().find_map(|one| fold.event(one, Waits::default()));
    first.or_else(|| fold.due_by(now).iter().find_map(|one| fold.event(one, Waits::default())))
}
