//! The story from end to end, as Tim and Sue live it.

use serde_json::Value;

use crate::harness::event::answered;
use crate::harness::stack::Stack;
use crate::harness::story::{self, DEV, Uniform};
use crate::harness::stream::Stream;

const OUT_OF_SYNC: &str = "\
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

const HARDENING_IN_SYNC: &str = "\
> Released services in hardening:
- carts:0.10.17
- carts-db:0.4.1
- catalogue:1.7.0

> Ongoing deployments/tests/evaluations:
- N/A

> Sync status: hardening is IN-SYNC with dev.
Last successfully evaluated configuration:
- carts:0.10.17
- carts-db:0.4.1
- catalogue:1.7.0
";

/// What Tim delivered that is not good enough.
const FAILING: [(&str, &str); 2] =
    [("carts:0.10.16", "p95 is 812 ms"), ("carts:0.10.18", "p95 is 934 ms")];

#[test]
fn sue_syncs_hardening_and_production_follows() {
    let stack = Stack::start();
    let mut stream = stack.stream();
    tell_the_story_so_far(&stack, &mut stream);
    assert_eq!(story::view(&stack.user, "hardening"), OUT_OF_SYNC);

    let context = story::start_sync(&stack.user);
    story::expect_whole_sync(&mut stream, &context);

    assert_eq!(story::view(&stack.user, "hardening"), HARDENING_IN_SYNC);
    let production = HARDENING_IN_SYNC.replace("hardening is", "production is");
    let production = production.replace("with dev", "with hardening");
    let production = production.replace("in hardening", "in production");
    assert_eq!(story::view(&stack.user, "production"), production);
}

#[test]
fn a_sync_takes_artifacts_over_and_leaves_the_values_of_the_stage() {
    let stack = Stack::start();
    let mut stream = stack.stream();
    story::create_project(&stack.user, &Uniform::FAST);
    story::deliver(&stack.user, &mut stream, "carts:1.0.0");
    story::deliver(&stack.user, &mut stream, "carts-db:1.0.0");
    let context = story::start_sync(&stack.user);
    story::expect_whole_sync(&mut stream, &context);

    let values = |stage: &str| {
        let entry = stream.entries().iter().find(|entry| {
            entry.context() == context
                && entry.short() == "deployment.triggered"
                && entry.text("/stage") == stage
        });
        entry.map_or(Value::Null, |entry| entry.event["data"]["services"].clone())
    };
    let hardening = serde_json::json!({
        "carts": {"values": {"image": "carts:1.0.0", "replicaCount": 3}},
        "carts-db": {"values": {"image": "carts-db:1.0.0", "replicaCount": 3}},
    });
    assert_eq!(values("hardening"), hardening);
    let production = serde_json::json!({
        "carts": {"values": {"image": "carts:1.0.0"}},
        "carts-db": {"values": {"image": "carts-db:1.0.0"}},
    });
    assert_eq!(values("production"), production);
}

#[test]
fn a_second_sync_finds_nothing_to_do() {
    let stack = Stack::start();
    let mut stream = stack.stream();
    story::create_project(&stack.user, &Uniform::FAST);
    story::deliver(&stack.user, &mut stream, "carts:1.0.0");
    let first = story::start_sync(&stack.user);
    story::expect_whole_sync(&mut stream, &first);

    let second = story::start_sync(&stack.user);
    let end = stream.wait_for_end(&second, "hardening");
    assert_eq!(end.event["data"]["nothingToDo"], true, "{}", end.event);
    assert_eq!((end.text("/status"), end.text("/result")), ("succeeded", "pass"));
    assert_eq!(stream.tasks(&second, "hardening"), Vec::<String>::new());
}

#[test]
fn the_demo_ends_where_the_story_begins() {
    let stack = Stack::start();
    let said = stack.user.keptn(&["demo"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(story::view(&stack.user, "hardening"), OUT_OF_SYNC);
    let again = stack.user.keptn(&["demo"]);
    assert_eq!(again.code, 0, "{again:?}");
    assert!(again.stderr.contains("sockshop"), "{again:?}");
}

/// Earlier versions reached production; since then dev went on, with two versions that failed.
fn tell_the_story_so_far(stack: &Stack, stream: &mut Stream) {
    let uniform = Uniform { failing: &FAILING, ..Uniform::FAST };
    story::create_project(&stack.user, &uniform);
    for artifact in ["carts:0.10.1", "carts-db:0.4.0", "catalogue:1.7.0"] {
        let context = story::deliver(&stack.user, stream, artifact);
        assert_eq!(stream.tasks(&context, "dev"), answered(&DEV), "{}", stream.tail());
    }
    let context = story::start_sync(&stack.user);
    story::expect_whole_sync(stream, &context);
    for artifact in ["carts:0.10.16", "carts:0.10.17", "carts-db:0.4.1", "carts:0.10.18"] {
        story::deliver(&stack.user, stream, artifact);
    }
}
