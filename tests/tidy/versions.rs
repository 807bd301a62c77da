//! A version that stands in several files stands there the same.

use crate::assert_kept;
use crate::files::{self, File};

#[test]
fn versions_agree_everywhere() {
    let files = files::all();
    let of_workspace = between(&files, "Cargo.toml", "\nversion = \"", "\"");
    let of_rust = between(&files, "Cargo.toml", "rust-version = \"", "\"");
    let of_toolchain = between(&files, "rust-toolchain.toml", "channel = \"", "\"");
    let of_nats = between(&files, "docker-compose.yml", "image: nats:", "-alpine");

    let wanted = [
        ("rust-toolchain.toml", format!("channel = \"{of_rust}.")),
        ("deploy/Dockerfile", format!("FROM rust:{of_toolchain}-")),
        ("deploy/Dockerfile", format!("RUSTUP_TOOLCHAIN={of_toolchain}\n")),
        ("docker-compose.yml", format!("keptn-status-view:${{KEPTN_VERSION:-{of_workspace}}}")),
        ("deploy/local-images", format!("nats_version={of_nats}\n")),
        ("tests/src/harness/docker.rs", format!("\"{of_nats}-alpine\"")),
    ];
    let broken: Vec<String> = wanted
        .iter()
        .filter(|(path, text)| !file(&files, path).text.contains(text.as_str()))
        .map(|(path, text)| format!("{path}: should hold `{}`", text.trim()))
        .collect();
    assert_kept("a version is raised everywhere at once", &broken);
}

#[track_caller]
fn file<'a>(files: &'a [File], path: &str) -> &'a File {
    files.iter().find(|file| file.path == path).unwrap_or_else(|| panic!("{path} is missing"))
}

#[track_caller]
fn between<'a>(files: &'a [File], path: &str, before: &str, after: &str) -> &'a str {
    let text =
        file(files, path).text.split(before).nth(1).and_then(|rest| rest.split(after).next());
    text.unwrap_or_else(|| panic!("{path}: no `{}`", before.trim()))
}
