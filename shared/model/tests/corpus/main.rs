//! Real shipyards and events. The files are not part of the project; without them each test says
//! so and ends.
#![cfg(test)]

mod events;
mod mutations;
mod shipyards;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// Fewest files of a kind; with fewer something is wrong with the corpus.
const FILES_MIN: usize = 100;

/// One file, with its line in the table.
struct Row {
    file: String,
    text: String,
    columns: BTreeMap<String, String>,
}

impl Row {
    fn column(&self, name: &str) -> &str {
        &self.columns[name]
    }
}

/// Returns a folder of the reference material, which may stand beside the repository.
#[expect(clippy::print_stderr, reason = "a test without its input must say that it did nothing")]
fn reference(folder: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(3)?;
    let path = root.join("shared").join(folder);
    if !path.is_dir() {
        eprintln!("{folder} is not there: nothing was compared");
        return None;
    }
    Some(path)
}

/// Returns all files of a kind.
fn rows(kind: &str) -> Option<Vec<Row>> {
    let corpus = reference("corpus")?;
    let table = fs::read_to_string(corpus.join(format!("{kind}.tsv"))).unwrap();
    let mut lines = table.lines().map(|line| line.split('\t').map(str::to_owned));
    let names: Vec<String> = lines.next().unwrap().collect();
    let rows: Vec<Row> = lines
        .map(|line| {
            let columns: BTreeMap<String, String> = names.iter().cloned().zip(line).collect();
            let file = columns["file"].clone();
            let text = fs::read_to_string(corpus.join(kind).join(&file)).unwrap();
            Row { file, text, columns }
        })
        .collect();
    assert!(rows.len() > FILES_MIN, "only {} {kind} are there", rows.len());
    Some(rows)
}

/// Says how many of how many, for whoever looks at the output.
#[expect(clippy::print_stderr, reason = "the figure is a result that people ask for")]
fn said(what: &str, count: usize, of: usize) {
    eprintln!("{what}: {count}/{of}");
}
