//! The verdict on real shipyards is Keptn's, and what is accepted can be written anew.

use std::{
    fs,
    time::{Duration, Instant},
};

use model::{Shipyard, TaskName, Uniform};

use crate::{reference, rows, said};

/// Bound for one file; far above what it takes, so that a busy machine does not fail the test.
const READ_MAX: Duration = Duration::from_secs(1);

#[test]
fn the_verdict_on_every_file_of_the_corpus_is_keptns() {
    let Some(rows) = rows("shipyards") else { return };
    let mut different = Vec::new();
    for row in &rows {
        let (file, version, keptn) = (&row.file, row.column("version"), row.column("keptn"));
        let began = Instant::now();
        let reading = Shipyard::read(&row.text);
        assert!(began.elapsed() < READ_MAX, "{file}: {:?}", began.elapsed());
        let is_accepted = reading.value.is_some();
        let is_same = is_accepted == (keptn == "accept");
        let is_converted = is_accepted && ["0.1.1", "0.1.2"].contains(&version);
        let is_placed = is_accepted || reading.errors.iter().all(|error| error.line.is_some());
        if !(is_same || is_converted) || !is_placed {
            different.push(format!("{file}: {keptn}, ours: {:?}", reading.errors));
        }
    }
    said("shipyards judged as Keptn does", rows.len() - different.len(), rows.len());
    assert!(different.is_empty(), "{}", different.join("\n"));
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

#[test]
fn what_is_accepted_says_the_same_when_it_is_converted() {
    let Some(rows) = rows("shipyards") else { return };
    let (mut converted, mut accepted) = (0, 0);
    for row in &rows {
        let conversion = Shipyard::convert(&row.text);
        let Ok(shipyard) = Shipyard::read(&row.text).into_result() else {
            assert!(conversion.errors.iter().all(|error| error.line.is_some()), "{}", row.file);
            assert!(!conversion.errors.is_empty(), "{}", row.file);
            continue;
        };
        accepted += 1;
        let text = conversion.into_result().unwrap();
        let again = Shipyard::read(&text);
        assert_eq!(again.errors, [], "{}:\n{text}", row.file);
        let again = again.value.unwrap();
        assert_eq!(again.stages, shipyard.stages, "{}:\n{text}", row.file);
        let is_old = ["0.1.1", "0.1.2"].contains(&shipyard.version.as_str());
        assert_eq!(again.version == shipyard.version, !is_old, "{}", row.file);
        converted += 1;
    }
    said("accepted shipyards converted", converted, accepted);
}
