//! The program: each row in a process group of its own, so that one that hangs takes nothing with
//! it and leaves nothing behind.

use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, getpgrp, getpid, kill_process_group};

use super::outcome::{Outcome, Row, Scale};
use super::{ROWS, Spec};
use crate::harness::{process, python, wait};

/// Tells a process to run one row itself.
const ALONE: &str = "--alone";
const FULL: &str = "--full";
/// What a full row may take, as a multiple of its short form.
const FULL_TIMES: u32 = 12;

/// Runs the rows that are named, or all of them.
pub fn run(arguments: &[String]) -> ExitCode {
    let scale = if arguments.iter().any(|word| word == FULL) { Scale::Full } else { Scale::Short };
    let alone = arguments.iter().any(|word| word == ALONE);
    let names: Vec<&String> = arguments.iter().filter(|word| !word.starts_with('-')).collect();
    let unknown = names.iter().find(|name| ROWS.iter().all(|row| row.id != **name));
    if let Some(name) = unknown {
        let known: Vec<&str> = ROWS.iter().map(|row| row.id).collect();
        say(&format!("error: no row is called `{name}`\nhint: one of {}", known.join(" ")));
        return ExitCode::from(2);
    }
    let wanted = |row: &&Spec| names.is_empty() || names.iter().any(|name| *name == row.id);
    let rows: Vec<&Spec> = ROWS.iter().filter(wanted).collect();
    if let ([row], true) = (rows.as_slice(), alone) {
        return run_here(row, scale);
    }
    // Once, and before the first limit begins.
    python::with_nats();
    let failed = rows.iter().filter(|row| !run_apart(row, scale)).count();
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs a row in this process and says how it ended.
fn run_here(spec: &Spec, scale: Scale) -> ExitCode {
    let row: Row = spec.run;
    // Ends with the program that started it, however that ends.
    thread::spawn(end_with_input);
    let ended = catch_unwind(AssertUnwindSafe(|| row(scale)));
    let ended = ended.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        Err(text.unwrap_or_else(|| "it panicked, see above".to_owned()))
    });
    let (line, code) = match ended {
        Ok(Outcome::Pass(figures)) => (format!("pass {figures}"), ExitCode::SUCCESS),
        Ok(Outcome::LeftOut(why)) => (format!("left out: {why}"), ExitCode::SUCCESS),
        Err(why) => (format!("FAIL {why}"), ExitCode::FAILURE),
    };
    say(&line);
    code
}

/// Ends the whole process group of a row when its standard input ends.
fn end_with_input() {
    let mut nothing = [0];
    while std::io::stdin().read(&mut nothing).is_ok_and(|bytes| bytes > 0) {}
    // Without a group of its own it would end whoever runs it by hand.
    if getpgrp() == getpid() {
        kill_process_group(getpgrp(), Signal::KILL).ok();
    }
}

/// Runs a row in a process group of its own and tells whether it passed.
fn run_apart(spec: &Spec, scale: Scale) -> bool {
    let begin = Instant::now();
    let limit = spec.limit * scale.of(1, FULL_TIMES);
    let (line, passed) = match start(spec, scale) {
        Ok((child, folder, said)) => {
            let passed = wait_for(child, limit);
            let line = std::fs::read_to_string(&said).unwrap_or_default();
            drop(folder);
            match (passed, line.trim()) {
                (None, _) => (format!("FAIL not done in {limit:?}"), false),
                (Some(_), "") => ("FAIL it ended without a word".to_owned(), false),
                (Some(passed), line) => (line.to_owned(), passed),
            }
        }
        Err(error) => (format!("FAIL it cannot be started: {error}"), false),
    };
    say(&format!("{} {line} [{}, {} s]", spec.id, spec.what, begin.elapsed().as_secs()));
    passed
}

type Started = (Child, tempfile::TempDir, std::path::PathBuf);

fn start(spec: &Spec, scale: Scale) -> std::io::Result<Started> {
    // Whatever the row leaves behind lies below it.
    let folder = tempfile::tempdir()?;
    let said = folder.path().join("said");
    let program = std::env::current_exe()?;
    let mut command = if spec.own_mounts {
        let mut command = Command::new("unshare");
        command.arg("--mount").arg(program);
        command
    } else {
        Command::new(program)
    };
    command.args([ALONE, spec.id]).env("TMPDIR", folder.path()).process_group(0);
    command.env(process::BUILT, process::keptn());
    if scale == Scale::Full {
        command.arg(FULL);
    }
    let child = command.stdin(Stdio::piped()).stdout(std::fs::File::create(&said)?).spawn()?;
    Ok((child, folder, said))
}

/// Waits for a row, ends its whole group, and tells whether it passed; `None` = it hung.
fn wait_for(mut child: Child, limit: Duration) -> Option<bool> {
    let deadline = Instant::now() + limit;
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let mut ended = None;
    while ended.is_none() && Instant::now() < deadline {
        wait::pass(Duration::from_millis(20));
        ended = child.try_wait().ok().flatten();
    }
    if let Some(group) = group {
        // Fails if nothing is left of the group, which is how it should be.
        kill_process_group(group, Signal::KILL).ok();
    }
    drop(child.wait());
    ended.map(|status| status.success())
}

#[expect(clippy::print_stdout, reason = "the lines of the rows are the output of the program")]
fn say(line: &str) {
    println!("{line}");
    // Nobody is left to be told if this fails.
    drop(std::io::stdout().flush());
}
