//! What the command line says without a stack: usage, files, a NATS that is not there or too old,
//! and what `dev` refuses.
#![cfg(test)]

use std::{
    fs::File,
    io::{Read as _, Write as _},
    net::{Ipv4Addr, TcpListener},
    path::Path,
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

/// A command must give up on a NATS that is not there within this time.
const GIVE_UP_WITHIN: Duration = Duration::from_secs(5);

fn keptn(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keptn"));
    // Nothing listens on port 1.
    command.args(arguments).env("NATS_URL", "nats://127.0.0.1:1").env_remove("NATS_CONTEXT");
    command
}

fn run(arguments: &[&str]) -> Output {
    keptn(arguments).output().unwrap()
}

/// Exit code, standard output, standard error.
fn said(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

#[test]
fn wrong_use_ends_with_2_and_says_nothing_on_standard_output() {
    for line in [
        "view status --project=sockshop",
        "view status --project=Sockshop --stage=dev",
        "trigger artifact-delivery --project=sockshop",
        "trigger artifact-delivery --project=sockshop --artifact=carts:1",
        "trigger artifact-delivery --project=p --stage=s --timeout=5",
        "configure service carts --project=p --stage=dev",
        "configure service carts --project=p --stage=dev --set=image=carts:1",
        "get nothing",
        "get event --after=1 --before=2",
        "get event --watch-time=1m",
        "get project --quiet --verbose",
        "trigger delivery second --project=p --stage=s",
        "trigger check --sequence=other --project=p --stage=s",
        "trigger evaluation --project=p --stage=s --service=c --end=2026-11-23T12:00:00",
        "trigger evaluation --project=p --stage=s --service=c --timeframe=soon",
        "trigger check --project=p --stage=s --git-commit-id=a/b",
        "send event",
        "send event approval.finished --stage=s",
        "send event approval.finished --project=p --stage=s --file=f",
        "lint shipyard",
        "frobnicate",
    ] {
        let (code, out, err) = said(&run(&line.split(' ').collect::<Vec<_>>()));
        assert_eq!((code, out.as_str()), (2, ""), "{line}: {err}");
        assert!(err.starts_with("error: "), "{line}: {err}");
    }
}

#[test]
fn a_slip_gets_a_hint() {
    let (code, _, err) = said(&run(&["view", "status", "--project=p", "--stages=dev"]));
    assert_eq!(code, 2);
    assert!(err.contains("\nhint: a similar argument exists: '--stage'\n"), "{err}");
}

#[test]
fn help_and_version_are_data() {
    let (code, out, err) = said(&run(&["--help"]));
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.contains("Exit codes:") && !out.contains("\n  serve"), "{out}");
    let (code, out, _) = said(&run(&["--version"]));
    assert_eq!((code, out.trim()), (0, concat!("keptn ", env!("CARGO_PKG_VERSION"))));
    assert_eq!(said(&run(&["version"])), (0, out, String::new()));
    let (_, out, _) = said(&run(&["get", "event", "--help"]));
    assert!(out.contains("Examples:\n  keptn get event "), "{out}");
}

#[test]
fn a_nats_that_is_not_there_ends_with_3_and_a_hint() {
    for line in [
        "view status --project=sockshop --stage=hardening",
        "trigger artifact-delivery --project=sockshop --stage=hardening",
        "get project",
        "demo",
    ] {
        let since = Instant::now();
        let (code, out, err) = said(&run(&line.split(' ').collect::<Vec<_>>()));
        assert!(since.elapsed() < GIVE_UP_WITHIN, "{line}: {:?}", since.elapsed());
        assert_eq!((code, out.as_str()), (3, ""), "{line}: {err}");
        assert!(err.starts_with("error: NATS must be reachable at `nats://127.0.0.1:1`"), "{err}");
        assert!(err.contains("\nhint: start one with `keptn dev`"), "{err}");
    }
}

#[test]
fn a_nats_that_is_silent_ends_with_3_in_time() {
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("nats://{}", silent.local_addr().unwrap());
    let since = Instant::now();
    let (code, _, err) = said(&run(&["get", "project", "--server", &url]));
    assert!(since.elapsed() < GIVE_UP_WITHIN, "{:?}", since.elapsed());
    assert_eq!(code, 3, "{err}");
}

#[test]
fn a_nats_that_is_too_old_ends_with_3_and_names_both_versions() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("nats://{}", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        let info = r#"INFO {"server_id":"x","version":"2.9.10","proto":1,"max_payload":1048576}"#;
        write!(client, "{info}\r\n").unwrap();
        // Until the client hangs up.
        drop(client.read_to_end(&mut Vec::new()));
    });
    let since = Instant::now();
    let (code, out, err) = said(&run(&["get", "project", "--server", &url]));
    assert!(since.elapsed() < GIVE_UP_WITHIN, "{:?}", since.elapsed());
    assert_eq!((code, out.as_str()), (3, ""), "{err}");
    assert!(err.contains("2.9.10") && err.contains("2.15.0"), "{err}");
    server.join().unwrap();
}

