//! What a service documents is what it reads: the settings table in its README against its code.

use std::collections::BTreeSet;

use crate::assert_kept;
use crate::files::{self, File};

/// Environment variables that are not settings of ours: read by the platform or by a library.
const FOREIGN: [&str; 4] = ["PATH", "HOME", "NO_COLOR", "XDG_CACHE_HOME"];

#[test]
fn readme_lists_exactly_the_settings_that_are_read() {
    let files = files::all();
    let mut broken = Vec::new();
    for config in files.iter().filter(|file| is_config(file)) {
        let folder = config.path.trim_end_matches("src/config.rs");
        let Some(readme) = files.iter().find(|file| file.path == format!("{folder}README.md"))
        else {
            broken
                .push(format!("{folder}README.md: missing, settings are read in {}", config.path));
            continue;
        };
        let (read, documented) = (read_settings(config), documented_settings(readme));
        let missing = read.difference(&documented);
        broken.extend(missing.map(|name| format!("{}: no row for `{name}`", readme.path)));
        let stale = documented.difference(&read).filter(|name| !is_common(&files, name));
        broken.extend(stale.map(|name| format!("{}: `{name}` is not read", readme.path)));
    }
    assert_kept("the README of a service has one row per setting", &broken);
}

fn is_config(file: &File) -> bool {
    file.path.starts_with("services/") && file.path.ends_with("/src/config.rs")
}

/// Tells whether the setting is read for all services at once, by a crate that they share.
fn is_common(files: &[File], name: &str) -> bool {
    let quoted = format!("\"{name}\"");
    files.iter().any(|file| {
        file.path.starts_with("shared/") && !file.is_test() && file.text.contains(&quoted)
    })
}

/// Returns the string literals that look like an environment variable.
fn read_settings(config: &File) -> BTreeSet<String> {
    let code = config.text.split("#[cfg(test)]").next().unwrap_or_default();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let words = lines.flat_map(|line| line.split('"').skip(1).step_by(2));
    words.filter(|word| is_setting(word)).map(str::to_owned).collect()
}

/// Returns the names in the first column of the tables.
fn documented_settings(readme: &File) -> BTreeSet<String> {
    let rows = readme.text.lines().filter_map(|line| line.strip_prefix("| `"));
    let names = rows.filter_map(|row| row.split('`').next());
    names.filter(|name| is_setting(name)).map(str::to_owned).collect()
}

fn is_setting(word: &str) -> bool {
    let allowed = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    word.len() > 3
        && word.contains('_')
        && word.starts_with(|c: char| c.is_ascii_uppercase())
        && word.chars().all(allowed)
        && !FOREIGN.contains(&word)
}
