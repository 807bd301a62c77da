//! The verdict on real shipyards is Keptn's. The files are not part of the project; without them
//! the test says so and ends.
#![cfg(test)]

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use model::Shipyard;

/// Where the files stand, seen from this package.
const CORPUS: &str = "../../../shared/corpus";
/// Bound for one file; far above what it takes, so that a busy machine does not fail the test.
const READ_MAX: Duration = Duration::from_secs(1);

#[test]
#[expect(clippy::print_stderr, reason = "a test without its input must say that it did nothing")]
fn the_verdict_on_every_file_of_the_corpus_is_keptns() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join(CORPUS);
    let Ok(table) = fs::read_to_string(corpus.join("shipyards.tsv")) else {
        eprintln!("the corpus of shipyards is not there: nothing was compared");
        return;
    };
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
