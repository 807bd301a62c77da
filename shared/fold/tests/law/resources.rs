//! Resources: where each version of a file stands in the stream, on which level, and what is
//! refused.

use fold::{
    Catalog,
    catalog::{EARLIER_VERSIONS_MAX, RESOURCES_PER_LEVEL_MAX, Version, digest},
};
use model::view::RESOURCE_BYTES_MAX;
use serde_json::{Value, json};

use crate::stream::{SHIPYARD, Stream, encoded, short};

/// A level as commands name it.
type At = (Option<&'static str>, Option<&'static str>);

const PROJECT: At = (None, None);
const DEV: At = (Some("dev"), None);
const CARTS: At = (Some("dev"), Some("carts"));

fn stream() -> Stream {
    Stream::with_project(SHIPYARD, &["carts", "carts-db"])
}

fn data((stage, service): At, uri: &str, content: Option<&str>) -> Value {
    let mut data = json!({"project": "p", "resourceURI": uri});
    for (key, value) in [("stage", stage), ("service", service)] {
        if let Some(value) = value {
            data[key] = value.into();
        }
    }
    if let Some(content) = content {
        data["resourceContent"] = encoded(content).into();
    }
    data
}

/// What is asked of a stream about resources.
trait Resources {
    /// Creates or replaces one; returns the data of the answer.
    fn update(&mut self, at: At, uri: &str, content: &str) -> Value;
    /// Returns the newest version that the catalog holds.
    fn held(&self, at: At, uri: &str) -> Option<Version>;
    /// Decodes the content that stands at a position.
    fn content_at(&self, position: u64) -> (String, u64);
}

impl Resources for Stream {
    fn update(&mut self, at: At, uri: &str, content: &str) -> Value {
        self.command("resource.update", data(at, uri, Some(content)))
    }

    fn held(&self, (stage, service): At, uri: &str) -> Option<Version> {
        let found = self.config.resource(("p", stage, service), uri, None);
        found.ok().map(|(_, version)| version.clone())
    }

    fn content_at(&self, position: u64) -> (String, u64) {
        let event = self.events[usize::try_from(position).unwrap() - 1].body.as_ref().unwrap();
        digest(event.data.to_map()["resourceContent"].as_str().unwrap()).unwrap()
    }
}

fn word<'a>(answer: &'a Value, key: &str) -> &'a str {
    answer[key].as_str().unwrap_or_default()
}

#[test]
fn a_resource_is_found_where_its_content_stands() {
    let mut stream = stream();
    for at in [PROJECT, DEV, CARTS] {
        let answer = stream.command("resource.create", data(at, "helm/slo.yaml", Some("a: 1\n")));
        assert_eq!(word(&answer, "status"), "succeeded", "{answer}");
        assert_eq!(word(&answer, "resourceURI"), "helm/slo.yaml");
        assert_eq!(word(&answer, "version"), "37b128c59f1f5097f73f82691cb519f1f568667f");
        assert_eq!(answer.get("resourceContent"), None, "the content is not said again");
        let held = stream.held(at, "helm/slo.yaml").unwrap();
        let (hash, bytes) = stream.content_at(held.position);
        assert_eq!((held.hash.as_ref(), held.bytes), (hash.as_str(), bytes));
        assert_eq!(held.bytes, 5);
    }
    assert_eq!(stream.world.catalog, stream.config, "everybody folds the same");
}

#[test]
fn neither_a_waiting_command_nor_the_catalog_holds_the_content() {
    let mut stream = stream();
    let content = "secret".repeat(10_000);
    let command = stream.make("resource.update.triggered", data(DEV, "f", Some(&content)));
    stream.store(command);
    let bytes = |catalog: &Catalog| postcard::to_allocvec(catalog).unwrap().len();
    assert!(bytes(&stream.config) < 10_000, "{}", bytes(&stream.config));
    assert_eq!(stream.config.oldest_resource_position(), Some(stream.events.len() as u64));
    stream.settle();
    assert!(stream.held(DEV, "f").is_some());
    assert!(bytes(&stream.config) < 10_000, "{}", bytes(&stream.config));
}

#[test]
fn earlier_versions_are_found_until_there_are_too_many() {
    let mut stream = stream();
    let mut positions = Vec::new();
    for version in 0..EARLIER_VERSIONS_MAX + 3 {
        stream.update(DEV, "f", &format!("content {version}"));
        positions.push(stream.held(DEV, "f").unwrap());
    }
    let (resource, _) = stream.config.resource(("p", Some("dev"), None), "f", None).unwrap();
    assert_eq!(resource.earlier.len(), EARLIER_VERSIONS_MAX);
    let find = |version: &str| stream.config.resource(("p", Some("dev"), None), "f", Some(version));
    for held in positions.iter().rev().take(EARLIER_VERSIONS_MAX + 1) {
        assert_eq!(find(&held.hash).unwrap().1, held);
        assert_eq!(find(&held.hash[..8]).unwrap().1, held);
    }
    let forgotten = find(&positions[1].hash).unwrap_err();
    assert!(forgotten.message.contains("has no such version"), "{forgotten:?}");
    assert!(find("").is_err(), "no characters name no version");
    assert_eq!(stream.config.oldest_resource_position(), Some(positions[2].position));
}

