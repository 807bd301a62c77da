//! Learning uniforms from the commands on projects and their answers.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use fold::{Owes, Waits};
use model::StreamTime;
use serde_json::json;

use super::*;

const SHIPYARD: &str = "apiVersion: spec.keptn.sh/0.2.3\nspec: {stages: [{name: dev}]}\n";

/// A stream with a config-store that answers every command, and the roster that reads it.
#[derive(Default)]
struct Told {
    store: Catalog,
    roster: Roster,
    said: u64,
    position: Position,
}

impl Told {
    fn store(&mut self, event: Event) -> Change {
        self.position += 1;
        let subject = event.event_type.to_string();
        let time = time_of(self.position);
        let stored = Stored::new(self.position, time, &subject, Ok(event));
        self.store.apply(&stored);
        self.roster.apply(&stored)
    }

    /// Commands, and returns what the answer changed.
    fn command(&mut self, verb: &str, uniform: Option<&str>) -> Change {
        let mut data = json!({"project": "p", "shipyard": STANDARD.encode(SHIPYARD)});
        if let Some(uniform) = uniform {
            data["uniform"] = STANDARD.encode(uniform).into();
        }
        let json = json!({
            "id": format!("c{}", self.position), "source": "keptn-cli", "data": data,
            "type": format!("sh.keptn.event.project.{verb}.triggered"),
        });
        let command = Event::from_json(json.to_string().as_bytes()).unwrap();
        assert_eq!(self.store(command).new_pairs, []);
        let owed = self.store.owed_after(self.said).remove(0);
        self.said = owed.number;
        let answer = self.store.event(&owed, Waits::default()).unwrap();
        self.store(answer)
    }

    fn pairs(&self) -> Vec<String> {
        let text = |(pair, position): (&Pair, Position)| {
            format!("{}/{}@{position}", pair.service, pair.task)
        };
        self.roster.pairs().map(text).collect()
    }

    fn plays(&self, service: &str) -> bool {
        self.plays_at(service, self.position)
    }

    /// Tells whether a task that was triggered right behind `position` is played.
    fn plays_at(&self, service: &str, position: Position) -> bool {
        let service = ServiceName::new(service).unwrap();
        self.roster.executor("p", &service, time_of(position)).is_some()
    }
}

/// A second for each position.
fn time_of(position: Position) -> StreamTime {
    StreamTime::default().after(Duration::from_secs(position))
}

fn uniform(services: &str) -> String {
    format!("version: 0.1.1\nspec: {{services: [{services}]}}\n")
}

#[test]
fn a_pair_begins_where_it_was_first_named_and_stays() {
    let mut told = Told::default();
    let first = told.command("create", Some(&uniform("{name: a, actions: [t]}")));
    assert_eq!(first.new_pairs.len(), 1);
    assert_eq!(told.pairs(), ["a/t@2"]);
    let second = told.command("update", Some(&uniform("{name: a, actions: [t, u]}, {name: b}")));
    assert_eq!(second.new_pairs.len(), 1);
    assert_eq!(told.pairs(), ["a/t@2", "a/u@4"]);
    told.command("delete", None);
    assert_eq!(told.pairs(), ["a/t@2", "a/u@4"]);
    assert!(!told.plays("a"));
}

#[test]
fn an_update_replaces_who_plays() {
    let mut told = Told::default();
    told.command("create", Some(&uniform("{name: a, actions: [t]}")));
    assert!(told.plays("a"));
    told.command("update", Some(&uniform("{name: b, actions: [t]}")));
    assert!(!told.plays("a"));
    assert!(told.plays("b"));
}

#[test]
fn a_task_of_a_project_that_was_deleted_since_is_not_played_by_its_namesake() {
    let mut told = Told::default();
    told.command("create", Some(&uniform("{name: a, actions: [t]}")));
    let before = told.position;
    told.command("delete", None);
    told.command("create", Some(&uniform("{name: a, actions: [t]}")));
    assert!(!told.plays_at("a", before));
    assert!(told.plays("a"));
}

#[test]
fn a_refused_command_and_a_project_without_uniform_name_nobody() {
    let mut told = Told::default();
    told.command("create", Some("version: [\n"));
    assert_eq!(told.pairs(), [""; 0]);
    told.command("create", None);
    assert_eq!(told.pairs(), [""; 0]);
    assert!(!told.plays("a"));
}

#[test]
fn the_task_update_is_never_played() {
    let mut told = Told::default();
    told.command("create", Some(&uniform("{name: a, actions: [update, t]}")));
    assert_eq!(told.pairs(), ["a/t@2"]);
}

#[test]
fn an_answer_that_nobody_waits_for_names_nobody() {
    let mut told = Told::default();
    let json = json!({"id": "x", "source": "config-store", "triggeredid": "y",
        "type": "sh.keptn.event.project.create.finished",
        "data": {"project": "p", "status": "succeeded", "shipyard": STANDARD.encode(SHIPYARD),
                 "uniform": STANDARD.encode(uniform("{name: a, actions: [t]}"))}});
    let change = told.store(Event::from_json(json.to_string().as_bytes()).unwrap());
    assert_eq!(change.new_pairs, []);
    assert!(change.note.is_some());
}

#[test]
fn a_pair_too_many_is_refused() {
    let mut told = Told::default();
    let tasks: Vec<String> = (0..=PAIRS_MAX).map(|number| format!("t{number}")).collect();
    let services = format!("{{name: a, actions: [{}]}}", tasks.join(", "));
    let change = told.command("create", Some(&uniform(&services)));
    assert_eq!((change.new_pairs.len(), change.refused_pairs.len()), (PAIRS_MAX, 1));
}

#[test]
fn a_snapshot_reads_back() {
    let mut told = Told::default();
    told.command("create", Some(&uniform("{name: a, actions: [t]}")));
    let bytes = postcard::to_stdvec(&told.roster).unwrap();
    assert_eq!(postcard::from_bytes::<Roster>(&bytes).unwrap(), told.roster);
}