#[test]
fn a_bad_address_ends_with_2() {
    let (code, _, err) = said(&run(&["get", "project", "--server", "not an address"]));
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("not an address"), "{err}");
}

#[test]
fn a_shipyard_with_errors_is_refused_with_their_places() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("shipyard.yaml");
    let shipyard =
        "apiVersion: spec.keptn.sh/0.2.3\nkind: Shipyard\nspec:\n  stages:\n    - name: [\n";
    std::fs::write(&path, shipyard).unwrap();
    let path = path.to_str().unwrap();
    let (code, out, err) = said(&run(&["create", "project", "p", "--shipyard", path]));
    assert_eq!((code, out.as_str()), (2, ""), "{err}");
    assert!(err.starts_with(&format!("error: {path}: line 5, column ")), "{err}");
}

/// A shipyard without problems, and one with an error and a warning.
const GOOD: &str = "apiVersion: spec.keptn.sh/0.2.3\nkind: Shipyard\nmetadata: {name: s}\nspec:\n  stages:\n    - {name: dev, sequences: [{name: go, tasks: [{name: a}]}]}\n";

#[test]
fn several_files_are_checked_and_one_that_is_refused_ends_with_2() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_string_lossy().into_owned()
    };
    let good = write("good.yaml", GOOD);
    let bad =
        write("bad.yaml", &GOOD.replace("name: dev", "name: Dev").replace("Shipyard", "Ship"));
    let (code, out, err) = said(&run(&["lint", "shipyard", &good, &good]));
    assert_eq!((code, out.as_str()), (0, ""));
    assert_eq!(err, format!("{good}: a shipyard with dev\n").repeat(2));
    let (code, out, err) = said(&run(&["lint", "shipyard", &good, &bad, "/no/such/file"]));
    assert_eq!((code, out.as_str()), (2, ""), "{err}");
    assert!(err.contains("\n 6 |     - {name: Dev, "), "{err}");
    assert!(err.contains("`/no/such/file` must be readable"), "{err}");
    let (code, out, err) = said(&run(&["lint", "shipyard", &good, &bad, "-o", "json"]));
    assert_eq!((code, err.as_str()), (2, ""), "{out}");
    let document: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        document[0],
        serde_json::json!({"file": good, "accepted": true, "errors": [], "warnings": []})
    );
    assert_eq!(
        (&document[1]["accepted"], &document[1]["errors"][0]["line"]),
        (&false.into(), &6.into())
    );
    assert_eq!(document[1]["warnings"][0]["line"], 2, "{document}");
}

#[test]
fn quiet_leaves_nothing_but_errors_and_keptns_flags_change_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s.yaml");
    std::fs::write(&path, GOOD).unwrap();
    let path = path.to_string_lossy();
    let (code, out, err) = said(&run(&["lint", "shipyard", &path, "--quiet", "--namespace=keptn"]));
    assert_eq!((code, out.as_str(), err.as_str()), (0, "", ""));
    let (_, _, err) = said(&run(&["lint", "shipyard", &path, "-n", "keptn", "-y"]));
    assert!(err.starts_with("note: --namespace changes nothing: "), "{err}");
    let (code, _, err) = said(&run(&["get", "projects", "-q"]));
    assert_eq!(code, 3);
    assert!(err.starts_with("error: NATS must be reachable"), "{err}");
}

#[test]
fn a_file_that_is_missing_or_no_event_ends_with_2() {
    let (code, _, err) = said(&run(&["create", "project", "p", "--shipyard", "/no/such/file"]));
    assert_eq!(code, 2);
    assert!(err.contains("`/no/such/file` must be readable"), "{err}");
    let mut child = keptn(&["send", "event", "--file=-"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"{}").unwrap();
    let (code, _, err) = said(&child.wait_with_output().unwrap());
    assert_eq!(code, 2);
    assert!(err.contains("`type` is missing"), "{err}");
}

#[test]
fn every_shell_gets_its_completion() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let (code, out, err) = said(&run(&["completion", shell]));
        assert_eq!((code, err.as_str()), (0, ""), "{shell}");
        assert!(out.contains("trigger"), "{shell}");
    }
}

