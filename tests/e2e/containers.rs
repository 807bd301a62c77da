//! The images as users run them: the compose stack, and containers that are killed, cut off and
//! frozen in the middle of a run.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use crate::harness::compose::Compose;
use crate::harness::docker::ContainerStack;
use crate::harness::stack::{CONTROLLER, SERVICES, STUB_EXECUTOR};
use crate::harness::story::{self, Uniform};
use crate::harness::stream::Stream;
use crate::harness::user::User;

/// Long enough that a task is open while a container dies, short for the whole run.
const TASK_TIME: Duration = Duration::from_millis(200);

#[test]
fn the_compose_stack_delivers_and_keeps_its_data() {
    let compose = Compose::up();
    let (mut stream, context) = start_a_sync(&compose.user);
    story::expect_whole_sync(&mut stream, &context);
    let before = story::view(&compose.user, "production");
    assert!(before.contains("production is IN-SYNC"), "{before}");

    compose.run(&["down", "--timeout=5"]);
    compose.run(&["up", "-d"]);
    // The view says that it is still reading rather than answering from half of the stream.
    let after = crate::harness::wait::until("the view answers again", || {
        let said = compose.user.keptn(&["get", "project"]);
        if said.code == 0 { Ok(story::view(&compose.user, "production")) } else { Err(said.stderr) }
    });
    assert_eq!(after, before);
}

#[test]
fn only_nats_and_the_page_are_published_and_only_on_this_machine() {
    let compose = Compose::up();
    let published = |id: &str| crate::harness::docker::docker(&["port", id]);
    let published: Vec<String> = compose.run(&["ps", "-q"]).lines().map(published).collect();
    let mut ports: Vec<&str> = published.iter().flat_map(|ports| ports.lines()).collect();
    ports.sort_unstable();
    let page = format!("8080/tcp -> {}", compose.page());
    assert!(ports[0].starts_with("4222/tcp -> 127.0.0.1:"), "{ports:?}");
    assert_eq!(ports[1..], [page.as_str()], "{ports:?}");
    crate::harness::wait::until("the page answers", || {
        let request = "GET /projects HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        let mut answer = String::new();
        TcpStream::connect(compose.page())
            .and_then(|mut stream| {
                stream.write_all(request.as_bytes())?;
                stream.read_to_string(&mut answer)
            })
            .map_err(|error| error.to_string())?;
        if answer.starts_with("HTTP/1.1 200") { Ok(()) } else { Err(answer) }
    });
}

#[test]
fn a_run_survives_the_death_of_every_container() {
    let stack = ContainerStack::start();
    let (mut stream, context) = start_a_sync(&stack.user);
    for (service, task) in SERVICES.iter().zip(["deployment", "test", "evaluation", "release"]) {
        wait_for_task(&mut stream, &context, task);
        stack.kill(service);
        stack.restart(service);
    }
    story::expect_whole_sync(&mut stream, &context);
    stack.wait_for_health(CONTROLLER, "healthy");
}

#[test]
fn a_run_goes_on_when_a_container_is_cut_off_and_joined_again() {
    for service in [CONTROLLER, STUB_EXECUTOR] {
        let stack = ContainerStack::start();
        let (mut stream, context) = start_a_sync(&stack.user);
        wait_for_task(&mut stream, &context, "test");
        stack.cut_off(service);
        stack.wait_for_health(service, "unhealthy");
        stack.join(service);
        story::expect_whole_sync(&mut stream, &context);
        stack.wait_for_health(service, "healthy");
    }
}

#[test]
fn a_run_goes_on_when_nats_was_frozen() {
    let stack = ContainerStack::start();
    let (mut stream, context) = start_a_sync(&stack.user);
    wait_for_task(&mut stream, &context, "test");
    stack.pause_nats();
    stack.wait_for_health(CONTROLLER, "unhealthy");
    stack.unpause_nats();
    story::expect_whole_sync(&mut stream, &context);
}

fn start_a_sync(user: &User) -> (Stream, String) {
    let mut stream = user.stream();
    story::create_project(user, &Uniform { delay: TASK_TIME, ..Uniform::FAST });
    story::deliver(user, &mut stream, "carts:1.0.0");
    let context = story::start_sync(user);
    (stream, context)
}

fn wait_for_task(stream: &mut Stream, context: &str, task: &str) {
    let triggered = format!("{task}.triggered");
    stream.wait_for(&triggered, |entry| {
        entry.context() == context
            && entry.short() == triggered
            && entry.text("/stage") == "hardening"
    });
}
