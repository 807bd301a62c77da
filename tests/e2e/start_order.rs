//! The services started in every order, and before there is a NATS at all.

use crate::harness::event::answered;
use crate::harness::stack::{SERVICES, Stack};
use crate::harness::story::{self, DEV, Uniform};

#[test]
fn services_start_in_any_order() {
    for order in orders(&SERVICES) {
        let mut stack = Stack::bare();
        for (index, service) in order.iter().enumerate() {
            stack.run(service);
            // Alternates: each waits for the one before, or all start at once.
            if index % 2 == 0 {
                stack.wait_until_ready(&[service]);
            }
        }
        stack.wait_until_ready(&SERVICES);
        expect_a_delivery(&stack);
    }
}

#[test]
fn services_wait_for_nats() {
    let mut stack = Stack::bare();
    stack.nats.kill();
    for service in SERVICES {
        stack.run(service);
    }
    stack.nats.restart();
    stack.wait_until_ready(&SERVICES);
    expect_a_delivery(&stack);
}

#[test]
fn a_project_that_was_created_before_a_service_started_is_known_to_it() {
    let mut stack = Stack::start();
    story::create_project(&stack.user, &Uniform::FAST);
    for service in SERVICES {
        stack.kill_and_restart(service);
    }
    stack.wait_until_ready(&SERVICES);
    let mut stream = stack.stream();
    let context = story::deliver(&stack.user, &mut stream, "carts:1.0.0");
    assert_eq!(stream.tasks(&context, "dev"), answered(&DEV), "{}", stream.tail());
}

fn expect_a_delivery(stack: &Stack) {
    story::create_project(&stack.user, &Uniform::FAST);
    let mut stream = stack.stream();
    let context = story::deliver(&stack.user, &mut stream, "carts:1.0.0");
    assert_eq!(stream.tasks(&context, "dev"), answered(&DEV), "{}", stream.tail());
}

/// Returns all orders of the names.
fn orders(names: &[&'static str]) -> Vec<Vec<&'static str>> {
    if names.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for (index, first) in names.iter().enumerate() {
        let mut rest = names.to_vec();
        rest.remove(index);
        all.extend(orders(&rest).into_iter().map(|order| [vec![*first], order].concat()));
    }
    all
}

#[test]
fn four_names_have_twenty_four_orders() {
    assert_eq!(orders(&SERVICES).len(), 24);
}