#[test]
fn a_pipe_that_is_closed_is_success() {
    let mut child = keptn(&["completion", "bash"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let (code, _, err) = said(&child.wait_with_output().unwrap());
    assert_eq!((code, err.as_str()), (0, ""));
}

fn dev(directory: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = keptn(&["dev"]).args(arguments).current_dir(directory).output();
    said(&output.unwrap())
}

#[test]
fn dev_refuses_a_port_that_is_in_use() {
    let held = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = held.local_addr().unwrap().port();
    let directory = tempfile::tempdir().unwrap();
    let (code, out, err) = dev(directory.path(), &[&format!("--port={port}"), "--http-port=0"]);
    assert_eq!((code, out.as_str()), (5, ""), "{err}");
    assert!(err.starts_with(&format!("error: port {port} is in use\nhint: ")), "{err}");
}

#[test]
fn dev_refuses_a_port_of_the_page_that_is_in_use() {
    let held = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = held.local_addr().unwrap().port();
    let directory = tempfile::tempdir().unwrap();
    let (code, out, err) = dev(directory.path(), &["--port=0", &format!("--http-port={port}")]);
    assert_eq!((code, out.as_str()), (5, ""), "{err}");
    assert!(err.starts_with(&format!("error: port {port} is in use\nhint: ")), "{err}");
    assert!(err.contains("--http-port"), "{err}");
}

#[test]
fn dev_refuses_data_that_another_one_uses() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join(".keptn")).unwrap();
    let lock = File::create(directory.path().join(".keptn/lock")).unwrap();
    lock.lock().unwrap();
    let (code, out, err) = dev(directory.path(), &["--port=0", "--http-port=0"]);
    assert_eq!((code, out.as_str()), (5, ""), "{err}");
    assert!(err.contains("in use by another `keptn dev`"), "{err}");
    assert!(err.contains("\nhint: "), "{err}");
}

/// Writes a file into a folder and returns its path.
fn file(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[test]
fn an_event_is_linted_without_a_server() {
    let folder = tempfile::tempdir().unwrap();
    let bad = file(
        folder.path(),
        "bad.json",
        "{\"type\": \"sh.keptn.event.test.finished\",\n \"data\": []}",
    );
    let (code, stdout, stderr) = said(&run(&["lint", "event", &bad]));
    assert_eq!((code, stdout.as_str()), (2, ""), "{stderr}");
    assert!(stderr.contains("`id` is missing"), "{stderr}");
    assert!(stderr.contains("line 2, column 10: `data` must be a JSON object"), "{stderr}");
    let good = file(
        folder.path(),
        "good.json",
        r#"{"id":"i","type":"sh.keptn.event.test.finished","data":{"result":"passed"}}"#,
    );
    let (code, _, stderr) = said(&run(&["lint", "event", &good]));
    assert_eq!(code, 0, "{stderr}");
    assert!(stderr.contains("result `passed` is read as fail"), "{stderr}");
}

#[test]
fn an_old_shipyard_is_converted_without_a_server() {
    let folder = tempfile::tempdir().unwrap();
    let old = "version: 0.1.2 # before 0.2\nspec:\n  stages:\n  - name: dev\n    workflows:\n      \
               a: [deployment]\n";
    let old = file(folder.path(), "old.yaml", old);
    let (code, stdout, stderr) = said(&run(&["convert", "shipyard", &old]));
    assert_eq!(code, 0, "{stderr}");
    assert!(stdout.starts_with("apiVersion: spec.keptn.sh/0.2.3\n"), "{stdout}");
    assert!(stderr.contains("comments"), "{stderr}");
    let new = folder.path().join("new.yaml").display().to_string();
    assert_eq!(said(&run(&["convert", "shipyard", &old, "-o", &new])).0, 0);
    assert_eq!(std::fs::read_to_string(&new).unwrap(), stdout);
    assert_eq!(said(&run(&["lint", "shipyard", &new])).0, 0);
    assert_eq!(said(&run(&["convert", "shipyard", &old, "-o", &new])).0, 5);
    let older =
        file(folder.path(), "older.yaml", "version: 0.1.0\nspec: {stages: [{name: dev}]}\n");
    let (code, stdout, stderr) = said(&run(&["convert", "shipyard", &older]));
    assert_eq!((code, stdout.as_str()), (2, ""));
    assert!(stderr.contains("line 1, column 1"), "{stderr}");
}
