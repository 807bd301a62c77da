//! The verdict on real shipyards is Keptn's. The files are not part of the project; without them
//! the test says so and ends.
#![cfg(test)]

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use model::{Shipyard, TaskName, Uniform};

/// Bound for one file; far above what it takes, so that a busy machine does not fail the test.
const READ_MAX: Duration = Duration::from_secs(1);

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

#[test]
fn the_verdict_on_every_file_of_the_corpus_is_keptns() {
    let Some(corpus) = reference("corpus") else { return };
    let table = fs::read_to_string(corpus.join("shipyards.tsv")).unwrap();
    let mut different = Vec::new();
    let mut compared = 0;
    for line in table.lines().skip(1) {
        let columns: Vec<&str> = line.split('\t').collect();
        let [file, version, keptn] = [0, 4, 6].map(|column| columns[column]);
        let bytes = fs::read(corpus.join("shipyards").join(file)).unwrap();
        let began = Instant::now();
        let reading = Shipyard::read(&String::from_utf8(bytes).unwrap());
        assert!(began.elapsed() < READ_MAX, "{file}: {:?}", began.elapsed());
        compared += 1;
        let is_accepted = reading.value.is_some();
        let is_same = is_accepted == (keptn == "accept");
        let is_converted = is_accepted && ["0.1.1", "0.1.2"].contains(&version);
        let is_placed = is_accepted || reading.errors.iter().all(|error| error.line.is_some());
        if !(is_same || is_converted) || !is_placed {
            different.push(format!("{file}: {keptn}, ours: {:?}", reading.errors));
        }
    }
    assert!(compared > 100, "only {compared} files were compared");
    assert!(different.is_empty(), "{} of {compared}:\n{}", different.len(), different.join("\n"));
}

#[test]
fn the_storys_own_documents_are_read_without_a_word() {
    let Some(story) = reference("story/original") else { return };
    let read = |name: &str| fs::read_to_string(story.join(name)).unwrap();
    for name in ["shipyard_v0.1.1.yaml", "shipyard_v0.1.2.yaml"] {
        let reading = Shipyard::read(&read(name));
        assert_eq!((&reading.errors, &reading.warnings), (&vec![], &vec![]), "{name}");
        assert_eq!(reading.value.unwrap().stages.len(), 3, "{name}");
    }
    let test = TaskName::new("test").unwrap();
    for name in ["uniform.yaml", "uniform_v0.1.2.yaml"] {
        let reading = Uniform::read(&read(name));
        assert_eq!((&reading.errors, &reading.warnings), (&vec![], &vec![]), "{name}");
        let uniform = reading.value.unwrap();
        let properties = serde_json::from_str(r#"{"kind":"real_user"}"#).unwrap();
        let found: Vec<&str> =
            uniform.executors(&test, &properties).map(|service| service.name.as_str()).collect();
        assert_eq!(found, ["wait-service"], "{name}");
    }
}
