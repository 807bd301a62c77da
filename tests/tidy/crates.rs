//! Who may depend on whom: the dependency list is the proof of purity.

use std::process::Command;

use serde_json::Value;

use crate::{assert_kept, files};

/// Crates without IO: a function of their arguments and nothing else.
const PURE: [&str; 2] = ["model", "fold"];
/// What a pure crate never has below it: runtimes, sockets, clocks and chance.
const IMPURE: [&str; 10] = [
    "async-nats",
    "chrono",
    "cloudevents-sdk",
    "getrandom",
    "hostname",
    "mio",
    "rand",
    "reqwest",
    "socket2",
    "tokio",
];
/// Crates that one member may use directly, and the member.
const OWNED: [(&str, &str); 2] = [("async-nats", "bus"), ("cloudevents-sdk", "bus")];
/// Who may link services: the one that carries them all, and the simulation that plays them.
const LINKS_SERVICES: [&str; 2] = ["keptn", "tests"];

#[test]
fn pure_crates_have_no_runtime_clock_or_chance_below_them() {
    let mut broken = Vec::new();
    for package in PURE {
        let below = dependencies_below(package);
        assert!(below.len() > 1, "cargo tree -p {package} lists no dependency: {below:?}");
        let found = below.iter().filter(|name| IMPURE.contains(&name.as_str()));
        broken.extend(found.map(|name| {
            format!("{package}: {name} (cargo tree -p {package} -e normal -i {name})")
        }));
    }
    assert_kept("`model` and `fold` are pure", &broken);
}

#[test]
fn a_client_library_has_one_owner() {
    let mut broken = Vec::new();
    for member in members() {
        for dependency in direct_dependencies(&member) {
            let owner = OWNED.iter().find(|(name, _)| *name == dependency);
            let Some((_, owner)) = owner else { continue };
            if *owner != text(&member, "name") {
                broken.push(format!("{}: {dependency} belongs to {owner}", text(&member, "name")));
            }
        }
    }
    assert_kept("NATS and CloudEvents libraries are used by `bus` alone", &broken);
}

#[test]
fn services_do_not_link_each_other() {
    let members = members();
    let services: Vec<String> = members
        .iter()
        .filter(|member| text(member, "manifest_path").contains("/services/"))
        .map(|member| text(member, "name"))
        .collect();
    assert!(services.len() >= 5, "services found: {services:?}");
    let mut broken = Vec::new();
    for member in members.iter().filter(|member| !LINKS_SERVICES.contains(&&*text(member, "name")))
    {
        let linked = direct_dependencies(member).into_iter().filter(|name| services.contains(name));
        broken.extend(linked.map(|name| format!("{}: {name}", text(member, "name"))));
    }
    assert_kept("only `keptn` and `tests` link services; they talk through NATS", &broken);
}

#[test]
fn the_driver_of_tests_is_never_shipped() {
    let mut broken = Vec::new();
    for member in members().iter().filter(|member| text(member, "name") != "tests") {
        if dependencies(member, is_normal).contains(&"testing".to_owned()) {
            broken.push(text(member, "name"));
        }
    }
    assert_kept("`testing` is a dependency for tests, never of what is shipped", &broken);
}

#[test]
fn every_member_keeps_the_lints_of_the_workspace() {
    let mut broken = Vec::new();
    for member in members() {
        let path = text(&member, "manifest_path");
        let manifest = std::fs::read_to_string(&path).expect("a manifest can be read");
        if !manifest.contains("[lints]\nworkspace = true") {
            broken.push(format!("{}: no `[lints] workspace = true`", text(&member, "name")));
        }
        if !member["publish"].as_array().is_some_and(Vec::is_empty) {
            broken.push(format!("{}: no `publish.workspace = true`", text(&member, "name")));
        }
    }
    assert_kept("a member takes lints and `publish` from the workspace", &broken);
}

/// Returns the names of all packages that a package links, itself included.
fn dependencies_below(package: &str) -> Vec<String> {
    let tree = ["tree", "--locked", "-p", package, "-e", "normal", "--prefix", "none", "-f", "{p}"];
    let listing = cargo(&tree);
    let mut names: Vec<String> =
        listing.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Returns the members of the workspace as `cargo metadata` describes them.
fn members() -> Vec<Value> {
    let listing = cargo(&["metadata", "--locked", "--no-deps", "--format-version", "1"]);
    let metadata: Value = serde_json::from_str(&listing).expect("cargo metadata is JSON");
    metadata["packages"].as_array().expect("cargo metadata lists packages").clone()
}

/// Returns the names of all dependencies in a manifest, those for tests included.
fn direct_dependencies(member: &Value) -> Vec<String> {
    dependencies(member, |_| true)
}

fn dependencies(member: &Value, is_meant: fn(&Value) -> bool) -> Vec<String> {
    let list = member["dependencies"].as_array().expect("a package lists dependencies");
    let meant = list.iter().filter(|dependency| is_meant(dependency));
    meant.map(|dependency| text(dependency, "name")).collect()
}

/// Tells whether a dependency is neither for tests alone nor for the build.
fn is_normal(dependency: &Value) -> bool {
    dependency["kind"].is_null()
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_else(|| panic!("`{key}` is a string in {value}")).to_owned()
}

fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO")).args(arguments).current_dir(files::root()).output();
    let output = output.expect("cargo runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "cargo {}: {said}", arguments.join(" "));
    String::from_utf8(output.stdout).expect("cargo writes UTF-8")
}
