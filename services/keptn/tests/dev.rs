//! `keptn dev`: the whole stack in one command, with the demo's history; what it says, what it
//! survives, and that nothing is left of it.
#![cfg(test)]
#![cfg(target_os = "linux")]

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, ChildStdout, Command, Output, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

/// Longest time until a start, a restart or an end.
const WAIT: Duration = Duration::from_mins(1);

const STORY: &str = "\
> Released services in hardening:
- carts:0.10.1
- carts-db:0.4.0
- catalogue:1.7.0

> Ongoing deployments/tests/evaluations:
- N/A

> Sync status: hardening is OUT-OF-SYNC with dev.
Last successfully evaluated configuration:
- carts:0.10.17
- carts-db:0.4.1
- catalogue:1.7.0

> Execute: `keptn trigger artifact-delivery --project=sockshop --stage=hardening` to update:
- carts:0.10.1 --> carts:0.10.17
- carts-db:0.4.0 --> carts-db:0.4.1
";

/// A running `keptn dev`; killed when dropped, and with it all it started.
struct Dev {
    child: Child,
    facts: BTreeMap<String, String>,
    /// Held open: who writes into a closed pipe ends.
    out: BufReader<ChildStdout>,
}

impl Dev {
    /// Starts it and waits until it says that it is ready.
    fn start(directory: &Path, arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_keptn"))
            .args(["dev", "--port=0", "--http-port=0"])
            .args(arguments)
            .current_dir(directory)
            .env("TMPDIR", directory)
            // What a user may have set is for another NATS.
            .env("NATS_URL", "nats://127.0.0.1:1")
            .env("NATS_TOKEN", "of another server")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let mut dev = Self { child, facts: BTreeMap::new(), out };
        while !dev.facts.contains_key("ready") {
            let mut line = String::new();
            let read = dev.out.read_line(&mut line).unwrap();
            assert_ne!(read, 0, "dev ended before it was ready: {:?}", dev.facts);
            let (key, value) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
            dev.facts.insert(key.to_owned(), value.trim().to_owned());
        }
        dev
    }

    fn url(&self) -> &str {
        self.facts["nats"].split(' ').next().unwrap()
    }

    fn keptn(&self, line: &str) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_keptn"));
        command.args(line.split(' ')).env("NATS_URL", self.url()).output().unwrap()
    }

    fn status(&self) -> String {
        let output = self.keptn("view status --stage=hardening --project=sockshop");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// The processes of the stack by what they serve; `server` is nats-server itself.
    fn parts(&self) -> BTreeMap<String, Pid> {
        let mut parts = BTreeMap::new();
        let mut parents = vec![self.child.id()];
        while let Some(parent) = parents.pop() {
            for (process, arguments) in children_of(parent) {
                parents.push(process);
                let name = match arguments.as_slice() {
                    [_, serve, name, ..] if serve == "serve" => name.clone(),
                    _ => "server".to_owned(),
                };
                parts.insert(name, Pid::from_raw(i32::try_from(process).unwrap()).unwrap());
            }
        }
        parts
    }

    fn interrupt(&mut self) -> Option<i32> {
        kill_process(Pid::from_child(&self.child), Signal::INT).unwrap();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn children_of(parent: u32) -> Vec<(u32, Vec<String>)> {
    let mut children = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Ok(process) = entry.file_name().to_string_lossy().parse::<u32>() else { continue };
        // It may end while it is looked at.
        let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else { continue };
        let Some((_, fields)) = stat.rsplit_once(") ") else { continue };
        let fields: Vec<&str> = fields.split(' ').collect();
        let arguments = std::fs::read_to_string(entry.path().join("cmdline")).unwrap_or_default();
        if fields[0] != "Z" && fields[1] == parent.to_string() {
            children.push((process, arguments.split('\0').map(str::to_owned).collect()));
        }
    }
    children
}

fn is_alive(process: Pid) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.as_raw_nonzero()));
    stat.is_ok_and(|stat| !stat.contains(") Z "))
}

