//! What is documented is what is read: the settings tables of the READMEs against the code.

use std::collections::BTreeSet;

use crate::assert_kept;
use crate::files::{self, File};

/// Environment variables that are not settings of ours: read by the platform or by a library.
const FOREIGN: [&str; 4] = ["PATH", "HOME", "NO_COLOR", "XDG_CACHE_HOME"];

/// Where the settings of all services are documented, and the files that read them.
const COMMON: (&str, [&str; 2]) =
    ("shared/service/README.md", ["shared/service/src/settings.rs", "shared/bus/src/options.rs"]);

#[test]
fn readme_lists_exactly_the_settings_that_are_read() {
    let files = files::all();
    let configs = files
        .iter()
        .filter(|file| file.path.starts_with("services/") && file.path.ends_with("/src/config.rs"));
    let mut documents: Vec<(String, Vec<&File>)> = configs
        .map(|config| (config.path.replace("src/config.rs", "README.md"), vec![config]))
        .collect();
    assert!(!documents.is_empty(), "no service has a `src/config.rs`");
    let common = files.iter().filter(|file| COMMON.1.contains(&file.path.as_str())).collect();
    documents.push((COMMON.0.to_owned(), common));

    let mut broken = Vec::new();
    for (path, sources) in documents {
        let read: BTreeSet<String> = sources.into_iter().flat_map(read_settings).collect();
        let readme = files.iter().find(|file| file.path == path);
        let documented = readme.map(documented_settings).unwrap_or_default();
        broken.extend(
            read.difference(&documented).map(|name| format!("{path}: no row for `{name}`")),
        );
        broken.extend(
            documented.difference(&read).map(|name| format!("{path}: `{name}` is not read")),
        );
    }
    assert_kept("a README has one row for each setting that is read, and no other", &broken);
}

/// Returns the string literals that look like an environment variable.
fn read_settings(config: &File) -> BTreeSet<String> {
    let code = config.text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let words = lines.flat_map(|line| line.split('"').skip(1).step_by(2));
    words.filter(|word| is_setting(word)).map(str::to_owned).collect()
}

/// Returns the names in the first column of the tables; a row may hold several.
fn documented_settings(readme: &File) -> BTreeSet<String> {
    let rows = readme.text.lines().filter(|line| line.starts_with("| `"));
    let cells = rows.filter_map(|row| row.split('|').nth(1));
    let names = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2));
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
