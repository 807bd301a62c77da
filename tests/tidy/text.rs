//! Rules that one file keeps or breaks alone.

use crate::assert_kept;
use crate::files::{self, File};

/// Lines of a Rust file: what a reader holds in one go. Most files have fewer than 150.
const RUST_LINES_MAX: usize = 500;
/// Lines of the documents at the root: each is read in one sitting.
const DOCUMENT_LINES_MAX: [(&str, usize); 4] =
    [("README.md", 150), ("ARCHITECTURE.md", 250), ("CONTRIBUTING.md", 120), ("CHANGELOG.md", 500)];
/// Folders that exist on one machine only.
const MACHINE_FOLDERS: [&str; 5] = ["work", "root", "farm", "home", "Users"];
/// Files that may name the folder beside the repository: the checks that use what lies there.
const BESIDE_ALLOWED: [&str; 1] = [".ci/run"];

#[test]
fn rust_files_are_short() {
    let broken: Vec<String> = files::rust()
        .iter()
        .map(|file| (file, file.text.lines().count()))
        .filter(|(_, lines)| *lines > RUST_LINES_MAX)
        .map(|(file, lines)| file.at(lines, &format!("{lines} lines")))
        .collect();
    assert_kept(&format!("a Rust file has at most {RUST_LINES_MAX} lines: split it"), &broken);
}

#[test]
fn documents_are_short() {
    let files = files::all();
    let broken: Vec<String> = DOCUMENT_LINES_MAX
        .iter()
        .filter_map(|(path, most)| {
            let file = files.iter().find(|file| file.path == *path)?;
            let lines = file.text.lines().count();
            (lines > *most).then(|| file.at(lines, &format!("{lines} lines, at most {most}")))
        })
        .collect();
    assert_kept("a document is read in one sitting: shorten it", &broken);
}

#[test]
fn every_rust_file_says_what_it_is_for() {
    let opens = |file: &&File| !file.text.starts_with("//! ");
    let broken: Vec<String> = files::rust()
        .iter()
        .filter(opens)
        .map(|file| file.at(1, file.text.lines().next().unwrap_or("empty")))
        .collect();
    assert_kept("a Rust file opens with `//! ` and what it decides or owns", &broken);
}

#[test]
fn modules_are_files_and_not_mod_rs() {
    let broken: Vec<String> = files::rust()
        .into_iter()
        .filter(|file| file.name() == "mod.rs")
        .map(|file| file.path)
        .collect();
    assert_kept("a module is `name.rs` beside the folder `name`, never `mod.rs`", &broken);
}

#[test]
fn tests_wait_for_levels_and_not_for_time() {
    // Split, so that the rule does not find itself.
    let call = concat!("sle", "ep(");
    let mut broken = Vec::new();
    for file in files::all() {
        let tests_from = if file.is_test() { Some(1) } else { inline_tests(&file) };
        let Some(first) = tests_from else { continue };
        let lines = file.lines().skip(first - 1).filter(|(_, line)| line.contains(call));
        broken.extend(lines.map(|(number, line)| file.at(number, line.trim())));
    }
    assert_kept("a test waits for a level with a limit, it never sleeps", &broken);
}

#[test]
fn tests_are_neither_ignored_nor_expected_to_panic() {
    let marks = [concat!("#[ign", "ore"), concat!("#[should_", "panic")];
    let marked =
        |line: &str| marks.iter().any(|mark| line.contains(mark)).then(|| line.trim().to_owned());
    let broken = found_in(&files::rust(), marked);
    assert_kept("a test runs, and asserts what it expects", &broken);
}

#[test]
fn nothing_is_left_to_do() {
    let marks = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X:")];
    let marked =
        |line: &str| marks.iter().any(|mark| line.contains(mark)).then(|| line.trim().to_owned());
    let broken = found_in(&own_text(), marked);
    assert_kept("what is to be done is written down where work is planned, not here", &broken);
}

