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
    let (code, out, err) = dev(directory.path(), &[&format!("--port={port}")]);
    assert_eq!((code, out.as_str()), (5, ""), "{err}");
    assert!(err.starts_with(&format!("error: port {port} is in use\nhint: ")), "{err}");
}

#[test]
fn dev_refuses_data_that_another_one_uses() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join(".keptn")).unwrap();
    let lock = File::create(directory.path().join(".keptn/lock")).unwrap();
    lock.lock().unwrap();
    let (code, out, err) = dev(directory.path(), &["--port=0"]);
    assert_eq!((code, out.as_str()), (5, ""), "{err}");
    assert!(err.contains("in use by another `keptn dev`"), "{err}");
    assert!(err.contains("\nhint: "), "{err}");
}