#[test]
fn the_same_content_again_is_no_new_version() {
    let mut stream = stream();
    stream.update(PROJECT, "f", "same");
    let first = stream.held(PROJECT, "f").unwrap();
    stream.update(PROJECT, "f", "same");
    let (resource, newest) = stream.config.resource(("p", None, None), "f", None).unwrap();
    assert_eq!((newest.hash.clone(), resource.earlier.len()), (first.hash, 0));
    assert!(newest.position > first.position, "the older message may go");
}

#[test]
fn what_cannot_be_done_is_refused_with_code_and_hint() {
    let mut stream = stream();
    stream.update(PROJECT, "slo.yaml", "x");
    let large = "x".repeat(RESOURCE_BYTES_MAX + 1);
    let cases = [
        (
            "create",
            data(PROJECT, "slo.yaml", Some("x")),
            "exists",
            "exists already at project level",
        ),
        ("delete", data(PROJECT, "slo.yml", None), "notFound", "did you mean `slo.yaml`?"),
        ("delete", data(CARTS, "slo.yaml", None), "notFound", "of this name at project level"),
        ("create", data(PROJECT, "../slo.yaml", Some("x")), "invalid", "must be a relative path"),
        ("create", data(PROJECT, "", Some("x")), "invalid", "must be a relative path"),
        ("update", data(PROJECT, "a", None), "invalid", "`resourceContent` is missing"),
        ("update", data(PROJECT, "a", Some(&large)), "invalid", "at most 524288 bytes"),
        ("update", data((Some("de"), None), "a", Some("x")), "notFound", "did you mean `dev`?"),
        ("update", data((Some("dev"), Some("cart")), "a", Some("x")), "notFound", "`carts`?"),
        ("update", data((None, Some("carts")), "a", Some("x")), "invalid", "name the stage"),
        ("rename", data(PROJECT, "a", Some("x")), "invalid", "`resource.rename` is no command"),
        ("update", json!({"project": "q", "resourceURI": "a"}), "notFound", "project `q`"),
        (
            "update",
            json!({"project": "p", "resourceURI": "a", "resourceContent": "%"}),
            "invalid",
            "could not decode `resourceContent`",
        ),
        (
            "update",
            json!({"project": "p", "resourceURI": "a", "resourceContent": 7}),
            "invalid",
            "`resourceContent` must be text",
        ),
    ];
    let before = stream.config.resources("p", None, None).unwrap();
    for (verb, data, code, part) in cases {
        let answer = stream.command(&format!("resource.{verb}"), data);
        let said = format!("{} {}", word(&answer, "message"), word(&answer, "hint"));
        assert_eq!(word(&answer, "code"), code, "{verb}: {answer}");
        assert!(said.contains(part), "{verb}: {said}");
        assert_ne!(word(&answer, "hint"), "", "{answer}");
    }
    assert_eq!(stream.config.resources("p", None, None).unwrap(), before);
}

#[test]
fn the_largest_content_is_taken() {
    let mut stream = stream();
    let answer = stream.update(PROJECT, "large", &"x".repeat(RESOURCE_BYTES_MAX));
    assert_eq!(word(&answer, "status"), "succeeded", "{answer}");
}

#[test]
fn a_level_takes_no_more_than_it_may_hold() {
    let mut stream = stream();
    for number in 0..RESOURCES_PER_LEVEL_MAX {
        assert_eq!(word(&stream.update(DEV, &format!("f{number}"), "x"), "status"), "succeeded");
    }
    let refused = stream.update(DEV, "one-more", "x");
    assert_eq!(word(&refused, "code"), "refused");
    assert_eq!(word(&refused, "message"), "stage `dev` must have at most 1000 resources");
    assert_eq!(word(&stream.update(DEV, "f1", "y"), "status"), "succeeded");
    assert_eq!(word(&stream.update(CARTS, "one-more", "x"), "status"), "succeeded");
}

#[test]
fn what_is_deleted_takes_its_resources_with_it() {
    let mut stream = stream();
    for at in [PROJECT, DEV, CARTS, (Some("dev"), Some("carts-db"))] {
        stream.update(at, "f", "x");
    }
    stream.command("resource.delete", data(DEV, "f", None));
    assert_eq!(stream.held(DEV, "f"), None);
    stream.command("service.delete", json!({"project": "p", "service": "carts"}));
    stream.command("service.create", json!({"project": "p", "service": "carts"}));
    assert_eq!(stream.held(CARTS, "f"), None);
    assert!(stream.held((Some("dev"), Some("carts-db")), "f").is_some());
    stream.command("project.delete", json!({"project": "p"}));
    assert_eq!(stream.config.oldest_resource_position(), None);
}

#[test]
fn a_snapshot_keeps_resources_and_a_trigger_waits_for_them() {
    let mut stream = stream();
    stream.update(CARTS, "f", "x");
    let bytes = postcard::to_allocvec(&stream.config).unwrap();
    assert_eq!(postcard::from_bytes::<Catalog>(&bytes).unwrap(), stream.config);
    let command = stream.make("resource.update.triggered", data(CARTS, "f", Some("y")));
    stream.store(command);
    let (context, _) =
        stream.trigger("dev.artifact-delivery", json!({"project": "p", "service": "carts"}));
    assert!(stream.told(&context).is_empty(), "the command before it is not answered yet");
    stream.settle();
    assert_eq!(stream.told(&context), ["deployment.triggered"]);
    let last = stream.said().rev().find(|event| short(event).starts_with("resource.")).unwrap();
    assert_eq!(short(last), "resource.update.finished succeeded/pass");
}