/// Looks at a level until it is as wanted; panics with the last one at the limit.
fn eventually<T: std::fmt::Debug>(mut look: impl FnMut() -> T, wanted: impl Fn(&T) -> bool) -> T {
    let until = Instant::now() + WAIT;
    loop {
        let seen = look();
        if wanted(&seen) {
            return seen;
        }
        assert!(Instant::now() < until, "after {WAIT:?}: {seen:?}");
        std::thread::yield_now();
    }
}

const PARTS: [&str; 6] = [
    "config-store",
    "nats-server",
    "server",
    "shipyard-controller",
    "status-view",
    "stub-executor",
];

#[test]
fn the_demo_is_the_story_and_one_command_brings_hardening_up_to_date() {
    let directory = tempfile::tempdir().unwrap();
    let mut dev = Dev::start(directory.path(), &["--demo", "--ephemeral"]);
    assert_eq!(dev.status(), STORY);
    let data = dev.facts["data"].trim_end_matches(" (removed at the end)").to_owned();
    assert!(Path::new(&data).is_dir(), "{data}");
    assert!(!directory.path().join(".keptn").exists());

    let again = dev.keptn("demo");
    let said = String::from_utf8_lossy(&again.stderr);
    assert!(said.starts_with("project sockshop exists already, nothing is changed\n"), "{said}");

    let line = "trigger artifact-delivery --project=sockshop --stage=hardening --wait";
    let watched = dev.keptn(line);
    let drawn = String::from_utf8_lossy(&watched.stdout);
    assert_eq!(watched.status.code(), Some(0), "{drawn}");
    let plan = "carts 0.10.1 -> 0.10.17, carts-db 0.4.0 -> 0.4.1 (from dev)";
    assert!(drawn.starts_with(plan), "{drawn}");
    assert!(
        drawn.contains("\nhardening  passed in ") && drawn.contains("\nproduction passed in "),
        "{drawn}"
    );
    assert!(dev.status().contains("> Sync status: hardening is IN-SYNC with dev.\n"));

    let idle = dev.keptn(line.trim_end_matches(" --wait"));
    assert_eq!(idle.status.code(), Some(0));
    assert!(!idle.stdout.is_empty(), "the context is printed all the same");

    let parts: Vec<Pid> = dev.parts().into_values().collect();
    assert_eq!(dev.interrupt(), Some(0));
    assert!(!parts.into_iter().any(is_alive));
    assert!(!Path::new(&data).exists(), "{data}");
}

#[test]
fn what_dies_is_started_again_and_the_data_is_still_there() {
    let directory = tempfile::tempdir().unwrap();
    let mut dev = Dev::start(directory.path(), &["--demo"]);
    let before = dev.parts();
    assert_eq!(before.keys().map(String::as_str).collect::<Vec<_>>(), PARTS);
    for name in PARTS {
        let victim = dev.parts()[name];
        kill_process(victim, Signal::KILL).unwrap();
        eventually(
            || dev.parts().get(name).copied(),
            |found| found.is_some_and(|one| one != victim),
        );
        eventually(|| dev.status(), |status| status == STORY);
    }
    assert_eq!(dev.interrupt(), Some(0));
    let dev = Dev::start(directory.path(), &[]);
    eventually(|| dev.status(), |status| status == STORY);
}

#[test]
fn a_killed_dev_leaves_nothing_running() {
    let directory = tempfile::tempdir().unwrap();
    let mut dev = Dev::start(directory.path(), &["--ephemeral"]);
    let parts = eventually(|| dev.parts(), |parts| parts.len() == PARTS.len());
    dev.child.kill().unwrap();
    dev.child.wait().unwrap();
    let running =
        || parts.iter().filter(|(_, one)| is_alive(**one)).map(|(name, _)| name).collect();
    eventually(running, |alive: &Vec<&String>| alive.is_empty());
}
