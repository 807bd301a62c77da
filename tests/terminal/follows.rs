//! What follows a run, or a stage: in place on a terminal, once per change in a pipe.

use std::time::Duration;

use crate::harness::stack::Stack;
use crate::harness::story::{self, Uniform};
use crate::harness::stream::Stream;
use crate::harness::wait;
use crate::picture;
use crate::tmux::Terminal;

/// The story's sync, followed to its end.
const SYNC: &str = "keptn trigger artifact-delivery --project=sockshop --stage=hardening --wait";
/// Time of each task: longer than the pause between two drawings, so that each is drawn.
const TASK_TAKES: Duration = Duration::from_millis(400);
/// How long nothing is said where nothing changes: several looks of whoever follows.
const QUIET: Duration = Duration::from_secs(1);
/// What begins an instruction to a terminal.
const ESCAPE: char = '\u{1b}';

/// A stage that has fallen behind.
fn behind() -> (Stack, Stream) {
    let stack = Stack::start();
    story::create_project(&stack.user, &Uniform { delay: TASK_TAKES, failing: &[] });
    let mut stream = stack.stream();
    story::deliver(&stack.user, &mut stream, "carts:0.10.1");
    (stack, stream)
}

/// How often a text stands somewhere.
fn count(text: &str, part: &str) -> usize {
    text.matches(part).count()
}

/// Returns the delivery that was triggered in hardening.
#[track_caller]
fn synced(stream: &mut Stream) -> String {
    let sync = "hardening.artifact-delivery.triggered";
    stream.wait_for(sync, |entry| entry.short() == sync).context().to_owned()
}

#[test]
fn a_delivery_is_drawn_in_place_until_it_has_ended() {
    let stack = Stack::start();
    stack.user.keptn(&["demo"]).done();
    let terminal = Terminal::open(stack.nats.port());
    terminal.enter(SYNC);
    let running = terminal.wait_for("the second test runs", |text| {
        text.lines().any(|line| line.contains("test (performance)") && line.contains("running"))
    });
    picture::take("terminal", &terminal.colours());
    let ended =
        terminal.wait_for("production has passed", |text| text.contains("production passed"));
    for (text, farewells) in [(&running, 1), (&ended, 0)] {
        assert_eq!(count(text, "carts 0.10.1 -> 0.10.17"), 1, "drawn once: {text}");
        assert_eq!(count(text, "hardening    deployment"), 1, "drawn once: {text}");
        assert_eq!(count(text, "Ctrl-C stops watching"), farewells, "{text}");
    }
    terminal.wait_for_prompt();
    assert!(terminal.has_cursor());
}

#[test]
fn ctrl_c_gives_the_terminal_back_and_leaves_the_run_alone() {
    let (stack, mut stream) = behind();
    let terminal = Terminal::open(stack.nats.port());
    terminal.enter(SYNC);
    terminal.wait_for("the run is drawn", |text| text.contains("Ctrl-C stops watching"));
    terminal.press("C-c");
    terminal.wait_for_prompt();
    assert!(terminal.has_cursor());
    terminal.enter("echo ended with $?");
    // As every program that a signal ends: 128 and the number of the signal.
    terminal.wait_for("the code of an interrupt", |text| text.contains("\nended with 130"));
    let context = synced(&mut stream);
    story::expect_whole_sync(&mut stream, &context);
}

#[test]
fn a_pipe_gets_each_change_of_a_delivery_once() {
    let (stack, mut stream) = behind();
    let words: Vec<&str> = SYNC.split(' ').skip(1).collect();
    let said = stack.user.keptn(&words).done();
    assert!(!said.contains(ESCAPE), "{said}");
    let mut lines: Vec<&str> = said.lines().filter(|line| !line.is_empty()).collect();
    assert!(said.contains("hardening    deployment          pass"), "{said}");
    assert!(
        said.trim_end().lines().last().is_some_and(|line| line.starts_with("production passed"))
    );
    lines.sort_unstable();
    assert!(lines.windows(2).all(|two| two[0] != two[1]), "said twice: {said}");
    let context = synced(&mut stream);
    story::expect_whole_sync(&mut stream, &context);
}

#[test]
fn the_status_of_a_stage_is_watched_in_place_and_in_a_pipe() {
    let (stack, mut stream) = behind();
    let watch = ["view", "status", "--stage=hardening", "--project=sockshop", "--watch"];
    let terminal = Terminal::open(stack.nats.port());
    terminal.enter(&format!("keptn {}", watch.join(" ")));
    let piped = stack.user.start(&watch);
    terminal.wait_for("hardening is behind", |text| text.contains("OUT-OF-SYNC with dev"));
    wait::until("the pipe says so", || match piped.lines_with("OUT-OF-SYNC").len() {
        0 => Err(piped.tail()),
        _ => Ok(()),
    });
    // It looks several times meanwhile, and has nothing to say.
    wait::pass(QUIET);
    assert_eq!(piped.lines_with("> Released services in hardening").len(), 1, "{}", piped.tail());

    let context = story::start_sync(&stack.user);
    story::expect_whole_sync(&mut stream, &context);
    let text =
        terminal.wait_for("hardening is in sync", |text| text.contains("hardening is IN-SYNC"));
    assert_eq!(count(&text, "> Released services in hardening"), 1, "drawn once: {text}");
    assert_eq!(count(&text, "OUT-OF-SYNC"), 0, "{text}");
    wait::until("the pipe says so, too", || match piped.lines_with("hardening is IN-SYNC").len() {
        0 => Err(piped.tail()),
        _ => Ok(()),
    });
    assert!(piped.lines_with(&ESCAPE.to_string()).is_empty(), "{}", piped.tail());
    terminal.press("C-c");
    terminal.wait_for_prompt();
    assert!(terminal.has_cursor());
}

#[test]
fn the_list_of_runs_is_watched_in_place_and_in_a_pipe() {
    let (stack, mut stream) = behind();
    let watch = ["get", "sequence", "--project=sockshop", "-w"];
    let terminal = Terminal::open(stack.nats.port());
    terminal.enter(&format!("keptn {}", watch.join(" ")));
    let piped = stack.user.start(&watch);
    let told = |word: &str| piped.lines_with(word).len();
    terminal.wait_for("the first run is listed", |text| text.contains("finished (pass)"));
    wait::until("the pipe lists it", || match told("finished (pass)") {
        0 => Err(piped.tail()),
        _ => Ok(()),
    });
    let context = story::start_sync(&stack.user);
    story::expect_whole_sync(&mut stream, &context);
    let ends = |text: &str| count(text, "finished (pass)");
    let text = terminal.wait_for("all three runs have passed", |text| ends(text) == 3);
    assert_eq!(count(&text, "STARTED "), 1, "drawn once: {text}");
    let short = context.get(..8).expect("a context is longer");
    assert_eq!(count(&text, short), 2, "one row for each run: {text}");
    wait::until("the pipe has told of all three", || match told("finished (pass)") {
        3 => Ok(()),
        _ => Err(piped.tail()),
    });
    let changes = piped.lines_with(short);
    let states: Vec<String> = changes.iter().map(|line| without_times(line)).collect();
    assert!(states.windows(2).all(|two| two[0] != two[1]), "said twice: {states:#?}");
    assert!(piped.lines_with(&ESCAPE.to_string()).is_empty(), "{}", piped.tail());
    terminal.press("C-c");
    terminal.wait_for_prompt();
    assert!(terminal.has_cursor());
}

/// Returns a row without the time at its beginning.
fn without_times(row: &str) -> String {
    row.split_once("ago").map_or(row, |(_, rest)| rest).trim().to_owned()
}
