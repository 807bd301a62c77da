//! Two controllers on one stream: nothing to elect, nothing said twice.

use std::time::Duration;

use crate::harness::event::answered;
use crate::harness::stack::{CONTROLLER, Stack};
use crate::harness::story::{self, DEV, Uniform};

const SECOND: &str = "shipyard-controller-2";

#[test]
fn two_controllers_store_each_event_once() {
    let mut stack = Stack::start();
    stack.run_as(SECOND, CONTROLLER);
    let mut stream = stack.stream();
    story::create_project(&stack.user, &Uniform::FAST);
    for version in 1..=5 {
        for service in ["carts", "carts-db", "catalogue"] {
            let artifact = format!("{service}:{version}");
            let context = story::deliver(&stack.user, &mut stream, &artifact);
            assert_eq!(stream.tasks(&context, "dev"), answered(&DEV), "{}", stream.tail());
        }
        let context = story::start_sync(&stack.user);
        story::expect_whole_sync(&mut stream, &context);
    }
    assert_each_id_once(stream.entries());
}

#[test]
fn the_second_controller_goes_on_when_the_first_is_killed() {
    let mut stack = Stack::start();
    stack.run_as(SECOND, CONTROLLER);
    let mut stream = stack.stream();
    let uniform = Uniform { delay: Duration::from_millis(100), ..Uniform::FAST };
    story::create_project(&stack.user, &uniform);
    story::deliver(&stack.user, &mut stream, "carts:1");
    let context = story::start_sync(&stack.user);
    stream.wait_for("the run is under way", |entry| {
        entry.context() == context && entry.short() == "test.triggered"
    });
    stack.kill(CONTROLLER);
    story::expect_whole_sync(&mut stream, &context);
    assert_each_id_once(stream.entries());
}

#[track_caller]
fn assert_each_id_once(entries: &[crate::harness::event::Entry]) {
    let mut ids: Vec<&str> = entries.iter().map(|entry| entry.attribute("id")).collect();
    ids.sort_unstable();
    let twice: Vec<_> = ids.windows(2).filter(|pair| pair[0] == pair[1]).collect();
    assert!(twice.is_empty(), "stored twice: {twice:?}");
}