#[test]
fn no_path_of_one_machine() {
    let on_machine = |line: &str| {
        let named = MACHINE_FOLDERS.iter().any(|folder| has_absolute_folder(line, folder));
        named.then(|| line.trim().to_owned())
    };
    let broken = found_in(&own_text(), on_machine);
    assert_kept("a path must exist on every machine: make it relative or a setting", &broken);
}

#[test]
fn no_path_out_of_the_repository() {
    let mut broken = Vec::new();
    for file in own_text() {
        if BESIDE_ALLOWED.contains(&file.path.as_str()) {
            continue;
        }
        let leaves = |line: &str| steps_up(line) > folder_depth(&file, line);
        let lines = file.lines().filter(|(_, line)| leaves(line));
        broken.extend(lines.map(|(number, line)| file.at(number, line.trim())));
    }
    assert_kept("the repository stands alone: no path out of it", &broken);
}

#[test]
fn no_carriage_returns_and_no_blanks_at_line_ends() {
    let broken = found_in(&own_text(), |line| {
        (line.trim_end() != line).then(|| format!("ends in blanks: {line:?}"))
    });
    assert_kept("a line ends with its last word", &broken);
}

/// Applies a rule to every line of the files.
fn found_in(files: &[File], rule: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let places = files.iter().flat_map(|file| file.lines().map(move |line| (file, line)));
    places.filter_map(|(file, (number, line))| Some(file.at(number, &rule(line)?))).collect()
}

/// Returns the files that people wrote: no lock file, no licence, no captured data.
fn own_text() -> Vec<File> {
    let mut files = files::all();
    files.retain(|file| {
        !matches!(file.name(), "Cargo.lock" | "LICENSE")
            && !file.path.split('/').any(|part| matches!(part, "golden" | "corpus" | "snapshots"))
    });
    files
}

/// Returns the line at which test code starts in a file that also holds other code.
fn inline_tests(file: &File) -> Option<usize> {
    let mut lines = file.lines().skip_while(|(_, line)| line.trim() != "#[cfg(test)]");
    let (number, _) = lines.next()?;
    let (_, next) = lines.next()?;
    next.trim_end().ends_with('{').then_some(number)
}

/// Returns how many folders the line's longest relative path goes up.
fn steps_up(line: &str) -> usize {
    let mut most = 0;
    let mut rest = line;
    while let Some(at) = rest.find("../") {
        rest = &rest[at..];
        let steps = rest.split('/').take_while(|part| *part == "..").count();
        most = most.max(steps);
        rest = &rest["../".len() * steps..];
    }
    most
}

/// Returns how deep the folder lies from which a relative path in this line starts.
fn folder_depth(file: &File, line: &str) -> usize {
    let depth = file.path.matches('/').count();
    let from_file = !file.is_rust() || line.contains("include_") || line.contains("#[path");
    // Code runs in the folder of its package.
    let package = if file.path.starts_with("tests/") { 1 } else { 2 };
    if from_file { depth } else { package.min(depth) }
}

/// Tells whether the line names an absolute path below the folder.
fn has_absolute_folder(line: &str, folder: &str) -> bool {
    let needle = format!("/{folder}/");
    line.match_indices(&needle).any(|(at, _)| {
        let before = line.get(..at).and_then(|before| before.chars().next_back());
        before.is_none_or(|before| !before.is_alphanumeric() && !"-_./}".contains(before))
    })
}

#[test]
fn absolute_folders_are_told_from_parts_of_a_path() {
    assert!(has_absolute_folder("see /here/x", "here"));
    assert!(has_absolute_folder("cd=\"/here/x\"", "here"));
    assert!(!has_absolute_folder("target/here/x", "here"));
    assert!(!has_absolute_folder("${HOME}/here/x", "here"));
}

#[test]
fn steps_up_are_counted_for_each_path() {
    assert_eq!(steps_up("a/b"), 0);
    assert_eq!(steps_up(concat!("see ..", "/../a and ../b")), 2);
    assert_eq!(steps_up("..., then x"), 0);
}
